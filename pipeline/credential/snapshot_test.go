package credential

import (
	"net/http"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/leatdev/leat/pipeline/redact"
)

func TestSnapshotAttach(t *testing.T) {
	for name, test := range map[string]struct {
		place         Placement
		url, wantURL  string
		header, value string
	}{
		"bearer":            {place: Placement{Header: "Authorization", Prefix: "Bearer "}, header: "Authorization", value: "Bearer t k"},
		"bare_header":       {place: Placement{Header: "X-Api-Key"}, header: "X-Api-Key", value: "t k"},
		"query":             {place: Placement{Query: "key"}, wantURL: "?key=t+k"},
		"query_is_appended": {place: Placement{Query: "key"}, url: "?a=%7e&&b", wantURL: "?a=%7e&&b&key=t+k"},
		"query_is_replaced": {place: Placement{Query: "key"}, url: "?key=old&a=1&%6bey", wantURL: "?a=1&key=t+k"},
	} {
		t.Run(name, func(t *testing.T) {
			n := newSnapshot(1, Token{Access: redact.NewSecret("t k")}, test.place, time.Now(), 0)
			req, err := http.NewRequest("GET", "https://api.example/x"+test.url, nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Authorization", "theirs")
			before := req.URL
			n.Attach(req)
			n.Attach(req)
			if test.header != "" {
				if got := req.Header.Get(test.header); got != test.value {
					t.Errorf("header: got %q, want %q", got, test.value)
				}
				return
			}
			if got := req.URL.String(); got != "https://api.example/x"+test.wantURL {
				t.Errorf("URL: got %s, want …%s", got, test.wantURL)
			}
			if before.String() != "https://api.example/x"+test.url {
				t.Error("the caller's URL was changed")
			}
		})
	}
}

func TestSnapshotMoments(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		life := time.Duration(rapid.Int64Range(1, int64(30*24*time.Hour)).Draw(t, "life"))
		early := rapid.Float64Range(0, 1).Draw(t, "early")
		sent := time.Now()
		n := newSnapshot(1, Token{Lifetime: life}, Placement{Query: "k"}, sent, early)
		advisory, mandatory := n.expires.Sub(n.advisory), n.expires.Sub(n.mandatory)
		if n.expires.Sub(sent) != life || advisory > 5*time.Minute || advisory > life/5 || mandatory > time.Minute || mandatory > life/10 {
			t.Fatalf("life %s: advisory %s, mandatory %s before the end", life, advisory, mandatory)
		}
		if n.advisory.After(n.mandatory) {
			t.Fatalf("life %s: advisory %s after mandatory %s", life, advisory, mandatory)
		}
		if n.advisory.Sub(sent) < life/2 {
			t.Fatalf("life %s: renewed after %s, more than once per half lifetime", life, n.advisory.Sub(sent))
		}
	})
}
