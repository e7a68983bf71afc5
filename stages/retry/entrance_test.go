package retry

import (
	"context"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// entrance is what a request looks like where it enters an attempt.
type entrance struct {
	Method, URL, Host, Body string
	Header                  http.Header
	Length                  int64
	Close                   bool
	Trailer                 http.Header
	Marked                  any
}

type markKey struct{}

// TestEntrance is I5: what enters attempt k equals what entered attempt 1, whatever inner stages do to their request.
func TestEntrance(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		changes := rapid.SliceOfN(rapid.IntRange(0, len(mutations)-1), 0, 6).Draw(rt, "changes")
		withBody, withGetBody := rapid.Bool().Draw(rt, "with a body"), rapid.Bool().Draw(rt, "getbody")
		text := rapid.StringN(0, 50, 100).Draw(rt, "body")
		var seen []entrance
		up := script(t, 503)
		p := openWith(t, `base = "1ns"`+"\nmax_attempts = 4\njitter = \"none\"\nmax_delay = \"1ns\"", "", up, inner(func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			e := entrance{
				Method: req.Method, URL: req.URL.String(), Host: req.Host, Header: req.Header.Clone(), Length: req.ContentLength, Close: req.Close,
				Trailer: req.Trailer.Clone(), Marked: req.Context().Value(markKey{}),
			}
			if req.Body != nil {
				all, err := io.ReadAll(req.Body)
				if err != nil {
					return nil, err
				}
				e.Body = string(all)
			}
			seen = append(seen, e)
			for _, c := range changes {
				mutations[c](req)
			}
			return next.RoundTrip(req)
		}), outer(pass1))
		req := request(t.Context(), t, "PUT", callers(text))
		req.ContentLength = int64(len(text))
		switch {
		case !withBody:
			req.Body, req.ContentLength = nil, 0
		case withGetBody:
			req.GetBody = func() (io.ReadCloser, error) { return callers(text), nil }
		}
		req.Header = http.Header{"A": {"1"}, "B": {"2", "3"}, "Empty": {""}, "Nil": nil}
		req.Trailer = http.Header{"T": nil}
		if _, _, err := run(t, p, req); err != nil {
			rt.Fatal(err)
		}
		if len(seen) != 4 && (text != "" || !withBody) || len(seen) == 0 {
			rt.Fatalf("%d attempts", len(seen))
		}
		for i, e := range seen[1:] {
			if diff := cmp.Diff(seen[0], e); diff != "" {
				rt.Errorf("attempt %d differs from attempt 1: %s", i+2, diff)
			}
		}
	})
}

var mutations = []func(*http.Request){
	func(r *http.Request) { r.Header.Set("A", "changed") },
	func(r *http.Request) { r.Header.Add("B", "4") },
	func(r *http.Request) {
		for _, values := range r.Header {
			for i := range values {
				values[i] = "in place"
			}
		}
	},
	func(r *http.Request) { r.Header.Del("A") },
	func(r *http.Request) { r.Header = http.Header{"New": {"1"}} },
	func(r *http.Request) { maps.DeleteFunc(r.Header, func(string, []string) bool { return true }) },
	func(r *http.Request) { r.Method = "DELETE" },
	func(r *http.Request) { r.Host = "other.test" },
	func(r *http.Request) { r.URL.Path = "/changed" },
	func(r *http.Request) { r.URL.RawQuery = "changed=1" },
	func(r *http.Request) { r.URL = &url.URL{Scheme: "https", Host: "other.test"} },
	func(r *http.Request) { r.URL.User = url.UserPassword("u", "p") },
	func(r *http.Request) {
		r.Body, r.GetBody, r.ContentLength = io.NopCloser(strings.NewReader("changed")), nil, 7
	},
	func(r *http.Request) { r.ContentLength = 99 },
	func(r *http.Request) { r.Close = true },
	func(r *http.Request) { r.TransferEncoding = []string{"chunked"} },
	func(r *http.Request) { r.Trailer = http.Header{"Other": nil} },
	func(r *http.Request) { *r = *r.WithContext(context.WithValue(r.Context(), markKey{}, "changed")) },
}
