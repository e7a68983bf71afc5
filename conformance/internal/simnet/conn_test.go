package simnet_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/nettest"

	"github.com/leatdev/leat/conformance/internal/simnet"
)

const buffered = 256 << 10

func pipe() (near, far *simnet.Conn) {
	return simnet.Pipe(simnet.Addr("client:1"), simnet.Addr("api.test:443"))
}

func write(t *testing.T, c net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatalf("writing %q: %v", text, err)
	}
}

func read(c net.Conn) (string, error) {
	p := make([]byte, 100)
	n, err := c.Read(p)
	return string(p[:n]), err
}

// fails checks the error of an operation, which has to be a *net.OpError unless it is io.EOF.
func fails(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: got %v, want %v", what, err, want)
		return
	}
	op := (*net.OpError)(nil)
	if want != io.EOF && !errors.As(err, &op) {
		t.Errorf("%s: got a %T, want a *net.OpError", what, err)
	}
}

func readFails(t *testing.T, c net.Conn, want error) {
	t.Helper()
	_, err := read(c)
	fails(t, "read", err, want)
}

func writeFails(t *testing.T, c net.Conn, want error) {
	t.Helper()
	_, err := c.Write([]byte("x"))
	fails(t, "write", err, want)
}

func reads(t *testing.T, c net.Conn, want string) {
	t.Helper()
	if got, err := read(c); got != want || err != nil {
		t.Errorf("read %q, %v; want %q", got, err, want)
	}
}

func TestConn_is_a_net_Conn(t *testing.T) {
	nettest.TestConn(t, func() (c1, c2 net.Conn, stop func(), err error) {
		near, far := pipe()
		return near, far, func() { near.Close(); far.Close() }, nil
	})
}

func TestConn_has_the_addresses_of_both_ends(t *testing.T) {
	near, far := pipe()
	for _, c := range []*simnet.Conn{near, far} {
		if c.LocalAddr().Network() != "tcp" {
			t.Errorf("got the network %q", c.LocalAddr().Network())
		}
	}
	if near.LocalAddr().String() != "client:1" || near.RemoteAddr() != far.LocalAddr() || far.RemoteAddr() != near.LocalAddr() {
		t.Errorf("near %v → %v, far %v → %v", near.LocalAddr(), near.RemoteAddr(), far.LocalAddr(), far.RemoteAddr())
	}
}

func TestConn_buffers_256_KiB(t *testing.T) {
	for name, prepare := range map[string]func(c *simnet.Conn){
		"to_a_peer_that_does_not_read": func(*simnet.Conn) {},
		"when_frozen":                  (*simnet.Conn).Freeze,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				near, far := pipe()
				prepare(near)
				began := time.Now()
				near.SetWriteDeadline(began.Add(3 * time.Second))
				n, err := near.Write(make([]byte, buffered+10))
				fails(t, "write", err, os.ErrDeadlineExceeded)
				if n != buffered || time.Since(began) != 3*time.Second {
					t.Errorf("wrote %d bytes in %v", n, time.Since(began))
				}
				far.Close()
			})
		})
	}
	t.Run("and_goes_on_when_the_peer_reads", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			near, far := pipe()
			sent := pattern(3*buffered + 1)
			go func() { near.Write(sent); near.Close() }()
			synctest.Wait()
			if got, err := io.ReadAll(far); !bytes.Equal(got, sent) || err != nil {
				t.Errorf("read %d bytes, %v", len(got), err)
			}
		})
	})
}

func TestConn_does_not_mix_concurrent_writes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := pipe()
		const writers, size = 4, buffered * 2 / 3
		for i := range writers {
			go near.Write(bytes.Repeat([]byte{byte(i)}, size))
		}
		synctest.Wait()
		for range writers {
			p := make([]byte, size)
			if _, err := io.ReadFull(far, p); err != nil {
				t.Fatal(err)
			}
			if n := bytes.Count(p, p[:1]); n != size {
				t.Fatalf("%d of %d bytes are of one write", n, size)
			}
		}
	})
}

func TestConn_deadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := pipe()
		began := time.Now()
		near.SetReadDeadline(began.Add(time.Second))
		near.SetReadDeadline(began.Add(time.Minute)) // replaces the first
		readFails(t, near, os.ErrDeadlineExceeded)
		if got := time.Since(began); got != time.Minute {
			t.Errorf("the read failed after %v", got)
		}
		write(t, far, "late")
		readFails(t, near, os.ErrDeadlineExceeded)
		near.SetReadDeadline(time.Time{})
		reads(t, near, "late")
		time.AfterFunc(time.Hour, func() { near.SetReadDeadline(time.Now()) }) // as those do who interrupt a read
		readFails(t, near, os.ErrDeadlineExceeded)
		write(t, near, "the other direction has none")
	})
}
