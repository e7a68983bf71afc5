package retry

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/leatdev/leat/pipeline"
)

// serve listens on a real port; the n-th connection is served by the n-th function, the last one serves all others.
func serve(t *testing.T, each ...func(*net.TCPConn)) (url string, count func() int) {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var done sync.WaitGroup
	n := 0
	done.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			f := each[min(n, len(each)-1)]
			n++
			mu.Unlock()
			f(c.(*net.TCPConn))
			_ = c.Close()
		}
	})
	t.Cleanup(func() { _ = l.Close(); done.Wait() })
	return "http://" + l.Addr().String(), func() int { mu.Lock(); defer mu.Unlock(); return n }
}

// said reads the request, says text and closes.
func said(text string) func(*net.TCPConn) {
	return func(c *net.TCPConn) {
		req, err := http.ReadRequest(bufio.NewReader(c))
		if err != nil {
			return
		}
		_, _ = io.Copy(io.Discard, req.Body)
		_, _ = io.WriteString(c, text)
	}
}

// reset reads the request and resets the connection.
func reset(c *net.TCPConn) {
	said("")(c)
	_ = c.SetLinger(0)
}

const (
	fine = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"
	half = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"
)

// reads is an inner stage that reads the whole answer before it passes it on, as validate does.
func reads(req *http.Request, next http.RoundTripper) (*http.Response, error) {
	resp, err := next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	resp.Body = io.NopCloser(strings.NewReader(string(text)))
	if err != nil {
		return nil, err
	}
	return resp, nil
}

// TestNetwork breaks real connections.
func TestNetwork(t *testing.T) {
	refusedURL, _ := serve(t, reset)
	for _, tt := range []struct {
		name        string
		method      string
		inner       pipeline.StageFunc
		each        []func(*net.TCPConn)
		connections int
		kind        pipeline.Kind // "" = 200
		reason      string
	}{
		{"reset, then fine", "GET", pass1, []func(*net.TCPConn){reset, reset, said(fine)}, 3, "", ""},
		{"reset for ever", "PUT", pass1, []func(*net.TCPConn){reset}, 3, pipeline.KindNetwork, ReasonMaxAttempts},
		{"a POST that was reset", "POST", pass1, []func(*net.TCPConn){reset, said(fine)}, 1, pipeline.KindNetwork, ReasonUnsafeMethod},
		{"closed without a word", "GET", pass1, []func(*net.TCPConn){said(""), said(fine)}, 2, "", ""},
		{"half a head", "GET", pass1, []func(*net.TCPConn){said("HTTP/1.1 200 O"), said(fine)}, 2, "", ""},
		{"not HTTP", "POST", pass1, []func(*net.TCPConn){said("SSH-2.0-OpenSSH_9.2\r\n"), said(fine)}, 1, pipeline.KindNetwork, ReasonUnsafeMethod},
		{"half an answer that a stage inside reads", "GET", reads, []func(*net.TCPConn){said(half), said(fine)}, 2, "", ""},
		{"the same for a POST", "POST", reads, []func(*net.TCPConn){said(half), said(fine)}, 1, pipeline.KindNetwork, ReasonUnsafeMethod},
	} {
		t.Run(tt.name, func(t *testing.T) {
			url, connections := serve(t, tt.each...)
			p := openWith(t, `base = "1ms"`, "", nil, inner(tt.inner), outer(pass1))
			req := request(t.Context(), t, tt.method, strings.NewReader("text"))
			req.URL.Scheme, req.URL.Host, req.Host = "http", strings.TrimPrefix(url, "http://"), ""
			status, call, err := run(t, p, req)
			if connections() != tt.connections || call.StopReason() != tt.reason || pipeline.KindOf(err) != tt.kind || err == nil && status != 200 {
				t.Errorf("%d connections, status %d, reason %q, kind %s, err %v", connections(), status, call.StopReason(), pipeline.KindOf(err), err)
			}
		})
	}
	t.Run("half an answer that nobody inside reads is the caller's", func(t *testing.T) {
		url, connections := serve(t, said(half))
		p := open(t, "", nil)
		req := request(t.Context(), t, "GET", nil)
		req.URL.Scheme, req.URL.Host, req.Host = "http", strings.TrimPrefix(url, "http://"), ""
		resp, err := p.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		_, err = io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if !errors.Is(err, pipeline.KindNetwork) || connections() != 1 {
			t.Errorf("%v after %d connections", err, connections())
		}
	})
	t.Run("nobody listens: a POST is safe to send again", func(t *testing.T) {
		var lc net.ListenConfig
		l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		_ = l.Close()
		p := open(t, `base = "1ms"`, nil)
		body := callers(strings.Repeat("x", 2<<20)) // too large to keep, but nobody has read it
		req := request(t.Context(), t, "POST", body)
		req.URL.Scheme, req.URL.Host, req.Host, req.ContentLength = "http", l.Addr().String(), "", 2<<20
		_, call, err := run(t, p, req)
		var e *pipeline.Error
		if !errors.As(err, &e) || e.Class != pipeline.ClassNotSent || e.Reason != ReasonMaxAttempts || call.Sends() != 3 || body.count() != 1 {
			t.Errorf("%v, class %s, %d sends, body closed %d times", err, e.Class, call.Sends(), body.count())
		}
	})
	t.Run("a certificate that nobody signed", func(t *testing.T) {
		server := httptest.NewUnstartedServer(http.NotFoundHandler())
		server.Config.ErrorLog = discard()
		server.StartTLS()
		defer server.Close()
		p := open(t, `base = "1ms"`, nil)
		req := request(t.Context(), t, "GET", nil)
		req.URL.Host, req.Host = strings.TrimPrefix(server.URL, "https://"), ""
		_, call, err := run(t, p, req)
		var e *pipeline.Error
		if !errors.As(err, &e) || e.Class != pipeline.ClassTerminal || e.Kind != pipeline.KindTLS || call.Sends() != 1 || call.StopReason() != "" {
			t.Errorf("%v, class %s, %d sends, reason %q", err, e.Class, call.Sends(), call.StopReason())
		}
	})
	t.Run("https to a server that speaks http", func(t *testing.T) {
		p := open(t, `base = "1ms"`, nil)
		req := request(t.Context(), t, "POST", nil)
		req.URL.Host, req.Host = strings.TrimPrefix(refusedURL, "http://"), ""
		_, call, err := run(t, p, req)
		if err == nil || call.Sends() != 3 {
			t.Errorf("%v after %d sends", err, call.Sends())
		}
	})
}

// TestEarlyAnswer: net/http still writes attempt 1's body when the answer is there; attempt 2 sends every byte.
func TestEarlyAnswer(t *testing.T) {
	text := strings.Repeat("0123456789", 100_000)
	var mu sync.Mutex
	var got []int
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		first := len(got) == 0
		if first {
			got = append(got, 0)
		}
		mu.Unlock()
		if first {
			w.WriteHeader(http.StatusServiceUnavailable) // without reading the body
			return
		}
		all, _ := io.ReadAll(r.Body)
		mu.Lock()
		got = append(got, len(all))
		mu.Unlock()
		if string(all) != text {
			w.WriteHeader(http.StatusBadRequest)
		}
	}))
	defer server.Close()
	for range 10 {
		got = nil
		p := open(t, `base = "1us"`, nil)
		body := &trackedBody{Reader: strings.NewReader(text)}
		req := request(t.Context(), t, "PUT", body)
		req.URL.Scheme, req.URL.Host, req.Host, req.ContentLength = "http", strings.TrimPrefix(server.URL, "http://"), "", int64(len(text))
		status, call, err := run(t, p, req)
		if status != 200 || err != nil {
			t.Fatalf("status %d, err %v, %d attempts, server got %v", status, err, call.Attempts(), got)
		}
	}
}
