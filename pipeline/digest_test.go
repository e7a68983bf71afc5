package pipeline_test

import (
	"crypto/sha256"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/leatdev/leat/pipeline"
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
