package simnet_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leatdev/leat/conformance/internal/simnet"
)

// Each row ends or disturbs a connection on which either end has a byte unread, and then says what the operations give.
func TestConn_ends(t *testing.T) {
	for _, tc := range []struct {
		name        string
		end         func(near *simnet.Conn)
		nearReads   error // nil: what the peer wrote
		nearWrites  error
		farGetsByte bool  // before farReads
		farReads    error // nil: no more is to be had until the deadline
		farWrites   error
	}{
		{
			"close", func(c *simnet.Conn) { c.Close() },
			net.ErrClosed, net.ErrClosed, true, io.EOF, syscall.EPIPE,
		},
		{
			"reset", func(c *simnet.Conn) { c.Reset() },
			net.ErrClosed, net.ErrClosed, false, syscall.ECONNRESET, syscall.ECONNRESET,
		},
		{
			"reset_after_close", func(c *simnet.Conn) { c.Close(); c.Reset() },
			net.ErrClosed, net.ErrClosed, true, io.EOF, syscall.EPIPE,
		},
		{
			"close_write", func(c *simnet.Conn) { c.CloseWrite() },
			nil, syscall.EPIPE, true, io.EOF, nil,
		},
		{
			"freeze", func(c *simnet.Conn) { c.Freeze() },
			os.ErrDeadlineExceeded, nil, true, os.ErrDeadlineExceeded, nil,
		},
		{
			"freeze_then_close_write", func(c *simnet.Conn) { c.Freeze(); c.CloseWrite() },
			os.ErrDeadlineExceeded, syscall.EPIPE, true, os.ErrDeadlineExceeded, nil,
		},
		{
			"freeze_then_close", func(c *simnet.Conn) { c.Freeze(); c.Write([]byte("lost")); c.Close() },
			net.ErrClosed, net.ErrClosed, true, io.EOF, syscall.EPIPE,
		},
		{
			"freeze_then_reset", func(c *simnet.Conn) { c.Freeze(); c.Reset() },
			net.ErrClosed, net.ErrClosed, false, syscall.ECONNRESET, syscall.ECONNRESET,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				near, far := pipe()
				write(t, near, "n")
				write(t, far, "f")
				tc.end(near)
				near.SetReadDeadline(time.Now().Add(time.Second))
				if tc.nearReads == nil {
					reads(t, near, "f")
				} else {
					readFails(t, near, tc.nearReads)
				}
				far.SetReadDeadline(time.Now().Add(time.Second))
				if tc.farGetsByte {
					reads(t, far, "n")
				}
				for range 2 { // later ones fail alike
					if tc.farReads != nil {
						readFails(t, far, tc.farReads)
					}
					if _, err := near.Write([]byte("x")); !errors.Is(err, tc.nearWrites) {
						t.Errorf("near wrote: %v, want %v", err, tc.nearWrites)
					}
					if _, err := far.Write([]byte("x")); !errors.Is(err, tc.farWrites) {
						t.Errorf("far wrote: %v, want %v", err, tc.farWrites)
					}
				}
			})
		})
	}
}

// Whoever waits in an operation is told like those who come later.
func TestConn_ends_what_is_under_way(t *testing.T) {
	for _, tc := range []struct {
		name                                       string
		end                                        func(near *simnet.Conn)
		nearReads, nearWrites, farReads, farWrites error
	}{
		{"close", func(c *simnet.Conn) { c.Close() }, net.ErrClosed, net.ErrClosed, io.EOF, syscall.EPIPE},
		{"reset", (*simnet.Conn).Reset, net.ErrClosed, net.ErrClosed, syscall.ECONNRESET, syscall.ECONNRESET},
	} {
		t.Run(tc.name, func(t *testing.T) {
			start := func(op func() error) chan error {
				result := make(chan error, 1)
				go func() { result <- op() }()
				return result
			}
			reading := func(c *simnet.Conn) chan error { return start(func() error { _, err := read(c); return err }) }
			writing := func(c *simnet.Conn) chan error {
				return start(func() error { _, err := c.Write(make([]byte, buffered+1)); return err })
			}
			synctest.Test(t, func(t *testing.T) {
				near, far := pipe()
				nearReads, farReads := reading(near), reading(far)
				synctest.Wait()
				tc.end(near)
				fails(t, "near's read", <-nearReads, tc.nearReads)
				fails(t, "far's read", <-farReads, tc.farReads)
			})
			synctest.Test(t, func(t *testing.T) {
				near, far := pipe()
				nearWrites, farWrites := writing(near), writing(far)
				synctest.Wait()
				tc.end(near)
				fails(t, "near's write", <-nearWrites, tc.nearWrites)
				fails(t, "far's write", <-farWrites, tc.farWrites)
			})
		})
	}
}

func TestConn_Close(t *testing.T) {
	t.Run("says_so_when_it_comes_twice", func(t *testing.T) {
		near, _ := pipe()
		if err := near.Close(); err != nil {
			t.Fatal(err)
		}
		fails(t, "close", near.Close(), net.ErrClosed)
		fails(t, "close of the writing side", near.CloseWrite(), net.ErrClosed)
		fails(t, "deadline", near.SetDeadline(time.Time{}), net.ErrClosed)
	})
	t.Run("leaves_the_peer_to_close_its_own_end", func(t *testing.T) {
		near, far := pipe()
		near.Close()
		if err := far.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Run("tears_down_a_frozen_peer_that_waits", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			near, far := pipe()
			write(t, near, "never read")
			far.Freeze()
			done := make(chan error)
			go func() { _, err := read(far); done <- err }()
			synctest.Wait()
			near.Close()
			fails(t, "read", <-done, syscall.ECONNRESET)
			writeFails(t, far, syscall.ECONNRESET)
		})
	})
}

func TestConn_Flush(t *testing.T) {
	t.Run("waits_until_the_peer_has_read_it_all", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			near, far := pipe()
			write(t, near, "ab")
			began := time.Now()
			time.AfterFunc(time.Second, func() { far.Read(make([]byte, 1)) })
			time.AfterFunc(time.Minute, func() { far.Read(make([]byte, 1)) })
			if err := near.Flush(t.Context()); err != nil || time.Since(began) != time.Minute {
				t.Errorf("got %v after %v", err, time.Since(began))
			}
		})
	})
	t.Run("ends_with_its_context", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			near, _ := pipe()
			near.Freeze()
			write(t, near, "lost")
			why := errors.New("enough")
			ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, why)
			defer cancel()
			if err := near.Flush(ctx); !errors.Is(err, why) {
				t.Errorf("got %v", err)
			}
		})
	})
	t.Run("fails_with_the_connection", func(t *testing.T) {
		for want, end := range map[error]func(near, far *simnet.Conn){
			net.ErrClosed:      func(near, _ *simnet.Conn) { near.Close() },
			syscall.ECONNRESET: func(_, far *simnet.Conn) { far.Close() },
		} {
			synctest.Test(t, func(t *testing.T) {
				near, far := pipe()
				write(t, near, "unread")
				time.AfterFunc(time.Second, func() { end(near, far) })
				fails(t, "flush", near.Flush(t.Context()), want)
			})
		}
	})
}
