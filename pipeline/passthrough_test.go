package pipeline_test

import (
	"bufio"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leatdev/leat/pipeline"
)

func TestTransport_keeps_what_net_http_can(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("/gzip", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		_, _ = io.WriteString(z, "plain")
		_ = z.Close()
	})
	mux.HandleFunc("/status/{code}", func(w http.ResponseWriter, r *http.Request) {
		var code int
		_, _ = fmt.Sscan(r.PathValue("code"), &code)
		w.WriteHeader(code)
	})
	mux.HandleFunc("/trailers", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "X-Sum")
		b, _ := io.ReadAll(r.Body)
		_, _ = io.WriteString(w, string(b)+r.Trailer.Get("X-In"))
		w.Header().Set("X-Sum", "42")
	})
	mux.HandleFunc("/upgrade", func(w http.ResponseWriter, _ *http.Request) {
		c, rw, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		defer c.Close()
		_, _ = rw.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		_ = rw.Flush()
		line, _ := rw.ReadString('\n')
		_, _ = rw.WriteString("you said " + line)
		_ = rw.Flush()
	})
	mux.HandleFunc("/refuse", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusExpectationFailed) })
	mux.HandleFunc("/early", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusRequestEntityTooLarge) })
	mux.HandleFunc("/count", func(w http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, r.Body)
		_, _ = fmt.Fprint(w, n)
	})
	mux.HandleFunc("/stream", func(w http.ResponseWriter, _ *http.Request) {
		for range 3 {
			_, _ = io.WriteString(w, "x")
			_ = http.NewResponseController(w).Flush()
		}
	})
	plain, second := httptest.NewServer(mux), httptest.NewUnstartedServer(mux)
	defer plain.Close()
	second.EnableHTTP2 = true
	second.StartTLS()
	defer second.Close()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	writePEM(t, ca, "CERTIFICATE", second.Certificate().Raw)
	for _, at := range []struct {
		name, url string
		major     int
	}{{"http1", plain.URL, 1}, {"http2", second.URL, 2}} {
		p := dial(t, "", fmt.Sprintf("ca = %q", ca), pass)
		do := func(t *testing.T, method, path string, in io.Reader, change func(*http.Request)) (*http.Response, string) {
			t.Helper()
			req, err := http.NewRequestWithContext(t.Context(), method, at.url+path, in)
			if err != nil {
				t.Fatal(err)
			}
			if change != nil {
				change(req)
			}
			resp, err := p.RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			b, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			if resp.ProtoMajor != at.major {
				t.Errorf("got %s", resp.Proto)
			}
			if c := pipeline.CallOf(resp); c.TransportResends() != 0 || c.Sends() != 1 {
				t.Errorf("%d sends, %d resends", c.Sends(), c.TransportResends())
			}
			return resp, string(b)
		}
		t.Run(at.name+"/gzip", func(t *testing.T) {
			if resp, b := do(t, "GET", "/gzip", nil, nil); b != "plain" || !resp.Uncompressed {
				t.Errorf("read %q, uncompressed %v", b, resp.Uncompressed)
			}
		})
		for _, path := range []string{"/status/204", "/status/304", "/status/200"} {
			t.Run(at.name+"/HEAD"+path, func(t *testing.T) { do(t, "HEAD", path, nil, nil) })
			t.Run(at.name+"/GET"+path, func(t *testing.T) { do(t, "GET", path, nil, nil) })
		}
		t.Run(at.name+"/trailers", func(t *testing.T) {
			resp, b := do(t, "POST", "/trailers", io.MultiReader(strings.NewReader("in ")), func(r *http.Request) {
				r.Trailer = http.Header{"X-In": {"trailer"}}
			})
			if b != "in trailer" || resp.Trailer.Get("X-Sum") != "42" {
				t.Errorf("echo %q, trailers %v", b, resp.Trailer)
			}
		})
		t.Run(at.name+"/chunks", func(t *testing.T) {
			if _, b := do(t, "GET", "/stream", nil, nil); b != "xxx" {
				t.Errorf("read %q", b)
			}
		})
		t.Run(at.name+"/expect_continue", func(t *testing.T) {
			sent := &body{Reader: strings.NewReader("never asked for")}
			resp, _ := do(t, "POST", "/refuse", nil, func(r *http.Request) {
				r.Header.Set("Expect", "100-continue")
				r.Body, r.ContentLength = sent, 15
			})
			if resp.StatusCode != 417 {
				t.Errorf("got %s", resp.Status)
			}
		})
		t.Run(at.name+"/an_answer_before_the_body_was_read", func(t *testing.T) {
			req, _ := http.NewRequestWithContext(t.Context(), "POST", at.url+"/early", nil)
			b := &body{Reader: io.LimitReader(zeros{}, 64<<20)}
			req.Body, req.ContentLength = b, -1
			resp, err := p.RoundTrip(req)
			if err == nil {
				_ = resp.Body.Close()
				if resp.StatusCode != 413 {
					t.Errorf("got %s", resp.Status)
				}
			} else if e := kindOf(t, err, pipeline.KindNetwork); e.Class != pipeline.ClassUnknown {
				t.Errorf("class %s", e.Class) // the server may reset the connection before net/http has read its answer
			}
		})
		t.Run(at.name+"/a_large_upload_is_not_kept", func(t *testing.T) {
			const size = 64 << 20
			held := func() int64 {
				var stats runtime.MemStats
				runtime.GC()
				runtime.ReadMemStats(&stats)
				return int64(stats.HeapAlloc)
			}
			before, peak, read := held(), int64(0), 0
			_, b := do(t, "POST", "/count", readerFunc(func(p []byte) (int, error) {
				if read >= size {
					return 0, io.EOF
				}
				if read += len(p); read%(16<<20) < len(p) {
					peak = max(peak, held()-before)
				}
				return len(p), nil
			}), nil)
			if b != fmt.Sprint(read) || peak > 16<<20 {
				t.Errorf("server read %s of %d, heap grew by %d MiB", b, read, peak>>20)
			}
		})
	}

	t.Run("101", func(t *testing.T) {
		p := dial(t, "", "", pass)
		req, _ := http.NewRequestWithContext(t.Context(), "GET", plain.URL+"/upgrade", nil)
		req.Header.Set("Connection", "Upgrade")
		req.Header.Set("Upgrade", "echo")
		resp, err := p.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		rw, ok := resp.Body.(io.ReadWriteCloser)
		if !ok {
			t.Fatalf("the body is a %T and can't be written", resp.Body)
		}
		_, _ = io.WriteString(rw, "hello\n")
		if line, err := bufio.NewReader(rw).ReadString('\n'); line != "you said hello\n" {
			t.Errorf("read %q: %v", line, err)
		}
	})
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestTransport_keeps_no_connection_of_a_closed_runner(t *testing.T) {
	for _, second := range []bool{false, true} {
		var open atomic.Int32
		srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hi") }))
		srv.Config.ConnState = func(_ net.Conn, s http.ConnState) {
			switch s {
			case http.StateNew:
				open.Add(1)
			case http.StateClosed:
				open.Add(-1)
			default:
			}
		}
		srv.EnableHTTP2 = second
		srv.StartTLS()
		ca := filepath.Join(t.TempDir(), "ca.pem")
		writePEM(t, ca, "CERTIFICATE", srv.Certificate().Raw)
		src := fmt.Sprintf("version = 1\n[transports.default]\nca = %q\n[pipelines.p]\nbase_url = %q\n", ca, srv.URL)
		for i := range 30 {
			r, err := pipeline.OpenBytes(t.Context(), "t.toml", []byte(src), pipeline.WithEnviron(nil))
			if err != nil {
				t.Fatal(err)
			}
			p, _ := r.Pipeline("p")
			resp, err := get(t, t.Context(), p, "/")
			if err != nil {
				t.Fatal(err)
			}
			if i%2 == 0 {
				_ = r.Close() // the body is read afterwards
			}
			if b, err := io.ReadAll(resp.Body); string(b) != "hi" || err != nil {
				t.Errorf("read %q: %v", b, err)
			}
			_ = resp.Body.Close()
			_ = r.Close()
		}
		for deadline := time.Now().Add(5 * time.Second); open.Load() > 0 && time.Now().Before(deadline); {
			time.Sleep(time.Millisecond)
		}
		if n := open.Load(); n != 0 {
			t.Errorf("HTTP/2 %v: %d connections are left", second, n)
		}
		srv.Close()
	}
}
