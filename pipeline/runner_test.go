package pipeline_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/config"
	"github.com/leatdev/leat/pipeline/internal/memnet"
	"github.com/leatdev/leat/stages"
)

const runnerFile = `version = 1
[credentials.c]
type = "bearer"
origins = ["demo:"]
token = { env = "LEAT_TEST_TOKEN" }
[transports.other]
max_conns_per_host = 3
[pipelines.base]
stages = ["retry"]
[pipelines.api]
extends = "base"
base_url = "https://api.example.com/v1/"
[pipelines.other]
base_url = "https://other.example.com"
transport = "other"
[pipelines.demo]
base_url = "demo:"
credential = "c"
stages = ["auth"]
[pipelines.sub]
base_url = "demo:files"
`

func openRunner(t *testing.T, opts ...pipeline.Option) *pipeline.Runner {
	t.Helper()
	r, err := pipeline.OpenBytes(t.Context(), "t.toml", []byte(runnerFile), append([]pipeline.Option{
		pipeline.WithEnviron(nil), pipeline.WithStages(stages.All()...), pipeline.WithLogger(slog.New(slog.DiscardHandler)),
	}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

func text(t *testing.T, r *pipeline.Runner, name, ref string) string {
	t.Helper()
	p, err := r.Pipeline(name)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := get(t, t.Context(), p, ref)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, _ := io.ReadAll(resp.Body)
	return string(b)
}

func TestRunner(t *testing.T) {
	named := func(name string) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) { return answer(200, name+" "+r.URL.String()), nil })
	}

	t.Run("names_what_it_can_run_and_says_why_not_the_rest", func(t *testing.T) {
		r := openRunner(t)
		if got := r.Names(); !slices.Equal(got, []string{"api", "other"}) {
			t.Errorf("got %v", got)
		}
		for name, want := range map[string]string{
			"base": "only a template", "demo": `pipeline.WithUpstream("demo", handler)`, "sub": `pipeline.WithUpstream("demo", handler)`,
			"apy": "did you mean api?", "nothing-like-it": "it has api, other",
		} {
			if _, err := r.Pipeline(name); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want %q", name, err, want)
			}
		}
		if _, err := r.Credential("d", ""); err == nil || !strings.Contains(err.Error(), "it has c") {
			t.Error(err)
		}
	})

	t.Run("takes_transports_by_name", func(t *testing.T) {
		r := openRunner(t, pipeline.WithTransport("other", named("mine")), pipeline.WithTransport("default", named("standard")))
		if got := text(t, r, "api", "x?a=1"); got != "standard https://api.example.com/v1/x?a=1" {
			t.Errorf("got %q", got)
		}
		if got := text(t, r, "other", "/y"); got != "mine https://other.example.com/y" {
			t.Errorf("got %q", got)
		}
		r = openRunner(t, pipeline.WithTransport("*", named("any")))
		if a, b := text(t, r, "api", ""), text(t, r, "other", "/"); !strings.HasPrefix(a, "any") || !strings.HasPrefix(b, "any") {
			t.Errorf("got %q and %q", a, b)
		}
	})

	t.Run("serves_symbolic_origins_in_memory", func(t *testing.T) {
		handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, r.Host+r.URL.Path+" "+r.Header.Get("Authorization"))
		})
		server := memnet.Serve(handler)
		defer server.Stop()
		for name, opt := range map[string]pipeline.Option{
			"handler": pipeline.WithUpstream("demo", handler), "dial": pipeline.WithUpstreamDial("demo", func(ctx context.Context) (net.Conn, error) { return server.Dial(ctx) }),
		} {
			r := openRunner(t, opt, pipeline.WithSecrets(map[string]string{"LEAT_TEST_TOKEN": "the-token"}))
			if got := text(t, r, "demo", "/posts"); got != "demo.localhost/posts Bearer the-token" {
				t.Errorf("%s: got %q", name, got)
			}
			if got := text(t, r, "sub", "/posts"); got != "files.demo.localhost/posts " {
				t.Errorf("%s: got %q", name, got)
			}
		}
	})

	t.Run("reads_overlays", func(t *testing.T) {
		r := openRunner(t, pipeline.WithEnviron([]string{"LEAT_PIPELINES__API__BASE_URL=https://env.example", "OTHER=1"}), pipeline.WithTransport("*", named("")))
		if got := text(t, r, "api", "/x"); got != " https://env.example/x" {
			t.Errorf("got %q", got)
		}
		r = openRunner(t, pipeline.WithEnviron([]string{"LEAT_PIPELINES__API__BASE_URL=https://env.example"}), pipeline.WithSet("pipelines.api.base_url=https://set.example"), pipeline.WithTransport("*", named("")))
		if got := text(t, r, "api", "/x"); got != " https://set.example/x" {
			t.Errorf("got %q", got)
		}
		for _, bad := range []pipeline.Option{pipeline.WithSet("pipelines.api.timeout=soon"), pipeline.WithEnviron([]string{"LEAT_PIPELINES__API__TIMEOUT=soon"})} {
			_, err := pipeline.OpenBytes(t.Context(), "t.toml", []byte(runnerFile), pipeline.WithEnviron(nil), pipeline.WithStages(stages.All()...), bad)
			d, ok := errors.AsType[config.Diagnostic](err)
			if !ok || d.Line != 0 || !strings.HasPrefix(d.File, "env LEAT_") && !strings.HasPrefix(d.File, "--set") {
				t.Errorf("got %v", err)
			}
		}
		if _, err := pipeline.OpenBytes(t.Context(), "t.toml", []byte(runnerFile), pipeline.WithEnviron(nil), pipeline.WithSet("no assignment")); err == nil {
			t.Error("an assignment without = was accepted")
		}
	})

	t.Run("leaves_nothing_behind_where_a_stage_cannot_be_built", func(t *testing.T) { // goleak watches the upstream's server
		failing := pipeline.Define("failing", struct{}{}, func(struct{}, pipeline.Settings) (pipeline.StageFunc, error) { return nil, errors.New("no disk") })
		src := "version = 1\n[pipelines.p]\nbase_url = \"demo:\"\nstages = [\"failing\"]\n"
		_, err := pipeline.OpenBytes(t.Context(), "t.toml", []byte(src), pipeline.WithEnviron(nil), pipeline.WithStages(failing), pipeline.WithUpstream("demo", http.NotFoundHandler()))
		if err == nil || err.Error() != "pipeline p: stage failing: no disk" {
			t.Errorf("got %v", err)
		}
	})

	t.Run("opens_nothing_once_the_context_has_ended", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := pipeline.OpenBytes(ctx, "t.toml", []byte(runnerFile), pipeline.WithEnviron(nil), pipeline.WithStages(stages.All()...)); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})

	t.Run("opens_files_and_says_which_are_wrong", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "pipelines.toml")
		if _, err := pipeline.Open(t.Context(), path, pipeline.WithEnviron(nil)); err == nil || !strings.Contains(err.Error(), path+": there is no such file") {
			t.Errorf("got %v", err)
		}
		if err := os.WriteFile(path, []byte("version = 1\n[pipelines.p\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := pipeline.Open(t.Context(), path, pipeline.WithEnviron(nil))
		if d, ok := errors.AsType[config.Diagnostic](err); !ok || d.Line != 2 || d.File != path {
			t.Errorf("got %v", err)
		}
		if err := os.WriteFile(path, []byte(runnerFile), 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := pipeline.Open(t.Context(), path, pipeline.WithEnviron(nil), pipeline.WithStages(stages.All()...))
		if err != nil {
			t.Fatal(err)
		}
		_ = r.Close()
	})
}

func TestClose_ends_flights_and_upstreams(t *testing.T) {
	const src = `version = 1
[credentials.c]
type = "login"
origins = ["demo:"]
login = { path = "/login", send = { user = "ada", password = { env = "P" } } }
[pipelines.p]
base_url = "demo:"
credential = "c"
stages = ["auth", "refresh", "retry"]
`
	synctest.Test(t, func(t *testing.T) {
		over := make(chan struct{})
		r, err := pipeline.OpenBytes(t.Context(), "t.toml", []byte(src), pipeline.WithEnviron(nil), pipeline.WithStages(stages.All()...),
			pipeline.WithSecrets(map[string]string{"P": "p4ssw0rd"}), pipeline.WithLogger(slog.New(slog.DiscardHandler)),
			pipeline.WithUpstream("demo", http.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request) { <-over })))
		if err != nil {
			t.Fatal(err)
		}
		p, _ := r.Pipeline("p")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		_, err = get(t, ctx, p, "/x")
		if e := kindOf(t, err, pipeline.KindTimeout); time.Since(began) != time.Second {
			t.Errorf("%v after %s", e, time.Since(began))
		}
		// The flight goes on without its caller, so that a rotated token is kept, and Close waits for it.
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("closed after %s", took)
		}
		close(over)
		if _, err := get(t, t.Context(), p, "/x"); err == nil {
			t.Error("a call entered after Close")
		}
	})
}
