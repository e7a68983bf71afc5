package sdk

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-github/v84/github"

	"github.com/leatdev/leat/pipeline"
)

// newGitHub returns go-github over a pipeline, as its README makes it: NewClient with an http.Client that knows how to log in.
func newGitHub(t *testing.T, name string, opts ...pipeline.ClientOption) (*github.Client, *fakeGitHub, *pipeline.Pipeline) {
	t.Helper()
	fake := newFakeGitHub()
	p := open(t, name, fake)
	client := github.NewClient(p.Client(opts...))
	client.BaseURL = p.BaseURL().JoinPath("/")
	return client, fake, p
}

// overGitHub runs a test over both pipelines.
func overGitHub(t *testing.T, test func(t *testing.T, name string)) {
	t.Helper()
	for _, name := range []string{"github-thin", "github-full"} {
		t.Run(name, func(t *testing.T) { test(t, name) })
	}
}

func TestGitHub(t *testing.T) {
	t.Run("lists_all_pages", func(t *testing.T) {
		overGitHub(t, func(t *testing.T, name string) {
			client, _, _ := newGitHub(t, name)
			var numbers []int
			opts := &github.IssueListByRepoOptions{}
			for {
				issues, resp, err := client.Issues.ListByRepo(t.Context(), "o", "r", opts)
				if err != nil {
					t.Fatal(err)
				}
				for _, issue := range issues {
					numbers = append(numbers, issue.GetNumber())
				}
				if resp.Rate.Remaining != 59 {
					t.Errorf("got %d requests remaining, want 59", resp.Rate.Remaining)
				}
				if opts.ListOptions.Page = resp.NextPage; resp.NextPage == 0 {
					break
				}
			}
			if diff := cmp.Diff([]int{1, 2, 3, 4, 5}, numbers); diff != "" {
				t.Errorf("issues (-want +got):\n%s", diff)
			}
		})
	})
	t.Run("follows_redirects_with_credential_and_body", func(t *testing.T) {
		overGitHub(t, func(t *testing.T, name string) {
			client, fake, _ := newGitHub(t, name)
			issues, resp, err := client.Issues.ListByRepo(t.Context(), "o", "moved", nil)
			if err != nil || len(issues) != 2 {
				t.Fatalf("got %d issues and %v, want 2", len(issues), err)
			}
			if got := resp.Request.URL.Path; got != "/repos/o/moved-here/issues" {
				t.Errorf("the response is of %s", got)
			}
			issue, _, err := client.Issues.Create(t.Context(), "o", "moved", &github.IssueRequest{Title: new("sent twice")})
			if err != nil || issue.GetTitle() != "sent twice" {
				t.Fatalf("created %v, %v", issue, err)
			}
			if len(fake.bodies) != 2 || fake.bodies[0] != fake.bodies[1] {
				t.Errorf("the bodies of a redirected POST: %q", fake.bodies)
			}
		})
	})
	t.Run("stops_at_redirects_that_it_wants_to_see", func(t *testing.T) {
		overGitHub(t, func(t *testing.T, name string) {
			client, fake, _ := newGitHub(t, name)
			link, _, err := client.Repositories.GetArchiveLink(t.Context(), "o", "r", github.Tarball, nil, 3)
			if err != nil || link.Host != "assets.github.localhost" {
				t.Errorf("got %v, %v", link, err)
			}
			_, loc, err := client.Repositories.DownloadReleaseAsset(t.Context(), "o", "r", 1, nil)
			if err != nil || loc != "http://assets.github.localhost/1" {
				t.Errorf("got %q, %v", loc, err)
			}
			if n := len(fake.foreign); n != 0 {
				t.Errorf("%d requests to the storage, want none", n)
			}
		})
	})
	t.Run("downloads_from_another_origin_without_the_token", func(t *testing.T) {
		overGitHub(t, func(t *testing.T, name string) {
			client, fake, p := newGitHub(t, name)
			asset, _, err := client.Repositories.DownloadReleaseAsset(t.Context(), "o", "r", 1, p.Client())
			if err != nil {
				t.Fatal(err)
			}
			defer asset.Close()
			if text, err := io.ReadAll(asset); err != nil || string(text) != "the asset" {
				t.Errorf("got %q, %v", text, err)
			}
			if diff := cmp.Diff([]string{""}, fake.foreign); diff != "" {
				t.Errorf("Authorization at the storage (-want +got):\n%s", diff)
			}
		})
	})
	t.Run("sees_304", func(t *testing.T) {
		overGitHub(t, func(t *testing.T, name string) {
			client, _, _ := newGitHub(t, name)
			repo, resp, err := client.Repositories.Get(t.Context(), "o", "cached")
			if err != nil || repo.GetName() != "cached" {
				t.Fatalf("got %v, %v", repo, err)
			}
			req, err := client.NewRequest(http.MethodGet, "repos/o/cached", nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("If-None-Match", resp.Header.Get("ETag"))
			resp, err = client.Do(t.Context(), req, &github.Repository{})
			if resp == nil || resp.StatusCode != http.StatusNotModified {
				t.Fatalf("got %v, %v, want a 304", resp, err)
			}
			if refusal := new(github.ErrorResponse); !errors.As(err, &refusal) { // so go-github sees a 304
				t.Errorf("got %T, want *github.ErrorResponse", err)
			}
			if kind := pipeline.CallOf(resp.Response).Kind(); kind != "" {
				t.Errorf("a 304 is of kind %q, want none", kind)
			}
		})
	})
	t.Run("is_spared_a_503_by_retry", func(t *testing.T) {
		client, fake, _ := newGitHub(t, "github-full")
		repo, _, err := client.Repositories.Get(t.Context(), "o", "busy")
		if err != nil || repo.GetName() != "busy" {
			t.Fatalf("got %v, %v", repo, err)
		}
		if n := fake.sends("/repos/o/busy"); n != 2 {
			t.Errorf("%d sends, want 2", n)
		}
	})
}

func TestGitHubErrors(t *testing.T) {
	t.Run("RateLimitError_survives", func(t *testing.T) {
		for _, repo := range []string{"limited", "limited-429"} {
			overGitHub(t, func(t *testing.T, name string) {
				client, fake, _ := newGitHub(t, name)
				_, _, err := client.Issues.ListByRepo(t.Context(), "o", repo, nil)
				limited := new(github.RateLimitError)
				if !errors.As(err, &limited) {
					t.Fatalf("%s: got %T: %v, want *github.RateLimitError", repo, err, err)
				}
				want := github.Rate{Limit: 60, Remaining: 0, Reset: github.Timestamp{Time: fake.reset}}
				if got := limited.Rate; got.Limit != want.Limit || got.Remaining != want.Remaining || !got.Reset.Time.Equal(want.Reset.Time) {
					t.Errorf("got %v, want %v", got, want)
				}
				if limited.Message != "API rate limit exceeded for user ID 1." {
					t.Errorf("message %q", limited.Message)
				}
				kind := pipeline.CallOf(limited.Response).Kind()
				if name == "github-full" && kind != pipeline.KindRateLimited {
					t.Errorf("%s: of kind %q, want rate_limited", repo, kind)
				}
				if n := fake.sends("/repos/o/" + repo + "/issues"); n != 1 {
					t.Errorf("%s: %d sends, want 1: the limit is reset in an hour", repo, n)
				}
			})
		}
	})
	t.Run("AbuseRateLimitError_survives", func(t *testing.T) {
		for _, repo := range []string{"abused", "abused-429"} {
			overGitHub(t, func(t *testing.T, name string) {
				client, fake, _ := newGitHub(t, name)
				_, _, err := client.Issues.ListByRepo(t.Context(), "o", repo, nil)
				abuse := new(github.AbuseRateLimitError)
				if !errors.As(err, &abuse) {
					t.Fatalf("%s: got %T: %v, want *github.AbuseRateLimitError", repo, err, err)
				}
				if got := abuse.GetRetryAfter(); got != 2*time.Minute {
					t.Errorf("%s: retry after %s, want 2m", repo, got)
				}
				if n := fake.sends("/repos/o/" + repo + "/issues"); n != 1 {
					t.Errorf("%s: %d sends, want 1: retry waits for no two minutes", repo, n)
				}
			})
		}
	})
	t.Run("ErrorResponse_survives", func(t *testing.T) {
		overGitHub(t, func(t *testing.T, name string) {
			client, fake, _ := newGitHub(t, name)
			_, _, err := client.Repositories.Get(t.Context(), "o", "missing")
			refusal := new(github.ErrorResponse)
			if !errors.As(err, &refusal) || refusal.Response.StatusCode != http.StatusNotFound || refusal.Message != "Not Found" {
				t.Errorf("got %T: %v, want a 404 as *github.ErrorResponse", err, err)
			}
			_, _, err = client.Issues.Create(t.Context(), "o", "r", &github.IssueRequest{Body: new("no title")})
			if !errors.As(err, &refusal) {
				t.Fatalf("got %T: %v, want *github.ErrorResponse", err, err)
			}
			want := []github.Error{{Resource: "Issue", Field: "title", Code: "missing_field"}}
			if diff := cmp.Diff(want, refusal.Errors); diff != "" {
				t.Errorf("errors (-want +got):\n%s", diff)
			}
			if n := fake.sends("/repos/o/r/issues"); n != 1 {
				t.Errorf("a POST was sent %d times", n)
			}
		})
	})
	t.Run("AcceptedError_survives", func(t *testing.T) {
		overGitHub(t, func(t *testing.T, name string) {
			client, _, _ := newGitHub(t, name)
			_, _, err := client.Repositories.ListContributorsStats(t.Context(), "o", "r")
			if accepted := new(github.AcceptedError); !errors.As(err, &accepted) || string(accepted.Raw) != "{}" {
				t.Errorf("got %T: %v, want *github.AcceptedError", err, err)
			}
		})
	})
	t.Run("of_a_bad_token_names_no_token", func(t *testing.T) {
		overGitHub(t, func(t *testing.T, name string) {
			client, _, _ := newGitHub(t, name)
			ctx := pipeline.With(t.Context(), pipeline.SkipAuth())
			_, resp, err := client.Repositories.Get(ctx, "o", "r")
			if refusal := new(github.ErrorResponse); !errors.As(err, &refusal) || refusal.Message != "Bad credentials" {
				t.Errorf("got %T: %v, want a 401 as *github.ErrorResponse", err, err)
			}
			if resp.Request.Header.Get("Authorization") != "" || strings.Contains(err.Error(), canary) {
				t.Errorf("a credential shows in %v or its request", err)
			}
		})
	})
	t.Run("of_the_network_are_pipeline_errors", func(t *testing.T) {
		overGitHub(t, func(t *testing.T, name string) {
			client, _, _ := newGitHub(t, name)
			_, _, err := client.Repositories.Get(t.Context(), "o", "gone")
			if e, ok := errors.AsType[*pipeline.Error](err); !ok || e.Kind != pipeline.KindNetwork || e.Pipeline != name {
				t.Errorf("got %T: %v, want a *pipeline.Error of kind network", err, err)
			}
		})
	})
	t.Run("by_kind_where_the_client_asks_for_them", func(t *testing.T) {
		overGitHub(t, func(t *testing.T, name string) {
			client, _, _ := newGitHub(t, name, pipeline.StatusErrors())
			_, _, err := client.Repositories.Get(t.Context(), "o", "missing")
			e, ok := errors.AsType[*pipeline.Error](err)
			if !ok || !errors.Is(err, pipeline.KindNotFound) || e.Status != http.StatusNotFound || !strings.Contains(string(e.Body), "Not Found") {
				t.Errorf("got %T: %v, want a *pipeline.Error of kind not_found with its body", err, err)
			}
		})
	})
}
