package cond_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leatdev/leat/pipeline/cond"
)

// TestReads: who evaluates a condition elsewhere is told all that it looks at, and no more.
func TestReads(t *testing.T) {
	list := func(names ...string) []string { return names }
	for text, want := range map[string]cond.Reads{
		`request.method == "GET" and request.path == "/" and call.attempt < 2`: {},
		`request.header("x-tenant") == request.header("X-A")`:                  {RequestHeaders: list("X-A", "X-Tenant")},
		`request.header("host") == "a"`:                                        {},
		`request.header(call.subject) != ""`:                                   {RequestHeaders: list("*"), Subject: true},
		`request.query("q") == "" ? true : call.label("plan") == "free"`:       {Query: true, Labels: true},
		`call.idempotent or call.operation startsWith "read"`:                  {RequestHeaders: list("Idempotency-Key", "X-Idempotency-Key"), Operation: true},
		`response.status == 429 or response.header("retry-after") != ""`:       {ResponseHeaders: list("Retry-After")},
		`response.content_type matches "json$"`:                                {ResponseHeaders: list("Content-Type")},
		`response?.content_type in ["a", "b"]`:                                 {ResponseHeaders: list("Content-Type")},
		`response["content_type"] == "a/b"`:                                    {ResponseHeaders: list("Content-Type")},
		`error.kind == "timeout" and error.stage != "send"`:                    {},
		`error.kind == "timeout" and error.message != ""`:                      {Message: true},
	} {
		t.Run(text, func(t *testing.T) {
			c, err := cond.ParseBool[cond.OutcomeEnv](text)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, c.Reads()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
	if diff := cmp.Diff(cond.Reads{}, (cond.When{}).Reads()); diff != "" {
		t.Errorf("of nothing: -want +got:\n%s", diff)
	}
}
