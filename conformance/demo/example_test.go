package demo_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/leatdev/leat/conformance/demo"
)

// A client without any stages meets the API: it logs in by hand, and is turned away once before it is served.
func Example() {
	api := demo.New(demo.Options{Seed: 1})
	server := httptest.NewServer(api)
	defer server.Close()

	resp, err := http.Post(server.URL+"/login", "application/json", strings.NewReader(`{"user":"ada","password":"lovelace"}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	var login struct {
		AccessToken string `json:"access_token"`
	}
	err = json.NewDecoder(resp.Body).Decode(&login)
	resp.Body.Close()
	if err != nil {
		fmt.Println(err)
		return
	}

	for range 2 {
		req, _ := http.NewRequest("GET", server.URL+"/flaky", http.NoBody)
		req.Header.Set("Authorization", "Bearer "+login.AccessToken)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			fmt.Println(err)
			return
		}
		resp.Body.Close()
		fmt.Printf("%d %q\n", resp.StatusCode, resp.Header.Get("Retry-After"))
	}
	s := api.Stats()
	fmt.Println("logins:", s.Logins, "early retries:", s.EarlyRetries)
	// Output:
	// 503 "1"
	// 200 ""
	// logins: 1 early retries: 1
}
