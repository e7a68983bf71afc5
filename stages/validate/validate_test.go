package validate_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/stages/validate"
)

func TestValidate(t *testing.T) {
	long := `{"text":"` + strings.Repeat("x", 5000) + `"}`
	tests := []struct {
		name   string
		keys   string
		answer answer
		method string        // "" = GET
		kind   pipeline.Kind // "" = passes
		text   string        // of the error's message
	}{
		{name: "well_formed_passes", answer: answer{body: `{"id":1}`}},
		{name: "a_long_body_passes", answer: answer{body: long}},
		{name: "a_long_body_of_unknown_length_passes", answer: answer{body: long, length: -1}},
		{name: "malformed_is_parse", answer: answer{body: `{"id":`}, kind: pipeline.KindParse, text: "line 1, column 7 (byte 7): the JSON ends too early"},
		{name: "problem_json_is_json", answer: answer{kind: "application/problem+json; charset=utf-8", body: `{`}, kind: pipeline.KindParse, text: "line 1, column 2 (byte 2): the JSON ends too early"},
		{name: "other_types_pass_untouched", answer: answer{kind: "text/html", body: `<p>`}},
		{name: "no_type_passes_untouched", answer: answer{kind: "-", body: `<p>`}},
		{name: "json_lines_pass_untouched", answer: answer{kind: "application/x-ndjson", body: "{}\n{}\n"}},
		{name: "always_judges_every_type", keys: `json = "always"`, answer: answer{kind: "text/html", body: `<p>`}, kind: pipeline.KindParse, text: "the answer is text/html, not JSON: line 1, column 1 (byte 1): a value must stand here"},
		{name: "never_judges_none", keys: `json = "never"`, answer: answer{body: `{`}},
		{name: "required_judges_every_type", keys: `required = ["id"]`, answer: answer{kind: "text/plain", body: `{"id":1}`}},
		{name: "errors_pass_untouched", answer: answer{status: 503, kind: "text/html", body: `<p>`}, keys: `required = ["id"]`},
		{name: "on_judges_others", keys: `on = "response.status == 404"`, answer: answer{status: 404, body: `{`}, kind: pipeline.KindParse, text: "line 1, column 2 (byte 2): the JSON ends too early"},
		{name: "on_leaves_out_2xx", keys: `on = "response.status == 404"`, answer: answer{body: `{`}},
		{name: "a_condition_that_fails_is_policy", keys: `on = 'int(response.header("X")) > 1'`, answer: answer{body: `{}`}, kind: pipeline.KindPolicy},

		{name: "204_passes", keys: `required = ["id"]`, answer: answer{status: 204}},
		{name: "head_passes", keys: `required = ["id"]`, answer: answer{length: 100}, method: http.MethodHead},
		{name: "empty_passes", answer: answer{}},
		{name: "empty_of_unknown_length_passes", answer: answer{length: -1}},
		{name: "empty_passes_a_list_of_types", keys: `content_type = ["application/json"]`, answer: answer{kind: "-"}},
		{name: "empty_of_unknown_length_passes_a_list_of_types", keys: `content_type = ["application/json"]`, answer: answer{kind: "-", length: -1}},
		{name: "empty_of_unknown_length_and_another_type_lacks_what_is_required", keys: "content_type = [\"application/json\"]\nrequired = [\"id\"]", answer: answer{kind: "-", length: -1}, kind: pipeline.KindValidation, text: "the body: empty"},
		{name: "empty_passes_however_it_is_encoded", answer: answer{header: http.Header{"Content-Encoding": {"br"}}}},
		{name: "empty_lacks_what_is_required", keys: `required = ["id"]`, answer: answer{}, kind: pipeline.KindValidation, text: "the body: empty"},
		{name: "empty_is_not_always_json", keys: `json = "always"`, answer: answer{}, kind: pipeline.KindValidation, text: "the body: empty"},

		{name: "content_type_on_the_list", keys: `content_type = ["application/json", "application/*+json"]`, answer: answer{kind: "Application/Vnd.API+JSON;v=1", body: `{}`}},
		{name: "content_type_not_on_the_list", keys: `content_type = ["application/json", "application/*+json"]`, answer: answer{kind: "text/html; charset=utf-8", body: `<p>`}, kind: pipeline.KindParse, text: "the answer is text/html, not application/json or application/*+json"},
		{name: "content_type_missing", keys: `content_type = ["application/json"]`, answer: answer{kind: "-", body: `{}`}, kind: pipeline.KindParse, text: "the answer is of no content type, not application/json"},
		{name: "star_stands_for_something", keys: `content_type = ["application/*+json"]`, answer: answer{kind: "application/+json", body: `{}`}, kind: pipeline.KindParse, text: "the answer is application/+json, not application/*+json"},
		{name: "content_type_of_a_stream", keys: `content_type = ["application/json"]`, answer: answer{kind: "text/event-stream", body: "data: 1\n\n", length: -1}, kind: pipeline.KindParse, text: "the answer is text/event-stream, not application/json"},
		{name: "utf16_declared", answer: answer{kind: `application/json; charset="UTF-16LE"`, body: `{}`}, kind: pipeline.KindParse, text: "the body is declared as utf-16; JSON is UTF-8 (RFC 8259 §8.1)"},
		{name: "other_charsets_have_no_effect", answer: answer{kind: "application/json; charset=ISO-8859-1", body: `{"a":"é"}`}},

		{name: "size_on_the_limit", keys: `max_size = "8B"`, answer: answer{body: `{"id":1}`}},
		{name: "size_over_the_limit", keys: `max_size = "7B"`, answer: answer{body: `{"id":1}`}, kind: pipeline.KindPolicy, text: "the body has 8 bytes, more than max_size 7B"},
		{name: "unknown_size_on_the_limit", keys: `max_size = "8B"`, answer: answer{body: `{"id":1}`, length: -1}},
		{name: "unknown_size_over_the_limit", keys: `max_size = "7B"`, answer: answer{body: `{"id":1}`, length: -1}, kind: pipeline.KindPolicy, text: `can't judge a body of unknown length that exceeds max_size 7B; streams = "skip" lets it pass, a when leaves the request out`},
		{name: "unknown_size_over_the_limit_skipped", keys: "max_size = \"7B\"\nstreams = \"skip\"", answer: answer{body: `{"id":1}`, length: -1}},
		{name: "size_of_other_types_is_not_bounded", keys: `max_size = "1B"`, answer: answer{kind: "image/png", body: "png"}},
		{name: "streams_that_nobody_judges_pass", answer: answer{kind: "text/event-stream", body: "data: 1\n\n", length: -1}},
		{name: "streams_fail", keys: `required = ["id"]`, answer: answer{kind: "text/event-stream", body: "data: 1\n\n", length: -1}, kind: pipeline.KindPolicy, text: `can't judge a stream (text/event-stream); streams = "skip" lets it pass, a when leaves the request out`},
		{name: "streams_skip", keys: "required = [\"id\"]\nstreams = \"skip\"", answer: answer{kind: "text/event-stream", body: "data: 1\n\n", length: -1}},
		{name: "partial_content_fails", answer: answer{status: 206, body: `{"a`}, kind: pipeline.KindPolicy, text: `can't judge a part of a body (206); streams = "skip" lets it pass, a when leaves the request out`},
		{name: "compressed_skips", keys: `streams = "skip"`, answer: answer{body: "\x1f\x8b", header: http.Header{"Content-Encoding": {"gzip"}}}},

		{name: "required_is_there", keys: `required = ["id", "user.name"]`, answer: answer{body: `{"id":null,"user":{"name":""}}`}},
		{name: "required_is_missing", keys: `required = ["id", "user.name"]`, answer: answer{body: `{"user":{}}`}, kind: pipeline.KindValidation, text: "user.name: missing (and 1 more)"},

		{name: "rule_holds", keys: `rules = [{ expect = "len(body.items) > 0" }]`, answer: answer{body: `{"items":[1]}`}},
		{name: "rule_fails", keys: `rules = [{ expect = "len(body.items) > 0", message = "no items" }]`, answer: answer{body: `{"items":[]}`}, kind: pipeline.KindValidation, text: "no items"},
		{name: "rule_says_itself", keys: `rules = [{ expect = "body.n == 2" }]`, answer: answer{body: `{"n":1}`}, kind: pipeline.KindValidation, text: "not so: body.n == 2"},
		{name: "rules_count_with_whole_numbers", keys: `rules = [{ expect = "body.n % 2 == 1 && body.big == 9007199254740993 && body.f == 1.5" }]`, answer: answer{body: `{"n":3,"big":9007199254740993,"f":1.5}`}},
		{name: "a_rule_that_cannot_be_asked_is_policy", keys: `rules = [{ expect = "len(body.items) > 0" }]`, answer: answer{body: `{}`}, kind: pipeline.KindPolicy},
		{name: "what_is_missing_comes_first", keys: "required = [\"items\"]\nrules = [{ expect = \"len(body.items) > 0\" }]", answer: answer{body: `{}`}, kind: pipeline.KindValidation, text: "items: missing"},
		{name: "rules_see_the_response", keys: `rules = [{ expect = "response.status == 201" }]`, answer: answer{status: 201, body: `{}`}},
		{name: "the_last_of_two_counts", keys: `required = ["a.b"]`, answer: answer{body: `{"a":{"b":1},"a":{}}`}, kind: pipeline.KindValidation, text: "a.b: missing"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			method := tt.method
			if method == "" {
				method = http.MethodGet
			}
			got, resp, err := send(t, open(t, tt.keys, tt.answer), method)
			if tt.kind == "" {
				if err != nil {
					t.Fatal(err)
				}
				if got != tt.answer.body {
					t.Errorf("the caller reads %q, want %q", got, tt.answer.body)
				}
				if want := tt.answer.length; want != 0 && resp.ContentLength != want {
					t.Errorf("ContentLength %d, want %d", resp.ContentLength, want)
				}
				return
			}
			e, ok := errors.AsType[*pipeline.Error](err)
			if !ok {
				t.Fatalf("got %v, want an *Error", err)
			}
			if e.Kind != tt.kind || tt.text != "" && e.Message != tt.text {
				t.Errorf("got  %s: %s\nwant %s: %s", e.Kind, e.Message, tt.kind, tt.text)
			}
			if e.Stage != "validate" || e.Pipeline != "p" || e.Temporary() {
				t.Errorf("stage %q, pipeline %q, class %q", e.Stage, e.Pipeline, e.Class)
			}
		})
	}
}

func TestError(t *testing.T) {
	t.Run("holds_the_answer", func(t *testing.T) {
		a := answer{status: 201, body: `{"items":[{"id":1},{}]}`}
		_, _, err := send(t, open(t, `required = ["items[].id", "total"]`, a), http.MethodGet)
		e, ok := errors.AsType[*pipeline.Error](err)
		if !ok {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"items[1].id: missing", "total: missing"}, e.Violations); diff != "" {
			t.Error(diff)
		}
		if e.Status != 201 || e.Header.Get("Content-Type") != "application/json" || string(e.Body) != a.body || e.Truncated || e.Class != pipeline.ClassProcessed {
			t.Errorf("got status %d, body %q, class %s", e.Status, e.Body, e.Class)
		}
		if !errors.Is(err, pipeline.KindParse) || e.Call().Kind() != pipeline.KindValidation {
			t.Errorf("kind %s, the call's %s", e.Kind, e.Call().Kind())
		}
		events := e.Call().Events()
		if last := events[len(events)-1]; last.Name != pipeline.EventFailed || last.Stage != "validate" || last.Text != e.Message {
			t.Errorf("got event %+v", last)
		}
	})
	t.Run("bounds_the_body", func(t *testing.T) {
		_, _, err := send(t, open(t, "", answer{body: `"` + strings.Repeat("x", 100_000)}), http.MethodGet)
		e, ok := errors.AsType[*pipeline.Error](err)
		if !ok || len(e.Body) != 64<<10 || !e.Truncated {
			t.Errorf("got %v with %d bytes", err, len(e.Body))
		}
	})
	t.Run("keeps_the_page_that_came_in_place_of_json", func(t *testing.T) {
		_, _, err := send(t, open(t, `content_type = ["application/json"]`, answer{kind: "text/html", body: "<h1>Log in</h1>", length: -1}), http.MethodGet)
		e, ok := errors.AsType[*pipeline.Error](err)
		if !ok || string(e.Body) != "<h1>Log in</h1>" || e.Truncated {
			t.Errorf("got %v with %q", err, e.Body)
		}
	})
}

// watched is a body that counts how often it was closed and may break off.
type watched struct {
	io.Reader
	err    error
	closed atomic.Int32
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.Reader.Read(p)
	if err == io.EOF && w.err != nil {
		err = w.err
	}
	return n, err
}

func (w *watched) Close() error { w.closed.Add(1); return nil }

func TestBody(t *testing.T) {
	t.Run("that_breaks_off_is_the_network's_fault", func(t *testing.T) {
		w := &watched{Reader: strings.NewReader(`{"id"`), err: io.ErrUnexpectedEOF}
		_, _, err := send(t, open(t, "", answer{rc: w, length: 20}), http.MethodGet)
		e, ok := errors.AsType[*pipeline.Error](err)
		if !ok || e.Kind != pipeline.KindNetwork || e.Class != pipeline.ClassUnknown || e.Stage != "send" {
			t.Errorf("got %v, class %s", err, e.Class)
		}
		if got := w.closed.Load(); got != 1 {
			t.Errorf("closed %d times", got)
		}
	})
	t.Run("is_drained_and_closed_whatever_is_found", func(t *testing.T) {
		for name, a := range map[string]answer{
			`required = ["id"]`:                    {},
			`json = "always"`:                      {kind: "text/plain"},
			`content_type = ["application/pdf"]`:   {length: 20},
			`max_size = "1B"`:                      {length: 20},
			"max_size = \"2B\"":                    {length: -1},
			"streams = \"fail\"\n":                 {status: 206, length: 20},
			`on = 'int(response.header("X")) > 1'`: {length: 20},
		} {
			w := &watched{Reader: strings.NewReader(`{"x": "text" `)}
			a.rc = w
			if a.length == 0 {
				a.length = -1
			}
			if _, _, err := send(t, open(t, name, a), http.MethodGet); err == nil {
				t.Errorf("%s: passed", name)
			}
			if got := w.closed.Load(); got != 1 {
				t.Errorf("%s: closed %d times", name, got)
			}
			if n, _ := w.Reader.Read(make([]byte, 1)); n > 0 {
				t.Errorf("%s: not drained: the connection can't be used again", name)
			}
		}
	})
	t.Run("passes_with_the_original_closed", func(t *testing.T) {
		w := &watched{Reader: strings.NewReader(`{}`)}
		p := open(t, "", answer{rc: w, length: -1})
		req, err := p.NewRequest(t.Context(), http.MethodGet, "/", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := p.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		if got := w.closed.Load(); got != 1 {
			t.Errorf("closed %d times", got)
		}
		var copied bytes.Buffer
		if _, err := io.Copy(&copied, resp.Body); err != nil || copied.String() != "{}" {
			t.Errorf("got %q, %v", copied.String(), err)
		}
		resp.Body.Close()
		if _, err := resp.Body.Read(make([]byte, 1)); !errors.Is(err, http.ErrBodyReadAfterClose) {
			t.Errorf("read after close: %v", err)
		}
	})
	t.Run("skipped_over_the_limit_is_whole_and_closes_the_original", func(t *testing.T) {
		w := &watched{Reader: strings.NewReader(`{"id":1234567}`)}
		got, _, err := send(t, open(t, "max_size = \"4B\"\nstreams = \"skip\"", answer{rc: w, length: -1}), http.MethodGet)
		if err != nil || got != `{"id":1234567}` || w.closed.Load() != 1 {
			t.Errorf("got %q, %v, closed %d times", got, err, w.closed.Load())
		}
	})
	t.Run("of_an_inner_stage_that_fails_is_the_network's_fault", func(t *testing.T) {
		for _, tt := range []struct {
			err   error
			kind  pipeline.Kind
			class pipeline.Class
		}{
			{io.ErrUnexpectedEOF, pipeline.KindNetwork, pipeline.ClassUnknown},
			{context.DeadlineExceeded, pipeline.KindTimeout, pipeline.ClassUnknown},
			{context.Canceled, pipeline.KindCanceled, pipeline.ClassTerminal},
		} {
			s, err := validate.New(validate.Defaults(), pipeline.Settings{})
			if err != nil {
				t.Fatal(err)
			}
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://api.example.com/", nil)
			if err != nil {
				t.Fatal(err)
			}
			_, err = s.Do(req, answer{rc: &watched{Reader: strings.NewReader("{"), err: tt.err}, length: -1})
			e, ok := errors.AsType[*pipeline.Error](err)
			if !ok || e.Kind != tt.kind || e.Class != tt.class || !errors.Is(err, tt.err) {
				t.Errorf("%v: got %v", tt.err, err)
			}
		}
	})
}

func TestEvents(t *testing.T) {
	var seen []pipeline.Event
	p := open(t, "", answer{body: `{}`}, pipeline.WithObserver(func(_ *pipeline.Call, e pipeline.Event) { seen = append(seen, e) }))
	if _, _, err := send(t, p, http.MethodGet); err != nil {
		t.Fatal(err)
	}
	last := seen[len(seen)-1]
	if last.Stage != "validate" || last.Name != pipeline.EventPassed || last.Text != "ok" || last.Status != 200 {
		t.Errorf("got %+v", last)
	}
}
