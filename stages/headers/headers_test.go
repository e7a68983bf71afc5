package headers_test

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/cond"
	"github.com/leatdev/leat/pipeline/config"
	"github.com/leatdev/leat/stages/headers"
)

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

const pipe = `version = 1
[pipelines.p]
base_url = "https://api.example.com"
stages = ["headers"]
`

// again sends a request twice, as retry would.
func again() pipeline.Factory {
	return pipeline.Define("retry", struct{}{}, func(struct{}, pipeline.Settings) (pipeline.StageFunc, error) {
		return func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			replay := pipeline.Replay(req)
			first, err := replay.Next()
			if err != nil {
				return nil, err
			}
			resp, err := next.RoundTrip(first)
			if err != nil {
				return nil, err
			}
			pipeline.Drop(resp)
			second, err := replay.Next()
			if err != nil {
				return nil, err
			}
			return next.RoundTrip(second)
		}, nil
	})
}

// send makes one call and returns the headers of each send.
func send(t *testing.T, src string, in http.Header, opts ...pipeline.CallOption) ([]http.Header, error) {
	t.Helper()
	var seen []http.Header
	rt := roundTripper(func(req *http.Request) (*http.Response, error) {
		seen = append(seen, req.Header)
		return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("")), Request: req}, nil
	})
	r, err := pipeline.OpenBytes(t.Context(), "test.toml", []byte(src), pipeline.WithEnviron(nil), pipeline.WithLogger(slog.New(slog.DiscardHandler)),
		pipeline.WithStages(headers.Factory(), again()), pipeline.WithTransport("default", rt))
	if err != nil {
		t.Fatalf("open:\n%v", err)
	}
	defer r.Close()
	p, err := r.Pipeline("p")
	if err != nil {
		t.Fatal(err)
	}
	req, err := p.NewRequest(pipeline.With(t.Context(), opts...), "GET", "/posts", nil)
	if err != nil {
		t.Fatal(err)
	}
	maps.Copy(req.Header, in)
	resp, err := p.RoundTrip(req)
	if err == nil {
		_ = resp.Body.Close()
	}
	return seen, err
}

func TestHeaders(t *testing.T) {
	tests := []struct {
		name, table string
		in, want    http.Header
	}{
		{"nothing_by_default", "", http.Header{"X-A": {"1"}}, http.Header{"X-A": {"1"}}},
		{"set_replaces_all_values", `set = { x-a = "2", "X-B" = "3" }`, http.Header{"X-A": {"1", "1"}}, http.Header{"X-A": {"2"}, "X-B": {"3"}}},
		{"add_keeps_those_that_are_there", `add = { X-A = "2", X-B = "3" }`, http.Header{"X-A": {"1"}}, http.Header{"X-A": {"1", "2"}, "X-B": {"3"}}},
		{"remove_takes_out", `remove = ["x-a"]`, http.Header{"X-A": {"1"}, "X-B": {"2"}}, http.Header{"X-B": {"2"}}},
		{"remove_comes_before_add", "remove = [\"X-A\"]\nadd = { X-A = \"2\" }", http.Header{"X-A": {"1"}}, http.Header{"X-A": {"2"}}},
		{"expressions_see_request_and_call", `set = { X-A = { expr = 'call.operation + " " + request.method' } }`, nil, http.Header{"X-A": {"list GET"}}},
		{"expressions_see_the_request_as_it_came", `set = { X-A = "new", X-B = { expr = 'request.header("X-A")' } }`, http.Header{"X-A": {"old"}}, http.Header{"X-A": {"new"}, "X-B": {"old"}}},
		{"an_empty_result_leaves_the_header_out", `set = { X-A = { expr = 'call.subject' } }`, http.Header{"X-A": {"1"}}, http.Header{}},
		{"an_empty_result_adds_nothing", `add = { X-A = { expr = 'call.subject' } }`, http.Header{"X-A": {"1"}}, http.Header{"X-A": {"1"}}},
		{"user_agent_is_not_sent_at_all", `remove = ["User-Agent"]`, http.Header{"User-Agent": {"sdk"}}, http.Header{"User-Agent": nil}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := send(t, pipe+"[stages.headers]\n"+tt.table, tt.in, pipeline.Operation("list"))
			if err != nil {
				t.Fatal(err)
			}
			for _, h := range got {
				for name, values := range h {
					if len(values) == 0 {
						h[name] = nil
					}
				}
			}
			if diff := cmp.Diff([]http.Header{tt.want}, got); diff != "" {
				t.Errorf("sends (-want +got):\n%s", diff)
			}
		})
	}
}

func TestHeaders_uuid(t *testing.T) {
	table := "[stages.headers]\nset = { X-Request-ID = { uuid = true } }"
	form := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	for _, tt := range []struct {
		stages string
		same   bool
	}{{`"headers", "retry"`, true}, {`"retry", "headers"`, false}} {
		sends, err := send(t, strings.Replace(pipe, `"headers"`, tt.stages, 1)+table, nil)
		if err != nil || len(sends) != 2 {
			t.Fatalf("got %d sends, %v", len(sends), err)
		}
		a, b := sends[0].Get("X-Request-ID"), sends[1].Get("X-Request-ID")
		if !form.MatchString(a) || !form.MatchString(b) || (a == b) != tt.same {
			t.Errorf("%s: got %s and %s, want the same: %v", tt.stages, a, b, tt.same)
		}
	}
}

func TestHeaders_expression_that_gives_no_header_is_policy(t *testing.T) {
	for _, expr := range []string{`"a\r\nX-Evil: 1" + call.subject`, `string(int(call.subject))`} {
		sends, err := send(t, pipe+fmt.Sprintf("[stages.headers]\nset = { X-A = { expr = '%s' } }", expr), nil)
		e, ok := errors.AsType[*pipeline.Error](err)
		if !ok || e.Kind != pipeline.KindPolicy || e.Stage != "headers" || !strings.HasPrefix(e.Message, "set X-A: ") || strings.Contains(e.Message, "Evil") {
			t.Errorf("%s: got %v", expr, err)
		}
		if len(sends) != 0 {
			t.Errorf("%s: the request was sent", expr)
		}
	}
}

func TestHeaders_mistakes_have_places(t *testing.T) {
	tests := []struct{ name, line, at, message string }{
		{"host", `set = { Host = "a" }`, `"a"`, "Host follows from the URL: it can't be set"},
		{"length", `add = { content-length = "1" }`, `"1"`, "Content-Length follows from the body: it can't be set"},
		{"connection", `remove = ["X-A", "Connection"]`, `"Connection"`, "Connection belongs to the connection, not to the request: it can't be removed"},
		{"proxy", `set = { Proxy-Authorization = "x" }`, `"x"`, "Proxy-Authorization is between the transport and its proxy: it can't be set"},
		{"credential", `set = { authorization = "Bearer x" }`, `"Bearer x"`, "Authorization carries a credential, which would go to every origin"},
		{"credential_by_expression", `set = { X-Api-Key = { expr = 'call.subject' } }`, `{ expr = 'call.subject' }`, "X-Api-Key carries a credential, which would go to every origin"},
		{"line_break", `set = { X-A = "a\nb" }`, `"a\nb"`, "the value of X-A holds a line break or another control character"},
		{"empty", `set = { X-A = "" }`, `""`, "X-A has an empty value"},
		{"space", `set = { X-A = " a" }`, `" a"`, "the value of X-A begins or ends with a space"},
		{"name", `set = { "X A" = "a" }`, `"a"`, `"X A" is no header name`},
		{"removed_name", `remove = ["X:A"]`, `"X:A"`, `"X:A" is no header name`},
		{"twice", `set = { X-A = "1", x-a = "2" }`, `"2"`, "X-A and x-a are the same header"},
		{"set_and_removed", "set = { X-A = \"1\" }\nremove = [\"x-a\"]", `"x-a"`, "X-A is both set and removed"},
		{"constant_key", `set = { Idempotency-Key = "1" }`, `"1"`, "Idempotency-Key would be the same for every call, and the server would answer each with the first one's result"},
		{"number", `set = { X-A = 5 }`, `5`, "a header's value is a string or a table"},
		{"unknown_key", `set = { X-A = { text = "x" } }`, `{ text = "x" }`, `unknown key "text"`},
		{"two_keys", `set = { X-A = { expr = 'call.subject', uuid = true } }`, `{ expr = 'call.subject', uuid = true }`, "a header's value has exactly one key, expr or uuid"},
		{"no_uuid", `set = { X-A = { uuid = false } }`, `false`, "uuid can only be true"},
		{"expression", `set = { X-A = { expr = 'call.subjet' } }`, `subjet`, "unknown name call.subjet; did you mean subject?"},
		{"expression_over_the_answer", `set = { X-A = { expr = 'string(response.status)' } }`, `response`, "unknown name response"},
		{"expression_type", `set = { X-A = { expr = 'call.attempt' } }`, `call.attempt`, "the expression gives a number, not text"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := pipeline.OpenBytes(t.Context(), "test.toml", []byte(pipe+"[stages.headers]\n"+tt.line), pipeline.WithEnviron(nil),
				pipeline.WithStages(headers.Factory()))
			ds, ok := errors.AsType[config.Diagnostics](err)
			if !ok || len(ds) != 1 {
				t.Fatalf("got %v, want one diagnostic", err)
			}
			d := ds[0]
			if d.Line == 0 || d.Column+d.Length-1 > len(d.Source) {
				t.Fatalf("got no place: %+v", d)
			}
			if got := d.Source[d.Column-1 : d.Column-1+d.Length]; got != tt.at || d.Message != tt.message {
				t.Errorf("got %q at %s, want %q at %s", d.Message, got, tt.message, tt.at)
			}
		})
	}
}

func TestHeaders_key_inside_retry_is_refused(t *testing.T) {
	table := "[stages.headers]\nset = { Idempotency-Key = { uuid = true } }"
	open := func(stages string) error {
		r, err := pipeline.OpenBytes(t.Context(), "test.toml", []byte(strings.Replace(pipe, `"headers"`, stages, 1)+table), pipeline.WithEnviron(nil),
			pipeline.WithStages(headers.Factory(), again()))
		if err == nil {
			_ = r.Close()
		}
		return err
	}
	if err := open(`"headers", "retry"`); err != nil {
		t.Errorf("outside retry: %v", err)
	}
	if err := open(`"retry", "headers"`); err == nil || !strings.Contains(err.Error(), "a write would be doubled") {
		t.Errorf("inside retry: got %v", err)
	}
}

func TestNew_checks_what_a_program_gives_it(t *testing.T) {
	expr, err := cond.ParseText[cond.RequestEnv](`call.operation`)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		c    headers.Config
		ok   bool
	}{
		{"good", headers.Config{Set: map[string]headers.Value{"X-A": {Text: "a"}, "X-B": {Expr: expr}, "X-C": {UUID: true}}}, true},
		{"bad_name", headers.Config{Set: map[string]headers.Value{"Host": {Text: "a"}}}, false},
		{"two_values", headers.Config{Add: map[string]headers.Value{"X-A": {Text: "a", UUID: true}}}, false},
		{"no_value", headers.Config{Add: map[string]headers.Value{"X-A": {}}}, false},
	} {
		if _, err := headers.New(tt.c, pipeline.Settings{}); (err == nil) != tt.ok {
			t.Errorf("%s: got %v", tt.name, err)
		}
	}
}
