// Package pipelinetest runs an embedder's own pipelines.toml in its tests: every origin is served by one handler in memory, every
// secret is a fake one, and no connection leaves the process.
package pipelinetest

import (
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/credential"
)

// Env is a file's pipelines in a test. Its methods may be called by many goroutines.
type Env struct {
	Runner *pipeline.Runner

	t   testing.TB
	net *network
}

// Open opens the file at path with its stages (pipeline.WithStages) and whatever other options the program itself uses, and has h
// answer for every origin: token endpoints, APIs, redirects. h tells them apart by the request's Host and path. Secrets are
// "fake-" and a name; stores are in memory; the environment's LEAT_ variables are not read; logs go to the test's. What can't be
// opened fails the test.
// The runner is closed when the test ends. It works in a testing/synctest bubble.
func Open(t testing.TB, path string, h http.Handler, opts ...pipeline.Option) *Env {
	t.Helper()
	return open(t, h, opts, func(opts []pipeline.Option) (*pipeline.Runner, error) {
		return pipeline.Open(t.Context(), path, opts...)
	})
}

// OpenText is [Open] for a file given as text.
func OpenText(t testing.TB, text string, h http.Handler, opts ...pipeline.Option) *Env {
	t.Helper()
	return open(t, h, opts, func(opts []pipeline.Option) (*pipeline.Runner, error) {
		return pipeline.OpenBytes(t.Context(), "pipelines.toml", []byte(text), opts...)
	})
}

func open(t testing.TB, h http.Handler, opts []pipeline.Option, start func([]pipeline.Option) (*pipeline.Runner, error)) *Env {
	t.Helper()
	e := &Env{t: t, net: newNetwork(h)}
	all := append([]pipeline.Option{
		pipeline.WithEnviron(nil),
		pipeline.WithStore("*", credential.NewMemoryStore()),
		pipeline.WithSecretsFrom(FakeSecret),
		pipeline.WithLogger(slog.New(slog.NewTextHandler(t.Output(), nil))),
	}, opts...)
	r, err := start(append(all, pipeline.WithTransport("*", e.net)))
	if err != nil {
		e.net.close()
		t.Fatalf("open pipelines:\n%v", err)
	}
	e.Runner = r
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Errorf("close pipelines: %v", err)
		}
		e.net.close()
	})
	return e
}

// Pipeline returns a pipeline, or fails the test.
func (e *Env) Pipeline(name string) *pipeline.Pipeline {
	e.t.Helper()
	p, err := e.Runner.Pipeline(name)
	if err != nil {
		e.t.Fatal(err)
	}
	return p
}

// Sends returns every request that was sent so far, token requests included, in the order in which they began.
func (e *Env) Sends() []Send { return e.net.all() }

// ExpireTokens has every token that was sent so far in an Authorization header answered with a 401, as a server does that has
// revoked its tokens; the handler is not asked. A static token never recovers from it. Basic values, such as an OAuth client's
// own, stay good.
func (e *Env) ExpireTokens() { e.net.expire() }

// FakeSecret is what stands for a secret in a test: "fake-" and the last part of the reference, as in "fake-API_TOKEN".
func FakeSecret(reference string) (string, bool) {
	return "fake-" + reference[strings.LastIndexAny(reference, " /")+1:], true
}
