package served_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/plugins/internal/served"
	"github.com/leatdev/leat/plugins/internal/wire"
)

// fakeHost speaks frames by hand.
type fakeHost struct {
	t      *testing.T
	server *served.Server
	pipe   *wire.Pipe
	frames chan *wire.Frame
	done   chan struct{}
}

func newHost(t *testing.T, o served.Options) *fakeHost {
	t.Helper()
	listener := bufconn.Listen(1 << 16)
	h := &fakeHost{t: t, server: served.New(o), frames: make(chan *wire.Frame, 100), done: make(chan struct{})}
	g := grpc.NewServer(served.ServerOptions()...)
	wire.RegisterPluginServer(g, h.server)
	ended := make(chan struct{}, 3)
	go func() { _ = g.Serve(listener); ended <- struct{}{} }()
	cc, err := grpc.NewClient("passthrough:test", grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }),
		grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithDefaultCallOptions(grpc.ForceCodecV2(wire.Codec{})))
	if err != nil {
		t.Fatal(err)
	}
	stream, err := wire.NewPluginClient(cc).Session(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	h.pipe = wire.NewPipe(stream)
	go func() { _ = h.pipe.Write(h.done); _ = stream.CloseSend(); ended <- struct{}{} }()
	go func() {
		_ = h.pipe.Read(func(f wire.Incoming) { h.frames <- f.Frame })
		close(h.frames)
		ended <- struct{}{}
	}()
	t.Cleanup(func() {
		close(h.done)
		for range h.frames { // until the plugin has ended the stream
		}
		_ = cc.Close()
		g.Stop()
		for range 3 {
			<-ended
		}
	})
	return h
}

func (h *fakeHost) send(f *wire.Frame) {
	h.t.Helper()
	if err := h.pipe.Send(f); err != nil {
		h.t.Fatal(err)
	}
}

// next returns the next frame, but for logs.
func (h *fakeHost) next() *wire.Frame {
	h.t.Helper()
	for {
		if f := h.any(); f.GetLog() == nil {
			return f
		}
	}
}

func (h *fakeHost) any() *wire.Frame {
	h.t.Helper()
	select {
	case f, ok := <-h.frames:
		if !ok {
			h.t.Fatal("the stream has ended")
		}
		return f
	case <-time.After(20 * time.Second):
		h.t.Fatal("no frame came")
	}
	return nil
}

// open opens instance 1.
func (h *fakeHost) open() {
	h.t.Helper()
	h.send(&wire.Frame{Exchange: 1, Kind: &wire.Frame_Open{Open: &wire.Open{Instance: 1, Type: "mine", Pipeline: "api", Stage: "one"}}})
	if o := h.next().GetOpened(); o == nil || o.GetFailure() != "" || len(o.GetMistakes()) > 0 {
		h.t.Fatalf("got %v", o)
	}
}

func do(exchange uint64, change func(*wire.Do)) *wire.Frame {
	d := &wire.Do{Instance: 1, Request: &wire.Request{Method: "GET", Url: "https://api.example.com/"}, Call: &wire.Call{}, LogLevel: int32(slog.LevelInfo)}
	if change != nil {
		change(d)
	}
	return &wire.Frame{Exchange: exchange, Kind: &wire.Frame_Do{Do: d}}
}

func result(exchange uint64, status uint32) *wire.Frame {
	return &wire.Frame{Exchange: exchange, Kind: &wire.Frame_Result{Result: &wire.Result{Response: &wire.Response{Status: status, Length: -1}}}}
}

func only(f pipeline.Factory) served.Options { return served.Options{Stages: []pipeline.Factory{f}} }

func pass(req *http.Request, next http.RoundTripper) (*http.Response, error) {
	return next.RoundTrip(req)
}

func TestSession(t *testing.T) {
	t.Run("ignores_frames_that_nobody_waits_for", func(t *testing.T) {
		h := newHost(t, only(stage(everything, pass)))
		h.open()
		h.send(result(99, 200))
		h.send(&wire.Frame{Exchange: 98, Kind: &wire.Frame_Cancel{Cancel: &wire.Cancel{}}})
		h.send(&wire.Frame{Exchange: 97, Kind: &wire.Frame_Closed{Closed: &wire.Closed{}}})
		h.send(&wire.Frame{})
		h.send(do(7, nil))
		if f := h.next(); f.GetExchange() != 7 || f.GetNext() == nil {
			t.Fatalf("got %v", f)
		}
		for range 10 {
			h.send(result(7, 204)) // nine of them too many
		}
		if f := h.next(); f.GetReturn() == nil || f.GetReturn().GetError() != nil {
			t.Fatalf("got %v", f)
		}
	})
	t.Run("refuses_an_exchange_of_an_instance_that_is_not_open", func(t *testing.T) {
		h := newHost(t, only(stage(everything, pass)))
		h.send(do(7, nil))
		if e := h.next().GetReturn().GetError(); !strings.Contains(e.GetMessage(), "not open") {
			t.Errorf("got %v", e)
		}
	})
	t.Run("ends_the_exchange_that_answers_out_of_turn", func(t *testing.T) {
		h := newHost(t, only(stage(everything, pass)))
		h.open()
		h.send(do(7, nil))
		h.next()
		h.send(&wire.Frame{Exchange: 7, Kind: &wire.Frame_Awake{Awake: &wire.Awake{}}})
		if e := h.next().GetReturn().GetError(); e.GetKind() != string(pipeline.KindInternal) {
			t.Errorf("got %v", e)
		}
	})
	t.Run("knows_a_stream_without_its_headers", func(t *testing.T) {
		known := make(chan bool, 1)
		h := newHost(t, only(stage(pipeline.Needs{Response: &pipeline.ResponseNeeds{Body: pipeline.BodyFull}}, func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			resp, err := next.RoundTrip(req)
			if err == nil {
				known <- pipeline.IsStream(resp)
			}
			return resp, err
		})))
		h.open()
		h.send(do(7, func(d *wire.Do) {
			d.Result = &wire.Result{Response: &wire.Response{Status: 200, Length: -1, Stream: true}}
		}))
		if !<-known {
			t.Error("it was taken for an answer that ends")
		}
		h.next()
	})
	t.Run("ends_the_exchange_that_gets_a_frame_of_no_known_kind", func(t *testing.T) {
		h := newHost(t, only(stage(everything, pass)))
		h.open()
		h.send(do(7, nil))
		h.next()
		h.send(&wire.Frame{Exchange: 7})
		if e := h.next().GetReturn().GetError(); e.GetKind() != string(pipeline.KindInternal) {
			t.Errorf("got %v", e)
		}
	})
	t.Run("says_that_what_a_stage_hands_on_for_good_does_not_fit", func(t *testing.T) {
		h := newHost(t, only(stage(pipeline.DefaultNeeds(), func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			req.Header.Set("X-Long", strings.Repeat("x", wire.MaxFrame))
			return next.RoundTrip(req)
		})))
		h.open()
		h.send(do(7, nil))
		if e := h.next().GetReturn().GetError(); !strings.Contains(e.GetMessage(), "a frame of more than") {
			t.Errorf("got %v", e)
		}
	})
	t.Run("cancels_what_nobody_waits_for_and_says_nothing_of_it", func(t *testing.T) {
		ended := make(chan error, 1)
		h := newHost(t, only(stage(everything, func(req *http.Request, _ http.RoundTripper) (*http.Response, error) {
			<-req.Context().Done()
			ended <- req.Context().Err()
			return nil, req.Context().Err()
		})))
		h.open()
		h.send(do(7, nil))
		h.send(&wire.Frame{Exchange: 7, Kind: &wire.Frame_Cancel{Cancel: &wire.Cancel{}}})
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		h.send(&wire.Frame{Exchange: 8, Kind: &wire.Frame_Close{Close: &wire.Close{Instance: 1}}})
		if f := h.next(); f.GetClosed() == nil { // not a Return of 7
			t.Errorf("got %v", f)
		}
	})
	t.Run("sends_nothing_more_of_what_was_canceled_whatever_its_stage_does", func(t *testing.T) {
		h := newHost(t, only(stage(everything, func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			again := req.Clone(req.Context())
			resp, err := next.RoundTrip(req)
			if err != nil {
				return nil, err
			}
			<-req.Context().Done()
			_ = resp.Body.Close()
			_ = pipeline.CallFrom(req.Context()).Wait(req.Context(), 0)
			return next.RoundTrip(again)
		})))
		h.open()
		h.send(do(7, nil))
		h.next()
		h.send(result(7, 200))
		h.send(&wire.Frame{Exchange: 7, Kind: &wire.Frame_Cancel{Cancel: &wire.Cancel{}}})
		h.send(&wire.Frame{Exchange: 8, Kind: &wire.Frame_Close{Close: &wire.Close{Instance: 1}}})
		if f := h.next(); f.GetClosed() == nil {
			t.Errorf("got %v", f)
		}
	})
	t.Run("answers_Close_when_the_exchanges_are_over", func(t *testing.T) {
		h := newHost(t, only(stage(everything, pass)))
		h.open()
		h.send(do(7, nil))
		h.next()
		h.send(&wire.Frame{Exchange: 8, Kind: &wire.Frame_Close{Close: &wire.Close{Instance: 1}}})
		h.send(do(9, nil)) // too late
		if f := h.next(); f.GetExchange() != 9 || f.GetReturn().GetError() == nil {
			t.Fatalf("got %v", f)
		}
		h.send(result(7, 200))
		if f := h.next(); f.GetExchange() != 7 || f.GetReturn() == nil {
			t.Fatalf("got %v", f)
		}
		if f := h.next(); f.GetExchange() != 8 || f.GetClosed() == nil {
			t.Fatalf("got %v", f)
		}
	})
	t.Run("says_that_it_drains", func(t *testing.T) {
		h := newHost(t, only(stage(everything, pass)))
		h.open()
		h.server.Drain()
		if f := h.next(); f.GetDraining() == nil {
			t.Fatalf("got %v", f)
		}
	})
	t.Run("runs_within_what_the_program_puts_around_it", func(t *testing.T) {
		around := make(chan string, 2)
		o := only(stage(everything, pass))
		o.Around = func(run func()) { around <- "before"; run(); around <- "after" }
		t.Run("session", func(t *testing.T) {
			h := newHost(t, o)
			h.open()
			h.send(do(7, nil))
			h.next()
			h.send(result(7, 200))
			if h.next().GetReturn() == nil {
				t.Error("no Return")
			}
		})
		if a, b := <-around, <-around; a != "before" || b != "after" {
			t.Errorf("got %s, %s", a, b)
		}
	})
	t.Run("tells_of_a_stage_that_ends_its_goroutine", func(t *testing.T) { // as t.Fatal does
		h := newHost(t, only(stage(everything, func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			if req.Header.Get("X-Exit") != "" {
				runtime.Goexit()
			}
			return next.RoundTrip(req)
		})))
		h.open()
		h.send(do(7, func(d *wire.Do) { d.Request.Headers = []*wire.Header{{Name: "x-exit", Value: []byte("1")}} }))
		if e := h.next().GetReturn().GetError(); e.GetKind() != string(pipeline.KindInternal) || !strings.Contains(e.GetMessage(), "ended its goroutine") {
			t.Errorf("got %v", e)
		}
		h.send(do(9, nil))
		if f := h.next(); f.GetExchange() != 9 || f.GetNext() == nil {
			t.Errorf("got %v", f)
		}
	})
	t.Run("refuses_a_request_that_can_not_be_read_and_goes_on", func(t *testing.T) {
		h := newHost(t, only(stage(everything, pass)))
		h.open()
		for id := range uint64(20) {
			h.send(do(100+id, func(d *wire.Do) { d.Request.Url = "https://[::1" }))
			h.send(do(200+id, func(d *wire.Do) { // its body never comes
				d.Request.Body = &wire.Body{Apart: true, Length: 1 << 20}
			}))
			h.send(&wire.Frame{Exchange: 200 + id, Kind: &wire.Frame_Cancel{Cancel: &wire.Cancel{}}})
			if f := h.next(); f.GetExchange() != 100+id || !strings.Contains(f.GetReturn().GetError().GetMessage(), "the host's request: parse") {
				t.Fatalf("got %v", f)
			}
		}
		h.send(do(7, nil))
		if f := h.next(); f.GetExchange() != 7 || f.GetNext() == nil || f.GetNext().GetEdits() != nil {
			t.Fatalf("got %v", f)
		}
		h.send(result(7, 200))
		if f := h.next(); f.GetExchange() != 7 || f.GetReturn() == nil {
			t.Fatalf("got %v", f)
		}
	})
	t.Run("takes_a_body_that_comes_before_its_frame", func(t *testing.T) {
		h := newHost(t, only(stage(everything, func(req *http.Request, _ http.RoundTripper) (*http.Response, error) {
			return nil, pipeline.Errorf(pipeline.KindPolicy, "%s", read(t, req.Body))
		})))
		h.open()
		h.send(do(7, func(d *wire.Do) { d.Request.Body, d.Request.Length = &wire.Body{Data: []byte("inline")}, 6 }))
		if e := h.next().GetReturn().GetError(); e.GetMessage() != "inline" {
			t.Errorf("got %v", e)
		}
	})
}
