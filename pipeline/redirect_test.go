package pipeline_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/stages"
)

const redirectFile = `version = 1
[credentials.c]
type = "bearer"
origins = ["https://api.example.com"]
token = { env = "TOKEN" }
[pipelines.p]
base_url = "https://api.example.com"
credential = "c"
timeout = "5s"
attempt_timeout = "4s"
stages = ["auth", "refresh", "retry", "error-map", "validate"]
`

// hops serves a chain of redirects and keeps what it was sent.
type hops struct {
	status int
	to     []string // where each request but the last is sent on to
	delay  time.Duration
	hang   bool // the last one never answers
	seen   []*http.Request
	bodies []string
}

func (h *hops) RoundTrip(req *http.Request) (*http.Response, error) {
	h.seen = append(h.seen, req)
	text := ""
	if req.Body != nil {
		b, _ := io.ReadAll(req.Body)
		_ = req.Body.Close()
		text = string(b)
	}
	h.bodies = append(h.bodies, text)
	wait := time.After(h.delay)
	last := len(h.seen) > len(h.to)
	if last && h.hang {
		wait = nil
	}
	select {
	case <-wait:
	case <-req.Context().Done():
		return nil, req.Context().Err()
	}
	if last {
		return answer(200, "{}"), nil
	}
	resp := answer(h.status, "")
	resp.Header.Set("Location", h.to[len(h.seen)-1])
	return resp, nil
}

func (h *hops) open(t *testing.T) *pipeline.Pipeline {
	t.Helper()
	r, err := pipeline.OpenBytes(t.Context(), "t.toml", []byte(redirectFile), pipeline.WithEnviron(nil), pipeline.WithStages(stages.All()...),
		pipeline.WithTransport("default", h), pipeline.WithSecrets(map[string]string{"TOKEN": "the-token"}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	p, _ := r.Pipeline("p")
	return p
}

func TestRedirects(t *testing.T) {
	for to, ours := range map[string]bool{
		"/here": true, "https://API.example.com:443/here": true, "https://api.example.com:8443/": false, "https://www.api.example.com/": false,
		"https://example.com/": false, "http://api.example.com/": false, "https://api.example.com./": false, "https://evil.example.net/": false,
	} {
		t.Run(fmt.Sprintf("to %s carry the credential: %v", to, ours), func(t *testing.T) {
			h := &hops{status: 302, to: []string{to}}
			req, _ := h.open(t).NewRequest(t.Context(), "GET", "/start", nil)
			resp, err := h.open(t).Client().Do(req)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			c, auth := pipeline.CallOf(resp), h.seen[1].Header.Get("Authorization")
			if (auth != "") != ours || (c.Attached().Skipped == "foreign_origin") == ours || h.seen[0].Header.Get("Authorization") == "" {
				t.Errorf("sent %q, skipped %q", auth, c.Attached().Skipped)
			}
			if c.Sends() != 2 || c.Previous().Sends() != 1 || resp.Request.Header.Get("Authorization") != "" {
				t.Errorf("%d sends, before %d", c.Sends(), c.Previous().Sends())
			}
		})
	}

	for to, kept := range map[string]bool{"/here": true, "https://www.api.example.com/": false, "https://api.example.com:8443/": false, "http://api.example.com/": false} {
		t.Run(fmt.Sprintf("to %s carry what the caller set: %v", to, kept), func(t *testing.T) {
			h := &hops{status: 302, to: []string{to}}
			p := h.open(t)
			req, _ := p.NewRequest(t.Context(), "GET", "/start?api_key=mine", nil)
			req.Header.Set("Authorization", "Bearer mine")
			req.Header.Set("X-Api-Key", "mine")
			req.Header.Set("X-Harmless", "mine")
			resp, err := p.Client().Do(req)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			got := h.seen[1].Header
			if (got.Get("Authorization") == "Bearer mine") != kept || (got.Get("X-Api-Key") == "mine") != kept || got.Get("X-Harmless") != "mine" {
				t.Errorf("sent %v", got)
			}
			if referer := got.Get("Referer"); strings.Contains(referer, "api_key") != kept || !kept && referer != "https://api.example.com/" && referer != "" {
				t.Errorf("referer %q", referer)
			}
			if strings.Contains(got.Get("Authorization"), "the-token") {
				t.Error("the credential took the place of the caller's")
			}
		})
	}

	for _, tc := range []struct {
		status  int
		getBody bool
		sends   int
	}{{307, true, 2}, {308, true, 2}, {307, false, 1}, {308, false, 1}, {303, true, 2}} {
		t.Run(fmt.Sprintf("%d with a body, GetBody %v", tc.status, tc.getBody), func(t *testing.T) {
			h := &hops{status: tc.status, to: []string{"/there"}}
			p := h.open(t)
			ctx := pipeline.With(t.Context(), pipeline.IdempotencyKey("k-1"))
			req, _ := p.NewRequest(ctx, "POST", "/start", strings.NewReader(`{"a":1}`))
			if !tc.getBody {
				req.GetBody = nil
			}
			resp, err := p.Client().Do(req)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			if len(h.seen) != tc.sends || tc.sends == 1 && resp.StatusCode != tc.status {
				t.Fatalf("%d sends, %s", len(h.seen), resp.Status)
			}
			for i, b := range h.bodies {
				want := `{"a":1}`
				if tc.status == 303 && i == 1 {
					want = ""
				}
				if b != want || h.seen[i].Header.Get("Idempotency-Key") != "k-1" {
					t.Errorf("hop %d: body %q, key %q", i+1, b, h.seen[i].Header.Get("Idempotency-Key"))
				}
			}
		})
	}

	t.Run("share_the_deadline_of_the_call", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			h := &hops{status: 302, to: []string{"/2", "/3"}, delay: 2 * time.Second, hang: true}
			p := h.open(t)
			req, _ := p.NewRequest(t.Context(), "GET", "/1", nil)
			began := time.Now()
			_, err := p.Client().Do(req)
			e := kindOf(t, err, pipeline.KindTimeout)
			if took := time.Since(began); took != 5*time.Second || e.Sends != 3 || e.Call().Elapsed() != 5*time.Second {
				t.Errorf("%v after %s, %d sends", e, took, e.Sends)
			}
			sent := 0
			for _, event := range e.Call().Events() {
				if event.Name == pipeline.EventSent {
					sent++
				}
			}
			if sent != 3 {
				t.Errorf("%d sends in the record, want 3", sent)
			}
		})
	})
}
