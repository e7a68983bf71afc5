package sdk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"testing"

	"github.com/leatdev/leat/conformance/demo"
	"github.com/leatdev/leat/pipeline"
)

func overDemo(t *testing.T, test func(t *testing.T, name string)) {
	t.Helper()
	for _, name := range []string{"demo-thin", "demo-full"} {
		t.Run(name, func(t *testing.T) { test(t, name) })
	}
}

// TestClient holds what any SDK builds upon: net/http's client behaves as over net/http's own transport.
func TestClient(t *testing.T) {
	t.Run("returns_failed_answers_as_they_came", func(t *testing.T) {
		for _, status := range []int{400, 401, 403, 404, 409, 418, 422, 429, 500, 501, 503} {
			overDemo(t, func(t *testing.T, name string) {
				body := fmt.Sprintf(`{"title":"answer %d","extra":[1,2,3]}`, status)
				api := demo.New(demo.Options{})
				p := open(t, name, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.URL.Path != "/answer" {
						api.ServeHTTP(w, r)
						return
					}
					w.Header().Set("Content-Type", "application/json")
					w.Header().Set("X-Request-Id", "abc")
					w.WriteHeader(status)
					_, _ = io.WriteString(w, body)
				}))
				req, err := p.NewRequest(t.Context(), http.MethodGet, "/answer", nil)
				if err != nil {
					t.Fatal(err)
				}
				resp, err := p.Client().Do(req)
				if err != nil {
					t.Fatalf("status %d: %v", status, err)
				}
				defer resp.Body.Close()
				text, err := io.ReadAll(resp.Body)
				if err != nil || string(text) != body || resp.StatusCode != status || resp.Header.Get("X-Request-Id") != "abc" || resp.ContentLength != int64(len(body)) {
					t.Errorf("got %d with %q, %d bytes, header %v, %v; want %d with %q", resp.StatusCode, text, resp.ContentLength, resp.Header, err, status, body)
				}
				if kind := pipeline.CallOf(resp).Kind(); kind != pipeline.KindOfStatus(status) {
					t.Errorf("status %d is of kind %q, want %q", status, kind, pipeline.KindOfStatus(status))
				}
			})
		}
	})
	t.Run("errors_hold_a_pipeline_Error", func(t *testing.T) {
		overDemo(t, func(t *testing.T, name string) {
			p := open(t, name, demo.New(demo.Options{}))
			ended, cancel := context.WithCancel(t.Context())
			cancel()
			for _, c := range []struct {
				ctx  context.Context
				ref  string
				kind pipeline.Kind
			}{
				{ended, "/posts", pipeline.KindCanceled},
				{t.Context(), "http://nowhere.invalid/", pipeline.KindNetwork},
				{t.Context(), "ftp://demo.localhost/", pipeline.KindPolicy},
			} {
				req, err := http.NewRequestWithContext(c.ctx, http.MethodGet, c.ref, http.NoBody)
				if base := p.BaseURL(); c.ref[0] == '/' {
					req, err = http.NewRequestWithContext(c.ctx, http.MethodGet, base.JoinPath(c.ref).String(), http.NoBody)
				}
				if err != nil {
					t.Fatal(err)
				}
				resp, err := p.Client().Do(req)
				if err == nil {
					resp.Body.Close()
				}
				if outer := new(url.Error); !errors.As(err, &outer) {
					t.Errorf("%s: got %T, want a *url.Error around it", c.ref, err)
				}
				if e, ok := errors.AsType[*pipeline.Error](err); !ok || e.Kind != c.kind || !errors.Is(err, c.kind) {
					t.Errorf("%s: got %v, want a *pipeline.Error of kind %s", c.ref, err, c.kind)
				}
			}
		})
	})
	t.Run("shows_a_body_that_breaks_off", func(t *testing.T) {
		p := open(t, "demo-thin", demo.New(demo.Options{}))
		req, err := p.NewRequest(t.Context(), http.MethodGet, "/reset", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := p.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if _, err = io.ReadAll(resp.Body); !errors.Is(err, pipeline.KindNetwork) || !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("got %v, want an error of kind network around io.ErrUnexpectedEOF", err)
		}
	})
}
