package host

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/plugins/internal/wire"
)

// What is outside the grants in the last word undoes nothing of what next gave, whatever stands beside it.
func TestHostile_changes_beside_an_outcome(t *testing.T) {
	steal := &wire.Changes{Attach: &wire.Attach{Credential: "admin"}}
	status := uint32(418)
	for name, ret := range map[string]*wire.Return{
		"edits":  {Changes: steal, Edits: &wire.Edits{Status: &status, Headers: set("x-up", "no").GetHeaders(), Body: &wire.Body{Data: []byte("another")}}},
		"answer": {Changes: steal, Response: &wire.Response{Status: 418, Body: &wire.Body{Data: []byte("another")}}},
	} {
		for _, policy := range []string{"skip", "fail"} {
			t.Run(name+"_"+policy, func(t *testing.T) {
				sc := newScene(t, sees(), answering, func(x *said) {
					x.next(&wire.Next{})
					x.ret(ret)
				}, withTable(`on_failure = "`+policy+`"`))
				resp, body, err := sc.get(sc.simple())
				if policy == "skip" {
					if err != nil || resp.StatusCode != 200 || resp.Header.Get("X-Up") != "yes" || !strings.HasPrefix(body, "GET ") {
						t.Errorf("got %v %q %v", resp, body, err)
					}
					return
				}
				e := sc.failure(err)
				if e.Reason != classInvalid || e.Status != 200 || e.Header.Get("X-Up") != "yes" || !strings.HasPrefix(string(e.Body), "GET ") {
					t.Errorf("got %v: %d %v %q", e, e.Status, e.Header, e.Body)
				}
			})
		}
	}
}

// An error of next stays the outcome where the plugin answers in its place, and may not do what it says beside it.
func TestHostile_answer_in_place_of_an_error(t *testing.T) {
	refused := func(*http.Request) (*http.Response, error) { return nil, context.DeadlineExceeded }
	sc := newScene(t, sees(), refused, func(x *said) {
		x.next(&wire.Next{})
		x.ret(&wire.Return{Changes: &wire.Changes{Rejected: "admin"}, Response: &wire.Response{Status: 200}})
	}, withTable(`on_failure = "skip"`))
	if resp, _, err := sc.get(sc.simple()); err == nil {
		t.Errorf("got %v, want the error of next", resp.Status)
	}
}

// Those who wait while somebody else opens the stage hear of it as soon as that has failed: they don't each try in turn.
func TestHostile_never_opened(t *testing.T) {
	const callers, patience = 40, 300 * time.Millisecond
	sc := newScene(t, signs(), answering, nil, withTable(`timeout = "300ms"`))
	sc.stage.opts.start = patience
	var opens atomic.Int32
	sc.script.opened = func(*wire.Open) *wire.Opened { opens.Add(1); return nil }
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			_, err := sc.pipeline.RoundTrip(sc.simple())
			if e := sc.failure(err); e.Kind != pipeline.KindPlugin {
				t.Errorf("got %v", err)
			}
		})
	}
	all.Wait()
	if n := opens.Load(); n > callers/2 {
		t.Errorf("opened %d times for %d callers", n, callers)
	}
}

// A plugin that comes back as a stage that is asked only after next is not taken for the one that it was.
func TestHostile_other_needs_after_a_restart(t *testing.T) {
	before, after := signs(), pipeline.Needs{Response: &pipeline.ResponseNeeds{Headers: []string{"*"}}}
	before.Request.Body = pipeline.BodyDigest
	sc := newScene(t, before, answering, func(x *said) { x.last(nil) })
	var opens atomic.Int32
	sc.script.opened = func(*wire.Open) *wire.Opened {
		if opens.Add(1) == 1 {
			return &wire.Opened{Needs: wire.NeedsTo(before)}
		}
		return &wire.Opened{Needs: wire.NeedsTo(after)}
	}
	body := readerFunc(func([]byte) (int, error) { // it is read once the stage is open, and before its exchange begins
		s := sc.plugin.all[0]
		s.refuse.Do(func() { close(s.refusing) })
		return 0, io.EOF
	})
	_, _, err := sc.get(sc.request(http.MethodPost, "https://upstream.test/a", body))
	if e := sc.failure(err); e.Kind != pipeline.KindPlugin || e.Class != pipeline.ClassNotSent || opens.Load() != 2 {
		t.Errorf("got %v", err)
	}
}

// Log records of many exchanges that wait elsewhere stay within a bound in all.
func TestHostile_logs_of_many_exchanges(t *testing.T) {
	const exchanges, each = 64, 40
	wait := make(chan struct{})
	var logged, all sync.WaitGroup
	logged.Add(exchanges)
	sc := newScene(t, sees(), func(req *http.Request) (*http.Response, error) {
		if req.URL.Path != "/mark" {
			<-wait
		}
		return answering(req)
	}, func(x *said) {
		x.send(&wire.Frame{Kind: &wire.Frame_Next{Next: &wire.Next{}}})
		if !strings.HasSuffix(x.do.GetRequest().GetUrl(), "/mark") {
			for range each {
				x.log(&wire.Log{Level: 4, Message: strings.Repeat("x", 10<<10)})
			}
			x.p.send(x.stream, 0, &wire.Frame{Kind: &wire.Frame_Log{Log: &wire.Log{Level: 4, Message: strings.Repeat("y", maxLogFrame)}}})
			logged.Done()
		}
		if (<-x.in).GetResult() != nil {
			x.ret(&wire.Return{})
		}
	}, withInFlight(exchanges+1))
	for range exchanges {
		all.Go(func() {
			if _, _, err := sc.get(sc.simple()); err != nil {
				t.Error(err)
			}
		})
	}
	logged.Wait()
	if _, _, err := sc.get(sc.request(http.MethodGet, "https://upstream.test/mark", nil)); err != nil { // what was sent before it was received before it
		t.Fatal(err)
	}
	s := sc.plugin.all[0]
	if n := s.gate.waiting.Load(); n > maxLogsWaiting || n < maxLogsWaiting/2 {
		t.Errorf("%d bytes of records wait", n)
	}
	close(wait)
	all.Wait()
	if err := sc.runner.Close(); err != nil {
		t.Error(err)
	}
	s.close()
	if n := s.gate.waiting.Load(); n != 0 {
		t.Errorf("%d bytes of records wait still", n)
	}
	if got := sc.logs.String(); !strings.Contains(got, recordsDropped) || strings.Contains(got, "yyyy") {
		t.Error("what was too much was written, or is not told of")
	}
}

// A plugin that allows no further stream does not hold up who opens one.
func TestHostile_no_stream_to_be_had(t *testing.T) {
	listener := bufconn.Listen(1 << 20)
	server := grpc.NewServer(grpc.ForceServerCodecV2(wire.Codec{}), grpc.MaxConcurrentStreams(1))
	p := &script{t: t, live: map[uint64]*said{}}
	wire.RegisterPluginServer(server, p)
	served := make(chan struct{})
	go func() { _ = server.Serve(listener); close(served) }()
	conn, err := grpc.NewClient("passthrough:///script", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }),
		grpc.WithDefaultCallOptions(grpc.ForceCodecV2(wire.Codec{})))
	if err != nil {
		t.Fatal(err)
	}
	o := sessionOptions{plugin: "signer", maxInFlight: 1, spawn: func(f func()) { go f() }, logger: slog.New(slog.DiscardHandler)}
	first, err := newSession(conn, o)
	if err != nil {
		t.Fatal(err)
	}
	o.opening = 50 * time.Millisecond
	if second, err := newSession(conn, o); err == nil {
		t.Error("got a second stream, want an error")
		second.close()
	}
	first.close()
	_ = conn.Close()
	server.Stop()
	<-served
}

// Messages of go-plugin's broker would be a goroutine each.
func TestHostile_broker(t *testing.T) {
	to := func(context.Context, *grpc.StreamDesc, *grpc.ClientConn, string, ...grpc.CallOption) (grpc.ClientStream, error) {
		return nil, nil
	}
	if _, err := (&life{}).keep(t.Context(), nil, nil, "/plugin.GRPCBroker/StartStream", to); err == nil {
		t.Error("the broker's stream was opened")
	}
}

// What a plugin must not see it does not get by sending the request to itself either.
func TestHostile_other_origin(t *testing.T) {
	for to, keeps := range map[string]bool{
		"https://upstream.test/b?q=1": true, "https://UPSTREAM.test:443/b": true,
		"https://evil.test/b": false, "http://upstream.test/b": false, "https://upstream.test:8443/b": false, "https://upstream.test.evil.test/": false,
	} {
		needs := pipeline.Needs{Request: pipeline.RequestNeeds{Headers: []string{"*", "x-auth-token"}, Query: true, Edit: []string{":url", "x-api-key"}}}
		var got http.Header
		sc := newScene(t, needs, func(req *http.Request) (*http.Response, error) {
			got = req.Header.Clone()
			return answering(req)
		}, func(x *said) {
			e := set("x-api-key", "the plugin's")
			e.Url = &to
			x.last(e)
		})
		req := sc.simple()
		for _, name := range []string{"Authorization", "Cookie", "X-Api-Key", "X-Auth-Token", "X-Plain"} {
			req.Header.Set(name, "the caller's")
		}
		if _, _, err := sc.get(req); err != nil {
			t.Errorf("%s: %v", to, err)
		}
		if kept := got.Get("Authorization") != "" && got.Get("Cookie") != ""; kept != keeps {
			t.Errorf("%s: got %v", to, got)
		}
		if got.Get("X-Plain") == "" || got.Get("X-Auth-Token") == "" || got.Get("X-Api-Key") != "the plugin's" {
			t.Errorf("%s: got %v", to, got)
		}
	}
}

// That a write may be sent twice is not for everybody to say.
func TestHostile_idempotent(t *testing.T) {
	for name, c := range map[string]*wire.Changes{"marked": {Idempotent: true}, "key": {IdempotencyKey: "k"}, "bad_key": {IdempotencyKey: "k\r\nX: y"}} {
		needs := signs()
		for _, granted := range []bool{false, true} {
			if granted {
				needs.Request.Call = []string{"idempotency_key"}
			}
			sc := newScene(t, needs, answering, func(x *said) {
				x.send(&wire.Frame{Kind: &wire.Frame_Next{Next: &wire.Next{Last: true, Changes: c}}})
			})
			_, _, err := sc.get(sc.simple())
			if want := granted && name != "bad_key"; (err == nil) != want {
				t.Errorf("%s, granted %t: got %v", name, granted, err)
			}
		}
	}
}

// A caller who leaves does not wait for what a stage says that sends once.
func TestHostile_words_after_the_caller_has_left(t *testing.T) {
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	sc := newScene(t, sees(), func(req *http.Request) (*http.Response, error) {
		leave()
		<-req.Context().Done()
		return nil, req.Context().Err()
	}, func(x *said) {
		x.next(&wire.Next{})
		x.ret(&wire.Return{Error: &wire.Error{Kind: "internal", Message: "the plugin's"}})
		<-x.cancelled
	})
	_, _, err := sc.get(sc.simple().WithContext(ctx))
	if e := sc.failure(err); e.Kind != pipeline.KindCanceled || e.Stage != "send" {
		t.Errorf("got %v", err)
	}
}

type readerFunc func([]byte) (int, error)

// Read implements io.Reader.
func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
