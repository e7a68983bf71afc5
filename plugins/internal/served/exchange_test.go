package served

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/plugins/internal/wire"
)

// TestExchange_keeps_no_body_that_the_host_was_not_told_of: nobody would ever fetch it.
func TestExchange_keeps_no_body_that_the_host_was_not_told_of(t *testing.T) {
	body := func(of string) io.ReadCloser {
		return io.NopCloser(strings.NewReader(strings.Repeat(of, wire.MaxInline+1)))
	}
	tooLong := http.Header{"X-Long": {strings.Repeat("x", wire.MaxFrame)}}
	edits := pipeline.Needs{Response: &pipeline.ResponseNeeds{Body: pipeline.BodyFull}, Retry: true}
	var late func()
	for name, tc := range map[string]struct {
		needs pipeline.Needs
		first *wire.Result
		do    pipeline.StageFunc
		want  string // what is kept begins with it
	}{
		"of_a_next_after_the_end": {needs: edits, do: func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			late = func() { _, _ = next.RoundTrip(req) }
			req.Body = body("a")
			return nil, pipeline.Errorf(pipeline.KindPolicy, "no")
		}},
		"of_a_next_that_parts_after_the_end": {do: func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			late = func() { _, _ = next.RoundTrip(req) }
			req.Body = body("a")
			return nil, pipeline.Errorf(pipeline.KindPolicy, "no")
		}},
		"of_a_next_that_does_not_fit": {needs: edits, do: func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			req.Body, req.Header = body("a"), tooLong
			return next.RoundTrip(req)
		}},
		"of_a_next_that_parts_and_does_not_fit": {do: func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			req.Body, req.Header = body("a"), tooLong
			return next.RoundTrip(req)
		}},
		"of_a_next_that_comes_too_late": {needs: edits, first: &wire.Result{}, do: func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			req.Body = body("a")
			return next.RoundTrip(req)
		}},
		"of_a_response_that_does_not_fit": {needs: edits, do: func(*http.Request, http.RoundTripper) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Header: tooLong, Body: body("a")}, nil
		}},
		"of_a_second_next_that_is_refused": {want: "a", do: func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			again := req.Clone(req.Context())
			req.Body, again.Body = body("a"), body("b")
			resp, err := next.RoundTrip(req)
			_, _ = next.RoundTrip(again)
			return resp, err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			ss := newSession(New(Options{}), nil)
			f := pipeline.Define("mine", struct{}{}, func(struct{}, pipeline.Settings) (pipeline.StageFunc, error) { return tc.do, nil }).WithNeeds(tc.needs)
			stage, err := ss.stages.Open(f, &struct{}{}, pipeline.Settings{Pipeline: "api", Stage: "mine"})
			if err != nil {
				t.Fatal(err)
			}
			x := newExchange(ss, wire.Incoming{Frame: &wire.Frame{Exchange: 7, Kind: &wire.Frame_Do{Do: &wire.Do{Request: &wire.Request{Url: "https://api.example.com/"}, Result: tc.first}}}})
			x.inst, ss.live[x.id], late = &instance{stage: stage, needs: tc.needs}, x, nil
			x.inst.busy.Add(1)
			x.run()
			if late != nil {
				late()
			}
			kept := ss.server.bodies.leaving[x.id]
			switch {
			case tc.want == "" && kept != nil:
				t.Error("it keeps a body")
			case tc.want != "" && (kept == nil || !strings.HasPrefix(string(kept.data), tc.want)):
				t.Errorf("it keeps another body, or none: %v", kept != nil)
			}
		})
	}
}
