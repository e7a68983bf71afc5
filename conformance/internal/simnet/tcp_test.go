package simnet_test

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leatdev/leat/conformance/internal/simnet"
)

// tcp returns both ends of a real connection.
func tcp(t *testing.T) (near, far *net.TCPConn) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	client, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	server, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close(); server.Close() })
	return client.(*net.TCPConn), server.(*net.TCPConn)
}

// A halfCloser is what both networks have.
type halfCloser interface {
	net.Conn
	CloseWrite() error
}

// said is what a program can tell from an error, but for the addresses.
type said struct {
	Op, Net, Text      string
	Timeout, Temporary bool
}

func tell(err error) said {
	op := (*net.OpError)(nil)
	if !errors.As(err, &op) {
		if err == nil {
			return said{Text: "<nil>"}
		}
		return said{Text: err.Error()}
	}
	return said{op.Op, op.Net, op.Err.Error(), op.Timeout(), op.Temporary()}
}

func TestConn_fails_as_TCP_does(t *testing.T) {
	past := time.Now().Add(-time.Second)
	set := func(err error) {
		if err != nil {
			t.Error(err)
		}
	}
	for name, act := range map[string]func(near, far halfCloser, reset func()) error{
		"read_after_close":        func(near, _ halfCloser, _ func()) error { near.Close(); _, err := read(near); return err },
		"write_after_close":       func(near, _ halfCloser, _ func()) error { near.Close(); _, err := near.Write([]byte("x")); return err },
		"second_close":            func(near, _ halfCloser, _ func()) error { near.Close(); return near.Close() },
		"half_close_after_close":  func(near, _ halfCloser, _ func()) error { near.Close(); return near.CloseWrite() },
		"deadline_after_close":    func(near, _ halfCloser, _ func()) error { near.Close(); return near.SetDeadline(past) },
		"read_from_a_closed_peer": func(near, far halfCloser, _ func()) error { near.Close(); _, err := read(far); return err },
		"write_after_half_close": func(near, _ halfCloser, _ func()) error {
			near.CloseWrite()
			_, err := near.Write([]byte("x"))
			return err
		},
		"read_past_the_deadline": func(near, _ halfCloser, _ func()) error {
			set(near.SetDeadline(past))
			_, err := read(near)
			return err
		},
		"write_past_the_deadline": func(near, _ halfCloser, _ func()) error {
			set(near.SetDeadline(past))
			_, err := near.Write([]byte("x"))
			return err
		},
		"read_from_a_peer_that_died": func(_, far halfCloser, reset func()) error { reset(); _, err := read(far); return err },
	} {
		t.Run(name, func(t *testing.T) {
			realNear, realFar := tcp(t)
			want := tell(act(realNear, realFar, func() { realNear.SetLinger(0); realNear.Close() }))
			near, far := pipe()
			got := tell(act(near, far, near.Reset))
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("TCP -, simnet +:\n%s", diff)
			}
		})
	}
}

func TestErrors_are_those_of_a_dialer(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := listener.Addr().String()
	listener.Close()
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	late, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	for name, tc := range map[string]struct {
		ctx context.Context
		got error
	}{
		"refused":          {t.Context(), simnet.Refused(addr)},
		"canceled":         {canceled, simnet.Hang(canceled)},
		"past_a_deadline":  {late, simnet.Hang(late)},
		"canceled_by_dial": {canceled, dialed(canceled, simnet.Listen(addr))},
	} {
		t.Run(name, func(t *testing.T) {
			_, want := new(net.Dialer).DialContext(tc.ctx, "tcp", addr)
			if diff := cmp.Diff(tell(want), tell(tc.got)); diff != "" {
				t.Errorf("dialer -, simnet +:\n%s", diff)
			}
			for _, target := range []error{context.Canceled, context.DeadlineExceeded} {
				if errors.Is(tc.got, target) != errors.Is(want, target) {
					t.Errorf("errors.Is(%v) is %v", target, errors.Is(tc.got, target))
				}
			}
		})
	}
	if got, _ := new(net.Dialer).DialContext(t.Context(), "tcp", addr); got != nil {
		t.Fatalf("somebody listens on %s again", addr)
	}
}

func dialed(ctx context.Context, l *simnet.Listener) error {
	_, err := l.Dial(ctx)
	return err
}
