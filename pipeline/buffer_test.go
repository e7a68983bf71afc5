package pipeline_test

import (
	"bytes"
	"compress/gzip"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"

	"github.com/leatdev/leat/pipeline"
)

// seen is a stage that tells whether it got an answer, and not an error.
func seen(answered *atomic.Bool) pipeline.Factory {
	return stageOf("seen", func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
		resp, err := next.RoundTrip(req)
		answered.Store(err == nil)
		return resp, err
	})
}

// TestBuffer_response: what corpus files can't say: answers of transports other than net/http's, and how bodies are closed.
func TestBuffer_response(t *testing.T) {
	broken := errors.New("broken")
	for name, c := range map[string]struct {
		body   io.Reader
		length int64
		want   string // "" for a failed send
		says   string
	}{
		"whole":                     {strings.NewReader("hello"), 5, "hello", ""},
		"whole, no length":          {strings.NewReader("hello"), -1, "hello", ""},
		"byte by byte":              {iotest.OneByteReader(strings.NewReader("hello")), -1, "hello", ""},
		"data with the end":         {iotest.DataErrReader(strings.NewReader("hello")), 5, "hello", ""},
		"data with the end, longer": {iotest.DataErrReader(strings.NewReader("hello, world")), -1, "hello, world", ""},
		"longer":                    {iotest.OneByteReader(strings.NewReader("hello, world")), -1, "hello, world", ""},
		"of the limit":              {strings.NewReader("12345678"), -1, "12345678", ""},
		"empty, no length":          {strings.NewReader(""), -1, "", ""},
		"short of its length":       {strings.NewReader("hell"), 5, "", "reading the body: it has 4 bytes, and Content-Length announced 5"},
		"beyond its length":         {strings.NewReader("hello!"), 5, "", "reading the body: it has 6 bytes, and Content-Length announced 5"},
		"an error":                  {io.MultiReader(strings.NewReader("he"), iotest.ErrReader(broken)), -1, "", "reading the body: broken"},
	} {
		t.Run(name, func(t *testing.T) {
			raw := &body{Reader: c.body}
			var answered atomic.Bool
			p := open(t, `buffer_response = "8B"`, roundTripper(func(*http.Request) (*http.Response, error) {
				resp := answer(200, "")
				resp.Body, resp.ContentLength = raw, c.length
				return resp, nil
			}), seen(&answered))
			resp, err := get(t, t.Context(), p, "/x")
			if want := c.says == ""; answered.Load() != want {
				t.Errorf("the stage got an answer: %v, want %v", answered.Load(), want)
			}
			if c.says != "" {
				e := kindOf(t, err, pipeline.KindNetwork)
				if e.Message != c.says || e.Class != pipeline.ClassUnknown || e.Stage != "send" || e.Sends != 1 {
					t.Errorf("got %q of class %s from %s, %d sends", e.Message, e.Class, e.Stage, e.Sends)
				}
			} else {
				if err != nil {
					t.Fatal(err)
				}
				got, err := io.ReadAll(resp.Body)
				if string(got) != c.want || err != nil {
					t.Errorf("got %q, %v; want %q", got, err, c.want)
				}
				_ = resp.Body.Close()
			}
			if n := raw.closed.Load(); n != 1 {
				t.Errorf("the transport's body was closed %d times, want 1", n)
			}
		})
	}
}

func TestBuffer_response_leaves(t *testing.T) {
	for name, change := range map[string]func(*http.Response){
		"a stream":           func(r *http.Response) { r.Header.Set("Content-Type", "text/event-stream") },
		"a failed stream":    func(r *http.Response) { r.StatusCode = 500; r.Header.Set("Content-Type", "text/event-stream") },
		"503":                func(r *http.Response) { r.StatusCode = 503 },
		"429":                func(r *http.Response) { r.StatusCode = 429 },
		"204":                func(r *http.Response) { r.StatusCode = 204 },
		"304 with a length":  func(r *http.Response) { r.StatusCode = 304; r.ContentLength = 3 },
		"an announced large": func(r *http.Response) { r.ContentLength = 1000 },
	} {
		t.Run(name, func(t *testing.T) {
			reads := 0
			p := open(t, `buffer_response = "8B"`, roundTripper(func(*http.Request) (*http.Response, error) {
				resp := answer(200, "")
				resp.ContentLength = -1
				resp.Body = io.NopCloser(readerFunc(func([]byte) (int, error) { reads++; return 0, io.EOF }))
				change(resp)
				return resp, nil
			}), pass)
			resp, err := get(t, t.Context(), p, "/x")
			if err != nil {
				t.Fatal(err)
			}
			if reads != 0 {
				t.Errorf("the body was read %d times before the caller asked", reads)
			}
			_ = resp.Body.Close()
		})
	}
}

// TestBuffer_response_closed: a body that was read ahead and then closed gives nothing, like any other.
func TestBuffer_response_closed(t *testing.T) {
	for _, text := range []string{"short", "longer than the limit"} {
		p := open(t, `buffer_response = "8B"`, roundTripper(func(*http.Request) (*http.Response, error) {
			resp := answer(200, text)
			resp.ContentLength = -1
			return resp, nil
		}), pass)
		resp, err := get(t, t.Context(), p, "/x")
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if n, err := resp.Body.Read(make([]byte, 8)); n != 0 || !errors.Is(err, http.ErrBodyReadAfterClose) {
			t.Errorf("%s: got %d bytes, %v", text, n, err)
		}
	}
}

// TestBuffer_response_is_the_same_body: whatever the limit, the length and the pieces, the caller reads what the server wrote.
func TestBuffer_response_is_the_same_body(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		want := rapid.SliceOfN(rapid.Byte(), 0, 10000).Draw(r, "body")
		limit := rapid.OneOf(rapid.IntRange(1, 12000), rapid.IntRange(max(1, len(want)-1), len(want)+1)).Draw(r, "limit")
		piece := rapid.IntRange(1, 5000).Draw(r, "piece")
		length := int64(-1)
		if rapid.Bool().Draw(r, "announced") {
			length = int64(len(want))
		}
		p := open(t, fmt.Sprintf("buffer_response = \"%dB\"", limit), roundTripper(func(*http.Request) (*http.Response, error) {
			resp := answer(200, "")
			rest := bytes.NewReader(want)
			resp.ContentLength = length
			resp.Body = io.NopCloser(readerFunc(func(b []byte) (int, error) { return rest.Read(b[:min(len(b), piece)]) }))
			return resp, nil
		}), pass)
		resp, err := get(t, t.Context(), p, "/x")
		if err != nil {
			r.Fatal(err)
		}
		got, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil || !bytes.Equal(got, want) {
			r.Fatalf("got %d bytes, %v; want %d", len(got), err, len(want))
		}
	})
}

// TestBuffer_response_over_sockets: trailers and compression come out as net/http gives them, over HTTP/1.1 and HTTP/2.
func TestBuffer_response_over_sockets(t *testing.T) {
	random := make([]byte, 100<<10) // can't be compressed
	_, _ = rand.Read(random)
	large := string(random)
	for _, h2 := range []bool{false, true} {
		t.Run(map[bool]string{false: "HTTP1", true: "HTTP2"}[h2], func(t *testing.T) {
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Trailer", "X-Sum")
				if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
					w.Header().Set("Content-Encoding", "gzip")
					z := gzip.NewWriter(w)
					_, _ = io.WriteString(z, large)
					_ = z.Close()
				}
				w.Header().Set("X-Sum", "7")
			}))
			server.EnableHTTP2 = h2
			server.StartTLS()
			defer server.Close()
			ca := filepath.Join(t.TempDir(), "ca.pem")
			writePEM(t, ca, "CERTIFICATE", server.Certificate().Raw)
			for _, limit := range []string{"1KiB", "1MiB"} { // handed on as a stream, and whole
				p := dial(t, fmt.Sprintf("buffer_response = %q", limit), fmt.Sprintf("ca = %q", ca), pass)
				req, err := http.NewRequestWithContext(t.Context(), "GET", server.URL, http.NoBody)
				if err != nil {
					t.Fatal(err)
				}
				resp, err := p.RoundTrip(req)
				if err != nil {
					t.Fatal(err)
				}
				early := resp.Trailer.Get("X-Sum")
				if want := map[string]string{"1KiB": "", "1MiB": "7"}[limit]; early != want {
					t.Errorf("%s: before the body is read the trailer is %q, want %q", limit, early, want)
				}
				got, err := io.ReadAll(resp.Body)
				_ = resp.Body.Close()
				if string(got) != large || err != nil || !resp.Uncompressed {
					t.Errorf("%s: got %d bytes, %v, uncompressed %v", limit, len(got), err, resp.Uncompressed)
				}
				if resp.Trailer.Get("X-Sum") != "7" {
					t.Errorf("%s: got trailer %v", limit, resp.Trailer)
				}
			}
		})
	}
}
