// Package blog is a client of the demo API as one would publish it: its callers see posts and three errors, and import neither
// net/http nor leat.
package blog

import (
	"context"
	_ "embed"
	"errors"
	"fmt"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/credential"
	"github.com/leatdev/leat/pipeline/redact"
	"github.com/leatdev/leat/stages"
)

// The errors that callers branch on; every other one means: try later, or report it.
var (
	ErrLogin    = errors.New("log in first, or again")
	ErrNotFound = errors.New("no such post")
	ErrBusy     = errors.New("the service is busy")
)

//go:embed pipelines.toml
var file []byte

// Post is an article.
type Post struct {
	ID    int    `json:"id"`
	Title string `json:"title"`
	Body  string `json:"body"`
}

// Client talks to the API. It is safe for concurrent use; Close it.
type Client struct {
	runner *pipeline.Runner
	api    *pipeline.Pipeline
}

// New returns a client. opts are for its own tests and main; an ordinary caller passes none.
func New(ctx context.Context, opts ...pipeline.Option) (*Client, error) {
	runner, err := pipeline.OpenBytes(ctx, "pipelines.toml", file, append([]pipeline.Option{pipeline.WithStages(stages.All()...)}, opts...)...)
	if err != nil {
		return nil, err
	}
	api, err := runner.Pipeline("blog")
	if err != nil {
		return nil, errors.Join(err, runner.Close())
	}
	return &Client{runner: runner, api: api}, nil
}

// Close ends the client once the calls under way are done.
func (c *Client) Close() error { return c.runner.Close() }

// Login starts a session for a user of the API.
func (c *Client) Login(ctx context.Context, user, password string) error {
	session, err := c.runner.Credential("blog", "")
	if err != nil {
		return err
	}
	err = session.Login(ctx, map[string]redact.Secret{"user": redact.NewSecret(user), "password": redact.NewSecret(password)})
	if failure, ok := errors.AsType[*credential.Failure](err); ok && (failure.Status == 0 || failure.Status >= 500) {
		return fmt.Errorf("%w: %w", ErrBusy, err)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrLogin, err)
	}
	return nil
}

// Posts returns the newest posts.
func (c *Client) Posts(ctx context.Context) ([]Post, error) {
	posts, err := pipeline.Get[[]Post](pipeline.With(ctx, pipeline.Operation("posts.list")), c.api, "/posts")
	return posts, readable(err)
}

// Post returns one post.
func (c *Client) Post(ctx context.Context, id int) (Post, error) {
	post, err := pipeline.Get[Post](pipeline.With(ctx, pipeline.Operation("posts.get")), c.api, fmt.Sprintf("/posts/%d", id))
	return post, readable(err)
}

// Publish creates a post. Its key makes a resend safe, so that the client may retry it.
func (c *Client) Publish(ctx context.Context, key, title, body string) (Post, error) {
	ctx = pipeline.With(ctx, pipeline.Operation("posts.create"), pipeline.IdempotencyKey(key))
	post, err := pipeline.Send[Post](ctx, c.api, "POST", "/posts", Post{Title: title, Body: body})
	return post, readable(err)
}

// readable puts the errors that callers know in front of what happened.
func readable(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, pipeline.KindUnauthorized):
		return fmt.Errorf("%w: %w", ErrLogin, err)
	case errors.Is(err, pipeline.KindNotFound):
		return fmt.Errorf("%w: %w", ErrNotFound, err)
	case errors.Is(err, pipeline.KindServer), errors.Is(err, pipeline.KindTimeout), errors.Is(err, pipeline.KindRateLimited), errors.Is(err, pipeline.KindNetwork):
		return fmt.Errorf("%w: %w", ErrBusy, err)
	}
	return err
}
