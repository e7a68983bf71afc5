package served_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/plugins/internal/served"
	"github.com/leatdev/leat/plugins/internal/wire"
)

// A program whose time is virtual follows the host's: an hour passes at once, and no earlier than the host says.
func TestVirtualTime(t *testing.T) {
	began := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	told := make(chan time.Duration, 4)
	f := pipeline.Define("mine", struct{}{}, func(struct{}, pipeline.Settings) (pipeline.StageFunc, error) {
		return func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			told <- time.Since(began)
			time.AfterFunc(30*time.Minute, func() { told <- time.Since(began) })
			resp, err := next.RoundTrip(req)
			told <- time.Since(began)
			return resp, err
		}, nil
	}).WithNeeds(everything)
	over := make(chan struct{})
	t.Cleanup(func() { <-over }) // once the host is gone, and before the test is
	h := newHost(t, served.Options{Stages: []pipeline.Factory{f}, Around: func(run func()) {
		defer close(over)
		synctest.Test(t, func(*testing.T) { run() })
	}})
	h.open()
	begin := do(7, nil)
	begin.Clock = began.Add(time.Minute).UnixNano()
	h.send(begin)
	h.next()
	if got := <-told; got != time.Minute {
		t.Errorf("the stage began at %s, want 1m", got)
	}
	answer := result(7, 200)
	answer.Clock = began.Add(time.Hour).UnixNano()
	h.send(answer)
	if h.next().GetReturn() == nil {
		t.Error("no Return")
	}
	if got := <-told; got != 31*time.Minute {
		t.Errorf("its timer fired at %s, want 31m", got)
	}
	if got := <-told; got != time.Hour {
		t.Errorf("next returned at %s, want 1h", got)
	}
	h.send(&wire.Frame{Exchange: 8, Kind: &wire.Frame_Close{Close: &wire.Close{Instance: 1}}})
	if h.next().GetClosed() == nil {
		t.Error("no Closed")
	}
}
