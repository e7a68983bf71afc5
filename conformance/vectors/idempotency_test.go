package vectors_test

import (
	"net/http"
	"slices"
	"testing"

	"github.com/leatdev/leat/pipeline"
)

type idempotentIn struct {
	Method  string      `json:"method"`
	Headers http.Header `json:"headers"`
	Marked  bool        `json:"marked"`
}

type idempotentOut struct {
	Idempotent bool `json:"idempotent"`
}

func idempotency() file {
	var cases []sample[idempotentIn, idempotentOut]
	add := func(name, method string, header http.Header, marked, want bool) {
		if header == nil {
			header = http.Header{}
		}
		cases = append(cases, sample[idempotentIn, idempotentOut]{name, idempotentIn{method, header, marked}, &idempotentOut{want}})
	}
	for _, method := range []string{"GET", "HEAD", "OPTIONS", "TRACE", "QUERY", "PUT", "DELETE"} {
		add(method, method, nil, false, true)
	}
	for _, method := range []string{"POST", "PATCH", "CONNECT", "PROPFIND", "get", "BREW"} {
		add(method, method, nil, false, false)
	}
	add("no method is GET", "", nil, false, true)
	for _, method := range []string{"POST", "PATCH", "BREW"} {
		add(method+" with Idempotency-Key", method, http.Header{"Idempotency-Key": {"8e03978e"}}, false, true)
	}
	add("POST with a quoted key", "POST", http.Header{"Idempotency-Key": {`"8e03978e"`}}, false, true)
	add("POST with X-Idempotency-Key", "POST", http.Header{"X-Idempotency-Key": {"8e03978e"}}, false, true)
	add("POST with an empty key", "POST", http.Header{"Idempotency-Key": {""}}, false, false)
	add("POST with another header", "POST", http.Header{"X-Request-Id": {"8e03978e"}}, false, false)
	add("POST that the caller marked", "POST", nil, true, true)
	add("GET with a key", "GET", http.Header{"Idempotency-Key": {"8e03978e"}}, false, true)
	return table[idempotentIn, idempotentOut]{
		file:  "idempotency.json",
		text:  "Whether sending a request twice does no more than sending it once: by its method, by a key, or because the caller marked it.",
		rules: []string{"retry.idempotent", "retry.unsafe_method"},
		run:   runIdempotent,
		check: func(in idempotentIn, out idempotentOut) string {
			plain := !in.Marked && len(in.Headers) == 0
			if plain && out.Idempotent != (in.Method == "" || slices.Contains([]string{"GET", "HEAD", "OPTIONS", "TRACE", "QUERY", "PUT", "DELETE"}, in.Method)) {
				return "RFC 9110 §9.2.2 and the QUERY draft say otherwise"
			}
			return ""
		},
		cases: cases,
	}
}

func runIdempotent(t *testing.T, in idempotentIn) (out idempotentOut) {
	asked := false
	p := openPipeline(t, "", roundTrip(func(req *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: http.StatusNoContent, Body: http.NoBody, Request: req}, nil
	}), func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
		asked, out.Idempotent = true, pipeline.IsIdempotent(req)
		return next.RoundTrip(req)
	})
	ctx := t.Context()
	if in.Marked {
		ctx = pipeline.With(ctx, pipeline.Idempotent())
	}
	send(ctx, t, p, in.Method, in.Headers)
	if !asked {
		t.Errorf("%v was refused at the door", in)
	}
	return out
}
