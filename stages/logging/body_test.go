package logging

import (
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"

	"github.com/leatdev/leat/pipeline"
)

const bodies = "[stages.log]\nsend_level = \"info\"\ncalls = false\nrequest_body = true\nresponse_body = true\nbody_limit = \"64B\""

// record is what the tests read of a line.
type record struct {
	Msg          string `json:"msg"`
	RequestBody  string `json:"request_body"`
	ResponseBody string `json:"response_body"`
	BodyBytes    int    `json:"body_bytes"`
	Truncated    bool   `json:"body_truncated"`
}

func records(t testing.TB, lines string) (out []record) {
	t.Helper()
	for line := range strings.Lines(lines) {
		var r record
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		out = append(out, r)
	}
	return out
}

// counted counts how often a body is closed.
type counted struct {
	io.Reader
	closed atomic.Int32
}

func (b *counted) Close() error { b.closed.Add(1); return nil }

func TestLog_of_a_response_body(t *testing.T) {
	const long = `{"a":"0123456789","b":"0123456789","c":"0123456789","d":"0123456789","password":"lovelace"}`
	reset := errors.New("reset")
	for name, tt := range map[string]struct {
		contentType string
		body        io.Reader
		take        int64 // how much the caller reads
		want        []record
	}{
		"whole":                 {"application/json", strings.NewReader(`{"a":1}`), 1 << 20, []record{{ResponseBody: `{"a":1}`, BodyBytes: 7}}},
		"problem_details":       {"application/problem+json", strings.NewReader(`{"title":"x"}`), 1 << 20, []record{{ResponseBody: `{"title":"x"}`, BodyBytes: 13}}},
		"a_form":                {"application/x-www-form-urlencoded", strings.NewReader(`a=1&pin=2`), 1 << 20, []record{{ResponseBody: `a=1&pin=***`, BodyBytes: 9}}},
		"longer_than_the_limit": {"application/json", strings.NewReader(long), 1 << 20, []record{{ResponseBody: long[:64], BodyBytes: len(long), Truncated: true}}},
		"read_in_part":          {"application/json", strings.NewReader(`{"a":1}`), 2, []record{{ResponseBody: `{"`, BodyBytes: 2, Truncated: true}}},
		"not_read":              {"application/json", strings.NewReader(`{"a":1}`), 0, nil},
		"cut_off":               {"application/json", io.MultiReader(strings.NewReader(`{"a":`), iotest.ErrReader(reset)), 1 << 20, []record{{ResponseBody: `{"a":`, BodyBytes: 5, Truncated: true}}},
		"text":                  {"text/plain", strings.NewReader(`password`), 1 << 20, nil},
		"html":                  {"text/html", strings.NewReader(`<p>`), 1 << 20, nil},
		"a_stream":              {"text/event-stream", strings.NewReader(`data: {}`), 1 << 20, nil},
		"no_type":               {"", strings.NewReader(`{}`), 1 << 20, nil},
	} {
		t.Run(name, func(t *testing.T) {
			var out output
			b := &counted{Reader: tt.body}
			p, _ := open(t, `"log"`, bodies, roundTripper(func(*http.Request) (*http.Response, error) {
				resp := answer(200, tt.contentType, nil)
				resp.Body = b
				return resp, nil
			}), pipeline.WithLogger(out.logger(slog.LevelInfo)))
			req, _ := p.NewRequest(t.Context(), "GET", "/", nil)
			resp, err := p.RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			out.take()
			_, _ = io.ReadAll(io.LimitReader(resp.Body, tt.take))
			_ = resp.Body.Close()
			_ = resp.Body.Close()
			got := records(t, out.take())
			for i := range got {
				if got[i].Msg != "response body" {
					t.Errorf("message: %s", got[i].Msg)
				}
				got[i].Msg = ""
				if name == "read_in_part" || name == "cut_off" { // how much shows of half a token is the redactor's business
					tt.want[i].ResponseBody = got[i].ResponseBody
				}
			}
			if len(got) != len(tt.want) || len(got) == 1 && !sameBut(got[0], tt.want[0]) {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
			if n := b.closed.Load(); n != 1 {
				t.Errorf("closed %d times, want once", n)
			}
		})
	}
}

// sameBut compares two records up to where a cut body ends: the redactor may leave out what it can't judge.
func sameBut(got, want record) bool {
	if want.Truncated && strings.HasPrefix(want.ResponseBody, got.ResponseBody[:min(40, len(got.ResponseBody))]) {
		got.ResponseBody = want.ResponseBody
	}
	return got == want
}

func TestLog_of_a_request_body(t *testing.T) {
	for name, tt := range map[string]struct {
		body        io.Reader
		contentType string
		want        record
	}{
		"that_can_be_had_again":  {strings.NewReader(`{"a":1,"secret":2}`), "application/json", record{Msg: "request", RequestBody: `{"a":1,"secret":"***"}`}},
		"of_unknown_length":      {io.MultiReader(strings.NewReader(`{"a":1}`)), "application/json", record{Msg: "request", RequestBody: `{"a":1}`}},
		"that_is_a_form":         {strings.NewReader(`user=ada&password=x`), "application/x-www-form-urlencoded", record{Msg: "request", RequestBody: `user=ada&password=***`}},
		"that_is_something_else": {strings.NewReader(`hello`), "application/octet-stream", record{Msg: "request"}},
	} {
		t.Run(name, func(t *testing.T) {
			var out output
			var arrived string
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				b, _ := io.ReadAll(r.Body)
				arrived = string(b)
				w.WriteHeader(http.StatusNoContent)
			}))
			defer server.Close()
			transport := &http.Transport{}
			defer transport.CloseIdleConnections()
			want, _ := io.ReadAll(tt.body)
			if s, ok := tt.body.(io.Seeker); ok {
				_, _ = s.Seek(0, io.SeekStart)
			} else {
				tt.body = io.MultiReader(strings.NewReader(string(want)))
			}
			p, _ := open(t, `"log"`, bodies, transport, pipeline.WithLogger(out.logger(slog.LevelInfo)))
			if _, err := do(t, p, "POST", server.URL, tt.contentType, tt.body); err != nil {
				t.Fatal(err)
			}
			if arrived != string(want) {
				t.Errorf("arrived: got %q, want %q", arrived, want)
			}
			if got := records(t, out.take()); len(got) != 1 || got[0] != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestLog_does_not_delay_a_body(t *testing.T) {
	var out output
	pr, pw := io.Pipe()
	p, _ := open(t, `"log"`, bodies, roundTripper(func(*http.Request) (*http.Response, error) {
		resp := answer(200, "application/json", nil)
		resp.Body = pr
		return resp, nil
	}), pipeline.WithLogger(out.logger(slog.LevelInfo)))
	req, _ := p.NewRequest(t.Context(), "GET", "/", nil)
	resp, err := p.RoundTrip(req) // nothing was written yet
	if err != nil {
		t.Fatal(err)
	}
	for _, piece := range []string{`{"a":`, `1}`} {
		wrote := make(chan struct{})
		go func() { defer close(wrote); _, _ = io.WriteString(pw, piece) }()
		buf := make([]byte, 16)
		if n, err := resp.Body.Read(buf); string(buf[:n]) != piece || err != nil {
			t.Errorf("got %q, %v, want %q", buf[:n], err, piece)
		}
		<-wrote
	}
	_ = resp.Body.Close()
}

func TestLog_of_an_upgrade_keeps_its_writer(t *testing.T) {
	var out output
	near, far := io.Pipe()
	p, _ := open(t, `"log"`, bodies, roundTripper(func(*http.Request) (*http.Response, error) {
		resp := answer(http.StatusSwitchingProtocols, "application/json", nil)
		resp.Body = struct {
			io.ReadCloser
			io.Writer
		}{near, far}
		return resp, nil
	}), pipeline.WithLogger(out.logger(slog.LevelInfo)))
	req, _ := p.NewRequest(t.Context(), "GET", "/", nil)
	resp, err := p.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, ok := resp.Body.(io.Writer); !ok {
		t.Error("the body of the upgrade can no longer be written to")
	}
}
