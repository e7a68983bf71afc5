package pipeline_test

import (
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/stages/retry"
)

// plainReader has no other method: the request gets no GetBody.
type plainReader struct{ io.Reader }

func TestDigestOf(t *testing.T) {
	long := strings.Repeat("x", 1<<20+1)
	for name, tc := range map[string]struct {
		body   io.Reader
		length int64
		sum    string
		fails  bool
	}{
		"nothing":                        {nil, 0, "", false},
		"a_body_that_can_be_read_again":  {strings.NewReader("hello"), 5, "hello", false},
		"a_body_that_can_be_read_once":   {plainReader{strings.NewReader("hello")}, 5, "hello", false},
		"a_long_one_that_can_be_again":   {strings.NewReader(long), 1<<20 + 1, long, false},
		"a_long_one_that_can_be_once":    {plainReader{strings.NewReader(long)}, 0, "", true},
		"an_empty_one_of_unknown_length": {plainReader{strings.NewReader("")}, 0, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			req, err := http.NewRequestWithContext(t.Context(), "POST", "https://api.example.com/", tc.body)
			if err != nil {
				t.Fatal(err)
			}
			d, err := pipeline.DigestOf(req)
			if (err != nil) != tc.fails {
				t.Fatal(err)
			}
			if tc.fails {
				if pipeline.KindOf(err) != pipeline.KindPolicy {
					t.Errorf("got %v", err)
				}
				return
			}
			if d.Length != tc.length || d.SHA256 != sha256.Sum256([]byte(tc.sum)) {
				t.Errorf("got %d, %x", d.Length, d.SHA256)
			}
			if again, err := pipeline.DigestOf(req); err != nil || again != d {
				t.Errorf("got %v, %v the second time", again, err)
			}
			if req.Body == nil {
				return
			}
			if data, err := io.ReadAll(req.Body); err != nil || string(data) != tc.sum {
				t.Errorf("got %d bytes to send, %v", len(data), err)
			}
		})
	}
}

func TestDigestOfResponse(t *testing.T) {
	t.Run("leaves_the_body_to_be_read", func(t *testing.T) {
		resp := &http.Response{Body: io.NopCloser(strings.NewReader("hello"))}
		d, err := pipeline.DigestOfResponse(resp)
		if err != nil || d.Length != 5 || d.SHA256 != sha256.Sum256([]byte("hello")) {
			t.Errorf("got %v, %v", d, err)
		}
		if data, err := io.ReadAll(resp.Body); err != nil || string(data) != "hello" {
			t.Errorf("got %q, %v", data, err)
		}
	})
	t.Run("leaves_also_one_that_is_too_long", func(t *testing.T) {
		long := strings.Repeat("x", 1<<20+7)
		resp := &http.Response{Body: io.NopCloser(strings.NewReader(long))}
		if _, err := pipeline.DigestOfResponse(resp); pipeline.KindOf(err) != pipeline.KindPolicy {
			t.Errorf("got %v", err)
		}
		if data, err := io.ReadAll(resp.Body); err != nil || string(data) != long {
			t.Errorf("got %d bytes, %v", len(data), err)
		}
	})
	t.Run("refuses_a_stream", func(t *testing.T) {
		resp := &http.Response{Header: http.Header{"Content-Type": {"text/event-stream"}}, Body: io.NopCloser(strings.NewReader("hello"))}
		if _, err := pipeline.DigestOfResponse(resp); pipeline.KindOf(err) != pipeline.KindPolicy {
			t.Errorf("got %v", err)
		}
	})
}

// TestDigestOf_in_a_pipeline: also a body that the door alone can open again goes out whole, each time, beneath what stages put around it.
func TestDigestOf_in_a_pipeline(t *testing.T) {
	signs := pipeline.Define("signs", struct{}{}, func(struct{}, pipeline.Settings) (pipeline.StageFunc, error) {
		return func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			d, err := pipeline.DigestOf(req)
			if err != nil {
				return nil, err
			}
			if d.SHA256 != sha256.Sum256([]byte("hello")) {
				t.Errorf("got %x", d.SHA256)
			}
			return next.RoundTrip(req)
		}, nil
	})
	read := 0
	counts := pipeline.Define("counts", struct{}{}, func(struct{}, pipeline.Settings) (pipeline.StageFunc, error) {
		return func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			req.Body = &countedBody{req.Body, &read}
			return next.RoundTrip(req)
		}, nil
	})
	const file = `version = 1
[pipelines.api]
base_url = "https://api.example.com"
stages   = ["retry", "counts", "signs"]
[stages.retry]
base = "1ms"
`
	var got []string
	upstream := roundTripper(func(req *http.Request) (*http.Response, error) {
		data, err := io.ReadAll(req.Body)
		_ = req.Body.Close()
		got = append(got, fmt.Sprint(string(data), err))
		return &http.Response{StatusCode: 503 - 303*(len(got)/2), Body: http.NoBody, Request: req}, nil
	})
	runner, err := pipeline.OpenBytes(t.Context(), "pipelines.toml", []byte(file), pipeline.WithEnviron(nil), pipeline.WithTransport("*", upstream),
		pipeline.WithStages(signs, counts, retry.Factory()))
	if err != nil {
		t.Fatal(err)
	}
	defer runner.Close()
	api, err := runner.Pipeline("api")
	if err != nil {
		t.Fatal(err)
	}
	for name, body := range map[string]io.Reader{"again": strings.NewReader("hello"), "once": plainReader{strings.NewReader("hello")}} {
		got, read = nil, 0
		req, err := http.NewRequestWithContext(t.Context(), "PUT", "https://api.example.com/", body)
		if err != nil {
			t.Fatal(err)
		}
		req.ContentLength = 5
		resp, err := api.RoundTrip(req)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		_ = resp.Body.Close()
		if want := []string{"hello<nil>", "hello<nil>"}; !slices.Equal(got, want) || read < 10 {
			t.Errorf("%s: sent %q, %d bytes through the other stage", name, got, read)
		}
	}
}

type countedBody struct {
	io.ReadCloser
	n *int
}

func (b *countedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	*b.n += n
	return n, err
}

func (b *countedBody) Unwrap() io.ReadCloser { return b.ReadCloser }
