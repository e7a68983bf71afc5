// Package demo is the misbehaving API: an http.Handler with a login, some posts and every failure that an API shows on a
// bad day. It is the upstream behind "demo:" in a pipeline file, and serves as well in the tests of any HTTP client.
//
// It fails on purpose, the same way each time: what it answers depends on the request, on what came before and on
// Options.Seed, never on chance. It counts what clients do wrong: [Stats]. GET / lists its routes.
//
// It imports the standard library only, starts no goroutine, logs nothing, and tells time by package time alone, so it also
// runs inside a testing/synctest bubble.
package demo

import (
	"net/http"
	"strings"
	"sync"
	"time"
)

// What a client logs in with unless Options says otherwise, and the one OAuth client that POST /token knows.
// All of it is public: it protects nothing.
const (
	DefaultUser     = "ada"
	DefaultPassword = "lovelace"
	ClientID        = "demo-client"
	ClientSecret    = "demo-secret"
	SignerKey       = "demo-signer-key" // of the signatures that /signed takes
)

// maxBody is the largest request body that is read, in bytes; a larger one is answered with 413.
const maxBody = 1 << 20

// Options are the settings of an API. The zero value is ready to use.
type Options struct {
	// Seed decides the tokens and the posts: equal seeds give equal ones.
	Seed uint64
	// TokenLifetime is how long an access token is good; default one minute. "?lifetime=300ms" on a login or a
	// client_credentials grant overrides it for that session, its refreshes included.
	TokenLifetime time.Duration
	// FirstLoginLifetime, if not zero, is the lifetime of the access token that a login gives when it asks for none;
	// those that a refresh gives live for TokenLifetime. A short one makes every session begin with an expired token.
	FirstLoginLifetime time.Duration
	// User and Password are what POST /login accepts; default DefaultUser and DefaultPassword.
	User, Password string
	// OtherURL is where /redirect points; default "http://other.demo.localhost/landing". The same handler may serve it.
	OtherURL string
	// SlowDelay is how long /slow waits before its first byte; default 10 seconds.
	SlowDelay time.Duration
	// DripInterval is the pause before each of the 60 bytes of /drip; default one second.
	DripInterval time.Duration
}

// API is the misbehaving API. It is safe for concurrent use, needs no closing, and is both origins at once: a request whose
// host begins with "other." or whose path is /landing is answered by the other origin, where nobody has business with a credential.
type API struct {
	options Options
	mux     *http.ServeMux

	mu         sync.Mutex // guards everything below; never held while an answer is written
	stats      Stats
	issued     uint64 // numbers tokens and sessions; never rewound, so that no token comes back
	access     map[string]grant
	refresh    map[string]*session
	sweepAt    int
	posts      []Post // by ascending id
	lastPost   int
	sequences  map[string]sequence
	keys       map[string]*keyedWrite
	writesSeen map[digest]bool
}

// New returns an API that nobody has talked to yet. It panics on a negative duration.
func New(o Options) *API {
	for _, d := range []time.Duration{o.TokenLifetime, o.FirstLoginLifetime, o.SlowDelay, o.DripInterval} {
		if d < 0 {
			panic("demo: a duration in Options is negative")
		}
	}
	o.TokenLifetime = orDefault(o.TokenLifetime, time.Minute)
	o.User = orDefault(o.User, DefaultUser)
	o.Password = orDefault(o.Password, DefaultPassword)
	o.OtherURL = orDefault(o.OtherURL, "http://other.demo.localhost/landing")
	o.SlowDelay = orDefault(o.SlowDelay, 10*time.Second)
	o.DripInterval = orDefault(o.DripInterval, time.Second)

	a := &API{options: o, access: map[string]grant{}, refresh: map[string]*session{}, sweepAt: 64}
	a.mux = a.newMux()
	a.Reset()
	return a
}

// ServeHTTP answers one request. On /reset it panics with http.ErrAbortHandler, as net/http wants it: a caller that is not
// net/http must recover from that and cut the answer off there.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Body != nil {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	}
	host := strings.ToLower(orDefault(r.Host, r.URL.Host)) // a request made for a client has its host in the URL only
	if strings.HasPrefix(host, "other.") || r.URL.Path == "/landing" {
		a.serveOther(w, r)
		return
	}
	a.mux.ServeHTTP(w, r)
}

// Revoke makes all current access tokens invalid at once, before their time, and counts that as one revocation. Refresh
// tokens stay good. POST /revoke does the same.
func (a *API) Revoke() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.stats.Revocations++
	clear(a.access)
}

// Expire makes all current access tokens invalid at once as if their time had passed: like Revoke, but not counted.
func (a *API) Expire() {
	a.mu.Lock()
	defer a.mu.Unlock()
	clear(a.access)
}

// Reset sets the counters to zero, the posts to the seed's, and begins every failing sequence anew. Sessions and tokens stay
// as they are, so that a test can warm up, reset and then count. POST /_reset does the same.
func (a *API) Reset() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.stats = newStats()
	a.posts = seedPosts(a.options.Seed)
	a.lastPost = len(a.posts)
	a.sequences = map[string]sequence{}
	a.keys = map[string]*keyedWrite{}
	a.writesSeen = map[digest]bool{}
}

func orDefault[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}

// maxKept bounds each map that grows with what clients send.
const maxKept = 100_000

// keep stores v under k. A full map is emptied first: a flood of different keys is forgotten, not given all our memory.
func keep[K comparable, V any](m map[K]V, k K, v V) {
	if _, ok := m[k]; !ok && len(m) >= maxKept {
		clear(m)
	}
	m[k] = v
}
