package docs_test

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/config"
	"github.com/leatdev/leat/stages"
)

// words returns what the pattern's group finds in a source file.
func words(t *testing.T, file, pattern string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", filepath.FromSlash(file)))
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(string(text), -1) {
		found = append(found, m[1])
	}
	if len(found) < 3 {
		t.Fatalf("%s: the pattern %s finds %q only", file, pattern, found)
	}
	return found
}

func TestPages_name_every_word(t *testing.T) {
	var kinds []string
	for _, k := range pipeline.Kinds() {
		kinds = append(kinds, string(k))
	}
	for _, tc := range []struct {
		page, what string
		words      []string
	}{
		{"docs/errors.md", "kind", kinds},
		{"docs/contract.md", "rule", words(t, "pipeline/stage.go", `(?m)^//   - ([a-z-]+): `)},
		{"docs/contract.md", "class", words(t, "pipeline/kind.go", `Class = "(\w+)"`)},
		{"docs/pipelines.md", "reason", words(t, "stages/retry/decide.go", `Reason\w+ += "(\w+)"`)},
		{"docs/pipelines.md", "reason", words(t, "stages/refresh/decide.go", `return Step\w+, "(\w+)"`)},
		{"docs/telemetry.md", "event", words(t, "pipeline/event.go", `Event\w+ += "(\w+)"`)},
		{"docs/pipelines.md", "session status", words(t, "pipeline/credential/state.go", `Status = "(\w+)"`)},
		{"docs/pipelines.md", "field of conditions", words(t, "pipeline/cond/env.go", `expr:"(\w+)"`)},
		{"docs/embedding.md", "option of a call", words(t, "pipeline/option.go", `func (\w+)\(.*\) CallOption`)},
		{"docs/embedding.md", "option", words(t, "pipeline/options.go", `func (\w+)\(.*\) Option`)},
	} {
		text := read(t, tc.page)
		for _, w := range tc.words {
			if !regexp.MustCompile("`[^`\n]*\\b" + regexp.QuoteMeta(w) + "\\b[^`\n]*`").MatchString(text) {
				t.Errorf("%s does not name the %s %s", tc.page, tc.what, w)
			}
		}
	}
}

// The table of deadlines names the defaults that hold.
func TestPages_give_the_defaults_of_deadlines(t *testing.T) {
	f, err := config.Read("t.toml", []byte("version = 1\n[pipelines.api]\nstages = []\n"))
	if err != nil {
		t.Fatal(err)
	}
	registry, err := pipeline.NewRegistry()
	if err != nil {
		t.Fatal(err)
	}
	plan, err := pipeline.Check(f, registry)
	if err != nil {
		t.Fatal(err)
	}
	p, tr := plan.Pipelines[0].Config, plan.Transports["default"].Config
	text := read(t, "docs/pipelines.md")
	for key, d := range map[string]time.Duration{
		"timeout": p.Timeout, "attempt_timeout": p.AttemptTimeout, "body_idle_timeout": p.BodyIdleTimeout, "connect_timeout": tr.ConnectTimeout,
		"tls_handshake_timeout": tr.TLSHandshakeTimeout, "response_header_timeout": tr.ResponseHeaderTimeout, "idle_conn_timeout": tr.IdleConnTimeout,
	} {
		if !regexp.MustCompile("(?m)^\\| `" + key + "` \\(\\w+\\) \\| " + d.String() + " \\|").MatchString(text) {
			t.Errorf("docs/pipelines.md does not give %s as the default of %s", d, key)
		}
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// recipe returns the file of docs/pipelines.md that has the pipeline.
func recipe(t *testing.T, name string) string {
	t.Helper()
	for _, b := range blocks(t, "docs/pipelines.md") {
		if b.mark == "check" && strings.Contains(b.text, "[pipelines."+name+"]") {
			return "version = 1\n" + b.text
		}
	}
	t.Fatalf("docs/pipelines.md has no recipe with the pipeline %s", name)
	return ""
}

func TestRecipes(t *testing.T) {
	header := func(pairs ...string) http.Header {
		h := http.Header{}
		for i := 0; i < len(pairs); i += 2 {
			h.Set(pairs[i], pairs[i+1])
		}
		return h
	}
	for _, tc := range []struct {
		name, pipeline, method string
		status                 int
		header                 http.Header
		sends                  int
		kind                   pipeline.Kind
	}{
		{"github waits as Retry-After says", "github", "POST", 403, header("Retry-After", "7"), 3, pipeline.KindRateLimited},
		{"github waits until the limit is reset", "github", "GET", 403, header("X-RateLimit-Remaining", "0", "X-RateLimit-Reset", "946684805"), 3, pipeline.KindRateLimited},
		{"github leaves other 403 alone", "github", "GET", 403, header(), 1, pipeline.KindForbidden},
		{"stripe forbids", "stripe", "POST", 503, header("Stripe-Should-Retry", "false"), 1, pipeline.KindServer},
		{"stripe allows", "stripe", "POST", 409, header("Stripe-Should-Retry", "true"), 3, pipeline.KindConflict},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var times []time.Time
				keys := map[string]bool{}
				network := roundTripper(func(req *http.Request) (*http.Response, error) {
					times = append(times, time.Now())
					keys[req.Header.Get("Idempotency-Key")] = true
					return &http.Response{StatusCode: tc.status, Header: tc.header.Clone(), Body: io.NopCloser(strings.NewReader("{}"))}, nil
				})
				runner, err := pipeline.OpenBytes(t.Context(), "pipelines.toml", []byte(recipe(t, tc.pipeline)),
					pipeline.WithStages(stages.All()...), pipeline.WithTransport("*", network), pipeline.WithEnviron(nil))
				if err != nil {
					t.Fatal(err)
				}
				defer runner.Close()
				p, err := runner.Pipeline(tc.pipeline)
				if err != nil {
					t.Fatal(err)
				}
				_, err = pipeline.Send[struct{}](t.Context(), p, tc.method, "/", nil)
				if got := pipeline.KindOf(err); got != tc.kind || len(times) != tc.sends {
					t.Errorf("got %d sends and kind %q, want %d and %q", len(times), string(got), tc.sends, string(tc.kind))
				}
				if tc.header.Get("Retry-After") != "" && times[1].Sub(times[0]) < 7*time.Second {
					t.Errorf("came back after %s, before it was asked to", times[1].Sub(times[0]))
				}
				if tc.pipeline == "stripe" && (len(keys) != 1 || keys[""]) {
					t.Errorf("keys: got %d different ones, want 1", len(keys))
				}
			})
		})
	}
}
