package redact_test

import (
	"fmt"
	"net/url"
	"sync"
	"testing"

	"github.com/leatdev/leat/pipeline/redact"
)

func TestLearn(t *testing.T) {
	r := redact.New(redact.Rules{Query: []string{"q"}, Headers: []string{"X-Echo"}})
	const secret = "p/ss\"w rd+1<"
	r.Learn(redact.NewSecret(secret))
	r.Learn(redact.NewSecret(secret))
	r.Learn(redact.NewSecret("short"))
	tests := []struct{ name, got, want string }{
		{"text", r.Text("x " + secret + " y"), "x *** y"},
		{"query-escaped", r.Text("x=" + url.QueryEscape(secret)), "x=***"},
		{"path-escaped", r.Text("/" + url.PathEscape(secret) + "/"), "/***/"},
		{"lower-case escapes", r.Text("x=p%2fss%22w+rd%2b1%3c"), "x=***"},
		{"base64", r.Text("b cC9zcyJ3IHJkKzE8"), "b ***"},
		{"cut off", r.Text("x p/ss\"w"), "x ***"},
		{"short values are not learnt", r.Text("short"), "short"},
		{"header", r.Header("X-Echo", secret), "***"},
		{"path of a URL", r.URL(&url.URL{Scheme: "https", Host: "h", Path: "/a/" + secret}, false), "https://h/a/***"},
		{"query of a URL", r.URL(&url.URL{Scheme: "https", Host: "h", RawQuery: "q=" + url.QueryEscape(secret)}, true), "https://h?q=***"},
	}
	for _, tt := range tests {
		if tt.got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, tt.got, tt.want)
		}
	}
	if got, _ := r.Body("application/json", []byte(`{"a":["p/ss\"w rd+1\u003c"],"p/ss\"w rd+1<":1}`), 100); got != `{"a":["***"],"***":1}` {
		t.Errorf("body: got %s", got)
	}
}

func TestLearnOverlapsAndForgets(t *testing.T) {
	r := redact.New(redact.Rules{})
	for _, s := range []string{"abcdefgh", "abcdefghijkl", "ghijklmnop"} {
		r.Learn(redact.NewSecret(s))
	}
	if got := r.Text("-abcdefghijklmnop-abcdefgh-"); got != "-***-***-" {
		t.Errorf("got %q", got)
	}
	for i := range 9000 {
		r.Learn(redact.NewSecret(fmt.Sprintf("value-%06d-value", i)))
	}
	if got := r.Text("abcdefgh value-000001-value value-008999-value"); got != "abcdefgh value-000001-value ***" {
		t.Errorf("got %q", got)
	}
}

func TestLearnWhileReading(t *testing.T) {
	r := redact.New(redact.Rules{})
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range 3000 {
				r.Learn(redact.NewSecret(fmt.Sprintf("secret-%d-%d", g, i)))
				if got := r.Text(fmt.Sprintf("x secret-%d-%d", g, i)); got != "x ***" {
					t.Errorf("got %q", got)
					return
				}
			}
		})
	}
	wg.Wait()
}
