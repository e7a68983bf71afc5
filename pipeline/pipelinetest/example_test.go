package pipelinetest_test

import (
	"errors"
	"fmt"
	"net/http"
	"testing"

	"go.uber.org/goleak"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/pipelinetest"
	"github.com/leatdev/leat/stages"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const file = `
version = 1

[credentials.orders]
type          = "oauth2"
origins       = ["https://api.example.com"]
token_url     = "https://login.example.com/token"
client_id     = "shop"
client_secret = { env = "SHOP_SECRET" }

[pipelines.orders]
base_url   = "https://api.example.com/v1"
credential = "orders"
stages     = ["auth", "refresh", "retry", "error-map", "validate"]
`

// server answers for both hosts of the file.
func server() http.Handler {
	mux := http.NewServeMux()
	grants := 0
	mux.HandleFunc("POST login.example.com/token", func(w http.ResponseWriter, r *http.Request) {
		if _, secret, _ := r.BasicAuth(); secret != "fake-SHOP_SECRET" {
			http.Error(w, `{"error":"invalid_client"}`, http.StatusUnauthorized)
			return
		}
		grants++
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"access_token":"token-%d","token_type":"Bearer","expires_in":3600}`, grants)
	})
	mux.HandleFunc("GET api.example.com/v1/orders/{id}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"id":%q}`, r.PathValue("id"))
	})
	return mux
}

type order struct {
	ID string `json:"id"`
}

func TestOrders(t *testing.T) {
	env := pipelinetest.OpenText(t, file, server(), pipeline.WithStages(stages.All()...)) // Open takes the path of a file
	orders := env.Pipeline("orders")

	if got, err := pipeline.Get[order](t.Context(), orders, "/orders/17"); err != nil || got.ID != "17" {
		t.Fatalf("got %+v, %v", got, err)
	}
	env.ExpireTokens() // the token that was sent is refused from here on
	if _, err := pipeline.Get[order](t.Context(), orders, "/orders/18"); err != nil {
		t.Errorf("after the token's end: %v", err)
	}
	if _, err := pipeline.Get[order](t.Context(), orders, "/nowhere"); !errors.Is(err, pipeline.KindNotFound) {
		t.Errorf("got %v, want kind not_found", err)
	}

	var urls []string
	for _, s := range env.Sends() {
		urls = append(urls, fmt.Sprint(s.Method, " ", s.URL, " ", s.Status))
	}
	want := []string{
		"POST https://login.example.com/token 200",
		"GET https://api.example.com/v1/orders/17 200",
		"GET https://api.example.com/v1/orders/18 401",
		"POST https://login.example.com/token 200",
		"GET https://api.example.com/v1/orders/18 200",
		"GET https://api.example.com/v1/nowhere 404",
	}
	if fmt.Sprint(urls) != fmt.Sprint(want) {
		t.Errorf("sends:\ngot  %q\nwant %q", urls, want)
	}
}
