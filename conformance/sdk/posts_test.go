package sdk

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leatdev/leat/conformance/demo"
	"github.com/leatdev/leat/conformance/sdk/postsapi"
	"github.com/leatdev/leat/pipeline"
)

// newPosts returns the generated client over a pipeline to the misbehaving API.
func newPosts(t *testing.T, name string) (*postsapi.ClientWithResponses, *demo.API) {
	t.Helper()
	api := demo.New(demo.Options{Seed: 1})
	p := open(t, name, api)
	client, err := postsapi.NewClientWithResponses(p.BaseURL().String(), postsapi.WithHTTPClient(p.Client()))
	if err != nil {
		t.Fatal(err)
	}
	return client, api
}

func TestGeneratedClient(t *testing.T) {
	t.Run("gets_typed_answers", func(t *testing.T) {
		overDemo(t, func(t *testing.T, name string) {
			client, api := newPosts(t, name)
			list, err := client.ListPostsWithResponse(t.Context(), &postsapi.ListPostsParams{Limit: new(3)})
			if err != nil || list.JSON200 == nil || len(*list.JSON200) != 3 {
				t.Fatalf("got %+v, %v, want three posts", list, err)
			}
			one, err := client.GetPostWithResponse(t.Context(), 2)
			if err != nil || one.JSON200 == nil {
				t.Fatalf("got %+v, %v, want a post", one, err)
			}
			if diff := cmp.Diff((*list.JSON200)[1], *one.JSON200); diff != "" {
				t.Errorf("post 2, listed and alone (-listed +alone):\n%s", diff)
			}
			made, err := client.CreatePostWithResponse(t.Context(), nil, postsapi.NewPost{Title: "made"})
			if err != nil || made.JSON201 == nil || made.JSON201.Title != "made" {
				t.Errorf("got %+v, %v, want a new post", made, err)
			}
			if s := api.Stats(); s.Logins != 1 || s.Unauthorized != 0 {
				t.Errorf("%d logins and %d refusals, want 1 and 0", s.Logins, s.Unauthorized)
			}
		})
	})
	t.Run("gets_typed_problems", func(t *testing.T) {
		overDemo(t, func(t *testing.T, name string) {
			client, _ := newPosts(t, name)
			missing, err := client.GetPostWithResponse(t.Context(), 4711)
			if err != nil || missing.ApplicationproblemJSON404 == nil || *missing.ApplicationproblemJSON404.Detail != "there is no such post" {
				t.Errorf("got %+v, %v, want a 404 as a problem", missing, err)
			}
			invalid, err := client.CreatePostWithResponse(t.Context(), nil, postsapi.NewPost{})
			if err != nil || invalid.ApplicationproblemJSON422 == nil || (*invalid.ApplicationproblemJSON422.Errors)[0].Pointer != "/title" {
				t.Errorf("got %+v, %v, want a 422 that points at the title", invalid, err)
			}
			conflict, err := client.GetProblemWithResponse(t.Context())
			if err != nil || conflict.ApplicationproblemJSON409 == nil || *conflict.ApplicationproblemJSON409.CurrentVersion != 4 {
				t.Fatalf("got %+v, %v, want a 409 with its own member", conflict, err)
			}
			if name == "demo-full" {
				call := pipeline.CallOf(conflict.HTTPResponse)
				if call.Kind() != pipeline.KindConflict || call.ProblemType() != *conflict.ApplicationproblemJSON409.Type {
					t.Errorf("the call says %q and %q", call.Kind(), call.ProblemType())
				}
			}
			teapot, err := client.GetTeapotWithResponse(t.Context())
			if err != nil || teapot.JSON418 == nil || teapot.JSON418.Error.Code != "teapot" {
				t.Errorf("got %+v, %v, want a 418", teapot, err)
			}
		})
	})
	t.Run("is_spared_what_the_stages_cure", func(t *testing.T) {
		client, api := newPosts(t, "demo-full")
		page, err := client.GetHtmlWithResponse(t.Context())
		if err != nil || page.JSON200 == nil {
			t.Errorf("got %+v, %v, want a post after a 503 in HTML", page, err)
		}
		api.Revoke()
		one, err := client.GetPostWithResponse(t.Context(), 1)
		if err != nil || one.JSON200 == nil {
			t.Errorf("got %+v, %v, want a post after a 401", one, err)
		}
		if s := api.Stats(); s.Refreshes != 1 || s.Logins != 1 || s.Unauthorized != 1 {
			t.Errorf("%d refreshes, %d logins, %d refusals; want 1 each", s.Refreshes, s.Logins, s.Unauthorized)
		}
	})
	t.Run("writes_once_unless_it_gives_a_key", func(t *testing.T) {
		client, api := newPosts(t, "demo-full")
		lost, err := client.FlakyWriteWithResponse(t.Context(), nil, postsapi.NewPost{Title: "without a key"})
		if err != nil || lost.StatusCode() != http.StatusServiceUnavailable || lost.ApplicationproblemJSON503 == nil {
			t.Fatalf("got %+v, %v, want a 503 as a problem", lost, err)
		}
		if n := api.Stats().Requests["/flaky-write"]; n != 1 {
			t.Errorf("%d sends without a key, want 1", n)
		}
		api.Reset()
		params := &postsapi.FlakyWriteParams{IdempotencyKey: new("order-17")}
		made, err := client.FlakyWriteWithResponse(t.Context(), params, postsapi.NewPost{Title: "with a key"})
		if err != nil || made.JSON201 == nil {
			t.Fatalf("got %+v, %v, want a new post", made, err)
		}
		if s := api.Stats(); s.Requests["/flaky-write"] != 3 || s.WritesByKey["order-17"] != 1 {
			t.Errorf("%d sends and %d writes with a key, want 3 and 1", s.Requests["/flaky-write"], s.WritesByKey["order-17"])
		}
	})
}
