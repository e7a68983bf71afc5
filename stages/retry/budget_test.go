package retry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/leatdev/leat/pipeline"
)

// crowd is callers of one pipeline, and what its host answers them.
type crowd struct {
	Base    string // of the waits
	Ratio   float64
	Floor   float64
	Window  int // in seconds
	Callers []caller
	Answers []answer // one after the other, then from the beginning
}

type caller struct {
	At     int // in ms
	Cancel int // in ms after that; 0: never
	NoSend bool
}

type answer struct {
	Status int
	After  int // seconds, as Retry-After; 0: nothing
	Delay  int // in ms, how long the host takes
}

func drawCrowd(t *rapid.T) crowd {
	return crowd{
		Ratio:  rapid.SampledFrom([]float64{0, 0.1, 0.2, 0.5, 0.9}).Draw(t, "ratio"),
		Floor:  rapid.SampledFrom([]float64{0.5, 1, 2, 5}).Draw(t, "floor"),
		Window: rapid.IntRange(1, 4).Draw(t, "window"),
		Base:   rapid.SampledFrom([]string{"1ms", "200ms"}).Draw(t, "base"),
		Callers: rapid.SliceOfN(rapid.Custom(func(t *rapid.T) caller {
			c := caller{At: 500*rapid.IntRange(0, 15).Draw(t, "half second") + rapid.IntRange(0, 500).Draw(t, "ms"), NoSend: rapid.IntRange(0, 9).Draw(t, "no send") == 0}
			if rapid.IntRange(0, 4).Draw(t, "cancels") == 0 {
				c.Cancel = rapid.IntRange(1, 3000).Draw(t, "cancel")
			}
			return c
		}), 1, 80).Draw(t, "callers"),
		Answers: rapid.SliceOfN(rapid.Custom(func(t *rapid.T) answer {
			return answer{
				rapid.SampledFrom([]int{200, 500, 503, 503, 429}).Draw(t, "status"), rapid.SampledFrom([]int{0, 0, 0, 1, 3}).Draw(t, "after"),
				rapid.SampledFrom([]int{0, 0, 0, 100, 1500}).Draw(t, "delay"),
			}
		}), 1, 8).Draw(t, "answers"),
	}
}

// TestBudget_holds_over_any_window is I9: resends that reach the host in any window are at most the floor of a window and the ratio of
// what was sent in the window before the last of them was decided on.
func TestBudget_holds_over_any_window(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c := drawCrowd(rt)
		wrong := ""
		synctest.Test(t, func(t *testing.T) { wrong = c.play(t) })
		if wrong != "" {
			rt.Fatal(wrong)
		}
	})
}

func (c crowd) play(t *testing.T) string {
	start := time.Now()
	var mu sync.Mutex
	var sends, resends, decisions []time.Duration
	rt := roundTrip(func(req *http.Request) (*http.Response, error) {
		mu.Lock()
		defer mu.Unlock()
		a := c.Answers[len(sends)%len(c.Answers)]
		sends = append(sends, time.Since(start))
		if req.Header.Get("X-Attempt") != "1" {
			resends = append(resends, time.Since(start))
		}
		header := http.Header{}
		if a.After > 0 {
			header.Set("Retry-After", strconv.Itoa(a.After))
		}
		return &http.Response{StatusCode: a.Status, Header: header, Body: http.NoBody, Request: req}, nil
	})
	absent := pipeline.StageFunc(func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
		if req.URL.Path == "/absent" { // what is never sent again, for nothing is sent, uses no budget
			return nil, &pipeline.Error{Kind: pipeline.KindNetwork, Class: pipeline.ClassNotSent}
		}
		return next.RoundTrip(req)
	})
	table := fmt.Sprintf("base = %q\nmax_attempts = 4\nattempt_header = \"X-Attempt\"\nbudget = { ratio = %v, floor = %v, window = \"%ds\" }", c.Base, c.Ratio, c.Floor, c.Window)
	p := openWith(t, table, "", rt, inner(absent.Do), outer(pass1), pipeline.WithObserver(func(call *pipeline.Call, e pipeline.Event) {
		if e.Name == pipeline.EventRetry {
			mu.Lock()
			decisions = append(decisions, call.Began().Add(e.At).Sub(start))
			mu.Unlock()
		}
	}))
	var group sync.WaitGroup
	for _, who := range c.Callers {
		group.Go(func() {
			time.Sleep(time.Duration(who.At) * time.Millisecond)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if who.Cancel > 0 {
				defer time.AfterFunc(time.Duration(who.Cancel)*time.Millisecond, cancel).Stop()
			}
			req := request(ctx, t, "GET", nil)
			if who.NoSend {
				req.URL.Path = "/absent"
			}
			if resp, err := p.RoundTrip(req); err == nil {
				_ = resp.Body.Close()
			}
		})
	}
	group.Wait()
	window := time.Duration(c.Window) * time.Second
	for _, at := range resends {
		decided := time.Duration(0)
		for _, d := range decisions {
			if d <= at {
				decided = max(decided, d)
			}
		}
		got, limit := within(resends, at-window, at), c.Ratio*float64(within(sends, decided-window, decided))+c.Floor*window.Seconds()
		if float64(got) > limit+1e-9 {
			return fmt.Sprintf("%d resends in the window that ends at %s, at most %v may be", got, at, limit)
		}
	}
	return ""
}

// within counts the moments after from, up to to.
func within(moments []time.Duration, from, to time.Duration) (n int) {
	for _, m := range moments {
		if m > from && m <= to {
			n++
		}
	}
	return n
}

// TestBudget_is_not_leaked: what is taken and not used is given back, however the call ends.
func TestBudget_is_not_leaked(t *testing.T) {
	const one = `budget = { ratio = 0, floor = 1, window = "1s" }` // a single token
	again := func(t *testing.T, p *pipeline.Pipeline) {
		t.Helper()
		time.Sleep(2 * time.Second)
		_, call, err := run(t, p, request(t.Context(), t, "GET", nil))
		if err != nil || call.Sends() != 2 {
			t.Errorf("the next call is sent %d times, want 2; reason %q, err %v", call.Sends(), call.StopReason(), err)
		}
	}
	t.Run("the caller leaves", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p := open(t, one+"\nmax_attempts = 2\nbase = \"5s\"\njitter = \"none\"", script(t, 503))
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			time.AfterFunc(time.Second, cancel)
			if _, _, err := run(t, p, request(ctx, t, "GET", nil)); pipeline.KindOf(err) != pipeline.KindCanceled {
				t.Errorf("got %v", err)
			}
			again(t, p)
		})
	})
	t.Run("the body can't be had again", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p := open(t, one+"\nmax_attempts = 2", script(t, 503))
			req := request(t.Context(), t, "PUT", http.NoBody)
			req.Body, req.ContentLength = &trackedBody{Reader: strings.NewReader("x")}, 1
			req.GetBody = func() (io.ReadCloser, error) { return nil, errors.New("gone") }
			if _, call, err := run(t, p, req); err != nil || call.StopReason() != ReasonBody {
				t.Errorf("reason %q, err %v", call.StopReason(), err)
			}
			again(t, p)
		})
	})
	t.Run("an inner stage sends nothing", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			fails := 2
			p := openWith(t, one+"\nmax_attempts = 2", "", script(t, 503), inner(func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
				if fails--; fails >= 0 {
					return nil, &pipeline.Error{Kind: pipeline.KindNetwork, Class: pipeline.ClassNotSent}
				}
				return next.RoundTrip(req)
			}), outer(pass1))
			if _, call, err := run(t, p, request(t.Context(), t, "GET", nil)); err == nil || call.Sends() != 0 {
				t.Errorf("%d sends, err %v", call.Sends(), err)
			}
			again(t, p)
		})
	})
	t.Run("outside a pipeline", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c := Defaults()
			c.MaxAttempts, c.Budget = 2, pipeline.Budget{Floor: 1, Window: time.Second}
			s, err := New(c, pipeline.Settings{})
			if err != nil {
				t.Fatal(err)
			}
			sends := 0
			next := roundTrip(func(req *http.Request) (*http.Response, error) {
				sends++
				return &http.Response{StatusCode: 503, Header: http.Header{}, Body: http.NoBody, Request: req}, nil
			})
			for i, want := range []int{2, 3, 5} {
				if _, err := s.Do(request(t.Context(), t, "GET", nil), next); err != nil || sends != want {
					t.Errorf("after call %d: %d sends, want %d; err %v", i+1, sends, want, err)
				}
				if i == 1 {
					time.Sleep(2 * time.Second)
				}
			}
		})
	})
}
