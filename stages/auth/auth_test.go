package auth_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.uber.org/goleak"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/cond"
	"github.com/leatdev/leat/pipeline/config"
	"github.com/leatdev/leat/pipeline/credential"
	"github.com/leatdev/leat/pipeline/redact"
	"github.com/leatdev/leat/stages/auth"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// upstream answers every request with 200 and keeps the Authorization that it came with.
type upstream struct {
	mu   sync.Mutex
	seen []string
	on   func(*http.Request) *http.Response
}

func (u *upstream) RoundTrip(req *http.Request) (*http.Response, error) {
	u.mu.Lock()
	u.seen = append(u.seen, req.Header.Get("Authorization"))
	u.mu.Unlock()
	if u.on != nil {
		if resp := u.on(req); resp != nil {
			return resp, nil
		}
	}
	return answer(req, 200), nil
}

func answer(req *http.Request, status int) *http.Response {
	return &http.Response{
		StatusCode: status, Status: fmt.Sprint(status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{}, Body: io.NopCloser(strings.NewReader("{}")), ContentLength: 2, Request: req,
	}
}

// source gives each subject a token of its own that names credential and subject.
type source struct {
	token    string
	lifetime time.Duration
}

func (s source) Obtain(context.Context) (credential.Token, error) {
	return credential.Token{Access: redact.NewSecret(s.token), Lifetime: s.lifetime}, nil
}

func (s source) Refresh(ctx context.Context, _ credential.Token) (credential.Token, error) {
	return s.Obtain(ctx)
}

func fake() credential.Factory {
	return credential.Define("fake", struct{}{}, func(_ struct{}, s credential.Settings) (credential.Source, credential.Placement, error) {
		return source{"canary-" + s.Name + "-" + s.Subject, 10 * time.Minute}, credential.Placement{Header: "Authorization", Prefix: "Bearer "}, nil
	})
}

const head = `version = 1
[credentials.demo]
type = "fake"
origins = ["https://api.example.com"]
[credentials.tenants]
type = "fake"
origins = ["https://api.example.com"]
per_subject = true
`

func open(t testing.TB, src string, rt http.RoundTripper, opts ...pipeline.Option) *pipeline.Pipeline {
	t.Helper()
	opts = append([]pipeline.Option{
		pipeline.WithEnviron(nil), pipeline.WithLogger(slog.New(slog.DiscardHandler)), pipeline.WithCredentials(fake()),
		pipeline.WithStages(auth.Factory()), pipeline.WithTransport("default", rt),
	}, opts...)
	r, err := pipeline.OpenBytes(t.Context(), "test.toml", []byte(head+src), opts...)
	if err != nil {
		t.Fatalf("open:\n%v", err)
	}
	t.Cleanup(func() { _ = r.Close() })
	p, err := r.Pipeline("p")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func get(ctx context.Context, t testing.TB, p *pipeline.Pipeline, header ...string) (*http.Response, error) {
	t.Helper()
	req, err := p.NewRequest(ctx, "GET", "/posts", nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := p.RoundTrip(req)
	if err == nil {
		_ = resp.Body.Close()
	}
	return resp, err
}

const pipe = `[pipelines.p]
base_url = "https://api.example.com"
stages = ["auth"]
`

func TestAuth(t *testing.T) {
	tests := []struct {
		name   string
		src    string
		opts   []pipeline.CallOption
		header []string
		want   string // what the upstream saw
		reason string
	}{
		{name: "attaches_the_pipelines_credential", src: pipe + `credential = "demo"`, want: "Bearer canary-demo-"},
		{name: "prefers_its_own_credential", src: pipe + "credential = \"tenants\"\n[stages.auth]\ncredential = \"demo\"", want: "Bearer canary-demo-"},
		{
			name: "takes_the_subject_of_the_call", src: pipe + `credential = "tenants"`,
			opts: []pipeline.CallOption{pipeline.Subject("acme")}, want: "Bearer canary-tenants-acme",
		},
		{
			name: "takes_the_subject_from_an_expression", src: pipe + "credential = \"tenants\"\n[stages.auth]\nsubject = 'request.header(\"X-Tenant\")'",
			opts: []pipeline.CallOption{pipeline.Subject("other")}, header: []string{"X-Tenant", "acme"}, want: "Bearer canary-tenants-acme",
		},
		{name: "leaves_out_what_the_caller_exempts", src: pipe + `credential = "demo"`, opts: []pipeline.CallOption{pipeline.SkipAuth()}, reason: "skip_auth"},
		{
			name: "leaves_the_callers_own_alone", src: pipe + `credential = "demo"`,
			header: []string{"Authorization", "Basic own"}, want: "Basic own", reason: "caller",
		},
		{name: "leaves_out_what_the_file_exempts", src: pipe + "credential = \"demo\"\n[stages.auth]\nexempt = 'request.path == \"/posts\"'", reason: "exempt"},
		{name: "attaches_where_exempt_does_not_hold", src: pipe + "credential = \"demo\"\n[stages.auth]\nexempt = 'request.path == \"/public\"'", want: "Bearer canary-demo-"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			up := &upstream{}
			spans := tracetest.NewSpanRecorder()
			p := open(t, tt.src, up, pipeline.WithTracerProvider(sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans))))
			resp, err := get(pipeline.With(t.Context(), tt.opts...), t, p, tt.header...)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{tt.want}, up.seen); diff != "" {
				t.Errorf("Authorization (-want +got):\n%s", diff)
			}
			call := pipeline.CallOf(resp)
			if got := call.Attached().Skipped; got != tt.reason {
				t.Errorf("skipped: got %q, want %q", got, tt.reason)
			}
			key, want := "leat.credential", "demo"
			if strings.Contains(tt.want, "tenants") {
				want = "tenants"
			}
			if tt.reason != "" {
				key, want = "auth.skipped", tt.reason
				if got := reasons(call); !cmp.Equal(got, []string{tt.reason}) {
					t.Errorf("skipped events: got %q, want %q", got, tt.reason)
				}
			}
			if got := attributeOf(spans, "stage auth", key); got != want {
				t.Errorf("span attribute %s: got %q, want %q", key, got, want)
			}
			if dump := fmt.Sprintf("%v %+v", call.Events(), spans.Ended()); strings.Contains(dump, "canary") {
				t.Errorf("a token is in the record or a span: %s", dump)
			}
		})
	}
}

func reasons(call *pipeline.Call) []string {
	var out []string
	for _, e := range call.Events() {
		if e.Name == pipeline.EventSkipped && e.Stage == "auth" {
			out = append(out, e.Reason)
		}
	}
	return out
}

func attributeOf(spans *tracetest.SpanRecorder, name, key string) string {
	for _, s := range spans.Ended() {
		if s.Name() != name {
			continue
		}
		for _, a := range s.Attributes() {
			if string(a.Key) == key {
				return a.Value.AsString()
			}
		}
	}
	return ""
}

func TestAuth_expression_that_fails_is_policy(t *testing.T) {
	for _, key := range []string{`exempt = 'int(request.header("X-N")) > 1'`, `subject = 'request.header("X-N")[5:6] + string(int("x"))'`} {
		up := &upstream{}
		p := open(t, pipe+"credential = \"demo\"\n[stages.auth]\n"+key, up)
		_, err := get(t.Context(), t, p)
		if !errors.Is(err, pipeline.KindPolicy) || !strings.Contains(err.Error(), "p/auth") {
			t.Errorf("%s: got %v, want a policy error of p/auth", key, err)
		}
		if len(up.seen) != 0 {
			t.Errorf("%s: the request was sent", key)
		}
	}
}

func TestAuth_place(t *testing.T) {
	tests := []struct{ name, src, message, hint string }{
		{"names_a_credential_or_fails", pipe, "stage auth: no credential is named", `credential = "demo"`},
		{"refuses_an_unknown_one", pipe + "[stages.auth]\ncredential = \"dmeo\"", `unknown credential "dmeo"`, "credentials: demo, tenants"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := pipeline.OpenBytes(t.Context(), "test.toml", []byte(head+tt.src), pipeline.WithEnviron(nil),
				pipeline.WithCredentials(fake()), pipeline.WithStages(auth.Factory()))
			d, ok := errors.AsType[config.Diagnostics](err)
			if !ok || len(d) != 1 {
				t.Fatalf("got %v, want one diagnostic", err)
			}
			if !strings.Contains(d[0].Message, tt.message) || !strings.Contains(d[0].Hint, tt.hint) || d[0].Line == 0 {
				t.Errorf("got %+v, want %q with hint %q", d[0], tt.message, tt.hint)
			}
		})
	}
}

func TestAuth_new_without_a_credential_is_an_error(t *testing.T) {
	if _, err := auth.New(auth.Config{}, pipeline.Settings{}); err == nil {
		t.Error("got no error")
	}
	subject, err := cond.ParseText[cond.RequestEnv](`call.operation`)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := auth.New(auth.Config{Subject: subject}, pipeline.Settings{Credential: "demo"}); err != nil {
		t.Error(err)
	}
}

func TestAuth_tells_watchers_how_the_session_is(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var texts []string
		observe := pipeline.WithObserver(func(_ *pipeline.Call, e pipeline.Event) {
			if e.Name == pipeline.EventChosen {
				texts = append(texts, e.Text)
			}
		})
		p := open(t, pipe+`credential = "demo"`, &upstream{}, observe)
		for _, wait := range []time.Duration{0, 0, 9*time.Minute + 1500*time.Millisecond} {
			time.Sleep(wait)
			if _, err := get(t.Context(), t, p); err != nil {
				t.Fatal(err)
			}
		}
		want := []string{"demo: no token yet", "demo: token in use, expires in 10m0s", "demo: needs a new token"}
		if diff := cmp.Diff(want, texts); diff != "" {
			t.Errorf("texts (-want +got):\n%s", diff)
		}
	})
}

func TestAuth_redirect_of_a_call_with_the_callers_own_stays_without(t *testing.T) {
	up := &upstream{on: func(req *http.Request) *http.Response {
		if req.URL.Host != "www.example.com" {
			return nil
		}
		resp := answer(req, 302)
		resp.Header.Set("Location", "https://api.example.com/next")
		return resp
	}}
	p := open(t, pipe+`credential = "demo"`, up)
	req, err := http.NewRequestWithContext(t.Context(), "GET", "https://www.example.com/", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Basic own")
	resp, err := p.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if diff := cmp.Diff([]string{"Basic own", ""}, up.seen); diff != "" {
		t.Errorf("Authorization of each hop (-want +got):\n%s", diff)
	}
}

func TestAuth_allocates_nothing(t *testing.T) {
	stage, err := auth.New(auth.Config{Credential: "demo"}, pipeline.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	allocs := -1.0
	probe := pipeline.Define("probe", struct{}{}, func(struct{}, pipeline.Settings) (pipeline.StageFunc, error) {
		return func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			nothing := roundTripper(func(*http.Request) (*http.Response, error) { return nil, nil })
			allocs = testing.AllocsPerRun(100, func() { _, _ = stage.Do(req, nothing) })
			return next.RoundTrip(req)
		}, nil
	})
	p := open(t, strings.Replace(pipe, "auth", "probe", 1), &upstream{}, pipeline.WithStages(probe))
	if _, err := get(t.Context(), t, p); err != nil {
		t.Fatal(err)
	}
	if allocs != 0 {
		t.Errorf("got %v allocations, want 0", allocs)
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }
