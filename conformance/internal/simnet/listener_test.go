package simnet_test

import (
	"context"
	"errors"
	"net"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leatdev/leat/conformance/internal/simnet"
)

func TestListener(t *testing.T) {
	t.Run("joins_who_dials_and_who_accepts", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			listener := simnet.Listen("api.test:443")
			accepted := make(chan net.Conn)
			go func() {
				for range 2 {
					c, _ := listener.Accept()
					accepted <- c
				}
			}()
			var from []net.Addr
			for range 2 {
				near, err := listener.Dial(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				far := (<-accepted).(*simnet.Conn)
				write(t, near, "hello")
				reads(t, far, "hello")
				if near.RemoteAddr() != listener.Addr() || far.RemoteAddr() != near.LocalAddr() {
					t.Errorf("near %v → %v, far → %v", near.LocalAddr(), near.RemoteAddr(), far.RemoteAddr())
				}
				from = append(from, near.LocalAddr())
			}
			if from[0] == from[1] {
				t.Errorf("both connections come from %v", from[0])
			}
		})
	})
	t.Run("lets_a_dial_wait_for_accept_as_long_as_its_context", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			listener := simnet.Listen("api.test:443")
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			began := time.Now()
			_, err := listener.Dial(ctx)
			fails(t, "dial", err, context.DeadlineExceeded)
			if err, ok := err.(net.Error); !ok || !err.Timeout() || time.Since(began) != time.Second {
				t.Errorf("got %v after %v", err, time.Since(began))
			}
		})
	})
	t.Run("does_not_connect_for_a_context_that_ended", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			listener := simnet.Listen("api.test:443")
			defer listener.Close()
			go listener.Accept()
			synctest.Wait()
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			for range 20 {
				if _, err := listener.Dial(ctx); !errors.Is(err, context.Canceled) {
					t.Fatalf("got %v", err)
				}
			}
		})
	})
	t.Run("refuses_after_close_and_ends_who_waits", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			dialing, accepting := simnet.Listen("api.test:443"), simnet.Listen("api.test:443")
			dialed, accepted := make(chan error), make(chan error)
			go func() { _, err := dialing.Dial(t.Context()); dialed <- err }()
			go func() { _, err := accepting.Accept(); accepted <- err }()
			synctest.Wait()
			for _, l := range []*simnet.Listener{dialing, accepting, accepting} {
				if err := l.Close(); err != nil {
					t.Error(err)
				}
			}
			fails(t, "dial under way", <-dialed, syscall.ECONNREFUSED)
			fails(t, "accept under way", <-accepted, net.ErrClosed)
			_, err := accepting.Dial(t.Context())
			fails(t, "later dial", err, syscall.ECONNREFUSED)
			_, err = accepting.Accept()
			fails(t, "later accept", err, net.ErrClosed)
		})
	})
}

func TestErrors(t *testing.T) {
	for _, tc := range []struct {
		err  error
		is   error // nil: the row is about a name
		text string
		dns  net.DNSError
	}{
		{simnet.Refused("api.test:443"), syscall.ECONNREFUSED, "dial tcp api.test:443: connect: connection refused", net.DNSError{}},
		{simnet.Unreachable("api.test:443"), syscall.EHOSTUNREACH, "dial tcp api.test:443: connect: no route to host", net.DNSError{}},
		{
			simnet.NoSuchHost("api.test"), nil, "dial tcp: lookup api.test: no such host",
			net.DNSError{Err: "no such host", Name: "api.test", IsNotFound: true},
		},
		{
			simnet.DNSDown("api.test"), nil, "dial tcp: lookup api.test: server misbehaving",
			net.DNSError{Err: "server misbehaving", Name: "api.test", IsTemporary: true},
		},
	} {
		t.Run(tc.text, func(t *testing.T) {
			if tc.err.Error() != tc.text {
				t.Errorf("got %v", tc.err)
			}
			if op, ok := tc.err.(*net.OpError); !ok || op.Op != "dial" {
				t.Errorf("got a %T, want a *net.OpError of a dial", tc.err)
			}
			if tc.is != nil && !errors.Is(tc.err, tc.is) {
				t.Errorf("got %v, want %v in it", tc.err, tc.is)
			}
			if dns := (*net.DNSError)(nil); tc.is == nil && (!errors.As(tc.err, &dns) || *dns != tc.dns) {
				t.Errorf("got %#v, want %#v", dns, tc.dns)
			}
		})
	}
}

func TestHang_lasts_until_the_context_ends(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		began := time.Now()
		err := simnet.Hang(ctx)
		fails(t, "dial", err, context.DeadlineExceeded)
		if got := time.Since(began); got != time.Hour || err.Error() != "dial tcp: i/o timeout" {
			t.Errorf("got %v after %v", err, got)
		}
	})
}
