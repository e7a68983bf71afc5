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
