package pipeline_test

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/stages/retry"
)

// far answers a served stage as its pipeline's own process would.
type far struct {
	method  string // default GET
	answers []answered
	told    []pipeline.CallChanges
	waited  []time.Duration
	urls    []string
}

type answered struct {
	status int
	err    *pipeline.Error
	state  pipeline.CallProgress
}

func (f *far) Request(ctx context.Context) (*http.Request, error) {
	return http.NewRequestWithContext(ctx, cmp.Or(f.method, http.MethodGet), "https://api.example.com/posts", nil)
}

func (f *far) Next(req *http.Request, ch pipeline.CallChanges) (*http.Response, pipeline.CallProgress, error) {
	a := f.answers[0]
	f.answers, f.told, f.urls = f.answers[1:], append(f.told, ch), append(f.urls, req.URL.String())
	if a.err != nil {
		return nil, a.state, a.err
	}
	return &http.Response{StatusCode: a.status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(""))}, a.state, nil
}

func (f *far) Wait(_ context.Context, d time.Duration, ch pipeline.CallChanges) (pipeline.CallProgress, error) {
	f.told, f.waited = append(f.told, ch), append(f.waited, d)
	return pipeline.CallProgress{Attempts: 1, Sends: 1}, nil
}

func served(t *testing.T, f pipeline.Factory) *pipeline.ServedStage {
	t.Helper()
	var all pipeline.ServedStages
	s, err := all.Open(f, f.Config(), pipeline.Settings{Pipeline: "api", Stage: "again"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func outcome(kind pipeline.Kind, class pipeline.Class, status, attempts, sends int) pipeline.CallProgress {
	return pipeline.CallProgress{Attempts: attempts, Sends: sends, Outcome: pipeline.Judgement{Kind: kind, Class: class}, Status: status}
}

func TestServedStage(t *testing.T) {
	t.Run("sends_again_by_what_the_pipelines_process_says_of_the_outcome", func(t *testing.T) {
		f := &far{method: "POST", answers: []answered{
			{status: 409, state: outcome(pipeline.KindConflict, pipeline.ClassRefused, 409, 1, 1)}, // a stage further in says that it may be
			{status: 200, state: outcome("", pipeline.ClassProcessed, 200, 2, 2)},
		}}
		resp, ch, err := served(t, retry.Factory()).Do(t.Context(), pipeline.CallState{Pipeline: "api"}, f)
		if err != nil || resp.StatusCode != 200 {
			t.Fatalf("got %v, %v, want 200", resp, err)
		}
		if len(f.waited) != 1 || len(f.urls) != 2 {
			t.Errorf("got %d waits and %d sends, want 1 and 2", len(f.waited), len(f.urls))
		}
		if got := f.told[0].Attempts + f.told[1].Attempts + f.told[2].Attempts + ch.Attempts; got != 2 {
			t.Errorf("attempts told: got %d, want 2", got)
		}
		if got := f.told[1].Events; len(got) != 1 || got[0].Name != pipeline.EventRetry {
			t.Errorf("told before the wait: got %v, want the retry", got)
		}
	})
	t.Run("leaves_the_call_alone_that_an_outer_stage_sends_again", func(t *testing.T) {
		f := &far{answers: []answered{{status: 503, state: outcome(pipeline.KindServer, pipeline.ClassUnknown, 503, 1, 1)}}}
		resp, ch, err := served(t, retry.Factory()).Do(t.Context(), pipeline.CallState{Pipeline: "api", RetryOwned: true}, f)
		if err != nil || resp.StatusCode != 503 || len(f.waited) != 0 {
			t.Fatalf("got %v, %v, waits %v, want 503 at once", resp, err, f.waited)
		}
		if ch.Stopped == nil || *ch.Stopped != retry.ReasonNested {
			t.Errorf("stopped: got %v, want nested", ch.Stopped)
		}
	})
	t.Run("counts_what_was_sent_there_against_the_budget", func(t *testing.T) {
		var all pipeline.ServedStages
		config := retry.Defaults()
		config.Budget = pipeline.Budget{Ratio: 0, Floor: 0.1, Window: 10 * time.Second} // one resend in ten seconds
		stage, err := all.Open(retry.Factory(), &config, pipeline.Settings{Pipeline: "api", Stage: "again"})
		if err != nil {
			t.Fatal(err)
		}
		reasons := []string{}
		for range 2 {
			f := &far{answers: []answered{
				{status: 503, state: outcome(pipeline.KindServer, pipeline.ClassUnknown, 503, 1, 1)},
				{status: 503, state: outcome(pipeline.KindServer, pipeline.ClassUnknown, 503, 2, 2)},
				{status: 503, state: outcome(pipeline.KindServer, pipeline.ClassUnknown, 503, 3, 3)},
			}}
			_, ch, err := stage.Do(t.Context(), pipeline.CallState{Pipeline: "api"}, f)
			if err != nil {
				t.Fatal(err)
			}
			reasons = append(reasons, *ch.Stopped)
		}
		if diff := gocmp.Diff([]string{retry.ReasonBudget, retry.ReasonBudget}, reasons); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("keeps_the_error_of_next_recognisable", func(t *testing.T) {
		cause := errors.New("the cause")
		f := &far{answers: []answered{{err: &pipeline.Error{Kind: pipeline.KindTLS, Class: pipeline.ClassTerminal, Stage: "send", Message: "no trust", Err: cause}}}}
		_, _, err := served(t, retry.Factory()).Do(t.Context(), pipeline.CallState{Pipeline: "api"}, f)
		var e *pipeline.Error
		if !errors.As(err, &e) || e.Stage != "send" || e.Kind != pipeline.KindTLS || !errors.Is(err, cause) {
			t.Errorf("got %v, want the error of send with its cause", err)
		}
	})
	t.Run("turns_a_panic_into_an_error_of_that_stage", func(t *testing.T) {
		bad := pipeline.Define("bad", struct{}{}, func(struct{}, pipeline.Settings) (pipeline.Stage, error) {
			return pipeline.StageFunc(func(*http.Request, http.RoundTripper) (*http.Response, error) { panic("ouch") }), nil
		})
		_, _, err := served(t, bad).Do(t.Context(), pipeline.CallState{Pipeline: "api"}, &far{})
		var e *pipeline.Error
		if !errors.As(err, &e) || e.Kind != pipeline.KindInternal || e.Stage != "again" || !strings.Contains(e.Message, "ouch") {
			t.Errorf("got %v, want kind internal with the panic's text", err)
		}
	})
	t.Run("tells_what_it_does_to_the_call", func(t *testing.T) {
		busy := pipeline.Define("busy", struct{}{}, func(struct{}, pipeline.Settings) (pipeline.Stage, error) {
			return pipeline.StageFunc(func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
				c := pipeline.CallFrom(req.Context())
				if c.Subject() != "acme" || c.Label("team") != "blue" || !c.Serves("X-Retry") || c.Previous() == nil || c.Previous().Previous() != nil {
					t.Errorf("the call lost something: subject %q, label %q", c.Subject(), c.Label("team"))
				}
				c.UseCredential("partner", "acme")
				c.UseIdempotencyKey("k1")
				resp, err := next.RoundTrip(req)
				c.Judge(pipeline.KindClient, pipeline.ClassProcessed, "no credit", "")
				return resp, err
			}), nil
		})
		f := &far{answers: []answered{{status: 402, state: outcome(pipeline.KindClient, pipeline.ClassProcessed, 402, 1, 1)}}}
		state := pipeline.CallState{Pipeline: "api", Subject: "acme", Labels: map[string]string{"team": "blue"}, Serving: []string{"X-Retry"}, Hop: 1}
		_, ch, err := served(t, busy).Do(t.Context(), state, f)
		if err != nil {
			t.Fatal(err)
		}
		before := pipeline.CallChanges{Credential: "partner", CredentialSubject: "acme", IdempotencyKey: "k1", Idempotent: true}
		after := pipeline.CallChanges{Judged: &pipeline.Judgement{Kind: pipeline.KindClient, Class: pipeline.ClassProcessed, Message: "no credit"}}
		if diff := gocmp.Diff([]pipeline.CallChanges{before, after}, []pipeline.CallChanges{f.told[0], ch}); diff != "" {
			t.Error(diff)
		}
	})
}

func TestCallWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var c *pipeline.Call
		if err := c.Wait(t.Context(), time.Minute); err != nil || time.Since(start) != time.Minute {
			t.Errorf("got %v after %s, want nil after a minute", err, time.Since(start))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := c.Wait(ctx, time.Minute); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 61*time.Second {
			t.Errorf("got %v after %s, want the deadline after a second", err, time.Since(start))
		}
	})
}
