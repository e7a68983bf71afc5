package cond_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/leatdev/leat/pipeline/cond"
)

func TestRequestOf(t *testing.T) {
	r, err := http.NewRequest("POST", "https://user:pw@api.example.com:8443/a%20b?q=1&q=2&access_token=s3cret&sig=s3cret&bad=%zz#frag", strings.NewReader("xyz"))
	if err != nil {
		t.Fatal(err)
	}
	r.Header = http.Header{"Authorization": {"s3cret"}, "Proxy-Authorization": {"s3cret"}, "Cookie": {"s3cret"}, "X-Api-Key": {"s3cret"},
		"X-Tenant": {"acme"}, "Accept": {"a", "b"}}
	got := cond.RequestOf(r, func(name string) bool { return name == "X-Api-Key" || name == "sig" })
	for _, c := range []struct{ name, got, want string }{
		{"method", got.Method, "POST"},
		{"url", got.URL, "https://api.example.com:8443/a b"},
		{"scheme", got.Scheme, "https"},
		{"host", got.Host, "api.example.com:8443"},
		{"path", got.Path, "/a b"},
		{"header, any case", got.Header("x-tenant"), "acme"},
		{"header, several values", got.Header("Accept"), "a, b"},
		{"header Host", got.Header("host"), "api.example.com:8443"},
		{"header Authorization", got.Header("authorization"), ""},
		{"header Proxy-Authorization", got.Header("Proxy-Authorization"), ""},
		{"header Cookie", got.Header("cookie"), ""},
		{"header hidden by the host", got.Header("x-api-key"), ""},
		{"query, first value", got.Query("q"), "1"},
		{"query, credential", got.Query("access_token"), ""},
		{"query hidden by the host", got.Query("sig"), ""},
		{"query, malformed", got.Query("bad"), ""},
		{"query, missing", got.Query("nope"), ""},
	} {
		if c.got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, c.got, c.want)
		}
	}
	if got.ContentLength != 3 {
		t.Errorf("content length: got %d, want 3", got.ContentLength)
	}
	if got := cond.RequestOf(nil, nil); got.Method != "" {
		t.Errorf("got %v", got)
	}
	if got := cond.RequestOf(&http.Request{}, nil); got.Method != "GET" || got.Header("A") != "" {
		t.Errorf("got %v", got)
	}
}

func TestResponseOf(t *testing.T) {
	got := cond.ResponseOf(&http.Response{StatusCode: 200, ContentLength: 7, Header: http.Header{
		"Content-Type": {"Application/JSON; charset=utf-8"}, "Set-Cookie": {"s3cret"}, "Retry-After": {"1"}}})
	if got.Status != 200 || got.ContentLength != 7 || got.ContentType != "application/json" || got.Header("retry-after") != "1" || got.Header("set-cookie") != "" {
		t.Errorf("got %+v", got)
	}
	if got := cond.ResponseOf(nil); got.Status != 0 || got.Header != nil {
		t.Errorf("got %+v", got)
	}
}
