package pipeline_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/leatdev/leat/pipeline"
)

func TestPutBack(t *testing.T) {
	t.Run("gives_what_was_read_and_then_the_rest", func(t *testing.T) {
		resp := &http.Response{Body: io.NopCloser(strings.NewReader("lo"))}
		pipeline.PutBack(resp, []byte("hel"), nil)
		if got, err := io.ReadAll(resp.Body); string(got) != "hello" || err != nil {
			t.Errorf("got %q, %v, want hello", got, err)
		}
	})
	t.Run("fails_where_reading_failed", func(t *testing.T) {
		broken := errors.New("broke off")
		resp := &http.Response{Body: io.NopCloser(iotest.ErrReader(errors.New("read again")))}
		pipeline.PutBack(resp, []byte("hel"), broken)
		if got, err := io.ReadAll(resp.Body); string(got) != "hel" || !errors.Is(err, broken) {
			t.Errorf("got %q, %v, want hel and the error that there was", got, err)
		}
	})
	t.Run("gives_nothing_once_it_is_closed", func(t *testing.T) {
		resp := &http.Response{Body: io.NopCloser(strings.NewReader("lo"))}
		pipeline.PutBack(resp, []byte("hel"), nil)
		if err := resp.Body.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := resp.Body.Read(make([]byte, 1)); !errors.Is(err, http.ErrBodyReadAfterClose) {
			t.Errorf("got %v, want %v", err, http.ErrBodyReadAfterClose)
		}
	})
}

// A stage that gives up on a digest has not lost what it read for it.
func TestDigestOf_leaves_a_long_body_whole(t *testing.T) {
	long := strings.Repeat("x", 3<<20)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://api.example.com/", io.MultiReader(strings.NewReader(long)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pipeline.DigestOf(req); !errors.Is(err, pipeline.KindPolicy) {
		t.Errorf("got %v, want kind policy", err)
	}
	if got, err := io.ReadAll(req.Body); string(got) != long || err != nil {
		t.Errorf("got %d bytes, %v, want %d", len(got), err, len(long))
	}
}
