package blog_test

import (
	"errors"
	"testing"

	"github.com/leatdev/leat/conformance/demo"
	"github.com/leatdev/leat/docs/examples/blog"
	"github.com/leatdev/leat/pipeline"
)

func TestClient(t *testing.T) {
	api := demo.New(demo.Options{Seed: 1})
	c, err := blog.New(t.Context(), pipeline.WithUpstream("demo", api))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	ctx := t.Context()

	if _, err := c.Posts(ctx); !errors.Is(err, blog.ErrLogin) {
		t.Errorf("before login: got %v, want ErrLogin", err)
	}
	if err := c.Login(ctx, demo.DefaultUser, "wrong"); !errors.Is(err, blog.ErrLogin) {
		t.Errorf("wrong password: got %v, want ErrLogin", err)
	}
	if err := c.Login(ctx, demo.DefaultUser, demo.DefaultPassword); err != nil {
		t.Fatal(err)
	}
	posts, err := c.Posts(ctx)
	if err != nil || len(posts) == 0 {
		t.Fatalf("got %d posts, %v", len(posts), err)
	}
	api.Revoke()
	if post, err := c.Post(ctx, posts[0].ID); err != nil || post.Title != posts[0].Title {
		t.Errorf("after a revocation: got %q, %v", post.Title, err)
	}
	if _, err := c.Post(ctx, 1<<20); !errors.Is(err, blog.ErrNotFound) {
		t.Errorf("no such post: got %v, want ErrNotFound", err)
	}
	made, err := c.Publish(ctx, "key-1", "Hello", "World")
	if err != nil || made.Title != "Hello" {
		t.Errorf("publish: got %+v, %v", made, err)
	}
	if stats := api.Stats(); stats.Refreshes != 1 || stats.RefreshReuses != 0 {
		t.Errorf("refreshes %d, reused %d; want 1 and 0", stats.Refreshes, stats.RefreshReuses)
	}
}
