package scenario_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/leatdev/leat/conformance/scenario"
	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/config"
	"github.com/leatdev/leat/stages"
)

// TestFeatures runs the files of testdata, which use every key and word of the format and expect what it promises.
func TestFeatures(t *testing.T) {
	files, err := filepath.Glob("testdata/*.test.toml")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		s, err := scenario.Load(file, pipeline.WithStages(stages.All()...))
		if err != nil {
			t.Error(err)
			continue
		}
		for i, name := range s.Tests() {
			t.Run(filepath.Base(file)+"/"+name, func(t *testing.T) {
				if r := s.Run(t, i); r.Status != scenario.Passed && r.Reason != "to show that" {
					t.Errorf("%s\n%s", r.Status, r.Text())
				}
			})
		}
	}
}

// A trailer is there once the body was read, whatever kind of body.
func TestTrailer(t *testing.T) {
	own := stage(func(_ pipeline.Settings, req *http.Request, next http.RoundTripper) (*http.Response, error) {
		resp, err := next.RoundTrip(req)
		if err != nil {
			return nil, err
		}
		text, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		resp.Body = io.NopCloser(strings.NewReader(string(text)))
		pipeline.CallFrom(req.Context()).Note(pipeline.Event{Stage: "own", Name: "trailer", Text: strings.Join(resp.Trailer["X-Sum"], ",")})
		return resp, err
	})
	for _, body := range []string{`body = "hello"`, `json = { id = 7 }`, `body_size = "1MiB"`, `chunks = ["a", "b"]`, `status = 503`} {
		for _, http2 := range []string{"false", "true"} {
			t.Run(body+" "+http2, func(t *testing.T) {
				r := run(t, `version = 1
[pipelines.api]
base_url = "https://api.example.com"
stages   = ["own"]
[[test]]
name    = "a"
answers = [{ trailer = { x-sum = ["1", "2"], X-Other = "3" }, `+body+` }]
[[test.call]]
request = "GET /"
expect  = { record = [{ event = "trailer", text = "1,2" }] }
[[test.upstream]]
http2 = `+http2, own)
				if r.Status != scenario.Passed {
					t.Error(r.Text())
				}
			})
		}
	}
}

// What a test prepared and nobody asked for, or did not prepare and somebody did, fails it.
func TestRun_finds_what_does_not_fit(t *testing.T) {
	const base = `version = 1
[credentials.shop]
type    = "login"
origins = ["https://api.example.com"]
login   = { path = "/login", send = { user = "ada", password = { env = "PASSWORD" } } }
[credentials.key]
type    = "bearer"
origins = ["https://key.example.com"]
token   = { env = "KEY" }
[pipelines.api]
base_url   = "https://api.example.com"
credential = "shop"
stages     = ["auth", "retry"]
[[test]]
name = "a"
`
	const call = `
[[test.call]]
request = "GET /a"
`
	for name, tc := range map[string]struct{ text, want string }{
		"an_answer": {`answers = [{}, { status = 503 }]` + call + `expect = { status = 200 }`,
			"x.test.toml:16:16: requests for this answer | 1 request | 0 requests"},
		"an_answer_of_several_times": {`answers = [{ times = 3 }]` + call + `expect = { status = 200 }`,
			"x.test.toml:16:12: requests for this answer | 3 requests | 1 request"},
		"an_answer_to_another_path": {`answers = [{ to = "GET /b" }, { always = true }]` + call + `expect = { status = 200 }`,
			"x.test.toml:16:12: requests for this answer | 1 request | 0 requests"},
		"an_answer_of_another_upstream": {call + `expect = { status = 200 }
[[test.upstream]]
origin  = "https://other.example.com"
answers = [{}]`, "x.test.toml:22:12: requests for this answer | 1 request | 0 requests"},
		"an_answer_of_a_token_endpoint": {call + `expect = { status = 200 }
[test.tokens.shop]
answers = [{}, { status = 500 }]`, "x.test.toml:21:16: requests for this answer | 1 request | 0 requests"},
		"no_answer": {`answers = [{ to = "/b", always = true }]` + call + `expect = { status = 501 }`,
			"x.test.toml:16:11: there is no answer left for GET /a: it got a 501"},
		"no_answer_at_all": {`answers = []` + call + `expect = { status = 501 }`,
			"x.test.toml:16:11: there is no answer left for GET /a: it got a 501"},
		"a_connection": {call + `expect = { status = 200 }
[[test.upstream]]
connect = ["ok", "ok", "refused"]`, "x.test.toml:21:24: connections for this | 3 connections | 1 connection"},
		"another_origin": {"[[test.call]]\nrequest = \"GET https://elsewhere.example.com/a\"\nexpect = { error = true }",
			"x.test.toml:14:3: something was sent to elsewhere.example.com:443"},
		"a_login_that_fails": {call + "expect = { status = 200 }\n[[test.event]]\nlogin = \"key\"",
			"x.test.toml:20:3: the session key: credential \"key\": this type of credential has no login"},
		"a_login_that_does_not_fail": {call + "expect = { status = 200 }\n[[test.event]]\nlogin = \"shop\"\nfails = true",
			"x.test.toml:22:9: the session shop did not fail"},
		"a_broken_body_that_nobody_expects": {`answers = [{ body = "hello", fault = "reset", after = 2 }]` + call + `expect = { status = 200 }`,
			"x.test.toml:19:10: reading the body of call 1 | its end"},
		"a_file_that_can_not_be_written": {`files = { a = "x", "a/b" = "y" }` + call + `expect = { status = 200 }`,
			"x.test.toml:14:3: the pipelines | to open"},
	} {
		t.Run(name, func(t *testing.T) {
			r := run(t, base+tc.text)
			if len(r.Failures) != 1 {
				t.Fatalf("%d failures\n%s", len(r.Failures), r.Text())
			}
			f := r.Failures[0]
			if got := fmt.Sprintf("%s:%d:%d: %s", f.File, f.Line, f.Column, brief(r)); !strings.HasPrefix(got, tc.want) {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
		})
	}
}

// The files of testdata use every key of what a test says, and every word.
func TestFeatures_are_all(t *testing.T) {
	files, err := filepath.Glob("testdata/*.test.toml")
	if err != nil {
		t.Fatal(err)
	}
	var all scenario.Document
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		f, err := config.ReadBeside([]string{"file", "rules", "test"}, file, text)
		if err != nil {
			t.Fatal(err)
		}
		var doc scenario.Document
		if diags := f.Beside().Decode(&doc); len(diags) > 0 {
			t.Fatal(diags)
		}
		all.Tests = append(all.Tests, doc.Tests...)
	}
	used := map[string]bool{}
	mark := func(v any) {
		s := reflect.ValueOf(v)
		for i := range s.NumField() {
			if !s.Field(i).IsZero() {
				used[s.Type().Name()+"."+s.Type().Field(i).Tag.Get("toml")] = true
			}
		}
	}
	answers := func(list []scenario.Answer) {
		for _, a := range list {
			mark(a)
			used["fault = "+a.Fault] = true
		}
	}
	for _, test := range all.Tests {
		mark(test)
		answers(test.Answers)
		for _, u := range test.Upstreams {
			mark(u)
			answers(u.Answers)
			used["tls = "+u.TLS] = true
			for _, w := range strings.FieldsFunc(fmt.Sprint(u.Connect), func(r rune) bool { return strings.ContainsRune("{}[] ", r) }) {
				used["connect = "+w] = true
			}
		}
		for _, tok := range test.Tokens {
			mark(tok)
			answers(tok.Answers)
		}
		for _, c := range test.Calls {
			mark(c)
			used["body_from = "+c.BodyFrom] = true
		}
		for _, e := range test.Events {
			mark(e)
		}
	}
	var want []string
	for _, typ := range []reflect.Type{
		reflect.TypeFor[scenario.Test](), reflect.TypeFor[scenario.Answer](), reflect.TypeFor[scenario.Upstream](),
		reflect.TypeFor[scenario.Tokens](), reflect.TypeFor[scenario.Call](), reflect.TypeFor[scenario.Event](),
	} {
		for f := range typ.Fields() {
			want = append(want, typ.Name()+"."+f.Tag.Get("toml"))
		}
	}
	for word := range strings.FieldsSeq("reset close hang garbage") {
		want = append(want, "fault = "+word)
	}
	for word := range strings.FieldsSeq("expired self_signed wrong_host") {
		want = append(want, "tls = "+word)
	}
	for word := range strings.FieldsSeq("ok refused unreachable no_such_host dns_down hang reset refused_stream goaway stream_error") {
		want = append(want, "connect = "+word)
	}
	for word := range strings.FieldsSeq("bytes reader pipe") {
		want = append(want, "body_from = "+word)
	}
	for _, w := range want {
		if !used[w] {
			t.Errorf("%s is used nowhere", w)
		}
	}
}
