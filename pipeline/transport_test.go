package pipeline_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leatdev/leat/pipeline"
)

// dial opens one pipeline "p" over leat's own transport; table is what [transports.default] holds.
func dial(t *testing.T, keys, table string, stages ...pipeline.Factory) *pipeline.Pipeline {
	t.Helper()
	names := make([]string, len(stages))
	for i, s := range stages {
		names[i] = fmt.Sprintf("%q", s.Type())
	}
	src := fmt.Sprintf("version = 1\n[transports.default]\nproxy = \"none\"\n%s\n[pipelines.p]\nbase_url = \"https://h\"\nstages = [%s]\n%s\n", table, strings.Join(names, ", "), keys)
	r, err := pipeline.OpenBytes(t.Context(), filepath.Join(t.TempDir(), "t.toml"), []byte(src), pipeline.WithEnviron(nil), pipeline.WithStages(stages...))
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

// socket is a server that does with each connection what handle says.
func socket(t *testing.T, handle func(n int, c net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for n := 1; ; n++ {
			c, err := l.Accept()
			if err != nil {
				return
			}
			handle(n, c)
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-done })
	return l.Addr().String()
}

// request reads a request's headers from c.
func request(c net.Conn) { _, _ = http.ReadRequest(bufio.NewReader(c)) }

func reset(c net.Conn) {
	_ = c.(*net.TCPConn).SetLinger(0)
	_ = c.Close()
}

func TestTransport_failures(t *testing.T) {
	unused := func() string {
		l, _ := net.Listen("tcp", "127.0.0.1:0")
		defer l.Close()
		return l.Addr().String()
	}()
	tlsServer := httptest.NewTLSServer(http.NotFoundHandler())
	defer tlsServer.Close()
	for _, tc := range []struct {
		name        string
		url         string
		handle      func(n int, c net.Conn)
		table, keys string
		kind        pipeline.Kind
		class       pipeline.Class
		reason      string
	}{
		{name: "dial_refused", url: "http://" + unused, kind: pipeline.KindNetwork, class: pipeline.ClassNotSent},
		{name: "unknown_host", url: "http://nobody.invalid", kind: pipeline.KindNetwork},
		{name: "reset_before_headers", handle: func(_ int, c net.Conn) { request(c); reset(c) }, kind: pipeline.KindNetwork, class: pipeline.ClassUnknown},
		{name: "closed_before_headers", handle: func(_ int, c net.Conn) { request(c); _ = c.Close() }, kind: pipeline.KindNetwork, class: pipeline.ClassUnknown},
		{name: "half_the_headers", handle: func(_ int, c net.Conn) {
			request(c)
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nConte")
			_ = c.Close()
		}, kind: pipeline.KindNetwork, class: pipeline.ClassUnknown},
		{name: "garbage", handle: func(_ int, c net.Conn) { request(c); _, _ = io.WriteString(c, "SSH-2.0-OpenSSH\r\n"); _ = c.Close() }, kind: pipeline.KindNetwork, class: pipeline.ClassUnknown},
		{name: "bad_certificate", url: tlsServer.URL, kind: pipeline.KindTLS, class: pipeline.ClassTerminal},
		{name: "garbage_for_a_handshake", url: "https://", handle: func(_ int, c net.Conn) { _, _ = io.WriteString(c, "SSH-2.0-OpenSSH\r\n"); _ = c.Close() }, kind: pipeline.KindTLS, class: pipeline.ClassNotSent},
		{name: "http_for_a_handshake", url: "https://", handle: func(_ int, c net.Conn) {
			_, _ = io.WriteString(c, "HTTP/1.0 400 Bad Request\r\n\r\n")
			_ = c.Close()
		}, kind: pipeline.KindTLS, class: pipeline.ClassNotSent},
		{name: "handshake_cut_off", url: "https://", handle: func(_ int, c net.Conn) { _ = c.Close() }, class: pipeline.ClassNotSent},
		{
			name: "handshake_too_slow", url: "https://", table: "tls_handshake_timeout = \"50ms\"",
			handle: func(_ int, c net.Conn) { go func() { _, _ = io.Copy(io.Discard, c); _ = c.Close() }() }, kind: pipeline.KindTLS, class: pipeline.ClassNotSent,
		},
		{
			name: "headers_too_slow", table: "response_header_timeout = \"50ms\"",
			handle: func(_ int, c net.Conn) { go func() { _, _ = io.Copy(io.Discard, c); _ = c.Close() }() }, kind: pipeline.KindTimeout, class: pipeline.ClassUnknown, reason: "response_header_timeout",
		},
		{
			name: "attempt_too_slow", keys: "attempt_timeout = \"50ms\"",
			handle: func(_ int, c net.Conn) { go func() { _, _ = io.Copy(io.Discard, c); _ = c.Close() }() }, kind: pipeline.KindTimeout, class: pipeline.ClassUnknown, reason: "attempt_timeout",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			target := tc.url
			if tc.handle != nil {
				scheme := target
				if scheme == "" {
					scheme = "http://"
				}
				target = scheme + socket(t, tc.handle)
			}
			p := dial(t, tc.keys, tc.table)
			b := &body{Reader: strings.NewReader("hello")}
			req, _ := http.NewRequestWithContext(t.Context(), "POST", target, nil)
			req.Body, req.ContentLength = b, 5
			resp, err := p.RoundTrip(req)
			if err == nil {
				_ = resp.Body.Close()
				t.Fatalf("got %s", resp.Status)
			}
			e, ok := errors.AsType[*pipeline.Error](err)
			if !ok || tc.kind != "" && e.Kind != tc.kind || tc.class != "" && e.Class != tc.class || e.Reason != tc.reason {
				t.Errorf("got %v: kind %s, class %s, reason %q; want %s, %s, %q", err, e.Kind, e.Class, e.Reason, tc.kind, tc.class, tc.reason)
			}
			for range 100 {
				if b.closed.Load() == 1 {
					break
				}
				time.Sleep(time.Millisecond) // net/http may close it a little later
			}
			if n := b.closed.Load(); n != 1 {
				t.Errorf("request body was closed %d times", n)
			}
		})
	}

	t.Run("connect_too_slow", func(t *testing.T) {
		p := dial(t, "", "connect_timeout = \"1ns\"")
		_, err := get(t, t.Context(), p, "http://127.0.0.1:9/")
		if e := kindOf(t, err, pipeline.KindTimeout); e.Class != pipeline.ClassNotSent {
			t.Errorf("class %s", e.Class)
		}
	})

	for name, answer := range map[string]string{
		"half_the_body": "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhal", "half_a_chunk": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhal",
	} {
		t.Run(name, func(t *testing.T) {
			p := dial(t, "", "")
			resp, err := get(t, t.Context(), p, "http://"+socket(t, func(_ int, c net.Conn) { request(c); _, _ = io.WriteString(c, answer); _ = c.Close() }))
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			if e := kindOf(t, err, pipeline.KindNetwork); string(got) != "hal" || e.Class != pipeline.ClassUnknown {
				t.Errorf("read %q: %v", got, err)
			}
		})
	}
}

func TestTransport_counts_what_net_http_sends_again(t *testing.T) {
	addr := socket(t, func(n int, c net.Conn) {
		go func() {
			defer c.Close()
			r := bufio.NewReader(c)
			for i := 0; ; i++ {
				req, err := http.ReadRequest(r)
				if err != nil || n == 1 && i == 1 { // dead as soon as it is used again
					return
				}
				_, _ = io.Copy(io.Discard, req.Body)
				_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
			}
		}()
	})
	p := dial(t, "", "")
	resends := 0
	for range 3 {
		resp, err := get(t, t.Context(), p, "http://"+addr)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		c := pipeline.CallOf(resp)
		resends += c.TransportResends()
		if c.Sends() != 1 {
			t.Errorf("%d sends", c.Sends())
		}
	}
	if resends != 1 {
		t.Errorf("%d resends, want 1", resends)
	}
}

func TestTransport_proxy(t *testing.T) {
	var through atomic.Int32
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		through.Add(1)
		_, _ = io.WriteString(w, r.URL.Host)
	}))
	defer proxy.Close()
	src := fmt.Sprintf("version = 1\n[transports.default]\nproxy = %q\n[pipelines.p]\nbase_url = \"http://somewhere.invalid\"\n", proxy.URL)
	r, err := pipeline.OpenBytes(t.Context(), "t.toml", []byte(src), pipeline.WithEnviron(nil))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	pipe, _ := r.Pipeline("p")
	resp, err := get(t, t.Context(), pipe, "/x")
	if err != nil {
		t.Fatal(err)
	}
	b, _ := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if string(b) != "somewhere.invalid" || through.Load() != 1 {
		t.Errorf("got %q, %d requests through the proxy", b, through.Load())
	}
	for _, bad := range []string{"ftp//", "http://user:secret-word@proxy", "sometimes"} {
		_, err := pipeline.OpenBytes(t.Context(), "t.toml", []byte(strings.Replace(src, proxy.URL, bad, 1)), pipeline.WithEnviron(nil))
		if err == nil || !strings.Contains(err.Error(), "3:") || strings.Contains(err.Error(), "secret-word") {
			t.Errorf("proxy %q: %v", bad, err)
		}
	}
}

func TestTransport_pools_are_shared_by_equal_settings(t *testing.T) {
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	var conns atomic.Int32
	srv.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			conns.Add(1)
		}
	}
	srv.Start()
	defer srv.Close()
	src := fmt.Sprintf("version = 1\n[transports.same]\nhttp2 = true\n[transports.other]\nmax_conns_per_host = 7\n"+
		"[pipelines.a]\nbase_url = %q\n[pipelines.b]\nbase_url = %q\ntransport = \"same\"\n[pipelines.c]\nbase_url = %q\ntransport = \"other\"\n", srv.URL, srv.URL, srv.URL)
	r, err := pipeline.OpenBytes(t.Context(), "t.toml", []byte(src), pipeline.WithEnviron(nil))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for i, want := range []int32{1, 1, 2} {
		p, _ := r.Pipeline([]string{"a", "b", "c"}[i])
		resp, err := get(t, t.Context(), p, "/")
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		if got := conns.Load(); got != want {
			t.Errorf("pipeline %d: %d connections, want %d", i, got, want)
		}
	}
}
