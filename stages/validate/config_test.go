package validate_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/stages/validate"
)

func sorted(list []string) []string { return slices.Sorted(slices.Values(list)) }

func TestConfig(t *testing.T) {
	tests := []struct{ name, keys, want string }{
		{"unknown_word", `json = "maybe"`, `unknown word "maybe"`},
		{"contradiction", "json = \"never\"\nrequired = [\"id\"]", "contradicts"},
		{"streams", `streams = "buffer"`, `unknown word "buffer"`},
		{"size", `max_size = "0B"`, "max_size must be more than 0"},
		{"media_type", `content_type = ["application/json; charset=utf-8"]`, "is no media type"},
		{"path", `required = ["a..b"]`, "a name is missing"},
		{"empty_rule", `rules = [{ message = "x" }]`, "the rule expects nothing"},
		{"condition", `rules = [{ expect = "body.x == nosuch" }]`, "nosuch"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			src := "version = 1\n[stages.validate]\n" + tt.keys + "\n[pipelines.p]\nbase_url = \"https://x.example\"\nstages = [\"validate\"]\n"
			_, err := pipeline.OpenBytes(t.Context(), "t.toml", []byte(src), pipeline.WithStages(validate.Factory()), pipeline.WithEnviron(nil))
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "t.toml:3:") && !strings.Contains(err.Error(), "t.toml:4:") {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
	t.Run("the_zero_config_is_refused", func(t *testing.T) {
		if _, err := validate.New(validate.Config{}, pipeline.Settings{}); err == nil {
			t.Error("accepted")
		}
	})
}

// TestAllocations bounds what the stage costs on the way of an answer that is right: one allocation holds reader and body.
func TestAllocations(t *testing.T) {
	c := validate.Defaults()
	c.ContentType, c.Required = []string{"application/json"}, []string{"id", "title", "author.name"}
	s, err := validate.New(c, pipeline.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	up := &reused{data: []byte(post)}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://api.example.com/", nil)
	if err != nil {
		t.Fatal(err)
	}
	cost := testing.AllocsPerRun(200, func() {
		if _, err := s.Do(req, up); err != nil {
			t.Fatal(err)
		}
	})
	if cost > 2 {
		t.Errorf("got %v allocations, want 2: the bytes and their reader", cost)
	}
}

const post = `{"id":4711,"title":"A post with a title","body":"some words some words some words some words some words some words some words some words some words ` +
	`some words some words some words","author":{"id":7,"name":"Ada"},"tags":["a","b"],"likes":12.5,"created":"2026-01-02T03:04:05Z"}`

// reused answers with the same response again and again, so that it costs nothing itself.
type reused struct {
	data   []byte
	reader bytes.Reader
	resp   http.Response
}

func (r *reused) RoundTrip(*http.Request) (*http.Response, error) {
	r.reader.Reset(r.data)
	if r.resp.Header == nil {
		r.resp = http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/json; charset=utf-8"}}, ContentLength: int64(len(r.data))}
	}
	r.resp.Body = r
	return &r.resp, nil
}

func (r *reused) Read(p []byte) (int, error) { return r.reader.Read(p) }
func (r *reused) Close() error               { return nil }

func BenchmarkValidate(b *testing.B) {
	c := validate.Defaults()
	c.ContentType, c.Required = []string{"application/json"}, []string{"id", "title", "author.name"}
	s, err := validate.New(c, pipeline.Settings{})
	if err != nil {
		b.Fatal(err)
	}
	req, err := http.NewRequestWithContext(b.Context(), http.MethodGet, "https://api.example.com/", nil)
	if err != nil {
		b.Fatal(err)
	}
	up := &reused{data: []byte(post)}
	b.ReportAllocs()
	for b.Loop() {
		resp, err := s.Do(req, up)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			b.Fatal(err)
		}
	}
}

func ExampleNew() {
	config := validate.Defaults()
	config.Required = []string{"items[].id"}
	stage, err := validate.New(config, pipeline.Settings{})
	if err != nil {
		panic(err)
	}
	upstream := answer{body: `{"items":[{"id":1},{"name":"x"}]}`}
	req, _ := http.NewRequest(http.MethodGet, "https://api.example.com/items", nil)
	_, err = stage.Do(req, upstream)
	if e, ok := errors.AsType[*pipeline.Error](err); ok {
		fmt.Println(e.Kind)
		fmt.Println(e.Violations)
	}
	// Output:
	// validation
	// [items[1].id: missing]
}
