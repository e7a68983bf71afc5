package retry

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leatdev/leat/pipeline"
)

// callers is a request body as a caller gives it, without GetBody.
func callers(text string) *trackedBody { return &trackedBody{Reader: strings.NewReader(text)} }

// reading answers like an upstream that reads n bytes of the body (-1: all) and closes it.
func reading(u *upstream, status, n int, got *[]string) func(*http.Request) (*http.Response, error) {
	return func(req *http.Request) (*http.Response, error) {
		var text []byte
		var err error
		if n < 0 {
			text, err = io.ReadAll(req.Body)
		} else {
			text = make([]byte, n)
			_, err = io.ReadFull(req.Body, text)
		}
		_ = req.Body.Close()
		if err != nil {
			return nil, err
		}
		*got = append(*got, string(text))
		return u.answer(req, status, nil), nil
	}
}

// TestBodies is about who may be sent again, and with what.
func TestBodies(t *testing.T) {
	dial := &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	small, large := strings.Repeat("s", 100), strings.Repeat("l", 5000)
	for _, tt := range []struct {
		name   string
		text   string
		length int64 // that the request names
		steps  []any // an int is how many bytes are read before a 503
		status int
		got    []string
		reason string
	}{
		{"a small one is kept while it is read", small, 100, []any{-1, -1, -1}, 503, []string{small, small, small}, ReasonMaxAttempts},
		{"also when only the beginning was read", small, 100, []any{10, 60, -1}, 503, []string{small[:10], small[:60], small}, ReasonMaxAttempts},
		{"as much as is kept at most", large[:4096], 4096, []any{-1, -1, -1}, 503, []string{large[:4096], large[:4096], large[:4096]}, ReasonMaxAttempts},
		{"a large one streams once", large, 5000, []any{-1}, 503, []string{large}, ReasonBody},
		{"one byte of it is enough", large, 5000, []any{1}, 503, []string{"l"}, ReasonBody},
		{"none of it was read", large, 5000, []any{dial, dial, -1}, 503, []string{large}, ReasonMaxAttempts},
		{"one of unknown length streams once", small, -1, []any{-1}, 503, []string{small}, ReasonBody},
		{"none of it was read either", small, -1, []any{dial, -1}, 503, []string{small}, ReasonBody},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var got []string
				up := script(t)
				for _, step := range tt.steps {
					if n, ok := step.(int); ok {
						step = reading(up, 503, n, &got)
					}
					up.script = append(up.script, step)
				}
				p := openWith(t, "", `max_replay_buffer = "4KiB"`, up, inner(pass1), outer(pass1))
				body := callers(tt.text)
				req := request(t.Context(), t, "PUT", body)
				req.ContentLength = tt.length
				status, call, err := run(t, p, req)
				if status != tt.status || err != nil || call.StopReason() != tt.reason {
					t.Errorf("status %d, err %v, reason %q, want %d and %q", status, err, call.StopReason(), tt.status, tt.reason)
				}
				if diff := cmp.Diff(tt.got, got); diff != "" {
					t.Error(diff)
				}
				if body.count() != 1 {
					t.Errorf("the caller's body was closed %d times, want once", body.count())
				}
				up.allClosed()
			})
		})
	}
}

// TestGetBody: the first send uses Body, each later one a fresh GetBody.
func TestGetBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []string
		up := script(t)
		up.script = []any{reading(up, 503, -1, &got), reading(up, 503, 3, &got), reading(up, 200, -1, &got)}
		p := open(t, "", up)
		first, fresh := callers("first"), []*trackedBody{}
		req := request(t.Context(), t, "PUT", first)
		req.ContentLength = 5
		req.GetBody = func() (io.ReadCloser, error) {
			fresh = append(fresh, callers("again"))
			return fresh[len(fresh)-1], nil
		}
		if status, _, err := run(t, p, req); status != 200 || err != nil {
			t.Fatalf("status %d, err %v", status, err)
		}
		if diff := cmp.Diff([]string{"first", "aga", "again"}, got); diff != "" {
			t.Error(diff)
		}
		if first.count() != 1 || len(fresh) != 2 || fresh[0].count() != 1 || fresh[1].count() != 1 {
			t.Errorf("closed %d times; %d fresh bodies", first.count(), len(fresh))
		}
	})
}

// TestGetBodyFails: the last answer is returned as it came.
func TestGetBodyFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		up := script(t, 503)
		p := open(t, "", up)
		req := request(t.Context(), t, "PUT", strings.NewReader("x"))
		req.GetBody = func() (io.ReadCloser, error) { return nil, errors.New("gone") }
		resp, err := p.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if string(text) != "body of an answer" || err != nil || resp.StatusCode != 503 || pipeline.CallOf(resp).StopReason() != ReasonBody || up.sends != 1 {
			t.Errorf("%d %q (%v), reason %q after %d sends", resp.StatusCode, text, err, pipeline.CallOf(resp).StopReason(), up.sends)
		}
	})
}

// TestBodySourceFails: a body that can't be read is not tried again, although it would have been kept.
func TestBodySourceFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("disk on fire")
		up := script(t)
		up.script = []any{reading(up, 200, -1, new([]string))}
		p := open(t, "", up)
		body := &trackedBody{Reader: io.MultiReader(strings.NewReader("half"), failing{broken})}
		req := request(t.Context(), t, "PUT", body)
		req.ContentLength = 8
		_, call, err := run(t, p, req)
		if !errors.Is(err, broken) || call.StopReason() != ReasonBody || up.sends != 1 || body.count() != 1 {
			t.Errorf("err %v, reason %q, %d sends, closed %d times", err, call.StopReason(), up.sends, body.count())
		}
		var e *pipeline.Error
		if !errors.As(err, &e) || e.Reason != ReasonBody {
			t.Errorf("the error's reason is %q", e.Reason)
		}
	})
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// TestPipe: a body that is still being written neither deadlocks nor is sent again.
func TestPipe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []string
		up := script(t)
		up.script = []any{&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, reading(up, 503, -1, &got)}
		p := open(t, "", up)
		r, w := io.Pipe()
		go func() {
			for range 10 {
				time.Sleep(time.Second)
				_, _ = w.Write([]byte("x"))
			}
			_ = w.Close()
		}()
		status, call, err := run(t, p, request(t.Context(), t, "PUT", r))
		if status != 503 || err != nil || call.StopReason() != ReasonBody || call.Attempts() != 2 {
			t.Errorf("status %d, err %v, reason %q after %d attempts", status, err, call.StopReason(), call.Attempts())
		}
		if diff := cmp.Diff([]string{"xxxxxxxxxx"}, got); diff != "" {
			t.Error(diff)
		}
	})
}

// TestBackgroundReader: the transport still reads attempt 1's body while attempt 2 is on its way; attempt 2 gets every byte.
func TestBackgroundReader(t *testing.T) {
	text := strings.Repeat("0123456789", 100)
	for range 50 {
		var got string
		stale := make(chan error, 1)
		up := script(t)
		up.script = []any{
			func(req *http.Request) (*http.Response, error) {
				body := req.Body
				begun := make(chan struct{})
				go func() {
					small := make([]byte, 7)
					_, err := body.Read(small)
					close(begun)
					for err == nil {
						_, err = body.Read(small)
					}
					stale <- err
					_ = body.Close()
				}()
				<-begun
				return up.answer(req, 503, nil), nil
			},
			func(req *http.Request) (*http.Response, error) {
				all, err := io.ReadAll(req.Body)
				got = string(all)
				_ = req.Body.Close()
				return up.answer(req, 200, nil), err
			},
		}
		p := open(t, `base = "1us"`, up)
		body := &trackedBody{Reader: dribble{strings.NewReader(text)}}
		req := request(t.Context(), t, "PUT", body)
		req.ContentLength = int64(len(text))
		resp, err := p.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		if got != text {
			t.Fatalf("attempt 2 got %d bytes, want %d", len(got), len(text))
		}
		<-stale
		if body.count() != 1 {
			t.Fatalf("the caller's body was closed %d times", body.count())
		}
	}
}

// TestLateReader: what is left of attempt 1 can't take a byte of a body that streams once.
func TestLateReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var late io.ReadCloser
		var got []string
		up := script(t)
		up.script = []any{
			func(req *http.Request) (*http.Response, error) {
				late = req.Body
				return nil, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
			},
			func(req *http.Request) (*http.Response, error) {
				if n, err := late.Read(make([]byte, 3)); n != 0 || err == nil || err == io.EOF {
					t.Errorf("attempt 1 read %d bytes, %v", n, err)
				}
				_ = late.Close()
				return reading(up, 200, -1, &got)(req)
			},
		}
		body := callers("streams once")
		status, _, err := run(t, open(t, "", up), request(t.Context(), t, "POST", body))
		if status != 200 || err != nil || body.count() != 1 {
			t.Errorf("status %d, err %v, closed %d times", status, err, body.count())
		}
		if diff := cmp.Diff([]string{"streams once"}, got); diff != "" {
			t.Error(diff)
		}
	})
}

// dribble gives few bytes at a time, so that readers meet in the middle.
type dribble struct{ r io.Reader }

func (o dribble) Read(p []byte) (int, error) { return o.r.Read(p[:min(len(p), 3)]) }

// TestLargeBodyIsNotKept bounds what a body that can't be kept costs.
func TestLargeBodyIsNotKept(t *testing.T) {
	up := script(t)
	up.script = []any{func(req *http.Request) (*http.Response, error) {
		n, err := io.Copy(io.Discard, req.Body)
		if n != 64<<20 || err != nil {
			return nil, err
		}
		return up.answer(req, 200, nil), nil
	}}
	p := open(t, "", up)
	zero := bytes.NewReader(make([]byte, 1<<20))
	allocs := testing.AllocsPerRun(5, func() {
		body := &repeated{r: zero, times: 64}
		req := request(t.Context(), t, "PUT", body)
		req.ContentLength = 64 << 20
		if _, _, err := run(t, p, req); err != nil {
			t.Fatal(err)
		}
	})
	if allocs > 200 { // a byte kept shows as a growing buffer; what is left is the test's own request
		t.Errorf("%v allocations for a large upload", allocs)
	}
}

// repeated gives the same bytes several times over.
type repeated struct {
	r     *bytes.Reader
	times int
}

func (r *repeated) Read(p []byte) (int, error) {
	if r.r.Len() == 0 {
		_, _ = r.r.Seek(0, io.SeekStart)
		if r.times--; r.times == 0 {
			return 0, io.EOF
		}
	}
	return r.r.Read(p)
}
