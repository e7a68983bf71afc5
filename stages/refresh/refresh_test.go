package refresh_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/credential"
	"github.com/leatdev/leat/stages/refresh"
)

func TestDecide(t *testing.T) {
	good := refresh.Facts{Attached: true, Sent: 3, Current: 3, Replayable: true}
	tests := []struct {
		name   string
		change func(*refresh.Facts)
		step   refresh.Step
		reason string
	}{
		{"renews_the_refused_token", func(*refresh.Facts) {}, refresh.StepRenew, ""},
		{"takes_a_newer_token_that_is_there", func(f *refresh.Facts) { f.Current = 4 }, refresh.StepReplay, ""},
		{"renews_where_the_token_is_gone", func(f *refresh.Facts) { f.Current = 0 }, refresh.StepRenew, ""},
		{"returns_what_carried_nothing", func(f *refresh.Facts) { f.Attached = false }, refresh.StepReturn, "not_attached"},
		{"returns_a_lack_of_scope", func(f *refresh.Facts) { f.Scope = true }, refresh.StepReturn, "insufficient_scope"},
		{"replays_once", func(f *refresh.Facts) { f.Replayed = true }, refresh.StepReject, "already_replayed"},
		{"replays_once_also_with_a_newer_token", func(f *refresh.Facts) { f.Replayed, f.Current = true, 4 }, refresh.StepReject, "already_replayed"},
		{"does_not_double_a_write", func(f *refresh.Facts) { f.Unsafe = true }, refresh.StepBackground, "unsafe_method"},
		{"renews_for_others_without_a_body", func(f *refresh.Facts) { f.Replayable = false }, refresh.StepBackground, "body"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := good
			tt.change(&f)
			step, reason := refresh.Decide(f)
			if step != tt.step || reason != tt.reason {
				t.Errorf("got %s %q, want %s %q", step, reason, tt.step, tt.reason)
			}
		})
	}
}

func TestRefresh_replays_through_the_inner_stages_with_a_new_token(t *testing.T) {
	for _, method := range []string{"GET", "POST"} {
		t.Run(method, func(t *testing.T) {
			s := &server{}
			spans := tracetest.NewSpanRecorder()
			p := open(t, s, "", pipeline.WithTracerProvider(sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans))))
			warm(t, s, p)
			var body io.Reader
			want := ""
			if method == "POST" {
				body, want = struct{ io.Reader }{strings.NewReader("a write")}, "a write" // no GetBody
			}
			req, err := p.NewRequest(t.Context(), method, "/posts", body)
			if err != nil {
				t.Fatal(err)
			}
			req.ContentLength = int64(len(want))
			resp, err := p.RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			if diff := cmp.Diff([]sent{{"canary-1", want, seen}, {"canary-2", want, seen}}, s.sends, cmp.AllowUnexported(sent{})); diff != "" {
				t.Errorf("sends (-want +got):\n%s", diff)
			}
			call := pipeline.CallOf(resp)
			events := named(call, pipeline.EventReplay)
			if len(events) != 1 || events[0].Text != "401, demo: got a new token, sending again" || events[0].Status != 401 {
				t.Errorf("replay events: got %+v", events)
			}
			if resp.StatusCode != 200 || call.Sends() != 2 || call.Attempts() != 1 || s.issued != 2 || call.StopReason() != "" {
				t.Errorf("got status %d, %d sends, %d attempts, %d tokens, stopped %q", resp.StatusCode, call.Sends(), call.Attempts(), s.issued, call.StopReason())
			}
			if n := s.open.Load(); n != 0 {
				t.Errorf("%d response bodies are open", n)
			}
			if got := lastAttribute(spans); got != "replayed" {
				t.Errorf("leat.refresh: got %q", got)
			}
			for _, dump := range []string{p.logs.String(), fmt.Sprintf("%+v", call.Events()), fmt.Sprintf("%+v", tracetest.SpanStubsFromReadOnlySpans(spans.Ended()))} {
				if strings.Contains(dump, "canary") {
					t.Errorf("a token shows: %s", dump)
				}
			}
		})
	}
}

func lastAttribute(spans *tracetest.SpanRecorder) string {
	got := ""
	for _, s := range spans.Ended() {
		for _, a := range s.Attributes() {
			if a.Key == "leat.refresh" && s.Name() == "stage refresh" {
				got = a.Value.AsString()
			}
		}
	}
	return got
}

func TestRefresh_returns_the_answer_with_a_reason(t *testing.T) {
	passing := func(int) (string, error) {
		return "", &credential.Failure{Op: "refresh", Status: 503, RetryAfter: 7 * time.Second}
	}
	tests := []struct {
		name   string
		server *server
		more   string
		method string
		body   func() io.Reader
		opts   []pipeline.CallOption
		status int
		reason string
		sends  int
		issued int // once background renewals are over
		text   string
	}{
		{name: "not_attached_because_the_caller_said_so", server: &server{}, opts: []pipeline.CallOption{pipeline.SkipAuth()}, status: 401, reason: "not_attached", sends: 1, issued: 1, text: "(skip_auth)"},
		{name: "already_replayed", server: &server{answer: always(401)}, status: 401, reason: "already_replayed", sends: 2, issued: 2},
		{name: "no_newer_token", server: &server{issue: func(int) (string, error) { return "canary", nil }, answer: always(401)}, status: 401, reason: "no_newer_token", sends: 1, issued: 2},
		{name: "body_of_unknown_length", server: &server{}, method: "POST", body: func() io.Reader { return struct{ io.Reader }{strings.NewReader("x")} }, status: 401, reason: "body", sends: 1, issued: 2},
		{name: "refresh_failed", server: &server{issue: after(1, passing)}, status: 401, reason: "refresh_failed", sends: 1, issued: 2, text: "refresh: 503, retry after 7s"},
		{name: "insufficient_scope", server: &server{refused: 403, challenge: `Bearer error="insufficient_scope", scope="write"`}, more: on403, status: 403, reason: "insufficient_scope", sends: 1, issued: 1},
		{name: "unsafe_method", server: &server{answer: always(503)}, more: "[stages.refresh]\non = 'response.status == 503'", method: "POST", status: 503, reason: "unsafe_method", sends: 1, issued: 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				answer := tt.server.answer
				tt.server.answer = nil
				spans := tracetest.NewSpanRecorder()
				p := open(t, tt.server, tt.more, pipeline.WithTracerProvider(sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans))))
				warm(t, tt.server, p)
				tt.server.answer = answer
				method, body := tt.method, io.Reader(nil)
				if method == "" {
					method = "GET"
				}
				if tt.body != nil {
					body = tt.body()
				}
				resp, text, err := do(pipeline.With(t.Context(), tt.opts...), t, p, p, method, body)
				if err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				call := pipeline.CallOf(resp)
				if resp.StatusCode != tt.status || len(tt.server.sends) != tt.sends || tt.server.issued != tt.issued {
					t.Errorf("got status %d, %d sends, %d tokens", resp.StatusCode, len(tt.server.sends), tt.server.issued)
				}
				if want := fmt.Sprintf(`{"send":%d}`, tt.sends); text != want {
					t.Errorf("body: got %q, want %q", text, want)
				}
				events := named(call, pipeline.EventRefused)
				if len(events) != 1 || events[0].Reason != tt.reason || !strings.Contains(events[0].Text, tt.text) {
					t.Errorf("refused events: got %+v, want %s %q", events, tt.reason, tt.text)
				}
				if call.StopReason() != tt.reason || lastAttribute(spans) != tt.reason {
					t.Errorf("got stopped %q, span %q, want %q", call.StopReason(), lastAttribute(spans), tt.reason)
				}
				if n := tt.server.open.Load(); n != 0 {
					t.Errorf("%d response bodies are open", n)
				}
			})
		})
	}
}

const on403 = "[stages.refresh]\non = 'response.status in [401, 403]'"

func always(status int) func(int, *http.Request) (int, bool) {
	return func(int, *http.Request) (int, bool) { return status, true }
}

func after(n int, then func(int) (string, error)) func(int) (string, error) {
	return func(i int) (string, error) {
		if i > n {
			return then(i)
		}
		return fmt.Sprintf("canary-%d", i), nil
	}
}

func TestRefresh_custom_condition_replays_a_403(t *testing.T) {
	s := &server{refused: 403}
	p := open(t, s, on403)
	warm(t, s, p)
	resp, _, err := do(t.Context(), t, p, p, "POST", strings.NewReader("x"))
	if err != nil || resp.StatusCode != 200 || len(s.sends) != 2 {
		t.Errorf("got %v, %v, %d sends", resp, err, len(s.sends))
	}
}

func TestRefresh_condition_that_fails_is_policy(t *testing.T) {
	s := &server{}
	p := open(t, s, "[stages.refresh]\non = 'int(response.header(\"X-N\")) > 1'")
	_, _, err := do(t.Context(), t, p, p, "GET", nil)
	if !errors.Is(err, pipeline.KindPolicy) || !strings.Contains(err.Error(), "p/refresh") || s.open.Load() != 0 {
		t.Errorf("got %v, %d open bodies", err, s.open.Load())
	}
}

func TestRefresh_failure_shows_in_the_error_of_a_program_that_wants_errors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{issue: after(1, func(int) (string, error) { return "", &credential.Failure{Op: "refresh", Status: 503} })}
		p := open(t, s, "")
		warm(t, s, p)
		_, _, err := do(t.Context(), t, p.Client(pipeline.StatusErrors()).Transport, p, "GET", nil)
		e, ok := errors.AsType[*pipeline.Error](err)
		if !ok || e.Kind != pipeline.KindUnauthorized || e.Status != 401 || e.Reason != "refresh_failed" || string(e.Body) != `{"send":1}` {
			t.Fatalf("got %v", err)
		}
		if !strings.Contains(e.Message, `no new token: credential "demo"`) || !strings.Contains(e.Message, "503") {
			t.Errorf("message: got %q", e.Message)
		}
	})
}

func TestRefresh_later_calls_go_on_after_a_body_that_could_not_be_replayed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{}
		p := open(t, s, "")
		warm(t, s, p)
		reader, writer := io.Pipe()
		go func() { _, _ = writer.Write([]byte("stream")); _ = writer.Close() }()
		if resp, _, err := do(t.Context(), t, p, p, "PUT", reader); err != nil || resp.StatusCode != 401 {
			t.Fatalf("got %v, %v", resp, err)
		}
		resp, _, err := do(t.Context(), t, p, p, "GET", nil)
		if err != nil || resp.StatusCode != 200 || s.issued != 2 || pipeline.CallOf(resp).Sends() != 1 {
			t.Errorf("got %v, %v, %d tokens", resp, err, s.issued)
		}
	})
}

func TestRefresh_caller_leaves_at_once(t *testing.T) {
	tests := []struct {
		name, more, reason string
		cancel             time.Duration
		kind               pipeline.Kind
	}{
		{"when_it_cancels", "", "canceled", 2 * time.Second, pipeline.KindCanceled},
		{"at_the_calls_timeout", "timeout = \"3s\"\n", "timeout", 0, pipeline.KindTimeout},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &server{}
				p := open(t, s, tt.more)
				warm(t, s, p)
				s.took = 5 * time.Second
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				want := 3 * time.Second
				if tt.cancel > 0 {
					time.AfterFunc(tt.cancel, cancel)
					want = tt.cancel
				}
				began := time.Now()
				_, _, err := do(ctx, t, p, p, "GET", nil)
				e, ok := errors.AsType[*pipeline.Error](err)
				if !ok || e.Kind != tt.kind || e.Reason != tt.reason || e.Stage != "refresh" {
					t.Errorf("got %v, want %s [%s] of stage refresh", err, tt.kind, tt.reason)
				}
				if got := time.Since(began); got != want {
					t.Errorf("returned after %s, want %s", got, want)
				}
				if waiting, _ := e.Call().Times(); waiting != want {
					t.Errorf("waiting: got %s, want %s", waiting, want)
				}
				if n := s.open.Load(); n != 0 {
					t.Errorf("%d response bodies are open", n)
				}
				time.Sleep(5 * time.Second) // the renewal goes on without its caller: its token must not be lost
				if resp, _, err := do(t.Context(), t, p, p, "GET", nil); err != nil || resp.StatusCode != 200 || s.issued != 2 {
					t.Errorf("next call: got %v, %v, %d tokens", resp, err, s.issued)
				}
			})
		})
	}
}
