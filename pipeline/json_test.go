package pipeline_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leatdev/leat/pipeline"
)

type jsonPost struct {
	ID     int       `json:"id"`
	Title  string    `json:"title"`
	At     time.Time `json:"at"`
	Author struct {
		Tags []string `json:"tags"`
	} `json:"author"`
}

// jsonAnswers serves every request of a pipeline without stages.
func jsonAnswers(t *testing.T, f func(*http.Request) (*http.Response, error)) *pipeline.Pipeline {
	t.Helper()
	const src = "version = 1\n[pipelines.p]\nbase_url = \"https://api.example.com\"\nstages = []\n"
	r, err := pipeline.OpenBytes(t.Context(), "t.toml", []byte(src), pipeline.WithTransport("default", jsonTransport(f)), pipeline.WithEnviron(nil))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	p, err := r.Pipeline("p")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

type jsonTransport func(*http.Request) (*http.Response, error)

func (f jsonTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := f(req)
	if req.Body != nil {
		req.Body.Close()
	}
	return resp, err
}

// jsonBody counts how often it was closed.
type jsonBody struct {
	io.Reader
	closed atomic.Int32
}

func (b *jsonBody) Close() error { b.closed.Add(1); return nil }

// jsonAnswer makes a response; kind "" is application/json, "-" none.
func jsonAnswer(req *http.Request, status int, kind, body string) *http.Response {
	h := http.Header{"Content-Type": {kind}}
	switch kind {
	case "":
		h.Set("Content-Type", "application/json")
	case "-":
		h.Del("Content-Type")
	}
	return &http.Response{StatusCode: status, Header: h, Request: req, ContentLength: -1, Body: &jsonBody{Reader: strings.NewReader(body)}}
}

func decodeInto[T any](t *testing.T, status int, kind, body string) (any, error) {
	t.Helper()
	raw := make(chan *jsonBody, 1)
	p := jsonAnswers(t, func(req *http.Request) (*http.Response, error) {
		resp := jsonAnswer(req, status, kind, body)
		raw <- resp.Body.(*jsonBody)
		return resp, nil
	})
	got, err := pipeline.Get[T](t.Context(), p, "/posts?token=hunter2")
	if n := (<-raw).closed.Load(); n != 1 {
		t.Errorf("the body was closed %d times", n)
	}
	return got, err
}

func TestJSONDecodes(t *testing.T) {
	tests := []struct {
		name   string
		get    func(*testing.T, int, string, string) (any, error)
		status int
		kind   string
		body   string
		want   any
	}{
		{"a_struct", decodeInto[jsonPost], 200, "", `{"id":1,"title":"x","unknown":true}`, jsonPost{ID: 1, Title: "x"}},
		{"a_pointer", decodeInto[*jsonPost], 200, "", ` {"id":1} `, &jsonPost{ID: 1}},
		{"a_list", decodeInto[[]int], 200, "", `[1,2]`, []int{1, 2}},
		{"every_digit_into_any", decodeInto[any], 200, "", `{"n":12345678901234567890}`, map[string]any{"n": json.Number("12345678901234567890")}},
		{"null", decodeInto[*jsonPost], 200, "", `null`, (*jsonPost)(nil)},
		{"raw", decodeInto[json.RawMessage], 200, "", ` {"a" : 1}`, json.RawMessage(`{"a" : 1}`)},
		{"plus_json", decodeInto[int], 200, "application/vnd.api+json; charset=utf-8", `7`, 7},
		{"text_plain", decodeInto[int], 200, "text/plain; charset=utf-8", `7`, 7},
		{"no_type", decodeInto[int], 200, "-", `7`, 7},
		{"no_content", decodeInto[jsonPost], 204, "-", ``, jsonPost{}},
		{"not_modified", decodeInto[jsonPost], 304, "", ``, jsonPost{}},
		{"empty", decodeInto[*jsonPost], 200, "", ``, (*jsonPost)(nil)},
		{"ignored", decodeInto[struct{}], 200, "text/html", `<p>`, struct{}{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := tt.get(t, tt.status, tt.kind, tt.body)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// picky fails with a syntax error of something else.
type picky struct{}

func (*picky) UnmarshalJSON([]byte) error { return json.Unmarshal([]byte("{"), new(any)) }

func TestJSONErrors(t *testing.T) {
	tests := []struct {
		name   string
		get    func(*testing.T, int, string, string) (any, error)
		status int
		kind   string
		body   string
		want   pipeline.Kind
		text   string
	}{
		{"not_found", decodeInto[jsonPost], 404, "", `{"error":"none"}`, pipeline.KindNotFound, "Not Found"},
		{"html_login_page", decodeInto[jsonPost], 200, "text/html; charset=utf-8", `<h1>Log in</h1>`, pipeline.KindParse, `the answer is "text/html", not JSON`},
		{"html_that_says_nothing", decodeInto[jsonPost], 200, "-", `<h1>`, pipeline.KindParse, "line 1, column 1 (byte 1): invalid character '<' looking for beginning of value"},
		{"malformed", decodeInto[jsonPost], 200, "", "{\n\"é\": x}", pipeline.KindParse, "line 2, column 6 (byte 9): invalid character 'x' looking for beginning of value"},
		{"truncated", decodeInto[jsonPost], 200, "", `{"id":`, pipeline.KindParse, "line 1, column 7 (byte 7): the JSON ends too early"},
		{"only_space", decodeInto[jsonPost], 200, "", ` `, pipeline.KindParse, "line 1, column 2 (byte 2): the JSON ends too early"},
		{"trailing_data", decodeInto[jsonPost], 200, "", `{"id":1} {}`, pipeline.KindParse, "line 1, column 10 (byte 10): invalid character '{' after top-level value"},
		{"trailing_bracket", decodeInto[jsonPost], 200, "", `{"id":1}]`, pipeline.KindParse, "line 1, column 9 (byte 9): invalid character ']' after top-level value"},
		{"trailing_data_after_a_mismatch", decodeInto[jsonPost], 200, "", `{"id":"a"}]`, pipeline.KindParse, "line 1, column 11 (byte 11): invalid character ']' after top-level value"},
		{"byte_order_mark", decodeInto[jsonPost], 200, "", "\ufeff{}", pipeline.KindParse, "a byte order mark stands before the JSON, which RFC 8259 §8.1 forbids"},
		{"utf16", decodeInto[jsonPost], 200, "application/json; charset=UTF-16", "{}", pipeline.KindParse, "the answer is declared as UTF-16 or UTF-32; JSON is UTF-8 (RFC 8259 §8.1)"},
		{"stream", decodeInto[jsonPost], 200, "text/event-stream", "data: 1\n\n", pipeline.KindParse, "the answer is a stream, not JSON"},
		{"wrong_type", decodeInto[jsonPost], 200, "", `{"id":"hunter2"}`, pipeline.KindValidation, "id: string can't be a Go int"},
		{"wrong_type_below", decodeInto[jsonPost], 200, "", `{"author":{"tags":7}}`, pipeline.KindValidation, "author.tags: number can't be a Go []string"},
		{"too_big", decodeInto[int8], 200, "", `1000`, pipeline.KindValidation, "the body: this number can't be a Go int8"},
		{"wrong_time", decodeInto[jsonPost], 200, "", `{"at":"hunter2"}`, pipeline.KindValidation, `the JSON is no pipeline_test.jsonPost: a time must be written as "2006-01-02T15:04:05Z07:00"`},
		{"own_unmarshaler", decodeInto[picky], 200, "", `{"at":"hunter2"}`, pipeline.KindValidation, "the JSON is no pipeline_test.picky"},
		{"redirect_to_nowhere", decodeInto[jsonPost], 300, "", ``, pipeline.KindPolicy, "the answer redirects to nowhere"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := tt.get(t, tt.status, tt.kind, tt.body)
			e, ok := err.(*pipeline.Error) // it must be one, not wrap one
			if !ok {
				t.Fatalf("got %T %v, want a *pipeline.Error", err, err)
			}
			if e.Kind != tt.want || e.Message != tt.text || e.Status != tt.status {
				t.Errorf("got  %s %d: %s\nwant %s %d: %s", e.Kind, e.Status, e.Message, tt.want, tt.status, tt.text)
			}
			if e.Pipeline != "p" || e.Call() == nil || e.Sends != 1 || e.Header == nil {
				t.Errorf("the call was not adopted: %+v", e.Call())
			}
			if tt.status == 200 && tt.kind != "text/event-stream" && string(e.Body) != tt.body {
				t.Errorf("got body %q, want %q", e.Body, tt.body)
			}
			if strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), "hunter2") {
				t.Errorf("the error shows a value or the query: %v", err)
			}
			if strings.Contains(fmt.Sprintf("%v", got), "hunter2") {
				t.Errorf("half a result beside an error: %v", got)
			}
		})
	}
}

func TestJSONRequests(t *testing.T) {
	tests := []struct {
		name        string
		body        any
		want        string
		contentType string
	}{
		{"none", nil, "", ""},
		{"struct", struct{ A int }{1}, `{"A":1}`, "application/json"},
		{"string", "x", `"x"`, "application/json"},
		{"bytes", []byte(`{"a":1}`), `{"a":1}`, "application/json"},
		{"raw", json.RawMessage(`[1]`), `[1]`, "application/json"},
		{"reader", strings.NewReader(`{"r":1}`), `{"r":1}`, "application/json"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var sent string
			var head http.Header
			p := jsonAnswers(t, func(req *http.Request) (*http.Response, error) {
				head = req.Header.Clone()
				if req.Body != nil {
					b, _ := io.ReadAll(req.Body)
					sent = string(b)
				}
				return jsonAnswer(req, 200, "", "1"), nil
			})
			if _, err := pipeline.Send[int](t.Context(), p, http.MethodPost, "posts", tt.body); err != nil {
				t.Fatal(err)
			}
			if sent != tt.want || head.Get("Content-Type") != tt.contentType || head.Get("Accept") != "application/json" {
				t.Errorf("sent %q as %q, accepting %q", sent, head.Get("Content-Type"), head.Get("Accept"))
			}
		})
	}
	t.Run("keep_the_headers_they_have_and_stay_unchanged", func(t *testing.T) {
		var head http.Header
		p := jsonAnswers(t, func(req *http.Request) (*http.Response, error) {
			head = req.Header.Clone()
			return jsonAnswer(req, 200, "", "1"), nil
		})
		req, err := p.NewRequest(t.Context(), http.MethodPost, "/x", strings.NewReader("<a/>"))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "text/xml")
		if _, err := pipeline.Do[int](p, req); err != nil {
			t.Fatal(err)
		}
		if head.Get("Content-Type") != "text/xml" || head.Get("Accept") != "application/json" || req.Header.Get("Accept") != "" {
			t.Errorf("sent %v, left %v", head, req.Header)
		}
	})
	t.Run("that_cannot_be_marshalled_are_policy", func(t *testing.T) {
		p := jsonAnswers(t, nil)
		_, err := pipeline.Send[int](t.Context(), p, http.MethodPost, "/x", func() {})
		if pipeline.KindOf(err) != pipeline.KindPolicy {
			t.Errorf("got %v", err)
		}
	})
}

func TestJSONRedirects(t *testing.T) {
	redirecting := func(status int) *pipeline.Pipeline {
		return jsonAnswers(t, func(req *http.Request) (*http.Response, error) {
			if req.URL.Path == "/end" {
				b := []byte("-")
				if req.Body != nil {
					b, _ = io.ReadAll(req.Body)
				}
				return jsonAnswer(req, 200, "", fmt.Sprintf("%q", req.Method+" "+string(b))), nil
			}
			resp := jsonAnswer(req, status, "", "")
			resp.Header.Set("Location", "/end")
			if req.URL.Path == "/loop" {
				resp.Header.Set("Location", "/loop?token=hunter2")
			}
			return resp, nil
		})
	}
	t.Run("are_followed_with_the_body", func(t *testing.T) {
		got, err := pipeline.Send[string](t.Context(), redirecting(307), http.MethodPost, "/x", 7)
		if err != nil || got != "POST 7" {
			t.Errorf("got %q, %v", got, err)
		}
	})
	t.Run("that_cannot_be_followed_are_policy", func(t *testing.T) {
		_, err := pipeline.Send[string](t.Context(), redirecting(307), http.MethodPost, "/x", struct{ io.Reader }{strings.NewReader("7")})
		e, ok := errors.AsType[*pipeline.Error](err)
		if !ok || e.Kind != pipeline.KindPolicy || e.Status != 307 {
			t.Errorf("got %v", err)
		}
	})
	t.Run("without_end_are_policy_and_show_no_url", func(t *testing.T) {
		_, err := pipeline.Get[string](t.Context(), redirecting(302), "/loop")
		e, ok := err.(*pipeline.Error) // it must be one, not wrap one
		if !ok || e.Kind != pipeline.KindPolicy || e.Message != "stopped after 10 redirects" || e.Pipeline != "p" {
			t.Fatalf("got %v", err)
		}
		if strings.Contains(err.Error(), "hunter2") {
			t.Error(err)
		}
		if _, ok := errors.AsType[*url.Error](err); ok {
			t.Error("a *url.Error is inside")
		}
	})
}

func TestJSONTransportErrors(t *testing.T) {
	t.Run("of_the_send_are_the_error_itself", func(t *testing.T) {
		p := jsonAnswers(t, func(*http.Request) (*http.Response, error) { return nil, io.ErrUnexpectedEOF })
		_, err := pipeline.Get[int](t.Context(), p, "/?token=hunter2")
		e, ok := err.(*pipeline.Error) // it must be one, not wrap one
		if !ok || e.Kind != pipeline.KindNetwork || e.Stage != "send" || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("of_the_body_are_the_network's", func(t *testing.T) {
		for _, kind := range []string{"", "text/html"} {
			p := jsonAnswers(t, func(req *http.Request) (*http.Response, error) {
				resp := jsonAnswer(req, 200, kind, "")
				resp.Body = &jsonBody{Reader: io.MultiReader(errReader{})}
				return resp, nil
			})
			_, err := pipeline.Get[int](t.Context(), p, "/")
			e, ok := err.(*pipeline.Error) // it must be one, not wrap one
			if !ok || e.Kind != pipeline.KindNetwork || e.Class != pipeline.ClassUnknown {
				t.Errorf("got %v", err)
			}
		}
	})
	t.Run("head_has_no_body", func(t *testing.T) {
		p := jsonAnswers(t, func(req *http.Request) (*http.Response, error) { return jsonAnswer(req, 200, "", ""), nil })
		if got, err := pipeline.Send[int](t.Context(), p, http.MethodHead, "/", nil); err != nil || got != 0 {
			t.Errorf("got %v, %v", got, err)
		}
	})
	t.Run("too_large_is_policy", func(t *testing.T) {
		p := jsonAnswers(t, func(req *http.Request) (*http.Response, error) {
			resp := jsonAnswer(req, 200, "", "")
			resp.Body = &jsonBody{Reader: endless{}}
			return resp, nil
		})
		_, err := pipeline.Get[int](t.Context(), p, "/")
		e, ok := errors.AsType[*pipeline.Error](err)
		if !ok || e.Kind != pipeline.KindPolicy || e.Message != "the answer has more than 64MiB" || len(e.Body) != 64<<10 || !e.Truncated {
			t.Errorf("got %v", err)
		}
	})
}

type errReader struct{}

func (errReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// endless is a body without end; what it holds does not matter.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }
