package host

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/plugins/internal/wire"
)

// signs are the needs of a stage that adds a header.
func signs() pipeline.Needs {
	return pipeline.Needs{Request: pipeline.RequestNeeds{Headers: []string{"*"}, Edit: []string{"x-sig"}}}
}

// sees are the needs of a stage that sees the response too.
func sees() pipeline.Needs {
	n := signs()
	n.Response = &pipeline.ResponseNeeds{Headers: []string{"*"}, Body: pipeline.BodyFull, BodyLimit: 1 << 20, Edit: []string{"*", ":status", ":body"}}
	n.Answer = true
	return n
}

func TestExchange_ends_with_its_last_word(t *testing.T) {
	sc := newScene(t, signs(), answering, func(x *said) { x.last(set("x-sig", x.do.GetRequest().GetUrl())) })
	resp, body, err := sc.get(sc.simple())
	if err != nil {
		t.Fatal(err)
	}
	if want := "GET https://upstream.test/a?q=1 sig=https://upstream.test/a body="; body != want || resp.StatusCode != 200 {
		t.Errorf("got %d %q, want %q", resp.StatusCode, body, want)
	}
}

func TestExchange_sees_the_response(t *testing.T) {
	sc := newScene(t, sees(), answering, func(x *said) {
		r := x.next(&wire.Next{Edits: set("x-sig", "1")})
		if got := r.GetResponse().GetStatus(); got != 200 {
			t.Errorf("got status %d", got)
		}
		if got := valueOfHeader(r.GetResponse().GetHeaders(), "set-cookie"); got != "" {
			t.Errorf("a cookie travelled: %q", got)
		}
		if got := valueOfHeader(r.GetResponse().GetHeaders(), "x-up"); got != "yes" {
			t.Errorf("got x-up %q", got)
		}
		body := x.read()
		status := uint32(201)
		x.ret(&wire.Return{Edits: &wire.Edits{Status: &status, Headers: []*wire.HeaderEdit{
			{Name: "x-len", Values: [][]byte{body.GetData()[:3]}}, {Name: "x-up"},
		}}})
	})
	resp, body, err := sc.get(sc.simple())
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != 201 || resp.Header.Get("X-Len") != "GET" || resp.Header.Get("X-Up") != "" || resp.Header.Get("Set-Cookie") == "" {
		t.Errorf("got %d %v", resp.StatusCode, resp.Header)
	}
	if want := "GET https://upstream.test/a?q=1 sig=1 body="; body != want {
		t.Errorf("got %q, want %q: what a plugin reads stays", body, want)
	}
}

func TestExchange_answers_by_itself(t *testing.T) {
	sc := newScene(t, sees(), func(*http.Request) (*http.Response, error) { return nil, errors.New("not to be asked") }, func(x *said) {
		x.ret(&wire.Return{Response: &wire.Response{Status: 203, Headers: []*wire.Header{{Name: "x-own", Value: []byte("a")}}, Body: &wire.Body{Data: []byte("own")}}})
	})
	resp, body, err := sc.get(sc.simple())
	if err != nil || resp.StatusCode != 203 || body != "own" || resp.Header.Get("X-Own") != "a" || resp.ContentLength != 3 {
		t.Errorf("got %v %q %v", resp, body, err)
	}
}

func TestExchange_needs_nothing_of_the_request(t *testing.T) {
	var sent atomic.Bool
	upstream := func(req *http.Request) (*http.Response, error) {
		sent.Store(true)
		return answering(req)
	}
	needs := pipeline.Needs{Response: &pipeline.ResponseNeeds{Edit: []string{"x-seen"}}}
	sc := newScene(t, needs, upstream, func(x *said) {
		if !sent.Load() || x.do.GetResult().GetResponse().GetStatus() != 200 || len(x.do.GetRequest().GetHeaders()) > 0 {
			t.Errorf("got %v", x.do)
		}
		x.ret(&wire.Return{Edits: set("x-seen", "1")})
	})
	resp, _, err := sc.get(sc.simple())
	if err != nil || resp.Header.Get("X-Seen") != "1" {
		t.Errorf("got %v %v", resp, err)
	}
}

func TestExchange_calls_next_again(t *testing.T) {
	needs := sees()
	needs.Retry = true
	var bodies []string
	upstream := func(req *http.Request) (*http.Response, error) {
		b, _ := io.ReadAll(req.Body)
		bodies = append(bodies, string(b)+req.Header.Get("X-Sig"))
		resp, err := answering(req)
		if len(bodies) < 3 {
			resp.StatusCode = 503
		}
		return resp, err
	}
	sc := newScene(t, needs, upstream, func(x *said) {
		for i := range 3 {
			r := x.next(&wire.Next{Edits: set("x-sig", string(rune('a'+i))), Changes: &wire.Changes{Attempts: 1}})
			if r.GetResponse().GetStatus() != 503 {
				break
			}
			x.send(&wire.Frame{Kind: &wire.Frame_Drop{Drop: &wire.Drop{}}})
			if a := x.ask(&wire.Frame{Kind: &wire.Frame_Wait{Wait: &wire.Wait{Duration: int64(time.Millisecond)}}}).GetAwake(); a.GetCall().GetAttempts() != uint32(i+1) {
				t.Errorf("got %v after attempt %d", a, i+1)
			}
		}
		x.ret(&wire.Return{})
	})
	resp, _, err := sc.get(sc.request(http.MethodPost, "https://upstream.test/a", strings.NewReader("B")))
	if err != nil || resp.StatusCode != 200 || strings.Join(bodies, " ") != "Ba Bb Bc" {
		t.Errorf("got %v %v, sent %q", resp, err, bodies)
	}
}

func TestExchange_returns_errors(t *testing.T) {
	refused := errors.New("connection refused by the test")
	upstream := func(*http.Request) (*http.Response, error) { return nil, refused }
	for _, tc := range []struct {
		name string
		ret  func(r *wire.Result) *wire.Return
		kind pipeline.Kind
		want string
		is   bool
	}{
		{"as_it_came", func(*wire.Result) *wire.Return { return &wire.Return{} }, pipeline.KindInternal, "refused", true},
		{"of_result", func(r *wire.Result) *wire.Return {
			e := r.GetError()
			e.Message, e.Kind, e.OfResult = "in other words", "server", true
			return &wire.Return{Error: e}
		}, pipeline.KindServer, "in other words", true},
		{"own", func(*wire.Result) *wire.Return {
			return &wire.Return{Error: &wire.Error{Kind: "policy", Message: "no; Authorization: Bearer abcdefghijklmnop"}}
		}, pipeline.KindPolicy, "no; Authorization: ", false},
		{"panic", func(*wire.Result) *wire.Return {
			return &wire.Return{Error: &wire.Error{Kind: "policy", Message: "panic: x", Panic: true}}
		}, pipeline.KindInternal, "panic: x", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			sc := newScene(t, sees(), upstream, func(x *said) { x.ret(tc.ret(x.next(&wire.Next{}))) }, withTable(`on_failure = "skip"`))
			_, _, err := sc.get(sc.simple())
			e := sc.failure(err)
			if e.Kind != tc.kind && tc.name != "as_it_came" || !strings.Contains(e.Message, tc.want) || errors.Is(err, refused) != tc.is {
				t.Errorf("got %v (%v), want %s %q", err, e.Kind, tc.kind, tc.want)
			}
			if strings.Contains(e.Error(), "abcdefghijklmnop") {
				t.Errorf("a secret shows: %v", e)
			}
		})
	}
}

func TestExchange_many_at_once(t *testing.T) {
	sc := newScene(t, signs(), answering, func(x *said) { x.last(set("x-sig", x.header("x-n"))) }, withInFlight(8))
	var wg sync.WaitGroup
	for i := range 200 {
		req := sc.simple()
		n := strings.Repeat("x", i+1)
		req.Header.Set("X-N", n)
		wg.Go(func() {
			_, body, err := sc.get(req)
			if err != nil || !strings.Contains(body, "sig="+n+" ") {
				t.Errorf("got %q %v, want %d", body, err, len(n))
			}
		})
	}
	wg.Wait()
}

func TestExchange_ends_with_its_caller(t *testing.T) {
	cancelled := make(chan struct{})
	began := make(chan struct{})
	sc := newScene(t, signs(), answering, func(x *said) {
		close(began)
		<-x.cancelled
		close(cancelled)
	}, withTable(`on_failure = "skip"`))
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-began
		cancel()
	}()
	_, _, err := sc.get(sc.simple().WithContext(ctx))
	if e := sc.failure(err); e.Kind != pipeline.KindCanceled || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	<-cancelled
}

func TestExchange_waits_on_no_clock_but_its_own(t *testing.T) {
	// The stage's timeout is far shorter than what next and Wait take.
	upstream := func(req *http.Request) (*http.Response, error) {
		timer := time.NewTimer(700 * time.Millisecond)
		defer timer.Stop()
		<-timer.C
		return answering(req)
	}
	sc := newScene(t, sees(), upstream, func(x *said) {
		x.ask(&wire.Frame{Kind: &wire.Frame_Wait{Wait: &wire.Wait{Duration: int64(700 * time.Millisecond)}}})
		x.next(&wire.Next{})
		x.ret(&wire.Return{})
	}, withTable(`timeout = "1s"`))
	if _, _, err := sc.get(sc.simple()); err != nil {
		t.Error(err)
	}
}
