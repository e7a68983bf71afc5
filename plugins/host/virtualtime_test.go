package host

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/plugins/internal/wire"
)

// outside runs functions on goroutines that no bubble knows.
type outside chan func()

func newOutside(t *testing.T) outside {
	t.Helper()
	o, done := make(outside), make(chan struct{})
	go func() {
		defer close(done)
		for f := range o {
			go f()
		}
	}()
	t.Cleanup(func() { close(o); <-done })
	return o
}

func (o outside) spawn(f func()) { o <- f }

// A stage works where time is virtual and the plugin's is not: the plugin's turns take no time, and waits are over at once.
func TestExchange_in_virtual_time(t *testing.T) {
	needs := sees()
	needs.Retry, needs.Request.Body = true, pipeline.BodyFull
	far := newOutside(t)
	sc := newScene(t, needs, answering, func(x *said) {
		given(x) // apart
		for {
			r := x.next(&wire.Next{Changes: &wire.Changes{Attempts: 1}})
			if r.GetResponse().GetStatus() == 200 {
				break
			}
			a := x.ask(&wire.Frame{Kind: &wire.Frame_Wait{Wait: &wire.Wait{Duration: int64(time.Hour)}}}).GetAwake()
			if got, want := time.Duration(a.GetCall().GetElapsed()), time.Hour*time.Duration(a.GetCall().GetAttempts()); got != want {
				t.Errorf("got %v since the call began, want %v", got, want)
			}
		}
		<-time.After(20 * time.Millisecond)
		x.ret(&wire.Return{})
	})
	sc.plugin.opts.spawn = far.spawn
	s, err := sc.plugin.acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		upstream := func(req *http.Request) (*http.Response, error) {
			resp, err := answering(req)
			if calls++; calls < 3 {
				resp.StatusCode = 503
			}
			return resp, err
		}
		file := fmt.Appendf(nil, sceneFile, `"sign"`, "", `timeout = "1ms"`)
		r, err := pipeline.OpenBytes(t.Context(), "p.toml", file, pipeline.WithEnviron(nil), pipeline.WithPlugins(sc), pipeline.WithTransport("*", roundTripper(upstream)))
		if err != nil {
			t.Fatal(err)
		}
		p, err := r.Pipeline("api")
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		body := strings.NewReader(strings.Repeat("b", 100<<10))
		req, err := http.NewRequestWithContext(pipeline.With(t.Context(), pipeline.Timeout(24*time.Hour)), http.MethodPost, "https://upstream.test/a", body)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := p.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if got := time.Since(began); got != 2*time.Hour || calls != 3 {
			t.Errorf("got %v and %d calls", got, calls)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
}
