//go:build unix

// Package oidc holds leat's sessions against a certified OpenID provider (npm oidc-provider) that rotates refresh tokens and revokes
// everything when one is used twice: several processes share one credential through a store, and the provider's ledger is the judge.
package oidc

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

var (
	lifetime = flag.Int("oidc.lifetime", 2, "seconds that an access token lives")
	expiries = flag.Int("oidc.expiries", 20, "how many access tokens must run out while the processes call")
	callers  = flag.Int("oidc.callers", 8, "concurrent callers in each process")
)

const processes = 4

func TestMain(m *testing.M) {
	if path := os.Getenv("LEAT_OIDC_WORKER"); path != "" {
		os.Exit(work(path))
	}
	os.Exit(m.Run())
}

// TestFleet: four processes under load share one session, over twenty expiries. Each is renewed once, and nothing is revoked.
func TestFleet(t *testing.T) {
	t.Parallel()
	for _, s := range stores {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			store := s.open(t)
			p := startProvider(t)
			f := startFleet(t, p.origin, p.origin, p.seed(t), store)
			p.await(t, func(l ledger) bool { return l.count("granted") > *expiries })
			results := f.stop(t)
			l := p.ledger(t)
			l.mustBeQuiet(t)
			for _, r := range results {
				if r.Calls == 0 || len(r.Failures) > 0 {
					t.Errorf("a process made %d calls, and these failed: %v", r.Calls, r.Failures)
				}
			}
			grants := l.times("granted")
			for i := 1; i < len(grants); i++ {
				// One expiry that is renewed twice is so within a lease; tokens live for a second at least, because the provider
				// counts in whole seconds.
				if gap := grants[i] - grants[i-1]; gap < 500*time.Millisecond {
					t.Errorf("renewals %d and %d came %s apart: one expiry was renewed twice", i, i+1, gap)
				}
			}
			t.Logf("%d renewals, %d calls accepted, %d answered 401", len(grants), l.Accepted, l.Refused)
		})
	}
}

// TestFleet_and_a_lost_answer: a proxy cuts the answer to one renewal, so that the new refresh token is lost. That costs one further
// token request of the whole fleet, and every process tells its callers that a login is required.
func TestFleet_and_a_lost_answer(t *testing.T) {
	t.Parallel()
	for _, s := range stores {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			store := s.open(t)
			p := startProvider(t)
			cut := startCutter(t, p.origin, 3)
			f := startFleet(t, p.origin, cut.origin, p.seed(t), store)
			p.await(t, func(l ledger) bool { return l.count("refused") > 0 })
			time.Sleep(3 * time.Duration(*lifetime) * time.Second) // time in which processes would ask again, if they did
			results := f.stop(t)
			if n := cut.after.Load(); n != 1 {
				t.Errorf("there were %d token requests after the one whose answer was lost, want 1", n)
			}
			l := p.ledger(t)
			if n := l.count("granted"); n != 3 {
				t.Errorf("the provider granted %d times, want 3", n)
			}
			for _, r := range results {
				if len(r.Failures) == 0 {
					t.Error("a process did not notice that the session is over")
				}
				for text := range r.Failures {
					if !strings.HasPrefix(text, "unauthorized: ") || !strings.Contains(text, "login required") {
						t.Errorf("the error is not clear: %s", text)
					}
				}
			}
		})
	}
}

type provider struct{ origin string }

func startProvider(t *testing.T) *provider {
	t.Helper()
	if reason := missing(); reason != "" {
		if os.Getenv("LEAT_CI") == "1" {
			t.Fatal(reason)
		}
		t.Skip(reason)
	}
	cmd := exec.Command("node", "provider.mjs", strconv.Itoa(*lifetime))
	in, err := cmd.StdinPipe()
	must(t, err)
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	t.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait()
	})
	var origin string
	if _, err := fmt.Fscanln(out, &origin); err != nil {
		t.Fatalf("the provider did not start: %v", err)
	}
	return &provider{origin}
}

func missing() string {
	if _, err := exec.LookPath("node"); err != nil {
		return "node is not installed: the OpenID provider needs it"
	}
	if _, err := os.Stat("node_modules/oidc-provider"); err != nil {
		return "oidc-provider is not installed: run npm ci --ignore-scripts in conformance/oidc"
	}
	return ""
}

func (p *provider) get(t *testing.T, path string, into any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.origin+path, nil)
	must(t, err)
	resp, err := http.DefaultClient.Do(req)
	must(t, err)
	defer resp.Body.Close()
	must(t, json.NewDecoder(resp.Body).Decode(into))
}

// seed returns a refresh token as a login gives it.
func (p *provider) seed(t *testing.T) string {
	t.Helper()
	var got struct {
		Token string `json:"refresh_token"`
	}
	p.get(t, "/seed", &got)
	return got.Token
}

// await returns once the ledger is as enough wants it.
func (p *provider) await(t *testing.T, enough func(ledger) bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute + 2*time.Duration(*expiries**lifetime)*time.Second); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if enough(p.ledger(t)) {
			return
		}
	}
	t.Errorf("what was awaited did not happen; the ledger: %v", p.ledger(t).Entries)
}

type ledger struct {
	Entries  [][2]any `json:"ledger"`
	Accepted int      `json:"accepted"`
	Refused  int      `json:"refused"`
}

func (p *provider) ledger(t *testing.T) (l ledger) {
	t.Helper()
	p.get(t, "/ledger", &l)
	return l
}

func (l ledger) times(word string) (at []time.Duration) {
	for _, e := range l.Entries {
		if strings.HasPrefix(e[1].(string), word) {
			at = append(at, time.Duration(e[0].(float64)*1e6)) // from milliseconds
		}
	}
	return at
}

func (l ledger) count(word string) int { return len(l.times(word)) }

func (l ledger) mustBeQuiet(t *testing.T) {
	t.Helper()
	for _, word := range []string{"refused", "revoked", "failed"} {
		if n := l.count(word); n > 0 {
			t.Errorf("%d entries of the ledger say %s: %v", n, word, l.Entries)
		}
	}
}

// fleet is the processes that call.
type fleet struct {
	cmds []*exec.Cmd
	ins  []io.Closer
	outs []io.Reader
}

func startFleet(t *testing.T, api, issuer, seed, store string) *fleet {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pipelines.toml")
	must(t, os.WriteFile(path, fmt.Appendf(nil, `version = 1

[stores.shared]
%s

[credentials.me]
type          = "oauth2"
origins       = [%q]
store         = "shared"
grant         = "refresh_token"
token_url     = %q
client_id     = "leat"
client_secret = { env = "CLIENT_SECRET" }
refresh_token = { env = "FIRST_REFRESH_TOKEN" }

[pipelines.api]
base_url   = %q
credential = "me"
stages     = ["auth", "refresh", "retry"]
`, store, api, issuer+"/token", api), 0o600))
	f := &fleet{}
	for range processes {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "LEAT_OIDC_WORKER="+path, "FIRST_REFRESH_TOKEN="+seed, "CLIENT_SECRET=a-secret-that-only-this-test-knows",
			"LEAT_OIDC_CALLERS="+strconv.Itoa(*callers))
		cmd.Stderr = os.Stderr
		in, err := cmd.StdinPipe()
		must(t, err)
		out, err := cmd.StdoutPipe()
		must(t, err)
		must(t, cmd.Start())
		t.Cleanup(func() { _ = cmd.Process.Kill() })
		f.cmds, f.ins, f.outs = append(f.cmds, cmd), append(f.ins, in), append(f.outs, out)
	}
	return f
}

// result is what a process says of its calls.
type result struct {
	Calls    int            `json:"calls"`
	Failures map[string]int `json:"failures"` // how often, by the error's text
}

// stop lets the calls under way end and returns what each process says.
func (f *fleet) stop(t *testing.T) []result {
	t.Helper()
	for _, in := range f.ins {
		must(t, in.Close())
	}
	results := make([]result, len(f.cmds))
	for i, cmd := range f.cmds {
		if err := errors.Join(json.NewDecoder(f.outs[i]).Decode(&results[i]), cmd.Wait()); err != nil {
			t.Errorf("process %d: %v", i+1, err)
		}
	}
	return results
}

// tally counts calls and what came of them.
type tally struct {
	mu sync.Mutex
	result
}

func (r *tally) add(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Calls++
	if err != nil {
		r.Failures[describe(err)]++
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
