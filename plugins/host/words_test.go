package host

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/plugins/internal/wire"
	"github.com/leatdev/leat/stages/errormap"
	"github.com/leatdev/leat/stages/validate"
)

// saying is an upstream whose answer has words that a plugin must not have unless it may read the body.
func saying(status int, contentType, body string) roundTripper {
	return func(req *http.Request) (*http.Response, error) {
		return &http.Response{
			StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: req, ContentLength: int64(len(body)),
			Header: http.Header{"Content-Type": {contentType}, "Retry-After": {"7"}}, Body: io.NopCloser(strings.NewReader(body)),
		}, nil
	}
}

// inside puts a stage between that of the plugin and the upstream.
func inside(do pipeline.StageFunc) func(*sceneOptions) {
	f := pipeline.Define("inner", struct{}{}, func(struct{}, pipeline.Settings) (pipeline.StageFunc, error) { return do, nil })
	return func(o *sceneOptions) {
		o.stages = `"sign", "inner"`
		o.options = append(o.options, pipeline.WithStages(f))
	}
}

// erring makes an error of what next gave.
func erring(of func(error) error) pipeline.StageFunc {
	return func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
		resp, err := next.RoundTrip(req)
		if err == nil {
			pipeline.Drop(resp)
		}
		return nil, of(err)
	}
}

// seesBody are needs that see the response's body so far.
func seesBody(m pipeline.BodyMode) pipeline.Needs {
	n := sees()
	n.Response.Body = m
	return n
}

// TestWords: what may quote an answer goes to who may read that, and to nobody else; the caller has it in any case.
func TestWords(t *testing.T) {
	const kept = "connection refused by the test"
	of := func() *pipeline.Error {
		return &pipeline.Error{
			Kind: pipeline.KindConflict, Class: pipeline.ClassUnknown, Reason: "stale", Message: "hush: version 3", Status: 409, RetryAfter: 7 * time.Second,
			ProblemType: "https://hush.test/stale", Violations: []string{"id: hush"},
		}
	}
	ok := saying(409, "text/plain", "hush")
	for _, tc := range []struct {
		name     string
		upstream roundTripper
		inner    pipeline.StageFunc // nil: none
		words    string
		shown    bool // to everybody
	}{
		{"of_an_answer", ok, erring(func(error) error { return of() }), "hush: version 3", false},
		{"around_one_of_an_answer", ok, erring(func(error) error { return fmt.Errorf("odd hush: %w", of()) }), "odd hush: ", false},
		{"of_a_stage_that_says_no_status", ok, erring(func(error) error { return errors.New("parse hush") }), "parse hush", false},
		{"around_one_of_the_last_link", func(*http.Request) (*http.Response, error) { return nil, errors.New(kept) },
			erring(func(err error) error { return fmt.Errorf("after hush: %w", err) }), "after hush: ", false},
		{"of_an_answer_that_can_not_be_read", func(*http.Request) (*http.Response, error) {
			return nil, errors.New(`net/http: HTTP/1.x transport connection broken: malformed MIME header line: "Set-Cookie hush"`)
		}, nil, "Set-Cookie hush", false},
		{"of_the_last_link", func(*http.Request) (*http.Response, error) { return nil, errors.New(kept) }, nil, kept, true},
		{"before_anything_was_sent", ok, func(*http.Request, http.RoundTripper) (*http.Response, error) {
			return nil, pipeline.Errorf(pipeline.KindPolicy, "no tenant")
		}, "no tenant", true},
	} {
		for _, mode := range []pipeline.BodyMode{pipeline.BodyNone, pipeline.BodyDigest, pipeline.BodyFull} {
			t.Run(tc.name+"/"+string(mode), func(t *testing.T) {
				var change []func(*sceneOptions)
				if tc.inner != nil {
					change = append(change, inside(tc.inner))
				}
				caller := func(ret func(*wire.Error) *wire.Error) (told *wire.Error, e *pipeline.Error) {
					sc := newScene(t, seesBody(mode), tc.upstream, func(x *said) {
						e := x.next(&wire.Next{}).GetError()
						told, _ = proto.Clone(e).(*wire.Error)
						x.ret(&wire.Return{Error: ret(e)})
					}, change...)
					_, _, err := sc.get(sc.simple())
					return told, sc.failure(err)
				}
				_, as := caller(func(*wire.Error) *wire.Error { return nil })
				if !strings.Contains(as.Message, tc.words) {
					t.Fatalf("the caller got %v, want %s in it", as, tc.words)
				}
				told, same := caller(func(e *wire.Error) *wire.Error {
					e.OfResult = true
					return e
				})
				shown := tc.shown || mode == pipeline.BodyFull
				switch {
				case told.GetKind() != string(as.Kind) || told.GetClass() != string(as.Class) || told.GetReason() != as.Reason ||
					told.GetStatus() != uint32(as.Status) || told.GetRetryAfter() != int64(as.RetryAfter) || told.GetStage() != as.Stage:
					t.Errorf("got %v, want what %#q is but for its words", told, as)
				case shown && (told.GetMessage() != as.Message || told.GetProblemType() != as.ProblemType || !slices.Equal(told.GetViolations(), as.Violations)):
					t.Errorf("got %v, want all of %v", told, as)
				case !shown && (strings.Contains(told.String(), "hush") || told.GetMessage() != unshown):
					t.Errorf("got %v", told)
				}
				check := func(how string, got *pipeline.Error, kind pipeline.Kind, message string) {
					t.Helper()
					if got.Kind != kind || got.Message != message || got.ProblemType != as.ProblemType || !slices.Equal(got.Violations, as.Violations) || got.Status != as.Status {
						t.Errorf("%s: the caller got %v, want %s %s", how, got, kind, message)
					}
				}
				check("handed on", same, as.Kind, as.Message)
				_, changed := caller(func(e *wire.Error) *wire.Error {
					e.Kind, e.OfResult = "server", true
					return e
				})
				check("of another kind", changed, pipeline.KindServer, as.Message)
				_, around := caller(func(e *wire.Error) *wire.Error {
					e.Message, e.OfResult = "for acme: "+e.GetMessage()+"!", true
					return e
				})
				check("with words around", around, as.Kind, "for acme: "+as.Message+"!")
				told, own := caller(func(e *wire.Error) *wire.Error {
					return &wire.Error{Kind: "policy", Message: "of my own, " + e.GetMessage()}
				})
				if own.Kind != pipeline.KindPolicy || own.Message != "of my own, "+told.GetMessage() {
					t.Errorf("its own: the caller got %v", own)
				}
			})
		}
	}
}

// TestWords_of_stages: what error-map and validate say are such words; those of an outcome are the call's.
func TestWords_of_stages(t *testing.T) {
	scenes := func(t *testing.T, needs pipeline.Needs, upstream roundTripper, stages, tables string, do func(*said)) *scene {
		return newScene(t, needs, upstream, do, func(o *sceneOptions) { o.stages, o.file = stages, tables }, withOptions(pipeline.WithStages(errormap.Factory(), validate.Factory())))
	}
	t.Run("validate", func(t *testing.T) {
		for mode, want := range map[pipeline.BodyMode]string{pipeline.BodyNone: unshown, pipeline.BodyFull: "hush: missing"} {
			var told *wire.Error
			sc := scenes(t, seesBody(mode), saying(200, "application/json", `{"id":1}`), `"sign", "validate"`, "[stages.validate]\nrequired = [\"hush\"]", func(x *said) {
				told = x.next(&wire.Next{}).GetError()
				x.ret(&wire.Return{})
			})
			_, _, err := sc.get(sc.simple())
			if e := sc.failure(err); e.Message != "hush: missing" || len(e.Violations) != 1 {
				t.Errorf("%s: the caller got %v", mode, e)
			}
			if told.GetMessage() != want || told.GetStatus() != 200 || told.GetKind() != "validation" || (len(told.GetViolations()) > 0) != (mode == pipeline.BodyFull) {
				t.Errorf("%s: got %v, want %s", mode, told, want)
			}
		}
	})
	problem := saying(409, "application/problem+json", `{"type":"https://hush.test/stale","title":"hush"}`)
	t.Run("error-map", func(t *testing.T) {
		for mode, want := range map[pipeline.BodyMode][2]string{pipeline.BodyNone: {unshown, ""}, pipeline.BodyFull: {"hush", "https://hush.test/stale"}} {
			var told, later *wire.Outcome
			needs := seesBody(mode)
			needs.Retry = true
			sc := scenes(t, needs, problem, `"sign", "error-map"`, "", func(x *said) {
				told = x.next(&wire.Next{}).GetCall().GetOutcome()
				later = x.ask(&wire.Frame{Kind: &wire.Frame_Wait{Wait: &wire.Wait{Duration: 1}}}).GetAwake().GetCall().GetOutcome()
				x.ret(&wire.Return{Changes: &wire.Changes{Judged: &wire.Outcome{Kind: "policy", Message: "acme: " + told.GetMessage(), ProblemType: told.GetProblemType()}}})
			})
			resp, _, err := sc.get(sc.simple())
			if err != nil {
				t.Fatal(err)
			}
			for _, got := range []*wire.Outcome{told, later} {
				if got.GetKind() != "conflict" || got.GetStatus() != 409 || got.GetMessage() != want[0] || got.GetProblemType() != want[1] {
					t.Errorf("%s: got %v", mode, got)
				}
			}
			if c := pipeline.CallOf(resp); c.Kind() != pipeline.KindPolicy || c.Message() != "acme: hush" || c.ProblemType() != "https://hush.test/stale" {
				t.Errorf("%s: the caller got %s %q %q", mode, c.Kind(), c.Message(), c.ProblemType())
			}
		}
	})
	t.Run("of_an_attempt_before", func(t *testing.T) {
		twice := pipeline.Define("twice", struct{}{}, func(struct{}, pipeline.Settings) (pipeline.StageFunc, error) {
			return func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
				if resp, err := next.RoundTrip(req); err == nil {
					pipeline.Drop(resp)
				}
				return next.RoundTrip(req)
			}, nil
		})
		var told []string
		sc := newScene(t, signs(), problem, func(x *said) {
			told = append(told, x.do.GetCall().GetOutcome().String())
			x.last(nil)
		}, func(o *sceneOptions) { o.stages = `"twice", "sign", "error-map"` }, withOptions(pipeline.WithStages(twice, errormap.Factory())))
		if _, _, err := sc.get(sc.simple()); err != nil {
			t.Fatal(err)
		}
		if len(told) != 2 || told[0] != "<nil>" || strings.Contains(told[1], "hush") || !strings.Contains(told[1], "conflict") {
			t.Errorf("got %q", told)
		}
	})
}

// TestWords_of_the_end: the same holds for who hears of the end of a call.
func TestWords_of_the_end(t *testing.T) {
	for _, mode := range []pipeline.BodyMode{pipeline.BodyNone, pipeline.BodyFull} {
		for name, inner := range map[string]pipeline.StageFunc{
			"error": erring(func(error) error { return errors.New("parse hush") }),
			"response": func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
				resp, err := next.RoundTrip(req)
				pipeline.CallFrom(req.Context()).Judge(pipeline.KindConflict, "", "parse hush", "https://hush.test/stale")
				return resp, err
			},
		} {
			t.Run(name+"/"+string(mode), func(t *testing.T) {
				needs := seesBody(mode)
				needs.Calls = true
				sc := newScene(t, needs, saying(409, "text/plain", "hush"), func(x *said) {
					x.next(&wire.Next{})
					x.ret(&wire.Return{})
				}, inside(inner))
				ended := make(chan *wire.Ended, 1)
				sc.script.ended = func(e *wire.Ended) { ended <- e }
				_, _, err := sc.get(sc.simple())
				if name == "error" && sc.failure(err).Message != "parse hush" {
					t.Errorf("the caller got %v", err)
				}
				e := <-ended
				want := unshown
				if mode == pipeline.BodyFull {
					want = "parse hush"
				} else if strings.Contains(e.String(), "hush") {
					t.Errorf("got %v", e)
				}
				if e.GetCall().GetOutcome().GetMessage() != want || (name == "error") != (e.GetError().GetMessage() == want) {
					t.Errorf("got %v, want %s", e, want)
				}
			})
		}
	}
}

// TestWords_of_a_subject: an error of a credential says on whose behalf it was wanted.
func TestWords_of_a_subject(t *testing.T) {
	const file = "credential = \"tenants\"\n[credentials.tenants]\ntype = \"login\"\nper_subject = true\norigins = [\"https://upstream.test\"]\n" +
		"login = { path = \"/login\", send = { user = \"ada\", password = { env = \"T\" } } }\n"
	for _, granted := range []bool{false, true} {
		needs := sees()
		needs.Calls = true
		needs.Credentials = []string{"*"}
		if granted {
			needs.Request.Call = []string{"subject"}
		}
		ended := make(chan *wire.Ended, 1)
		var told *wire.Error
		sc := newScene(t, needs, answering, func(x *said) {
			told = x.next(&wire.Next{Changes: &wire.Changes{Attach: &wire.Attach{Credential: "tenants"}}}).GetError()
			e, _ := proto.Clone(told).(*wire.Error)
			e.OfResult = true
			x.ret(&wire.Return{Error: e})
		}, func(o *sceneOptions) { o.file = file }, withOptions(pipeline.WithSecretsFrom(func(string) (string, bool) { return "", false })))
		sc.script.ended = func(e *wire.Ended) { ended <- e }
		req := sc.simple()
		_, _, err := sc.get(req.WithContext(pipeline.With(req.Context(), pipeline.Subject("acme-7"))))
		if e := sc.failure(err); !strings.Contains(e.Message, `credential "tenants" of "acme-7"`) {
			t.Errorf("the caller got %v", e)
		}
		want := `credential "tenants" of "…"`
		if granted {
			want = `credential "tenants" of "acme-7"`
		}
		e := <-ended
		for _, got := range []string{told.GetMessage(), e.GetError().GetMessage(), e.GetCall().GetOutcome().GetMessage()} {
			if !strings.HasPrefix(got, want) {
				t.Errorf("got %s, want %s", got, want)
			}
		}
		if told.GetReason() != "no_credential" {
			t.Errorf("got %v", told)
		}
	}
}
