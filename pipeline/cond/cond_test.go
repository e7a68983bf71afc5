package cond_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leatdev/leat/pipeline/cond"
)

func exampleEnv() cond.BodyEnv {
	lookup := func(m map[string]string) func(string) string {
		return func(name string) string { return m[strings.ToLower(name)] }
	}
	return cond.BodyEnv{
		Request: cond.Request{
			Method: "POST", URL: "https://api.example.com/v1/posts", Scheme: "https", Host: "api.example.com", Path: "/v1/posts",
			ContentLength: 12,
			Header:        lookup(map[string]string{"x-tenant": "acme"}),
			Query:         lookup(map[string]string{"q": "zürich"}),
		},
		Call: cond.Call{Pipeline: "demo", Subject: "ada", Operation: "posts.create", Attempt: 2, Sends: 2, Elapsed: 6 * time.Second,
			Label: lookup(map[string]string{"region": "eu"})},
		Response: cond.Response{Status: 503, ContentType: "application/json", ContentLength: -1, Header: lookup(map[string]string{"retry-after": "1"})},
		Error:    cond.Failure{Kind: "server", Class: "unknown", Message: "busy", Stage: "send"},
		Body: map[string]any{"ok": false, "count": 3.0, "items": []any{map[string]any{"id": "a"}}, "nothing": nil,
			"long": strings.Repeat("a", 20<<10)},
	}
}

func TestBool(t *testing.T) {
	tests := []struct {
		text string
		want bool
	}{
		{`true`, true},
		{`request.method != "GET"`, true},
		{`request["method"] == "POST"`, true},
		{`request.method in ["GET", "HEAD"]`, false},
		{`request.header("X-Tenant") == "acme" and request.header("x-tenant") == "acme"`, true},
		{`request.header("X-Missing") == ""`, true},
		{`request.query("q") == "zürich"`, true},
		{`request.path startsWith "/v1/" && request.path matches "^/v1/[a-z]+$"`, true},
		{`request.path not matches "^/v2/"`, true},
		{`split(request.path, "/")[1] == "v1"`, true},
		{`request.host | upper() == "API.EXAMPLE.COM"`, true},
		{`request.content_length > 10`, true},
		{`call.elapsed > duration("5s")`, true},
		{`call.elapsed.Seconds() >= 6.0`, true},
		{`call.attempt < 2 or call.label("region") == "eu"`, true},
		{`not call.idempotent`, true},
		{`response.status in [502, 503]`, true},
		{`response.status in 500..599`, true},
		{`response.status in 400..499`, false},
		{`response.header("Retry-After") != "" && int(response.header("Retry-After")) <= 5`, true},
		{`response.content_type == "application/json"`, true},
		{`error.kind == "server" and error.class != "processed"`, true},
		{`body.ok`, false},
		{`body.count > 2 and len(body.items) == 1 and body.items[0].id == "a"`, true},
		{`"count" in body and body["count"] == 3`, true},
		{`(body.nothing?.deeper ?? "none") == "none"`, true},
		{`(body.missing?.id ?? "x") == "x"`, true},
		{`type(body.count) == "float"`, true},
		{`request.method == "GET" ? false : true`, true},
		{"request.method == \"POST\" and // why\n  request.scheme == \"https\"", true},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			c, err := cond.ParseBool[cond.BodyEnv](tt.text)
			if err != nil {
				t.Fatal(err)
			}
			got, err := c.Eval(exampleEnv())
			if err != nil {
				t.Fatal(err)
			}
			if got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestText(t *testing.T) {
	tests := []struct{ text, want string }{
		{`"constant"`, "constant"},
		{`request.header("X-Tenant")`, "acme"},
		{`request.header("X-Tenant") + "/" + call.subject`, "acme/ada"},
		{`string(call.attempt)`, "2"},
		{`call.subject == "" ? "anonymous" : lower(call.subject)`, "ada"},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			c, err := cond.ParseText[cond.RequestEnv](tt.text)
			if err != nil {
				t.Fatal(err)
			}
			env := exampleEnv()
			got, err := c.Eval(cond.RequestEnv{Request: env.Request, Call: env.Call})
			if err != nil {
				t.Fatal(err)
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
	_, err := cond.ParseText[cond.RequestEnv](`call.attempt`)
	if got, want := fmt.Sprint(err), "the expression gives a number, not text"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestEvalErrors: what fails while it runs says where and why, and nothing of the data.
func TestEvalErrors(t *testing.T) {
	tests := []struct{ text, want string }{
		{`body.missing.id == "x"`, `13+2 the expression failed: it names a part of something that is not there`},
		{`body.items[5].id == "x"`, `10+1 the expression failed: the position is out of range`},
		{`body.nothing > 2`, `13+1 the expression failed: a value is not of the type that it is used as`},
		{`body.count`, `0+10 the expression gave a number, not true or false`},
		{`body.items`, `0+10 the expression gave a list, not true or false`},
		{`body.nothing`, `0+12 the expression gave null, not true or false`},
		{`int(request.header("X-Tenant")) > 1`, `0+3 the expression failed: the text is no number`},
		{`duration(request.query("q")) > call.elapsed`, `0+8 the expression failed: the text is no duration`},
		{`body.long matches "a+"`, `5+4 the expression failed: matches looks at no more than 16 KiB of text`},
		{`body.items matches "a+"`, `11+7 the expression failed: a value is not of the type that it is used as`},
		{`lower(body.items) == ""`, `0+5 the expression failed: a value is not of the type that it is used as`},
		{`call.attempt % (call.attempt - 2) == 0`, `13+1 the expression failed: division by zero`},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			c, err := cond.ParseBool[cond.BodyEnv](tt.text)
			if err != nil {
				t.Fatal(err)
			}
			_, err = c.Eval(exampleEnv())
			if got := describe(t, err); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestEvalSurvives(t *testing.T) {
	t.Run("an empty environment", func(t *testing.T) {
		for _, text := range []string{
			`request.header("A") == "" and request.query("b") == "" and call.label("c") == ""`,
			`response.header("A") == "" and response.status == 0 and error.kind == "" and body == nil`,
		} {
			c, err := cond.ParseBool[cond.BodyEnv](text)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := c.Eval(cond.BodyEnv{}); !got || err != nil {
				t.Errorf("%s: got %v, %v", text, got, err)
			}
		}
	})
	t.Run("a host's function that panics", func(t *testing.T) {
		c, err := cond.ParseBool[cond.RequestEnv](`request.header("A") == ""`)
		if err != nil {
			t.Fatal(err)
		}
		env := cond.RequestEnv{Request: cond.Request{Header: func(string) string { panic("canary") }}}
		if _, err := c.Eval(env); err == nil || strings.Contains(err.Error(), "canary") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("the zero condition", func(t *testing.T) {
		var c cond.When
		if !c.IsZero() || c.String() != "" {
			t.Errorf("got %v, %q", c.IsZero(), c)
		}
		if _, err := c.Eval(cond.RequestEnv{}); err == nil {
			t.Error("got no error")
		}
	})
}

func TestTextForms(t *testing.T) {
	const text = `request.method == "GET"`
	var got struct{ When cond.When }
	if err := json.Unmarshal([]byte(`{"When": "request.method == \"GET\""}`), &got); err != nil {
		t.Fatal(err)
	}
	if got.When.String() != text || got.When.IsZero() {
		t.Errorf("got %q", got.When)
	}
	if b, err := got.When.MarshalText(); string(b) != text || err != nil {
		t.Errorf("got %q, %v", b, err)
	}
	again, err := cond.ParseBool[cond.RequestEnv](text)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(again, got.When); d != "" {
		t.Error(d)
	}
	if err := got.When.UnmarshalText([]byte("request.")); err == nil || got.When.String() != text {
		t.Errorf("got %v, %q", err, got.When)
	}
}

func describe(t *testing.T, err error) string {
	t.Helper()
	var e *cond.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %T %v, want *cond.Error", err, err)
	}
	return fmt.Sprintf("%d+%d %s", e.Offset(), e.Length(), e)
}

func ExampleBool() {
	var when cond.When
	err := when.UnmarshalText([]byte(`request.methd != "GET"`))
	if e, ok := errors.AsType[*cond.Error](err); ok {
		fmt.Printf("column %d: %v\n", e.Offset()+1, e)
	}
	_ = when.UnmarshalText([]byte(`request.method != "GET"`))
	ok, err := when.Eval(cond.RequestEnv{Request: cond.Request{Method: "POST"}})
	fmt.Println(ok, err)
	// Output:
	// column 9: unknown name request.methd; did you mean method?
	// true <nil>
}

func BenchmarkEval(b *testing.B) {
	for _, text := range []string{`request.method != "GET"`, `request.header("X-Tenant") == "acme"`, `request.path matches "^/v1/"`} {
		b.Run(text, func(b *testing.B) {
			c, err := cond.ParseBool[cond.RequestEnv](text)
			if err != nil {
				b.Fatal(err)
			}
			env := exampleEnv()
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.Eval(cond.RequestEnv{Request: env.Request, Call: env.Call}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := cond.ParseBool[cond.OutcomeEnv](`response.status in [502, 503] and request.method != "POST"`); err != nil {
			b.Fatal(err)
		}
	}
}
