package served_test

import (
	"bytes"
	"context"
	"errors"
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

func TestServedResponse(t *testing.T) {
	big := strings.Repeat("0123456789abcdef", 20<<10)
	answers := func(body string) func(int, http.ResponseWriter) {
		return func(_ int, w http.ResponseWriter) {
			w.Header().Set("X-Upstream", "yes")
			_, _ = io.WriteString(w, body)
		}
	}
	small := everything
	small.Response = &pipeline.ResponseNeeds{Body: pipeline.BodyFull, BodyLimit: 8}
	for _, tc := range []struct {
		name  string
		needs pipeline.Needs
		body  string
		do    pipeline.StageFunc
		want  string // status, X-Set, body
	}{
		{"comes_back_as_it_is", everything, big, func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			return next.RoundTrip(req)
		}, "200  " + big},
		{"is_still_whole_after_the_stage_has_read_it", everything, big, func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			resp, err := next.RoundTrip(req)
			if err != nil {
				return nil, err
			}
			data, err := io.ReadAll(resp.Body)
			if err != nil || string(data) != big {
				return nil, fmt.Errorf("read %d bytes: %w", len(data), err)
			}
			resp.Header.Set("X-Set", "read")
			return resp, resp.Body.Close()
		}, "200 read " + big},
		{"is_changed_in_every_part", everything, "pong", func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			resp, err := next.RoundTrip(req)
			if err != nil {
				return nil, err
			}
			data, _ := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			resp.StatusCode = 299
			resp.Header.Set("X-Set", resp.Header.Get("X-Upstream"))
			resp.Header.Del("Content-Length")
			resp.Body = io.NopCloser(strings.NewReader(string(data) + "!"))
			return resp, nil
		}, "299 yes pong!"},
		{"is_left_alone_where_the_stage_puts_back_what_it_read", small, "pong and more", func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			resp, err := next.RoundTrip(req)
			if err != nil {
				return nil, err
			}
			head := make([]byte, 4)
			if _, err := io.ReadFull(resp.Body, head); err != nil {
				return nil, err
			}
			resp.Body = io.NopCloser(io.MultiReader(bytes.NewReader(head), resp.Body))
			return resp, nil
		}, "200  pong and more"},
		{"says_where_the_limit_is", small, "pong and more", func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			resp, err := next.RoundTrip(req)
			if err != nil {
				return nil, err
			}
			data, err := io.ReadAll(resp.Body)
			if string(data) != "pong and" || err == nil || !strings.Contains(err.Error(), "response.body_limit") {
				return nil, fmt.Errorf("read %q: %w", data, err)
			}
			return resp, nil
		}, "200  pong and more"},
		{"tells_its_digest_and_not_its_bytes", digests, "pong", func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			resp, err := next.RoundTrip(req)
			if err != nil {
				return nil, err
			}
			d, err := pipeline.DigestOfResponse(resp)
			if err != nil || d.Length != 4 {
				return nil, fmt.Errorf("got %v: %w", d, err)
			}
			if _, err := resp.Body.Read(make([]byte, 1)); err == nil || !strings.Contains(err.Error(), "DigestOfResponse") {
				return nil, fmt.Errorf("reading gave %w", err)
			}
			return resp, nil
		}, "200  pong"},
		{"is_never_seen_where_the_needs_have_none", pipeline.DefaultNeeds(), "pong", func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			resp, err := next.RoundTrip(req)
			if err != nil || resp.StatusCode != 0 {
				return nil, fmt.Errorf("got %v: %w", resp, err)
			}
			if _, err := resp.Body.Read(make([]byte, 1)); err == nil {
				return nil, errors.New("it could be read")
			}
			return resp, nil
		}, "200  pong"},
		{"stands_though_a_stage_that_never_sees_it_returns_another", pipeline.DefaultNeeds(), "pong", func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			if _, err := next.RoundTrip(req); err != nil {
				return nil, err
			}
			return nil, errors.New("too late")
		}, "200  pong"},
		{"can_be_the_stages_own", everything, "pong", func(*http.Request, http.RoundTripper) (*http.Response, error) {
			return &http.Response{StatusCode: 203, Header: http.Header{"X-Set": {"own"}, "Content-Length": {strconv.Itoa(len(big))}}, Body: io.NopCloser(strings.NewReader(big))}, nil
		}, "203 own " + big},
		{"can_be_the_stages_own_after_next", everything, "pong", func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			resp, err := next.RoundTrip(req)
			if err != nil {
				return nil, err
			}
			pipeline.Drop(resp)
			return &http.Response{StatusCode: 203, Body: http.NoBody}, nil
		}, "203  "},
	} {
		t.Run(tc.name, func(t *testing.T) {
			up, _ := upstream(t, answers(tc.body))
			p := open(t, up.URL, plugintest.Factory(t, stage(tc.needs, tc.do)), "")
			resp, body, err := send(t, p, "GET", "/", nil)
			if err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprint(resp.StatusCode, " ", resp.Header.Get("X-Set"), " ", body); got != tc.want {
				t.Errorf("got %.60q, want %.60q", got, tc.want)
			}
		})
	}
}

func TestServedErrors(t *testing.T) {
	broken := func(_ int, w http.ResponseWriter) {
		w.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(w, "half")
		panic(http.ErrAbortHandler)
	}
	for _, tc := range []struct {
		name   string
		needs  pipeline.Needs
		answer func(int, http.ResponseWriter)
		do     pipeline.StageFunc
		kind   pipeline.Kind
		text   string
	}{
		{"a_panic_is_an_error_of_its_exchange", everything, nil, func(*http.Request, http.RoundTripper) (*http.Response, error) {
			panic("ouch")
		}, pipeline.KindInternal, "panic: ouch"},
		{"an_error_keeps_its_kind", everything, nil, func(*http.Request, http.RoundTripper) (*http.Response, error) {
			return nil, pipeline.Errorf(pipeline.KindPolicy, "not today")
		}, pipeline.KindPolicy, "not today"},
		{"a_second_next_needs_retry", func() pipeline.Needs { n := everything; n.Retry = false; return n }(), nil, func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			resp, err := next.RoundTrip(req)
			if err != nil {
				return nil, err
			}
			pipeline.Drop(resp)
			return next.RoundTrip(req)
		}, pipeline.KindInternal, "no retry"},
		{"a_body_that_broke_off_keeps_its_cause", everything, broken, func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			resp, err := next.RoundTrip(req)
			if err != nil {
				return nil, err
			}
			_, err = io.ReadAll(resp.Body)
			return nil, err
		}, pipeline.KindNetwork, "before the whole answer"},
		{"neither_response_nor_error_is_an_error", everything, nil, func(*http.Request, http.RoundTripper) (*http.Response, error) {
			return nil, nil //nolint:nilnil // the point
		}, pipeline.KindInternal, "neither"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			up, _ := upstream(t, tc.answer)
			p := open(t, up.URL, plugintest.Factory(t, stage(tc.needs, tc.do)), "")
			_, _, err := send(t, p, "GET", "/", nil)
			e, ok := errors.AsType[*pipeline.Error](err)
			if !ok || e.Kind != tc.kind || !strings.Contains(e.Message, tc.text) || e.Stage != "mine" && tc.name != "a_body_that_broke_off_keeps_its_cause" {
				t.Errorf("got %v", err)
			}
		})
	}
	t.Run("of_next_come_back_as_they_were", func(t *testing.T) {
		up, _ := upstream(t, nil)
		up.Close()
		do := func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			resp, err := next.RoundTrip(req)
			if err != nil {
				return nil, fmt.Errorf("around: %w", err)
			}
			return resp, nil
		}
		p := open(t, up.URL, plugintest.Factory(t, stage(everything, do)), "")
		_, _, err := send(t, p, "GET", "/", nil)
		e, ok := errors.AsType[*pipeline.Error](err)
		if !ok || e.Kind != pipeline.KindNetwork || e.Class != pipeline.ClassNotSent || e.Stage != "send" {
			t.Errorf("got %v", err)
		}
		if errors.Unwrap(e) == nil {
			t.Error("the cause is lost")
		}
	})
}

func TestServedRetry(t *testing.T) {
	again := func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
		call, rewind := pipeline.CallFrom(req.Context()), pipeline.Replay(req)
		out, err := rewind.Next()
		for err == nil {
			call.StartAttempt()
			resp, failure := next.RoundTrip(out)
			if failure != nil || resp.StatusCode < 500 {
				return resp, failure
			}
			if !rewind.Again() {
				call.Stopped("body")
				return resp, nil
			}
			pipeline.Drop(resp)
			if err := call.Wait(req.Context(), time.Millisecond); err != nil {
				return nil, err
			}
			out, err = rewind.Next()
		}
		return nil, err
	}
	flaky := func(n int, w http.ResponseWriter) {
		if n < 3 {
			w.WriteHeader(503)
		}
		_, _ = fmt.Fprint(w, n)
	}
	for _, tc := range []struct {
		name  string
		needs pipeline.Needs
		body  io.Reader
		want  string
		sends int
	}{
		{"sends_again_what_can_be_had_again", everything, strings.NewReader("ping"), "3", 3},
		{"sends_again_without_seeing_the_body", digests, strings.NewReader("ping"), "3", 3},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.needs.Retry = true
			up, s := upstream(t, flaky)
			p := open(t, up.URL, plugintest.Factory(t, stage(tc.needs, again)), "")
			resp, body, err := send(t, p, "POST", "/", tc.body)
			if err != nil || body != tc.want || s.times != tc.sends || s.body != "ping" {
				t.Fatalf("got %q after %d sends of %q, %v", body, s.times, s.body, err)
			}
			if c := pipeline.CallOf(resp); c.Attempts() != tc.sends || c.Sends() != tc.sends {
				t.Errorf("got %d attempts, %d sends", c.Attempts(), c.Sends())
			}
		})
	}
	t.Run("stops_where_the_body_is_spent", func(t *testing.T) {
		needs := digests
		needs.Request.Body, needs.Retry = pipeline.BodyNone, true
		up, s := upstream(t, flaky)
		p := open(t, up.URL, plugintest.Factory(t, stage(needs, again)), "")
		resp, body, err := send(t, p, "POST", "/", once{strings.NewReader("ping")})
		if err != nil || resp.StatusCode != 503 || body != "1" || s.times != 1 {
			t.Fatalf("got %q after %d sends, %v", body, s.times, err)
		}
		if got := pipeline.CallOf(resp).StopReason(); got != "body" {
			t.Errorf("got reason %q", got)
		}
	})
}

func TestServedSessions(t *testing.T) {
	t.Run("of_one_process_do_not_mix_their_bodies", func(t *testing.T) {
		echo := func(req *http.Request, _ http.RoundTripper) (*http.Response, error) {
			data, err := io.ReadAll(req.Body)
			return &http.Response{StatusCode: 200, Body: io.NopCloser(bytes.NewReader(data))}, err
		}
		f := plugintest.Factory(t, stage(everything, echo))
		var wg sync.WaitGroup
		for i := range 4 {
			p := open(t, "http://127.0.0.1:1", f, "")
			want := strings.Repeat(strconv.Itoa(i), 256<<10)
			for range 3 {
				wg.Go(func() {
					for range 5 {
						if _, got, err := send(t, p, "POST", "/", strings.NewReader(want)); err != nil || got != want {
							t.Errorf("runner %d got %d bytes that begin with %.3q, %v", i, len(got), got, err)
						}
					}
				})
			}
		}
		wg.Wait()
	})
}
