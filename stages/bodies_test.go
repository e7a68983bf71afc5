package stages_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/stages"
)

// Request bodies over real sockets, through net/http's client and server.

const bodiesFile = `version = 1
[stages.retry]
base = "1ms"
[transports.default]
proxy = "none"
[pipelines.p]
base_url        = %q
timeout         = "5m"
attempt_timeout = "5m"
stages          = ["retry", "log", "error-map", "validate"]
`

// uploads opens a pipeline to a server; the first unreachable connections are refused.
func uploads(t testing.TB, unreachable int32, h http.HandlerFunc) *pipeline.Pipeline {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	var dials atomic.Int32
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		if dials.Add(1) <= unreachable {
			return nil, &net.OpError{Op: "dial", Net: network, Err: syscall.ECONNREFUSED}
		}
		return (&net.Dialer{}).DialContext(ctx, network, address)
	}
	r, err := pipeline.OpenBytes(t.Context(), "test.toml", fmt.Appendf(nil, bodiesFile, server.URL), pipeline.WithEnviron(nil),
		pipeline.WithLogger(slog.New(slog.DiscardHandler)), pipeline.WithStages(stages.All()...), pipeline.WithNetwork(pipeline.Network{Dial: dial}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	p, err := r.Pipeline("p")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// page is what a pattern repeats; its length is prime, so that bytes out of place show.
var page = func() []byte {
	b := make([]byte, 65521)
	random := rand.NewChaCha8([32]byte{})
	_, _ = random.Read(b)
	return b
}()

// pattern is a body of any size that is nowhere in memory.
type pattern struct {
	at, size int64
	sum      hash.Hash // of what was read
	watch    func(at int64)
	closed   atomic.Int32
}

func newPattern(size int64) *pattern { return &pattern{size: size, sum: sha256.New()} }

func (p *pattern) Read(b []byte) (int, error) {
	if p.at >= p.size {
		return 0, io.EOF
	}
	b = b[:min(int64(len(b)), p.size-p.at)]
	b = b[:copy(b, page[p.at%int64(len(page)):])]
	p.at += int64(len(b))
	p.sum.Write(b)
	if p.watch != nil {
		p.watch(p.at)
	}
	return len(b), nil
}

func (p *pattern) Close() error { p.closed.Add(1); return nil }

// sumOf returns the hash of a pattern of that size.
func sumOf(size int64) string {
	p := newPattern(size)
	_, _ = io.Copy(io.Discard, p)
	return hex.EncodeToString(p.sum.Sum(nil))
}

// digest reads a body to its end and tells its hash.
func digest(r io.Reader) (string, error) {
	sum := sha256.New()
	_, err := io.Copy(sum, r)
	return hex.EncodeToString(sum.Sum(nil)), err
}

// peak watches how much more the heap holds, garbage included, than at the beginning.
type peak struct{ before, most int64 }

func newPeak() *peak {
	runtime.GC()
	runtime.GC() // what pools held is gone after the second
	p := &peak{}
	p.before = p.heap()
	return p
}

func (p *peak) heap() int64 {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}

func (p *peak) look() { p.most = max(p.most, p.heap()-p.before) }

// put sends a body and returns the status, the reason why nothing more was sent, and how often it was sent.
func put(t testing.TB, p *pipeline.Pipeline, change func(*http.Request)) (status int, reason string, sends int) {
	t.Helper()
	req, err := p.NewRequest(t.Context(), http.MethodPut, "/upload", nil)
	if err != nil {
		t.Fatal(err)
	}
	change(req)
	resp, err := p.RoundTrip(req)
	if e, ok := errors.AsType[*pipeline.Error](err); ok {
		return 0, e.Reason, e.Sends
	}
	call := pipeline.CallOf(resp)
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	return resp.StatusCode, call.StopReason(), call.Sends()
}

const (
	uploadSize  = 100 << 20
	uploadBound = 16 << 20 // what client and server together may hold above the beginning
)

// TestBodies_large_upload: 100 MB go through as they are read. What can't be had again is sent once, also where the server asks for more.
func TestBodies_large_upload(t *testing.T) {
	want := sumOf(uploadSize)
	for _, c := range []struct {
		name     string
		length   int64
		again    bool // with GetBody
		statuses []int
		reason   string
	}{
		{"announced", uploadSize, false, []int{503}, "body"},
		{"not_announced", -1, false, []int{503}, "body"},
		{"that_can_be_had_again", uploadSize, true, []int{503, 201}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			p := uploads(t, 0, func(w http.ResponseWriter, r *http.Request) {
				sum, err := digest(r.Body)
				if err != nil {
					t.Error(err)
				}
				w.WriteHeader(c.statuses[min(len(got), len(c.statuses)-1)])
				got = append(got, sum)
			})
			heap := newPeak()
			var bodies []*pattern
			open := func() (io.ReadCloser, error) {
				b := newPattern(uploadSize)
				b.watch = func(at int64) {
					if at%(1<<20) < 32<<10 {
						heap.look()
					}
				}
				bodies = append(bodies, b)
				return b, nil
			}
			status, reason, sends := put(t, p, func(req *http.Request) {
				req.Body, _ = open()
				req.ContentLength = c.length
				if c.again {
					req.GetBody = open
				}
			})
			if want := c.statuses[len(c.statuses)-1]; status != want || reason != c.reason || sends != len(c.statuses) {
				t.Errorf("status %d, reason %q after %d sends; want %d and %q after %d", status, reason, sends, want, c.reason, len(c.statuses))
			}
			for i, sum := range got {
				if sum != want {
					t.Errorf("send %d arrived changed", i+1)
				}
			}
			for i, b := range bodies {
				if n := b.closed.Load(); n != 1 {
					t.Errorf("body %d was closed %d times, want once", i+1, n)
				}
			}
			if heap.most > uploadBound || heap.most == 0 {
				t.Errorf("the heap grew by %d KiB at most, want less than %d and more than none", heap.most>>10, uploadBound>>10)
			}
			t.Logf("the heap grew by %d KiB at most", heap.most>>10)
		})
	}
}

// TestBodies_replayed: 1 MiB without GetBody is kept as it is read, and each attempt has every byte of it, wherever the one before broke off.
func TestBodies_replayed(t *testing.T) {
	const size = 1 << 20
	var sends atomic.Int32
	var got string
	p := uploads(t, 0, func(w http.ResponseWriter, r *http.Request) {
		switch sends.Add(1) {
		case 1: // answered before the body is there: net/http stops writing, or finds the connection closed
			_, _ = io.CopyN(io.Discard, r.Body, 300_000)
			w.WriteHeader(http.StatusServiceUnavailable)
		case 2: // all of it arrived, and then the connection went
			_, _ = io.Copy(io.Discard, r.Body)
			if c, _, err := w.(http.Hijacker).Hijack(); err == nil {
				_ = c.(*net.TCPConn).SetLinger(0)
				_ = c.Close()
			}
		default:
			got, _ = digest(r.Body)
			w.WriteHeader(http.StatusCreated)
		}
	})
	body := newPattern(size)
	status, reason, n := put(t, p, func(req *http.Request) { req.Body, req.ContentLength = body, size })
	if status != 201 || reason != "" || n != 3 {
		t.Fatalf("status %d, reason %q after %d sends; want 201 after 3", status, reason, n)
	}
	if want := sumOf(size); got != want {
		t.Errorf("the third attempt's body: got sha256 %s, want %s", got, want)
	}
	if body.at != size || body.closed.Load() != 1 {
		t.Errorf("%d bytes of the caller's body were read, and it was closed %d times; want %d, once", body.at, body.closed.Load(), size)
	}
}

// TestBodies_beyond_the_buffer: a byte more than max_replay_buffer, and it streams once: sent again only while nothing of it was read.
func TestBodies_beyond_the_buffer(t *testing.T) {
	const size = 1<<20 + 1
	for _, c := range []struct {
		name        string
		unreachable int32
		status      int
		reason      string
		sends       int
	}{
		{"nothing_was_read", 2, 201, "", 3},
		{"it_was_read", 0, 503, "body", 1},
		{"nothing_at_first_and_then_all", 1, 503, "body", 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			p := uploads(t, c.unreachable, func(w http.ResponseWriter, r *http.Request) {
				sum, _ := digest(r.Body)
				got = append(got, sum)
				w.WriteHeader(c.status)
			})
			body := newPattern(size)
			status, reason, sends := put(t, p, func(req *http.Request) { req.Body, req.ContentLength = body, size })
			if status != c.status || reason != c.reason || sends != c.sends {
				t.Errorf("status %d, reason %q after %d sends; want %d and %q after %d", status, reason, sends, c.status, c.reason, c.sends)
			}
			if want := sumOf(size); len(got) != 1 || got[0] != want {
				t.Errorf("arrived: %v, want one of %s", got, want)
			}
			if n := body.closed.Load(); n != 1 {
				t.Errorf("the caller's body was closed %d times, want once", n)
			}
		})
	}
}

// TestBodies_pipe: whoever writes a body while it is sent waits for its reader, and must neither wait for ever nor be cut off.
func TestBodies_pipe(t *testing.T) {
	t.Run("answered_before_it_was_read", func(t *testing.T) {
		p := uploads(t, 0, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
		r, w := io.Pipe()
		released := make(chan error, 1)
		go func() {
			for {
				if _, err := w.Write(make([]byte, 1<<10)); err != nil {
					released <- err
					return
				}
			}
		}()
		status, reason, sends := put(t, p, func(req *http.Request) { req.Body, req.ContentLength = r, -1 })
		if status != 0 && status != 503 || reason != "body" || sends != 1 { // 0: the connection may go before net/http has read the answer
			t.Errorf("status %d, reason %q after %d sends; want 503 and body after 1", status, reason, sends)
		}
		wait(t, released, "the writer")
	})
	t.Run("the_writer_waits_for_the_server", func(t *testing.T) {
		arrived := make(chan struct{})
		p := uploads(t, 0, func(w http.ResponseWriter, r *http.Request) {
			first := make([]byte, 5)
			_, err := io.ReadFull(r.Body, first)
			close(arrived)
			rest, err2 := io.ReadAll(r.Body)
			if string(first)+string(rest) != "firstthen" || err != nil || err2 != nil {
				t.Errorf("the server read %q and %q, %v, %v", first, rest, err, err2)
			}
			w.WriteHeader(http.StatusCreated)
		})
		r, w := io.Pipe()
		written := make(chan error, 1)
		go func() {
			_, err := io.WriteString(w, "first")
			<-arrived // a pipeline that read the body before sending it would wait for us as well
			_, err2 := io.WriteString(w, "then")
			written <- errors.Join(err, err2, w.Close())
		}()
		if status, _, sends := put(t, p, func(req *http.Request) { req.Body, req.ContentLength = r, -1 }); status != 201 || sends != 1 {
			t.Errorf("status %d after %d sends, want 201 after 1", status, sends)
		}
		if err := wait(t, written, "the writer"); err != nil {
			t.Error(err)
		}
	})
	t.Run("sent_again_while_nothing_was_read", func(t *testing.T) {
		var got []byte
		p := uploads(t, 2, func(w http.ResponseWriter, r *http.Request) {
			got, _ = io.ReadAll(r.Body)
			w.WriteHeader(http.StatusCreated)
		})
		r, w := io.Pipe()
		written := make(chan error, 1)
		go func() {
			_, err := w.Write(bytes.Repeat([]byte("x"), 100_000))
			written <- errors.Join(err, w.Close())
		}()
		if status, _, sends := put(t, p, func(req *http.Request) { req.Body, req.ContentLength = r, -1 }); status != 201 || sends != 3 || len(got) != 100_000 {
			t.Errorf("status %d after %d sends with %d bytes, want 201 after 3 with 100000", status, sends, len(got))
		}
		if err := wait(t, written, "the writer"); err != nil {
			t.Error(err)
		}
	})
}

func wait(t *testing.T, done <-chan error, who string) error {
	t.Helper()
	select {
	case err := <-done:
		return err
	case <-time.After(30 * time.Second):
		t.Fatalf("%s still waits", who)
		return nil
	}
}

// BenchmarkUpload sends 100 MB over a socket and reports the most that the heap grew by, client and server together: "bare" is http.Client,
// "kept" what a retry by hand does to be able to send again, "leat" has retry in the chain, and "leat-again" a body with GetBody that is sent
// twice.
//
//	go test -run '^$' -bench Upload -benchmem -benchtime 5x ./stages
func BenchmarkUpload(b *testing.B) {
	kept := func(client *http.Client) func(*http.Request) (*http.Response, error) {
		return func(req *http.Request) (*http.Response, error) {
			all, err := io.ReadAll(req.Body)
			if err != nil {
				return nil, err
			}
			req.Body = io.NopCloser(bytes.NewReader(all))
			return client.Do(req)
		}
	}
	for _, c := range []struct {
		name  string
		do    func(*pipeline.Pipeline) func(*http.Request) (*http.Response, error)
		again bool
	}{
		{"bare", func(*pipeline.Pipeline) func(*http.Request) (*http.Response, error) { return http.DefaultClient.Do }, false},
		{"kept", func(*pipeline.Pipeline) func(*http.Request) (*http.Response, error) { return kept(http.DefaultClient) }, false},
		{"leat", func(p *pipeline.Pipeline) func(*http.Request) (*http.Response, error) { return p.Client().Do }, false},
		{"leat-again", func(p *pipeline.Pipeline) func(*http.Request) (*http.Response, error) { return p.Client().Do }, true},
	} {
		b.Run(c.name, func(b *testing.B) {
			var mu sync.Mutex
			n := 0
			p := uploads(b, 0, func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				mu.Lock()
				defer mu.Unlock()
				if n++; c.again && n%2 == 1 {
					w.WriteHeader(http.StatusServiceUnavailable)
				}
			})
			defer http.DefaultClient.CloseIdleConnections()
			do := c.do(p)
			heap := newPeak()
			zeros := make([]byte, 32<<10)
			b.ReportAllocs()
			b.SetBytes(uploadSize)
			for b.Loop() {
				open := func() (io.ReadCloser, error) { return &flat{page: zeros, left: uploadSize, look: heap.look}, nil }
				req, err := p.NewRequest(b.Context(), http.MethodPut, "/upload", nil)
				if err != nil {
					b.Fatal(err)
				}
				req.Body, _ = open()
				req.ContentLength = uploadSize
				if c.again {
					req.GetBody = open
				}
				resp, err := do(req)
				if err != nil {
					b.Fatal(err)
				}
				_ = resp.Body.Close()
				if resp.StatusCode != http.StatusOK {
					b.Fatal(resp.Status)
				}
				heap.look()
			}
			b.ReportMetric(float64(heap.most)/(1<<20), "peak-MiB")
		})
	}
}

// flat is a body of nothing but zeros, that looks at the heap every MiB.
type flat struct {
	page []byte
	left int
	look func()
}

func (f *flat) Read(b []byte) (int, error) {
	if f.left <= 0 {
		return 0, io.EOF
	}
	n := copy(b[:min(len(b), f.left)], f.page)
	if (f.left-n)>>20 != f.left>>20 {
		f.look()
	}
	f.left -= n
	return n, nil
}

func (f *flat) Close() error { return nil }
