package stages_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/credential"
	"github.com/leatdev/leat/pipeline/redact"
	"github.com/leatdev/leat/stages"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestAll_lists_each_type_once(t *testing.T) {
	r, err := pipeline.NewRegistry(stages.All()...)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"auth", "error-map", "headers", "idempotency-key", "log", "refresh", "retry", "validate"}
	if diff := cmp.Diff(want, r.StageTypes()); diff != "" {
		t.Errorf("types (-want +got):\n%s", diff)
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// counter gives a token that differs each time.
type counter struct{ n *int }

func (c counter) Obtain(context.Context) (credential.Token, error) {
	*c.n++
	return credential.Token{Access: redact.NewSecret(fmt.Sprintf("canary-%d", *c.n))}, nil
}

func (c counter) Refresh(ctx context.Context, _ credential.Token) (credential.Token, error) {
	return c.Obtain(ctx)
}

const file = `version = 1
[credentials.demo]
type = "counter"
origins = ["https://api.example.com"]
[stages.retry]
max_attempts = 4
[pipelines.p]
base_url = "https://api.example.com"
credential = "demo"
stages = [%s]
`

// TestAll_sends_at_most_max_attempts_and_one_replay holds whatever the server answers and however the stages are ordered.
func TestAll_sends_at_most_max_attempts_and_one_replay(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		order := rapid.Permutation([]string{`"auth"`, `"refresh"`, `"retry"`, `"log"`, `"error-map"`}).Draw(r, "order")
		answers := rapid.SliceOfN(rapid.SampledFrom([]int{200, 401, 429, 500, 503}), 6, 6).Draw(r, "answers")
		method := rapid.SampledFrom([]string{"GET", "POST"}).Draw(r, "method")
		synctest.Test(t, func(t *testing.T) {
			var tokens int
			var seen []string
			rt := roundTripper(func(req *http.Request) (*http.Response, error) {
				body, _ := io.ReadAll(req.Body)
				_ = req.Body.Close()
				seen = append(seen, string(body))
				status := answers[min(len(seen), len(answers))-1]
				return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("{}")), ContentLength: 2, Request: req}, nil
			})
			fake := credential.Define("counter", struct{}{}, func(struct{}, credential.Settings) (credential.Source, credential.Placement, error) {
				return counter{&tokens}, credential.Placement{Header: "Authorization", Prefix: "Bearer "}, nil
			})
			run, err := pipeline.OpenBytes(t.Context(), "test.toml", []byte(fmt.Sprintf(file, strings.Join(order, ", "))), pipeline.WithEnviron(nil),
				pipeline.WithLogger(slog.New(slog.DiscardHandler)), pipeline.WithCredentials(fake), pipeline.WithStages(stages.All()...),
				pipeline.WithTransport("default", rt))
			if err != nil {
				t.Fatal(err)
			}
			defer run.Close()
			p, err := run.Pipeline("p")
			if err != nil {
				t.Fatal(err)
			}
			req, err := p.NewRequest(t.Context(), method, "/posts", strings.NewReader("x"))
			if err != nil {
				t.Fatal(err)
			}
			resp, err := p.RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			refused := 0
			for i, body := range seen {
				if body != "x" {
					t.Errorf("I5: send %d had body %q", i+1, body)
				}
				if answers[min(i, len(answers)-1)] == 401 {
					refused++
				}
			}
			if len(seen) > 5 {
				t.Errorf("I3: %d sends", len(seen))
			}
			if tokens > 1+refused {
				t.Errorf("I2: %d token requests for %d refusals", tokens, refused)
			}
		})
		if t.Failed() {
			r.FailNow()
		}
	})
}
