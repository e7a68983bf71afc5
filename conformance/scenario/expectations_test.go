package scenario_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/leatdev/leat/conformance/scenario"
)

// situations are tests in which one expectation stands, in place of HERE.
var situations = map[string]string{
	"call": `
answers = [{ status = 503, header = { X-Id = ["7", "8"], Retry-After = "2" }, body = "out of order", delay = "1s" }]
[[test.call]]
request = "POST /a"
expect  = { HERE }`,
	"answer": `
answers = [{ json = { id = 7, list = [{ n = 1 }, 2], big = 9007199254740993 }, delay = "1s" }]
[[test.call]]
request = "GET /a"
expect  = { HERE }`,
	"slow body": `
answers = [{ chunks = ["one", "two"], pace = "1s" }]
[[test.call]]
request = "GET /a"
expect  = { HERE }`,
	"broken body": `
answers = [{ body = "hello world", fault = "reset", after = 5 }]
[[test.call]]
request = "GET /a"
expect  = { body = "hello", HERE }`,
	"error": `
answers = [{ status = 404, header = { X-Id = "7", Content-Type = "application/problem+json", Retry-After = "2" }, body = '{"type":"https://example.com/lost","title":"lost"}' }]
[[test.call]]
request = "GET /a"
status_errors = true
expect  = { HERE }`,
	"large error": `
answers = [{ status = 404, body_size = "70KiB" }]
[[test.call]]
request = "GET /a"
status_errors = true
expect  = { HERE }`,
	"invalid": `
answers = [{ json = { id = 7 } }]
[[test.call]]
request = "GET /a"
expect  = { HERE }`,
	"no token": `
[[test.call]]
request = "GET /a"
skip_auth = true
expect  = { HERE }`,
	"end": `
answers = [{ status = 503, body = "busy" }, { json = { id = 7 } }]
[[test.call]]
request = "GET /a?q=1"
labels  = { who = "me" }
[test.expect]
HERE`,
	"mistaken": `
set = ["stages.retry.max_atempts=2"]
[test.expect]
HERE`,
	"upstream": `
answers = [{ status = 503, body = "busy" }, { json = { id = 7 } }]
[[test.call]]
request = "GET /a?q=1"
[[test.upstream]]
expect = { HERE }`,
	"sent": `
[[test.call]]
at      = "1s"
request = "PUT /a?q=1"
header  = { X-Id = "7" }
json    = { id = 7, name = "ada" }
[[test.call]]
at      = "10s"
request = "PUT /b"
header  = { X-Id = "8" }
json    = { id = 8 }
[[test.upstream]]
expect.sent = [{}, { HERE }]`,
	"first sent": `
[[test.call]]
request = "POST /a"
body    = "hello"
cancel_after = "1s"
[[test.upstream]]
answers = [{ delay = "2s" }]
expect.sent = [{ HERE }]`,
	"first token request": `
[[test.call]]
request = "GET /a"
[test.expect]
token_requests = { shop = [{ HERE }] }`,
	"session": `
[[test.call]]
request = "GET /a"
[test.expect]
sessions = { shop = { HERE } }`,
	"logs": `
answers = [{ status = 503 }, {}]
[[test.call]]
request = "GET /a"
[test.expect]
logs = [{ HERE }]`,
	"spans": `
answers = [{ status = 503 }, {}]
[[test.call]]
request = "GET /a"
[test.expect]
spans = [{ HERE }]`,
	"record of a stop": `
answers = [{ status = 503 }]
[[test.call]]
request = "POST /a"
expect.record = [{ HERE }]`,
	"record": `
answers = [{ status = 503 }, {}]
[[test.call]]
request = "GET /a"
expect.record = [{ HERE }]`,
}

const situated = `version = 1
[credentials.shop]
type    = "login"
origins = ["https://api.example.com"]
login   = { path = "/login", send = { user = "ada", password = { env = "SHOP_PASSWORD" } } }
[stages.strict]
use      = "validate"
required = ["id", "name", "owner.id"]
[pipelines.api]
base_url   = "https://api.example.com"
credential = "shop"
stages     = ["auth", "refresh", "retry", "log", "error-map"]
[pipelines.strict]
base_url = "https://api.example.com"
stages   = ["strict"]
[[test]]
name = "a"
pipeline = "PIPELINE"`

// situation is one of them in a file of its own.
func situation(name, here string) string {
	pipeline := "api"
	if name == "invalid" {
		pipeline = "strict"
	}
	return strings.Replace(situated, "PIPELINE", pipeline, 1) + strings.Replace(situations[name], "HERE", here, 1)
}

// Every key that expects something stands here once where it is fulfilled and once where it is not; expected and got are what the
// failure says. Without them a record, span or log is counted.
var expectations = []struct{ of, key, in, fulfilled, failed, expected, got string }{
	{"CallExpect", "status", "call", `status = 503`, `status = 200`, `200`, `503, kind server, reason unsafe_method, 1 send, 1s`},
	{"CallExpect", "status", "error", ``, `status = 404`, `404`, `error: api: not found (404): lost, 1 send, 0s`},
	{"CallExpect", "header", "call", `header = { x-id = "7, 8" }`, `header = { X-Id = "7" }`, `"7"`, `"7, 8"`},
	{"CallExpect", "header", "call", `header = { X-Other = { absent = true } }`, `header = { X-Other = "7" }`, `"7"`, `nothing`},
	{"CallExpect", "body", "call", `body = "out of order"`, `body = "ok"`, `"ok"`, `"out of order"`},
	{"CallExpect", "body_size", "call", `body_size = "12B"`, `body_size = "1KiB"`, `1024 bytes`, `12 bytes`},
	{"CallExpect", "json", "answer", `json = { id = 7.0 }`, `json = { id = 8 }`, `8`, `7`},
	{"CallExpect", "json", "answer", `json = { list = [{}, 2], big = 9007199254740993 }`, `json = { big = 9007199254740992 }`, `9007199254740992`, `9007199254740993`},
	{"CallExpect", "json", "answer", ``, `json = { list = [{ n = "1" }, 2] }`, `"1"`, `1`},
	{"CallExpect", "json", "answer", ``, `json = { list = [2] }`, `[2]`, `[{"n":1},2]`},
	{"CallExpect", "json", "answer", ``, `json = { list = [{ m = 1 }, 2] }`, `a member m`, `{"n":1}`},
	{"CallExpect", "json", "call", ``, `json = {}`, `JSON`, `"out of order"`},
	{"CallExpect", "error", "call", `error = false`, `error = true`, `an error`, `503, kind server, reason unsafe_method, 1 send, 1s`},
	{"CallExpect", "error", "error", `error = true`, `error = false`, `a response`, `error: api: not found (404): lost, 1 send, 0s`},
	{"CallExpect", "kind", "call", `kind = "server"`, `kind = "client"`, `"client"`, `"server": 503, kind server, reason unsafe_method, 1 send, 1s`},
	{"CallExpect", "kind", "answer", `kind = ""`, `kind = "server"`, `"server"`, `"": 200, 1 send, 1s`},
	{"CallExpect", "kind", "error", `kind = "not_found"`, `kind = "client"`, `"client"`, `"not_found": error: api: not found (404): lost, 1 send, 0s`},
	{"CallExpect", "class", "error", `class = "processed"`, `class = "unknown"`, `unknown`, `processed`},
	{"CallExpect", "class", "call", ``, `class = "unknown"`, `an error`, `503, kind server, reason unsafe_method, 1 send, 1s`},
	{"CallExpect", "reason", "call", `reason = "unsafe_method"`, `reason = "max_attempts"`, `"max_attempts"`, `"unsafe_method"`},
	{"CallExpect", "reason", "answer", `reason = ""`, `reason = "body"`, `"body"`, `""`},
	{"CallExpect", "stage", "invalid", `stage = "strict"`, `stage = "send"`, `"send"`, `"strict"`},
	{"CallExpect", "stage", "error", `stage = ""`, `stage = { not = "" }`, `not ""`, `""`},
	{"CallExpect", "message", "error", `message = "lost"`, `message = "gone"`, `"gone"`, `"lost"`},
	{"CallExpect", "message", "answer", `message = ""`, `message = { not = "" }`, `not ""`, `""`},
	{"CallExpect", "error_text", "error", `error_text = "api: not found (404): lost"`, `error_text = { contains = "gone" }`, `something with "gone"`, `"api: not found (404): lost"`},
	{"CallExpect", "problem_type", "error", `problem_type = "https://example.com/lost"`, `problem_type = { absent = true }`, `nothing`, `"https://example.com/lost"`},
	{"CallExpect", "violations", "invalid", `violations = [{ contains = "owner" }, { contains = "name" }]`, `violations = [{ contains = "email" }]`, `something with "email"`, "name: missing\nowner: missing"},
	{"CallExpect", "error_status", "error", `error_status = 404`, `error_status = 503`, `503`, `404`},
	{"CallExpect", "error_header", "error", `error_header = { X-Id = "7" }`, `error_header = { X-Id = "8" }`, `"8"`, `"7"`},
	{"CallExpect", "error_body", "error", `error_body = { contains = "lost" }`, `error_body = { length = 3 }`, `3 bytes`, `"{\"type\":\"https://example.com/lost\",\"title\":\"lost\"}"`},
	{"CallExpect", "truncated", "large error", `truncated = true`, `truncated = false`, `false`, `true`},
	{"CallExpect", "read_error", "broken body", `read_error = "network"`, `read_error = "timeout"`, `"timeout"`, `"network"`},
	{"CallExpect", "read_error", "slow body", `read_error = ""`, `read_error = "network"`, `"network"`, `"": <nil>`},
	{"CallExpect", "sends", "call", `sends = 1`, `sends = 2`, `2`, `1`},
	{"CallExpect", "attempts", "call", `attempts = 1`, `attempts = { min = 2 }`, `at least 2`, `1`},
	{"CallExpect", "elapsed", "call", `elapsed = "1s"`, `elapsed = { max = "900ms" }`, `at most 900ms`, `1s`},
	{"CallExpect", "ended", "slow body", `elapsed = "1s", ended = "2s"`, `elapsed = "1s", ended = "1s"`, `1s`, `2s`},
	{"CallExpect", "retry_after", "error", `retry_after = "2s"`, `retry_after = "3s"`, `3s`, `2s`},
	{"CallExpect", "attached", "answer", `attached = 1`, `attached = 0`, `0`, `1`},
	{"CallExpect", "not_attached", "no token", `not_attached = "skip_auth"`, `not_attached = "exempt"`, `"exempt"`, `"skip_auth"`},
	{"CallExpect", "record", "answer", `record = [{ event = "sent", count = 1 }]`, `record = [{ event = "sent", count = 2 }]`, `2`, `1`},

	{"EventExpect", "stage", "record", `stage = "send"`, `stage = "door"`, ``, ``},
	{"EventExpect", "event", "record", `event = "retry"`, `event = "replay"`, ``, ``},
	{"EventExpect", "status", "record", `status = 503`, `status = 504`, ``, ``},
	{"EventExpect", "reason", "record of a stop", `event = "stopped", reason = "unsafe_method"`, `event = "stopped", reason = ""`, ``, ``},
	{"EventExpect", "reason", "record", `event = "sent", reason = ""`, `event = "sent", reason = { not = "" }`, ``, ``},
	{"EventExpect", "text", "record", `text = { contains = "503" }`, `text = { contains = "504" }`, ``, ``},
	{"EventExpect", "at", "record", `event = "sent", at = "100ms"`, `event = "sent", at = "99ms"`, ``, ``},
	{"EventExpect", "count", "record", `event = "sent", count = 2`, `event = "sent", count = { max = 1 }`, `at most 1`, `2`},

	{"Expect", "sends", "end", `sends = 2`, `sends = 3`, `3`, `2`},
	{"Expect", "sent", "end", `sent = [{ to = "GET /a?q=1" }, {}]`, `sent = [{}]`, `1 request`, "2 requests\nGET /a?q=1\nGET /a?q=1"},
	{"Expect", "sent", "end", ``, `sent = []`, `0 requests`, "2 requests\nGET /a?q=1\nGET /a?q=1"},
	{"Expect", "connections", "end", `connections = 1`, `connections = 2`, `2`, `1`},
	{"Expect", "tokens", "end", `tokens = { shop = 1 }`, `tokens = { shop = 0 }`, `0`, `1`},
	{"Expect", "token_requests", "end", `token_requests = { shop = [{ to = "POST /login" }] }`, `token_requests = { shop = [] }`, `0 requests`, "1 request\nPOST /login"},
	{"Expect", "mistakes", "mistaken", `mistakes = ["unknown key max_atempts"]`, `mistakes = [{ contains = "jitter" }]`, `something with "jitter"`, `unknown key max_atempts`},
	{"Expect", "sessions", "end", `sessions = { shop = { state = "fresh" } }`, `sessions = { shop = { state = "dead" } }`, `dead`, `fresh`},
	{"Expect", "elapsed", "end", `elapsed = "100ms"`, `elapsed = "1s"`, `1s`, `100ms`},
	{"Expect", "logs", "end", `logs = [{ level = "info" }]`, `logs = [{ level = "error" }]`, `at least 1`, `0`},
	{"Expect", "spans", "end", `spans = [{ name = "GET", count = 2 }]`, `spans = [{ name = "POST" }]`, `at least 1`, `0`},

	{"UpstreamExpect", "sends", "upstream", `sends = 2`, `sends = 1`, `1`, `2`},
	{"UpstreamExpect", "sent", "upstream", `sent = [{}, {}]`, `sent = [{}]`, `1 request`, "2 requests\nGET /a?q=1\nGET /a?q=1"},
	{"UpstreamExpect", "connections", "upstream", `connections = { max = 1 }`, `connections = 0`, `0`, `1`},

	{"SentExpect", "to", "sent", `to = "PUT /b"`, `to = "PUT /a?q=1"`, `"PUT /a?q=1"`, `"PUT /b"`},
	{"SentExpect", "header", "sent", `header = { Host = "api.example.com", Authorization = "Bearer shop-access-1" }`, `header = { X-Id = "7" }`, `"7"`, `"8"`},
	{"SentExpect", "body", "sent", `body = '{"id":8}'`, `body = ""`, `""`, `"{\"id\":8}"`},
	{"SentExpect", "body_size", "sent", `body_size = "8B"`, `body_size = "0B"`, `0 bytes`, `8 bytes`},
	{"SentExpect", "json", "sent", `json = { id = 8 }`, `json = { name = "ada" }`, `a member name`, `{"id":8}`},
	{"SentExpect", "at", "sent", `at = "10s"`, `at = "9s"`, `9s`, `10s`},
	{"SentExpect", "gap", "sent", `gap = "9s"`, `gap = "1s"`, `1s`, `9s`},
	{"SentExpect", "same", "sent", `same = ["Authorization"]`, `same = ["X-Id"]`, `that of the request before it, "7"`, `"8"`},
	{"SentExpect", "changed", "sent", `changed = ["X-Id"]`, `changed = ["Authorization"]`, `another value than in the request before it, "Bearer shop-access-1"`, `"Bearer shop-access-1"`},
	{"SentExpect", "status", "sent", `status = 200`, `status = 503`, `503`, `200`},
	{"SentExpect", "status", "first sent", `status = 0`, `status = 200`, `200`, `0`},
	{"SentExpect", "status", "first token request", `status = 200`, `status = 400`, `400`, `200`},

	{"SessionExpect", "state", "session", `state = "fresh"`, `state = "empty"`, `empty`, `fresh`},
	{"SessionExpect", "generation", "session", `generation = 1`, `generation = 2`, `2`, `1`},

	{"LogExpect", "level", "logs", `level = "info"`, `level = "error"`, ``, ``},
	{"LogExpect", "message", "logs", `message = "request"`, `message = "requests"`, ``, ``},
	{"LogExpect", "attrs", "logs", `attrs = { method = "GET", status = "503" }`, `attrs = { method = "GET", status = "504" }`, ``, ``},
	{"LogExpect", "count", "logs", `level = "warn", count = { min = 1 }`, `level = "warn", count = 0`, `0`, `1`},

	{"SpanExpect", "name", "spans", `name = "pipeline api"`, `name = "pipeline"`, ``, ``},
	{"SpanExpect", "kind", "spans", `kind = "client"`, `name = "GET", kind = "internal"`, ``, ``},
	{"SpanExpect", "parent", "spans", `name = "GET", parent = { contains = "stage" }`, `name = "GET", parent = { absent = true }`, ``, ``},
	{"SpanExpect", "status", "spans", `name = "GET", status = "error"`, `name = "GET", status = "ok"`, ``, ``},
	{"SpanExpect", "attributes", "spans", `attributes = { "http.request.resend_count" = "1" }`, `attributes = { "http.request.resend_count" = "2" }`, ``, ``},
	{"SpanExpect", "events", "spans", `events = ["retry"]`, `events = ["replay"]`, ``, ``},
	{"SpanExpect", "count", "spans", `name = "GET", count = 2`, `name = "GET", count = { min = 3 }`, `at least 3`, `2`},

	{"SpanEvent", "name", "spans", `events = [{ name = "retry" }]`, `events = [{ name = "again" }]`, ``, ``},
	{"SpanEvent", "attributes", "spans", `events = [{ name = "retry", attributes = { "leat.attempt" = "1" } }]`, `events = [{ name = "retry", attributes = { "leat.attempt" = "2" } }]`, ``, ``},

	{"Text", "is", "call", `body = { is = "out of order" }`, `body = { is = "ok" }`, `"ok"`, `"out of order"`},
	{"Text", "not", "call", `body = { not = "ok" }`, `body = { not = "out of order" }`, `not "out of order"`, `"out of order"`},
	{"Text", "contains", "call", `body = { contains = ["out", "order"] }`, `body = { contains = ["out", "in"] }`, `something with "out" and something with "in"`, `"out of order"`},
	{"Text", "lacks", "call", `body = { lacks = "in" }`, `body = { lacks = ["in", "of"] }`, `nothing with "in" and nothing with "of"`, `"out of order"`},
	{"Text", "oneOf", "call", `body = { one_of = ["ok", "out of order"] }`, `body = { one_of = ["ok", "fine"] }`, `one of ["ok" "fine"]`, `"out of order"`},
	{"Text", "matches", "call", `body = { matches = "^out.*r$" }`, `body = { matches = "^of" }`, `what matches ^of`, `"out of order"`},
	{"Text", "length", "call", `body = { length = 12 }`, `body = { length = { max = 11 } }`, `at most 11 bytes`, `"out of order"`},
	{"Text", "absent", "call", `header = { X-Other = { absent = true } }`, `header = { X-Id = { absent = true } }`, `nothing`, `"7, 8"`},
	{"Count", "min", "call", `sends = { min = 1 }`, `sends = { min = 2 }`, `at least 2`, `1`},
	{"Count", "max", "call", `sends = { max = 1 }`, `sends = { max = 0 }`, `0`, `1`},
	{"Count", "max", "call", `sends = { min = 1, max = 2 }`, `sends = { min = 2, max = 4 }`, `2 to 4`, `1`},
	{"Time", "min", "call", `elapsed = { min = "1s" }`, `elapsed = { min = "1001ms" }`, `at least 1.001s`, `1s`},
	{"Time", "max", "call", `elapsed = { max = "1s" }`, `elapsed = { max = "999ms" }`, `at most 999ms`, `1s`},
	{"Time", "max", "call", `elapsed = { min = "1s", max = "1s" }`, `elapsed = { min = "2s", max = "3s" }`, `2s to 3s`, `1s`},
}

func TestExpectations(t *testing.T) {
	for _, e := range expectations {
		t.Run(fmt.Sprintf("%s/%s/%s", e.of, e.key, e.failed), func(t *testing.T) {
			if e.fulfilled != "" {
				if r := run(t, situation(e.in, e.fulfilled)); r.Status != scenario.Passed {
					t.Errorf("%s\n%s", e.fulfilled, r.Text())
				}
			}
			text := situation(e.in, e.failed)
			r := run(t, text)
			if len(r.Failures) != 1 {
				t.Fatalf("%d failures, want one\n%s", len(r.Failures), r.Text())
			}
			want, got := e.expected, e.got
			if want == "" {
				want, got = "at least 1", "0"
			}
			f := r.Failures[0]
			line := 1 + strings.Count(text[:strings.LastIndex(text, e.failed)], "\n")
			if f.Expected != want || !strings.HasPrefix(f.Got, got) || got == "" && f.Got != "" {
				t.Errorf("expected %s\n     got %s\nwant these: %s\n            %s", f.Expected, f.Got, want, got)
			}
			if f.Line != line || f.Column == 0 || f.Message == "" || f.File != "x.test.toml" {
				t.Errorf("at %s:%d:%d %q, want line %d", f.File, f.Line, f.Column, f.Message, line)
			}
			if !strings.Contains(r.Text(), "expected  ") || !strings.Contains(r.Text(), "got       ") {
				t.Error(r.Text())
			}
		})
	}
}

// No key is forgotten above.
func TestExpectations_are_all(t *testing.T) {
	for _, typ := range []reflect.Type{
		reflect.TypeFor[scenario.CallExpect](), reflect.TypeFor[scenario.EventExpect](), reflect.TypeFor[scenario.Expect](),
		reflect.TypeFor[scenario.UpstreamExpect](), reflect.TypeFor[scenario.SentExpect](), reflect.TypeFor[scenario.SessionExpect](),
		reflect.TypeFor[scenario.LogExpect](), reflect.TypeFor[scenario.SpanExpect](), reflect.TypeFor[scenario.SpanEvent](),
		reflect.TypeFor[scenario.Text](), reflect.TypeFor[scenario.Count](), reflect.TypeFor[scenario.Time](),
	} {
		for field := range typ.Fields() {
			key := field.Tag.Get("toml")
			if key == "" {
				key = field.Name // of a type that reads itself
			}
			found := false
			for _, e := range expectations {
				found = found || e.of == typ.Name() && e.key == key && e.fulfilled != ""
			}
			if !found {
				t.Errorf("%s.%s is neither fulfilled nor failed here", typ.Name(), key)
			}
		}
	}
}
