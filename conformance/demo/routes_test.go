package demo_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leatdev/leat/conformance/demo"
)

func TestPosts(t *testing.T) {
	t.Run("pages_are_linked_to_the_end", func(t *testing.T) {
		c, _ := loggedIn(t, demo.Options{})
		var ids []int
		pages := 0
		for next := "/posts?limit=10"; next != ""; pages++ {
			r := c.do("GET", next, "")
			var posts []demo.Post
			if err := json.Unmarshal(r.body, &posts); err != nil {
				t.Fatal(err)
			}
			for _, p := range posts {
				ids = append(ids, p.ID)
			}
			next, _, _ = strings.Cut(strings.TrimPrefix(r.header.Get("Link"), "<"), ">")
		}
		equal(t, "pages", pages, 3)
		equal(t, "posts", len(slices.Compact(ids)), 25)
		equal(t, "a page behind the end", strings.TrimSpace(string(c.do("GET", "/posts?page=9", "").body)), "[]")
		wantStatus(t, c.do("GET", "/posts?limit=0", ""), 400)
	})
	t.Run("one_or_404_as_a_problem", func(t *testing.T) {
		c, _ := loggedIn(t, demo.Options{})
		wantStatus(t, c.do("GET", "/posts/3", ""), 200)
		for _, path := range []string{"/posts/999", "/posts/three"} {
			r := c.do("GET", path, "")
			wantStatus(t, r, 404)
			equal(t, "content type", r.header.Get("Content-Type"), "application/problem+json")
		}
	})
	t.Run("create_gives_201_and_a_location_that_works", func(t *testing.T) {
		c, api := loggedIn(t, demo.Options{})
		r := c.do("POST", "/posts", `{"title":"hello"}`)
		wantStatus(t, r, 201)
		equal(t, "title", c.do("GET", r.header.Get("Location"), "").json(t)["title"].(string), "hello")
		equal(t, "writes", api.Stats().Writes["/posts"], 1)
	})
	t.Run("create_names_every_field_that_is_wrong", func(t *testing.T) {
		c, api := loggedIn(t, demo.Options{})
		r := c.do("POST", "/posts", `{"title":7,"body":[]}`)
		wantStatus(t, r, 422)
		equal(t, "errors", len(r.json(t)["errors"].([]any)), 2)
		wantStatus(t, c.do("POST", "/posts", `{}`), 422)
		wantStatus(t, c.do("POST", "/posts", `[]`), 400)
		equal(t, "writes", api.Stats().Writes["/posts"], 0)
	})
	t.Run("create_forgets_the_oldest_created_beyond_a_thousand", func(t *testing.T) {
		c, _ := loggedIn(t, demo.Options{})
		for i := range 1001 {
			c.do("POST", "/posts", fmt.Sprintf(`{"title":"post %d"}`, i))
		}
		wantStatus(t, c.do("GET", "/posts/26", ""), 404)
		wantStatus(t, c.do("GET", "/posts/25", ""), 200)
		wantStatus(t, c.do("GET", "/posts/1026", ""), 200)
	})
}

func TestWrites(t *testing.T) {
	t.Run("without_a_key_a_blind_resend_doubles_the_write", func(t *testing.T) {
		c, api := loggedIn(t, demo.Options{})
		for _, want := range []int{503, 503, 201, 503} {
			wantStatus(t, c.do("POST", "/flaky-write", `{"title":"paid"}`), want)
		}
		s := api.Stats()
		equal(t, "writes", s.Writes["/flaky-write"], 3) // the first of each round, and the 201
		equal(t, "duplicates", s.DuplicateWrites, 2)
		equal(t, "requests", s.Requests["/flaky-write"], 4)
	})
	t.Run("with_a_key_the_third_send_succeeds_and_one_is_written", func(t *testing.T) {
		c, api := loggedIn(t, demo.Options{})
		var last reply
		for _, want := range []int{503, 503, 201, 201} {
			last = c.do("POST", "/flaky-write", `{"title":"paid"}`, "Idempotency-Key", "k1")
			wantStatus(t, last, want)
		}
		equal(t, "replayed", last.header.Get("Idempotency-Replayed"), "true")
		wantStatus(t, c.do("POST", "/flaky-write", `{"title":"else"}`, "Idempotency-Key", "k1"), 422)
		want := map[string]int{"k1": 1}
		if diff := cmp.Diff(want, api.Stats().WritesByKey); diff != "" {
			t.Errorf("writes by key (-want +got):\n%s", diff)
		}
		equal(t, "duplicates", api.Stats().DuplicateWrites, 0)
	})
	t.Run("posts_honour_a_key_too", func(t *testing.T) {
		c, api := loggedIn(t, demo.Options{})
		first := c.do("POST", "/posts", `{"title":"a"}`, "Idempotency-Key", "k")
		again := c.do("POST", "/posts", `{"title":"a"}`, "Idempotency-Key", "k")
		equal(t, "location", again.header.Get("Location"), first.header.Get("Location"))
		equal(t, "first replayed", first.header.Get("Idempotency-Replayed"), "")
		equal(t, "writes", api.Stats().Writes["/posts"], 1)
		wantStatus(t, c.do("POST", "/posts", `{"title":"a"}`, "Idempotency-Key", strings.Repeat("k", 256)), 400)
	})
	t.Run("different_writes_are_no_duplicates", func(t *testing.T) {
		c, api := loggedIn(t, demo.Options{})
		c.do("POST", "/posts", `{"title":"a"}`)
		c.do("POST", "/posts", `{"title":"b"}`)
		equal(t, "duplicates", api.Stats().DuplicateWrites, 0)
		c.do("POST", "/posts", `{"title":"a"}`)
		equal(t, "duplicates", api.Stats().DuplicateWrites, 1)
	})
	t.Run("a_refused_token_writes_nothing", func(t *testing.T) {
		c, api := loggedIn(t, demo.Options{})
		api.Revoke()
		wantStatus(t, c.do("POST", "/flaky-write", `{}`), 401)
		equal(t, "writes", len(api.Stats().Writes), 0)
	})
}

func TestOddAnswers(t *testing.T) {
	c, api := loggedIn(t, demo.Options{})
	t.Run("broken_is_200_json_that_does_not_parse", func(t *testing.T) {
		r := c.do("GET", "/broken", "")
		wantStatus(t, r, 200)
		equal(t, "content type", r.header.Get("Content-Type"), "application/json")
		equal(t, "valid", json.Valid(r.body), false)
	})
	t.Run("shape_is_json_but_no_post", func(t *testing.T) {
		r := c.do("GET", "/shape", "")
		wantStatus(t, r, 200)
		var p demo.Post
		if err := json.Unmarshal(r.body, &p); err == nil || !json.Valid(r.body) {
			t.Errorf("got %s, want valid JSON that does not fit a post", r.body)
		}
	})
	t.Run("problem_has_standard_and_extension_members", func(t *testing.T) {
		r := c.do("GET", "/problem", "")
		wantStatus(t, r, 409)
		equal(t, "content type", r.header.Get("Content-Type"), "application/problem+json")
		for _, member := range []string{"type", "title", "status", "detail", "instance", "current_version"} {
			if _, ok := r.json(t)[member]; !ok {
				t.Errorf("member %s is missing", member)
			}
		}
		wantStatus(t, c.do("GET", "/problem?status=422", ""), 422)
		wantStatus(t, c.do("GET", "/problem?status=500", ""), 400)
	})
	t.Run("teapot", func(t *testing.T) { wantStatus(t, c.do("GET", "/teapot", ""), 418) })
	t.Run("reset_gives_half_and_cuts_the_connection", func(t *testing.T) {
		r, err := c.try(t.Context(), "GET", "/reset", "")
		if !errors.Is(err, io.ErrUnexpectedEOF) || r.status != 200 || len(r.body) != 22 {
			t.Errorf("got %d, %d bytes, %v; want 200, 22 bytes and an unexpected EOF", r.status, len(r.body), err)
		}
	})
	t.Run("echo_hides_credentials", func(t *testing.T) {
		r := c.do("PUT", "/echo?api_key=canary&q=1", "hello", "Cookie", "sid=canary", "X-Api-Key", "canary", "X-Request-Id", "r1")
		v := r.json(t)
		if strings.Contains(string(r.body), "canary") || strings.Contains(string(r.body), c.access) {
			t.Errorf("a credential is in the echo: %s", r.body)
		}
		equal(t, "method", v["method"].(string), "PUT")
		equal(t, "authorization", v["authorization"].(string), "present")
		equal(t, "body", v["body"].(string), "hello")
		equal(t, "header", v["headers"].(map[string]any)["X-Request-Id"].(string), "r1")
		wantStatus(t, c.do("POST", "/echo", strings.Repeat("x", 1<<20+1)), 413)
	})
	t.Run("unknown_paths_and_methods", func(t *testing.T) {
		wantStatus(t, c.do("GET", "/nowhere", ""), 404)
		r := c.do("DELETE", "/posts", "")
		wantStatus(t, r, 405)
		equal(t, "allow", r.header.Get("Allow"), "GET, POST")
		equal(t, "counted", api.Stats().Requests["unknown"], 2)
	})
	t.Run("the_index_lists_every_route", func(t *testing.T) {
		r := c.do("GET", "/", "")
		for _, path := range []string{"POST /login", "GET /posts/{id}", "ANY /echo", "GET /_stats"} {
			if !strings.Contains(string(r.body), `"`+path+`"`) {
				t.Errorf("%s is not in the index", path)
			}
		}
	})
}

func TestOtherOrigin(t *testing.T) {
	t.Run("redirect_points_there", func(t *testing.T) {
		c, _ := loggedIn(t, demo.Options{})
		r := c.do("GET", "/redirect", "")
		wantStatus(t, r, 302)
		equal(t, "location", r.header.Get("Location"), "http://other.demo.localhost/landing")
		c, _ = loggedIn(t, demo.Options{OtherURL: "http://127.0.0.1:1/landing"})
		equal(t, "location", c.do("GET", "/redirect", "").header.Get("Location"), "http://127.0.0.1:1/landing")
	})
	t.Run("sees_and_counts_credentials", func(t *testing.T) {
		api := demo.New(demo.Options{})
		c := onLoopback(t, api)
		equal(t, "clean", c.do("GET", "/landing", "").json(t)["credential_seen"].(bool), false)
		for _, header := range []string{"Authorization", "X-Api-Key", "Cookie", "Proxy-Authorization"} {
			r := c.do("GET", "/landing", "", header, "canary")
			equal(t, header, r.json(t)["credential_seen"].(bool), true)
			equal(t, header+" shown", strings.Contains(string(r.body), "canary"), false)
		}
		equal(t, "query", c.do("GET", "/landing?api_key=x", "").json(t)["credential_seen"].(bool), true)
		equal(t, "requests", api.Stats().ForeignRequests, 6)
		equal(t, "credentials", api.Stats().ForeignCredentials, 5)
	})
	t.Run("is_known_by_its_host", func(t *testing.T) {
		c, api := loggedIn(t, demo.Options{})
		for path, want := range map[string]int{"/landing": 200, "/posts": 404} {
			req, _ := http.NewRequestWithContext(t.Context(), "GET", c.base+path, http.NoBody)
			req.Host = "Other.demo.localhost:8080"
			resp, err := c.client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			equal(t, path, resp.StatusCode, want)
		}
		equal(t, "requests", api.Stats().ForeignRequests, 2)
	})
}

func TestStats(t *testing.T) {
	t.Run("over_http_equal_those_in_go", func(t *testing.T) {
		c, api := loggedIn(t, demo.Options{})
		c.do("POST", "/posts", `{"title":"a"}`, "Idempotency-Key", "k")
		var got demo.Stats
		if err := json.Unmarshal(c.do("GET", "/_stats", "").body, &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(api.Stats(), got); diff != "" {
			t.Errorf("(-go +http):\n%s", diff)
		}
	})
	t.Run("a_reset_keeps_sessions_and_forgets_the_rest", func(t *testing.T) {
		c, api := loggedIn(t, demo.Options{})
		c.do("POST", "/posts", `{"title":"a"}`)
		wantStatus(t, c.do("GET", "/flaky", ""), 503)
		wantStatus(t, c.do("POST", "/_reset", ""), 204)
		if diff := cmp.Diff(demo.New(demo.Options{}).Stats(), api.Stats()); diff != "" {
			t.Errorf("(-new +reset):\n%s", diff)
		}
		wantStatus(t, c.do("GET", "/flaky", ""), 503)
		wantStatus(t, c.do("GET", "/posts/26", ""), 404)
	})
	t.Run("the_copy_is_the_callers", func(t *testing.T) {
		_, api := loggedIn(t, demo.Options{})
		api.Stats().Requests["/login"] = 99
		equal(t, "requests", api.Stats().Requests["/login"], 1)
	})
	t.Run("count_right_under_concurrency", func(t *testing.T) {
		c, api := loggedIn(t, demo.Options{})
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				for j := range 25 {
					_, _ = c.try(t.Context(), "GET", fmt.Sprintf("/flaky?id=%d", i), "")
					_, _ = c.try(t.Context(), "POST", "/posts", fmt.Sprintf(`{"title":"%d %d"}`, i, j))
					_ = api.Stats()
				}
			})
		}
		wg.Wait()
		s := api.Stats()
		equal(t, "flaky", s.Requests["/flaky"], 200)
		equal(t, "writes", s.Writes["/posts"], 200)
		equal(t, "duplicates", s.DuplicateWrites, 0)
	})
}

func TestNew(t *testing.T) {
	t.Run("panics_on_a_negative_duration", func(t *testing.T) {
		defer func() {
			if recover() == nil {
				t.Error("no panic")
			}
		}()
		demo.New(demo.Options{SlowDelay: -1})
	})
}
