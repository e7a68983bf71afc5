package served_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/plugins/plugintest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// seen is what the upstream got.
type seen struct {
	mu     sync.Mutex
	method string
	uri    string
	host   string
	header http.Header
	body   string
	times  int
}

// upstream answers by the function; nil: 200 and "pong".
func upstream(t *testing.T, answer func(n int, w http.ResponseWriter)) (*httptest.Server, *seen) {
	t.Helper()
	s := &seen{}
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		s.method, s.uri, s.host, s.header, s.body = r.Method, r.RequestURI, r.Host, r.Header, string(body)
		s.times++
		n := s.times
		s.mu.Unlock()
		if answer == nil {
			w.Header().Set("X-Upstream", "yes")
			_, _ = io.WriteString(w, "pong")
			return
		}
		answer(n, w)
	}))
	t.Cleanup(up.Close)
	return up, s
}

// open makes a pipeline of one stage, which the wire separates from it, or which is built in.
func open(t *testing.T, url string, f pipeline.Factory, table string, opts ...pipeline.Option) *pipeline.Pipeline {
	t.Helper()
	text := "version = 1\n[pipelines.api]\nbase_url = \"" + url + "\"\nstages = [\"mine\"]\n[stages.mine]\nuse = \"" + f.Type() + "\"\n" + table
	runner, err := pipeline.OpenBytes(t.Context(), "pipelines.toml", []byte(text), append(opts, pipeline.WithStages(f))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := runner.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	p, err := runner.Pipeline("api")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func stage(n pipeline.Needs, do pipeline.StageFunc) pipeline.Factory {
	return pipeline.Define("mine", struct{}{}, func(struct{}, pipeline.Settings) (pipeline.StageFunc, error) { return do, nil }).WithNeeds(n)
}

// send sends a request and returns the answer with its body read.
func send(t *testing.T, p *pipeline.Pipeline, method, ref string, body io.Reader) (*http.Response, string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	req, err := p.NewRequest(ctx, method, ref, body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Caller", "one")
	resp, err := p.RoundTrip(req)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	return resp, string(data), err
}

var (
	everything = pipeline.Needs{
		Request:  pipeline.RequestNeeds{Headers: []string{"*"}, Query: true, Body: pipeline.BodyFull, Edit: []string{"*", ":method", ":url", ":body"}, Call: []string{"operation"}},
		Response: &pipeline.ResponseNeeds{Headers: []string{"*"}, Body: pipeline.BodyFull, Edit: []string{"*", ":status", ":body"}},
		Answer:   true, Retry: true,
	}
	digests = pipeline.Needs{
		Request:  pipeline.RequestNeeds{Headers: []string{"*"}, Body: pipeline.BodyDigest, Edit: []string{"*"}},
		Response: &pipeline.ResponseNeeds{Body: pipeline.BodyDigest, Edit: []string{"x-digest"}},
	}
)

// once hides what a reader is, so that the request has no GetBody.
type once struct{ io.Reader }

// counting is a wrapper as the contract wants it.
type counting struct {
	io.ReadCloser
	n int
}

func (c *counting) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.n += n
	return n, err
}

func (c *counting) Unwrap() io.ReadCloser { return c.ReadCloser }

func read(t *testing.T, r io.Reader) string {
	t.Helper()
	data, err := io.ReadAll(r)
	if err != nil {
		t.Errorf("reading: %v", err)
	}
	return string(data)
}

func TestServedRequest(t *testing.T) {
	big := strings.Repeat("0123456789abcdef", 20<<10) // 320 KiB: it travels apart
	for _, tc := range []struct {
		name  string
		needs pipeline.Needs
		body  io.Reader
		do    pipeline.StageFunc
		check func(t *testing.T, s *seen)
	}{
		{"reaches_the_upstream_as_it_came", everything, strings.NewReader("ping"), func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			return next.RoundTrip(req)
		}, func(t *testing.T, s *seen) {
			if s.body != "ping" || s.uri != "/a?b=c" || s.header.Get("X-Caller") != "one" || s.header.Get("Content-Length") != "4" {
				t.Errorf("got %s %q %v", s.uri, s.body, s.header)
			}
		}},
		{"is_changed_in_every_part", everything, strings.NewReader("ping"), func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			req.Method, req.URL.Path, req.URL.RawQuery = "PUT", "/z", "y=x"
			req.Header.Del("X-Caller")
			req.Header["X-Many"] = []string{"a", "b"}
			req.Body = io.NopCloser(strings.NewReader("other"))
			req.ContentLength = 5
			req.Header.Set("Content-Length", "5")
			return next.RoundTrip(req)
		}, func(t *testing.T, s *seen) {
			if s.method != "PUT" || s.uri != "/z?y=x" || s.body != "other" || s.header.Get("X-Caller") != "" || len(s.header["X-Many"]) != 2 {
				t.Errorf("got %s %s %q %v", s.method, s.uri, s.body, s.header)
			}
		}},
		{"shows_a_wrapper_the_bytes_that_go_by", everything, strings.NewReader(big), func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			c := &counting{ReadCloser: req.Body}
			req.Body = c
			resp, err := next.RoundTrip(req)
			if c.n != len(big) {
				return nil, fmt.Errorf("the wrapper saw %d bytes", c.n)
			}
			return resp, err
		}, func(t *testing.T, s *seen) {
			if s.body != big {
				t.Errorf("got %d bytes", len(s.body))
			}
		}},
		{"has_a_long_body_replaced_by_a_long_one", everything, strings.NewReader(big), func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			data, err := io.ReadAll(req.Body)
			if err != nil {
				return nil, err
			}
			req.Body = io.NopCloser(bytes.NewReader(append(data, "end"...)))
			return next.RoundTrip(req)
		}, func(t *testing.T, s *seen) {
			if s.body != big+"end" {
				t.Errorf("got %d bytes", len(s.body))
			}
		}},
		{"loses_its_body_where_the_stage_takes_it_away", everything, strings.NewReader("ping"), func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			req.Body, req.ContentLength = http.NoBody, 0
			return next.RoundTrip(req)
		}, func(t *testing.T, s *seen) {
			if s.body != "" {
				t.Errorf("got %q", s.body)
			}
		}},
		{"keeps_a_body_that_the_stage_does_not_see", pipeline.DefaultNeeds(), strings.NewReader(big), func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			if _, err := req.Body.Read(make([]byte, 1)); err == nil || !strings.Contains(err.Error(), `request.body "full"`) {
				return nil, fmt.Errorf("reading gave %w", err)
			}
			req.Header.Set("X-Set", "1")
			return next.RoundTrip(req)
		}, func(t *testing.T, s *seen) {
			if s.body != big || s.header.Get("X-Set") != "1" {
				t.Errorf("got %d bytes, %v", len(s.body), s.header)
			}
		}},
		{"tells_its_digest_and_not_its_bytes", digests, strings.NewReader("ping"), func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			d, err := pipeline.DigestOf(req)
			if err != nil {
				return nil, err
			}
			req.Header.Set("X-Digest", strconv.FormatInt(d.Length, 10)+fmt.Sprintf("%x", d.SHA256[:2]))
			return next.RoundTrip(req)
		}, func(t *testing.T, s *seen) {
			if s.body != "ping" || s.header.Get("X-Digest") != "4758d" {
				t.Errorf("got %q, %q", s.body, s.header.Get("X-Digest"))
			}
		}},
		{"tells_the_digest_of_what_can_be_read_once", digests, once{strings.NewReader("ping")}, func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			d, err := pipeline.DigestOf(req)
			if err != nil {
				return nil, err
			}
			req.Header.Set("X-Digest", fmt.Sprint(d.Length))
			return next.RoundTrip(req)
		}, func(t *testing.T, s *seen) {
			if s.body != "ping" || s.header.Get("X-Digest") != "4" {
				t.Errorf("got %q, %q", s.body, s.header.Get("X-Digest"))
			}
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			up, s := upstream(t, nil)
			p := open(t, up.URL, plugintest.Factory(t, stage(tc.needs, tc.do)), "")
			if _, body, err := send(t, p, "POST", "/a?b=c", tc.body); err != nil || body != "pong" {
				t.Fatalf("got %q, %v", body, err)
			}
			tc.check(t, s)
		})
	}
}
