// Package credential keeps what a program proves its identity with: sessions that hold the current token of a credential
// and renew it once for all who wait, the sources that tokens come from, and the references to secrets.
package credential

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/leatdev/leat/pipeline/redact"
)

// Token is what a Source obtains.
type Token struct {
	Access  redact.Secret
	Refresh redact.Secret // empty: the source gave none; the session then keeps the one it has
	// Lifetime counts from the moment the token request was sent; 0 means unknown: renewed on a 401 only.
	Lifetime time.Duration
	Scopes   []string

	seed string // digest of the configured refresh token that the session began with
}

// A Source obtains the tokens of one session. A session calls it from one goroutine at a time; ctx carries the flight's own
// timeout and no caller's cancellation. Errors are *Failure where the server answered or the network failed.
type Source interface {
	// Obtain gets a token from what is configured: a stored password, a client secret, a file read again. It returns
	// ErrLoginRequired where only somebody's login can give one.
	Obtain(ctx context.Context) (Token, error)
	// Refresh exchanges prev for a newer token, through prev.Refresh. The session calls it only if that is not empty.
	Refresh(ctx context.Context, prev Token) (Token, error)
}

// A Seeder is a Source whose Obtain spends a refresh token that is configured. The session asks it to once for each: such a token
// begins a session and is then replaced by its successors, and to use it again may count as theft.
type Seeder interface {
	// Seed returns the configured refresh token, the zero Secret if there is none.
	Seed(ctx context.Context) (redact.Secret, error)
}

// A Loginer is a Source through which a user of the program can log in with the given fields (user, password, …).
type Loginer interface {
	Login(ctx context.Context, fields map[string]redact.Secret) (Token, error)
}

// ErrLoginRequired is returned by Source.Obtain, and wrapped by Session.Acquire, when no token can be had without a login.
var ErrLoginRequired = errors.New("login required")

// Failure is a token request that failed. Its text carries status and OAuth error code, never a body.
type Failure struct {
	Op         string        // what was being done: "login", "refresh", "client_credentials", "jwt_bearer", "discovery", "read"
	Refresh    bool          // the request was a refresh grant
	Status     int           // HTTP status, 0 if there was no answer
	Code       string        // OAuth error code (RFC 6749 §5.2) of a 4xx answer that had such a body, else ""
	RetryAfter time.Duration // from the answer's Retry-After, 0 if none
	NotSent    bool          // positive evidence that the request never left: it may be sent again at no risk
	Err        error         // the cause, or nil
}

// Placement says where a session's access token goes on a request: in header Header after Prefix, or in query parameter Query.
type Placement struct {
	Header string // canonical name
	Prefix string // "Bearer ", "Basic ", or ""
	Query  string // a query parameter instead of a header
}

// Factory makes the sources of one credential type; Define is the way to one.
type Factory struct {
	typ    string
	config func() any // a new *C holding the defaults
	build  func(config any, s Settings) (Source, Placement, error)
}

// Settings are the host's part of what a source is built with; the config is the user's.
type Settings struct {
	Name      string            // the credential's name in the file
	Subject   string            // whose session it is; "" unless the credential is per subject
	Origins   []Origin          // where the credential may go; the first one is the base of relative token endpoints
	Transport http.RoundTripper // for token requests: outside every pipeline, follows no redirect, attaches nothing
	Secrets   *Secrets          // resolves Refs
	Logger    *slog.Logger
}

// Define makes the factory of a credential type. C is the struct that the file's table is decoded into, over a copy of defaults;
// build is called once per session.
func Define[C any](typ string, defaults C, build func(C, Settings) (Source, Placement, error)) Factory {
	return Factory{
		typ:    typ,
		config: func() any { c := defaults; return &c },
		build:  func(config any, s Settings) (Source, Placement, error) { return build(*config.(*C), s) },
	}
}

// Type returns the name that the file's `type` key uses.
func (f Factory) Type() string { return f.typ }

// Config returns a pointer to a new config that holds the defaults, to decode into.
func (f Factory) Config() any { return f.config() }

// Build makes the source of one session from a config that Config returned.
func (f Factory) Build(config any, s Settings) (Source, Placement, error) { return f.build(config, s) }
