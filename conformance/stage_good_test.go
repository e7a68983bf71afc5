package conformance

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/leatdev/leat/pipeline"
)

// TestStage_lets_good_stages_pass that do unusual things, in the ways that the contract allows.
func TestStage_lets_good_stages_pass(t *testing.T) {
	for name, good := range map[string]struct {
		do   pipeline.StageFunc
		opts []StageOption
	}{
		"signs the body": {do: func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			if req.Body == nil {
				return next.RoundTrip(req)
			}
			all, err := io.ReadAll(req.Body)
			if err != nil {
				return nil, err
			}
			req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(all)), nil }
			req.Body, _ = req.GetBody()
			req.ContentLength = int64(len(all))
			req.Header.Set("X-Signature", "signed")
			return next.RoundTrip(req)
		}},
		"compresses the body": {opts: []StageOption{ChangesRequestBody()}, do: func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			if req.Body == nil {
				return next.RoundTrip(req)
			}
			var small bytes.Buffer
			w := gzip.NewWriter(&small)
			if _, err := io.Copy(w, req.Body); err != nil {
				return nil, err
			}
			w.Close()
			req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(small.Bytes())), nil }
			req.Body, _ = req.GetBody()
			req.ContentLength = int64(small.Len())
			req.Header.Set("Content-Encoding", "gzip")
			return next.RoundTrip(req)
		}},
		"fails whatever comes, and reads the answer to its end": {do: func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			resp, err := next.RoundTrip(req)
			if err != nil {
				return nil, err
			}
			pipeline.Drop(resp) // the caller may leave meanwhile
			return nil, errors.New("nothing is good enough")
		}},
		"answers in the server's place": {do: func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			resp, err := next.RoundTrip(req)
			if err != nil || resp.StatusCode < 500 {
				return resp, err
			}
			pipeline.Drop(resp)
			return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("{}")), Request: req}, nil
		}},
		"puts another body in place": {opts: []StageOption{ChangesResponseBody()}, do: func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			resp, err := next.RoundTrip(req)
			if err != nil || resp.StatusCode != 404 {
				return resp, err
			}
			pipeline.Drop(resp)
			resp.Body, resp.ContentLength = io.NopCloser(strings.NewReader("not there")), 9
			return resp, nil
		}},
		"tries a second server at once": {do: func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			if req.Body != nil {
				return next.RoundTrip(req)
			}
			rewind := pipeline.Replay(req)
			type answer struct {
				resp *http.Response
				err  error
			}
			answers := make(chan answer)
			for range 2 {
				one, err := rewind.Next()
				if err != nil {
					return nil, err
				}
				go func() {
					resp, err := next.RoundTrip(one)
					answers <- answer{resp, err}
				}()
			}
			first, second := <-answers, <-answers
			if second.err == nil {
				pipeline.Drop(second.resp)
			}
			return first.resp, first.err
		}},
		"has a deadline of its own for each attempt": {do: func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			rewind := pipeline.Replay(req)
			for {
				one, err := rewind.Next()
				if err != nil {
					return nil, err
				}
				ctx, cancel := context.WithTimeout(req.Context(), 3*time.Second)
				resp, err := next.RoundTrip(one.WithContext(ctx))
				if err == nil {
					resp.Body = &unwrapped{body{closer{resp.Body, cancel}, func() {}}}
					if resp.StatusCode == http.StatusSwitchingProtocols {
						resp.Body = upgradedTo{resp.Body, resp.Body.(*unwrapped).ReadCloser.(closer).ReadCloser.(io.Writer)}
					}
					return resp, nil
				}
				cancel()
				if req.Context().Err() != nil || pipeline.CallFrom(req.Context()).StartAttempt() > 3 || !rewind.Again() {
					return nil, err
				}
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			Stage(t, factoryOf(do(good.do)), "", good.opts...)
		})
	}
}

// closer ends a context with its body.
type closer struct {
	io.ReadCloser
	cancel context.CancelFunc
}

func (c closer) Close() error {
	defer c.cancel()
	return c.ReadCloser.Close()
}

type upgradedTo struct {
	io.ReadCloser
	io.Writer
}
