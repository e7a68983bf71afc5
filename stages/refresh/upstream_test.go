package refresh_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/credential"
	"github.com/leatdev/leat/pipeline/redact"
	"github.com/leatdev/leat/stages/auth"
	"github.com/leatdev/leat/stages/refresh"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// server is both ends of a credential: it issues tokens (as a credential.Source) and judges those that requests carry (as a
// transport). A test sets its functions before the first call.
type server struct {
	mu       sync.Mutex
	issued   int
	valid    string          // the token that is accepted now
	rejected map[string]bool // tokens that were answered with a 401
	sends    []sent

	latency   time.Duration                                        // of an answer
	took      time.Duration                                        // by a token request
	issue     func(n int) (string, error)                          // makes token n, from 1; nil: canary-n
	answer    func(n int, req *http.Request) (status int, ok bool) // overrides answer n, from 1
	challenge string                                               // WWW-Authenticate of refusals
	open      atomic.Int64                                         // response bodies not yet closed
	refused   int                                                  // status of a refusal; 0: 401
}

type sent struct{ token, body, extra string }

func (s *server) Obtain(ctx context.Context) (credential.Token, error) {
	if s.took > 0 {
		select {
		case <-time.After(s.took):
		case <-ctx.Done():
			return credential.Token{}, ctx.Err()
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.issued++
	token := fmt.Sprintf("canary-%d", s.issued)
	if s.issue != nil {
		var err error
		if token, err = s.issue(s.issued); err != nil {
			return credential.Token{}, err
		}
	}
	s.valid = token
	return credential.Token{Access: redact.NewSecret(token)}, nil
}

func (s *server) Refresh(ctx context.Context, _ credential.Token) (credential.Token, error) {
	return s.Obtain(ctx)
}

// revoke makes the server refuse every token issued so far.
func (s *server) revoke() {
	s.mu.Lock()
	s.valid = "none"
	s.mu.Unlock()
}

func (s *server) RoundTrip(req *http.Request) (*http.Response, error) {
	var body []byte
	if req.Body != nil {
		body, _ = io.ReadAll(req.Body)
		_ = req.Body.Close()
	}
	token := strings.TrimPrefix(req.Header.Get("Authorization"), "Bearer ")
	s.mu.Lock()
	s.sends = append(s.sends, sent{token, string(body), req.URL.Path + " " + strings.Join(req.Header.Values("X-Inner"), ",")})
	n, good := len(s.sends), token == s.valid && token != ""
	if s.rejected == nil {
		s.rejected = map[string]bool{}
	}
	s.mu.Unlock()
	if s.latency > 0 {
		select {
		case <-time.After(s.latency):
		case <-req.Context().Done():
			return nil, req.Context().Err()
		}
	}
	status := 200
	if !good {
		status = http.StatusUnauthorized
		if s.refused != 0 {
			status = s.refused
		}
	}
	if s.answer != nil {
		if other, ok := s.answer(n, req); ok {
			status = other
		}
	}
	if status == http.StatusUnauthorized {
		s.mu.Lock()
		s.rejected[token] = true
		s.mu.Unlock()
	}
	s.open.Add(1)
	resp := &http.Response{
		StatusCode: status, Status: fmt.Sprint(status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: &tracked{Reader: strings.NewReader(fmt.Sprintf(`{"send":%d}`, n)), open: &s.open},
		ContentLength: -1, Request: req,
	}
	if status != 200 && s.challenge != "" {
		resp.Header.Set("WWW-Authenticate", s.challenge)
	}
	return resp, nil
}

type tracked struct {
	io.Reader
	open *atomic.Int64
	once sync.Once
}

func (b *tracked) Close() error {
	b.once.Do(func() { b.open.Add(-1) })
	return nil
}

const file = `version = 1
[credentials.demo]
type = "fake"
origins = ["https://api.example.com"]
[pipelines.p]
base_url = "https://api.example.com"
credential = "demo"
stages = ["auth", "refresh", "inner"]
`

// seen is what the server sees of the changes that inner makes to a pristine request.
const seen = "/posts/inner x"

// inner does to a request what no second attempt may see.
func inner() pipeline.Factory {
	return pipeline.Define("inner", struct{}{}, func(struct{}, pipeline.Settings) (pipeline.StageFunc, error) {
		return func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			req.Header.Add("X-Inner", "x")
			req.URL.Path += "/inner"
			return next.RoundTrip(req)
		}, nil
	})
}

type rig struct {
	*pipeline.Pipeline
	runner *pipeline.Runner
	logs   *locked
}

func open(t testing.TB, s *server, more string, opts ...pipeline.Option) rig {
	t.Helper()
	fake := credential.Define("fake", struct{}{}, func(struct{}, credential.Settings) (credential.Source, credential.Placement, error) {
		return s, credential.Placement{Header: "Authorization", Prefix: "Bearer "}, nil
	})
	logs := &locked{}
	opts = append([]pipeline.Option{
		pipeline.WithEnviron(nil), pipeline.WithLogger(slog.New(slog.NewTextHandler(logs, &slog.HandlerOptions{Level: slog.LevelDebug}))),
		pipeline.WithCredentials(fake), pipeline.WithStages(auth.Factory(), refresh.Factory(), inner()), pipeline.WithTransport("default", s),
	}, opts...)
	r, err := pipeline.OpenBytes(t.Context(), "test.toml", []byte(file+more), opts...)
	if err != nil {
		t.Fatalf("open:\n%v", err)
	}
	t.Cleanup(func() { _ = r.Close() })
	p, err := r.Pipeline("p")
	if err != nil {
		t.Fatal(err)
	}
	return rig{p, r, logs}
}

// locked is a buffer that sessions may still write to while a test reads it.
type locked struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *locked) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// do sends a request and reads the answer to its end.
func do(ctx context.Context, t testing.TB, rt http.RoundTripper, p rig, method string, body io.Reader) (*http.Response, string, error) {
	t.Helper()
	req, err := p.NewRequest(ctx, method, "/posts", body)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := rt.RoundTrip(req)
	if err != nil {
		return nil, "", err
	}
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Error(err)
	}
	_ = resp.Body.Close()
	return resp, string(text), nil
}

// warm makes a first call, so that the session holds token 1, and revokes it.
func warm(t testing.TB, s *server, p rig) {
	t.Helper()
	resp, _, err := do(t.Context(), t, p, p, "GET", nil)
	if err != nil || resp.StatusCode != 200 {
		t.Fatalf("first call: %v, %v", resp, err)
	}
	s.revoke()
	s.sends = nil
}

func named(call *pipeline.Call, name string) []pipeline.Event {
	var out []pipeline.Event
	for _, e := range call.Events() {
		if e.Name == name && e.Stage == "refresh" {
			out = append(out, e)
		}
	}
	return out
}
