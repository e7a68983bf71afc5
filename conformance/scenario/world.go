package scenario

import (
	"context"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/leatdev/leat/conformance/internal/simnet"
	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/config"
	"github.com/leatdev/leat/pipeline/pipelinetest"
)

// world is everything outside of the pipelines while a test runs: the network, the upstreams, secrets, files.
type world struct {
	ctx       context.Context
	over      chan struct{} // closed at the end: ends what hangs
	start     time.Time
	test      place
	authority *simnet.Authority
	origins   map[string]*origin
	issuers   []*issuer
	dir       string // where the test's files are, "" if it has none

	mu      sync.Mutex
	files   map[string]bool
	secrets map[string]string
	given   map[string]string // secrets that were asked for, and what the test calls them; "" for those that the program gave
	draws   int
	queued  []*waiting                      // wait for their turns
	slots   map[time.Duration]time.Duration // taken moments, and where to look for one beyond
	odd     config.Diagnostics              // what happened that the test does not provide for
}

func newWorld(ctx context.Context, s *Suite, i int, plan *pipeline.Plan) *world {
	t, at := &s.doc.Tests[i], s.test(i)
	w := &world{
		ctx: ctx, over: make(chan struct{}), start: time.Now(), test: at, authority: simnet.NewAuthority(), origins: map[string]*origin{},
		files: map[string]bool{}, secrets: maps.Clone(t.Secrets), given: map[string]string{}, slots: map[time.Duration]time.Duration{},
	}
	if w.secrets == nil {
		w.secrets = map[string]string{}
	}
	own, _ := ownOrigin(plan, t)
	w.describe(own, Upstream{Answers: t.Answers}, at, at.at("answers"))
	for j, u := range t.Upstreams {
		where := at.at("upstream", index(j))
		if u.Origin == "" {
			u.Origin = own
		}
		address, _ := parseOrigin(u.Origin)
		answers := where.at("answers")
		if u.Answers == nil && address == own {
			u.Answers, answers = t.Answers, at.at("answers")
		}
		w.describe(address, u, where, answers)
	}
	for _, c := range t.Calls {
		if base, err := baseOrigin(plan, c.Pipeline); err == nil {
			w.origin(base)
		}
	}
	for _, e := range endpoints(plan) {
		w.origin(e.origin)
		w.issuers = append(w.issuers, newIssuer(e, t.Tokens[e.credential], at.at("tokens", e.credential)))
	}
	for _, o := range w.all() {
		o.start()
	}
	return w
}

func (w *world) origin(address string) *origin {
	o := w.origins[address]
	if o == nil {
		o = w.newOrigin(address)
		w.origins[address] = o
	}
	return o
}

func (w *world) describe(address string, u Upstream, at, answers place) {
	o := w.origin(address)
	o.spec, o.at = u, at
	o.script = newScript(u.Answers, answers)
}

// all returns the origins in the order of their names.
func (w *world) all() (list []*origin) {
	for _, address := range keys(w.origins) {
		list = append(list, w.origins[address])
	}
	return list
}

// stop ends the upstreams.
func (w *world) stop() {
	close(w.over)
	for _, o := range w.origins {
		o.stop()
	}
}

func (w *world) now() time.Duration { return time.Since(w.start) }

// dial leads to the origin at address.
func (w *world) dial(ctx context.Context, _, address string) (net.Conn, error) {
	host, port, _ := net.SplitHostPort(address)
	for _, scheme := range []string{"https://", "http://"} {
		if o := w.origins[scheme+net.JoinHostPort(strings.ToLower(host), port)]; o != nil {
			return o.dial(ctx)
		}
	}
	w.surprise(w.test, "something was sent to "+address, `describe it: [[test.upstream]] origin = "https://`+host+`"`)
	return nil, simnet.NoSuchHost(host)
}

func (w *world) issuer(credential string) *issuer {
	i := slices.IndexFunc(w.issuers, func(s *issuer) bool { return s.credential == credential })
	return w.issuers[i] // was checked
}

// refusesToken reports whether r carries a token that is over.
func (w *world) refusesToken(r *http.Request) bool {
	over := func(text string) bool {
		token := text[strings.LastIndexByte(text, ' ')+1:]
		return slices.ContainsFunc(w.issuers, func(s *issuer) bool { return s.refuses(token) })
	}
	for _, values := range r.Header {
		if slices.ContainsFunc(values, over) {
			return true
		}
	}
	query, _ := url.ParseQuery(r.URL.RawQuery)
	for _, values := range query {
		if slices.ContainsFunc(values, over) {
			return true
		}
	}
	return false
}

// secret is where the pipelines' secrets come from.
func (w *world) secret(reference string) (string, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	kind, name, _ := strings.Cut(reference, " ")
	if kind == "file" && w.files[filepath.Base(name)] {
		return "", false
	}
	value := w.lookUp(reference)
	w.given[value] = secretName(name)
	return value, true
}

// lookUp returns the value of a reference, given or fake. The lock is held.
func (w *world) lookUp(reference string) string {
	_, name, _ := strings.Cut(reference, " ")
	value, ok := w.secrets[secretName(name)]
	if !ok {
		value, _ = pipelinetest.FakeSecret(reference)
	}
	return value
}

// know adds a secret that must show nowhere.
func (w *world) know(secret string) {
	w.mu.Lock()
	w.given[secret] = ""
	w.mu.Unlock()
}

// change gives secrets new values.
func (w *world) change(secrets map[string]string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	maps.Copy(w.secrets, secrets)
}

// write makes files below the test's folder.
func (w *world) write(files map[string]string) error {
	for name, text := range files {
		path := filepath.Join(w.dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return err
		}
		w.mu.Lock()
		w.files[filepath.Base(name)] = true
		w.given[strings.TrimSpace(text)] = filepath.Base(name)
		w.mu.Unlock()
	}
	return nil
}

// random draws jitter as the test says: always the same, or from its list.
func (w *world) random(draws Draws) func() float64 {
	draws = draws.orMiddle()
	return func() float64 {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.draws++
		return draws[(w.draws-1)%len(draws)]
	}
}

// surprise notes what happened that the test does not provide for.
func (w *world) surprise(at place, message, hint string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.odd = append(w.odd, at.wrong(hint, "%s", message))
}
