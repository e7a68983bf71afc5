package pipeline

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/leatdev/leat/pipeline/credential"
	"github.com/leatdev/leat/pipeline/redact"
)

// Needs says what a stage must see and may do where it runs in another process: what is not asked for is neither sent nor accepted. A
// config tells its own by a method Needs() Needs, a type the most that any config of it may ask for by [Factory.WithNeeds]; in
// the file's `grants` the same keys say what a plugin is allowed. A built-in stage needs none of it: it shares the process.
type Needs struct {
	// Request is what it sees and changes of the request.
	Request RequestNeeds `toml:"request" json:"request,omitzero"`
	// Response is what it sees and changes of the response; a type that asks for none is done once it has handed the request on.
	Response *ResponseNeeds `toml:"response" json:"response,omitempty"`
	// Answer lets it answer by itself, in place of the upstream.
	Answer bool `toml:"answer" json:"answer,omitempty"`
	// Retry lets it call next more than once.
	Retry bool `toml:"retry" json:"retry,omitempty"`
	// Calls has it told of the end of every call, as a CallObserver is.
	Calls bool `toml:"calls" json:"calls,omitempty"`
	// Credentials are the names of the credentials that it may have attached; "*" is any. It never sees them.
	Credentials []string `toml:"credentials" json:"credentials,omitempty"`
}

// RequestNeeds are a stage's needs of the request. The method, the URL without its query and what a call has counted always travel.
type RequestNeeds struct {
	// Headers are the names of the headers that it reads; "*" is all that hold no credential.
	Headers []string `toml:"headers" json:"headers,omitempty"`
	// Query has the URL's query travel.
	Query bool `toml:"query" json:"query,omitempty"`
	// Body is how it sees the body: "none", "digest" (length and SHA-256) or "full".
	Body BodyMode `toml:"body" json:"body,omitempty"`
	// BodyLimit is the longest body that "full" may send; a longer one fails the call. Default "1MiB".
	BodyLimit Size `toml:"body_limit" json:"body_limit,omitempty"`
	// Edit is what it changes: names of headers, ":method", ":url", ":body"; "*" is all headers but Authorization, Proxy-Authorization and
	// Cookie, and but those of a request that hold a credential and are not shown to the stage.
	Edit []string `toml:"edit" json:"edit,omitempty"`
	// Call is what it knows of the call beside its numbers: "subject", "operation", "labels", "idempotency_key".
	Call []string `toml:"call" json:"call,omitempty"`
}

// ResponseNeeds are a stage's needs of the response. The status always travels.
type ResponseNeeds struct {
	// Headers are the names of the headers that it reads; "*" is all that hold no credential.
	Headers []string `toml:"headers" json:"headers,omitempty"`
	// Body is how it sees the body: "none", "digest" or "full". It is read only where the stage reads it, and never of a stream.
	Body BodyMode `toml:"body" json:"body,omitempty"`
	// BodyLimit is how much of the body the stage can read. Default "1MiB".
	BodyLimit Size `toml:"body_limit" json:"body_limit,omitempty"`
	// Edit is what it changes: names of headers, "*" for all, ":status", ":body".
	Edit []string `toml:"edit" json:"edit,omitempty"`
}

// BodyMode is how a body is seen by a stage in another process.
type BodyMode string

// The body modes; "" is none.
const (
	BodyNone   BodyMode = "none"
	BodyDigest BodyMode = "digest" // its length and SHA-256
	BodyFull   BodyMode = "full"   // the whole of it, up to a limit
)

// UnmarshalText accepts the modes that are complete.
func (m *BodyMode) UnmarshalText(text []byte) error {
	switch mode := BodyMode(text); mode {
	case BodyNone, BodyDigest, BodyFull:
		*m = mode
		return nil
	case "prefix", "stream":
		return &ConfigError{Message: "body mode " + string(mode) + " is not supported yet", Advice: `write "full" with a body_limit, or "digest"`}
	}
	return unknownWord("body mode", string(text), []string{"none", "digest", "full"})
}

// rank orders the modes by how much they show.
func (m BodyMode) rank() int {
	switch m {
	case BodyFull:
		return 2
	case BodyDigest:
		return 1
	}
	return 0
}

// defaultBodyLimit is that of a "full" body whose needs name none.
const defaultBodyLimit = Size(1 << 20)

// DefaultNeeds are those of a type that tells none: it reads and changes request headers, and sees neither body nor response.
func DefaultNeeds() Needs {
	return Needs{Request: RequestNeeds{Headers: []string{"*"}, Edit: []string{"*"}}}
}

// The words of Call, and the names in Edit that are no headers.
var (
	callWords     = []string{"subject", "operation", "labels", "idempotency_key"}
	requestParts  = []string{":method", ":url", ":body"}
	responseParts = []string{":status", ":body"}
)

// framing are the headers that the connection owns: nobody may change them (RFC 9110 §7.6.1, RFC 9112 §6).
var framing = []string{
	"connection", "content-length", "host", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
}

// IsFraming reports whether a header belongs to the connection, so that no stage of another process may change it.
func IsFraming(name string) bool { return slices.Contains(framing, strings.ToLower(name)) }

// Validate refuses unknown words, and edits that nobody may make. Its errors are ConfigErrors, joined.
func (n *Needs) Validate() error {
	var errs []error
	errs = append(errs, checkNames("request.headers", n.Request.Headers, nil), checkEdits("request.edit", n.Request.Edit, requestParts))
	for i, word := range n.Request.Call {
		if wrong, ok := errors.AsType[*ConfigError](unknownWord("word", word, callWords)); ok && !slices.Contains(callWords, word) {
			wrong.Path = indexed("request.call", i)
			errs = append(errs, wrong)
		}
	}
	if slices.Contains(n.Request.Edit, ":url") && !n.Request.Query {
		errs = append(errs, &ConfigError{Path: "request.edit", Message: "a stage that changes the URL must see its query, or it would lose it", Advice: "query = true"})
	}
	if n.Response != nil {
		errs = append(errs, checkNames("response.headers", n.Response.Headers, nil), checkEdits("response.edit", n.Response.Edit, responseParts))
	}
	return errors.Join(errs...)
}

func checkNames(path string, names, parts []string) error {
	var errs []error
	for i, name := range names {
		if name != "*" && !slices.Contains(parts, name) && !credential.IsToken(name) {
			errs = append(errs, Invalid(indexed(path, i), "%q is no name of a header", name))
		}
	}
	return errors.Join(errs...)
}

func checkEdits(path string, names, parts []string) error {
	errs := []error{checkNames(path, names, parts)}
	for i, name := range names {
		if IsFraming(name) {
			errs = append(errs, &ConfigError{Path: indexed(path, i), Message: name + " belongs to the connection: no stage of another process may change it", Advice: "leave it out; the body's length follows the body"})
		}
	}
	return errors.Join(errs...)
}

// Limit returns the longest body that may be sent, in bytes.
func (r RequestNeeds) Limit() int64 { return limitOf(r.BodyLimit) }

// Limit returns how much of the body may be read, in bytes.
func (r ResponseNeeds) Limit() int64 { return limitOf(r.BodyLimit) }

func limitOf(s Size) int64 {
	if s <= 0 {
		s = defaultBodyLimit
	}
	return int64(s)
}

// Within returns what both n and other allow.
func (n Needs) Within(other Needs) Needs {
	both := Needs{
		Request: RequestNeeds{
			Headers: common(n.Request.Headers, other.Request.Headers, isPlain), Query: n.Request.Query && other.Request.Query,
			Body: lesser(n.Request.Body, other.Request.Body), BodyLimit: min(Size(n.Request.Limit()), Size(other.Request.Limit())),
			Edit: common(n.Request.Edit, other.Request.Edit, IsFree), Call: common(n.Request.Call, other.Request.Call, isAny),
		},
		Answer: n.Answer && other.Answer, Retry: n.Retry && other.Retry, Calls: n.Calls && other.Calls,
		Credentials: common(n.Credentials, other.Credentials, isAny),
	}
	if n.Response != nil && other.Response != nil {
		both.Response = &ResponseNeeds{
			Headers: common(n.Response.Headers, other.Response.Headers, isPlain), Body: lesser(n.Response.Body, other.Response.Body),
			BodyLimit: min(Size(n.Response.Limit()), Size(other.Response.Limit())), Edit: common(n.Response.Edit, other.Response.Edit, isAny),
		}
	}
	return both
}

// Beyond lists what n asks for and other does not allow, each as the file writes it: `request.headers "cookie"`. An empty list: n fits.
func (n Needs) Beyond(other Needs) []string {
	var more []string
	names := func(what string, asked, allowed []string, all func(string) bool) {
		for _, name := range asked {
			if !allows(allowed, name, all) {
				more = append(more, what+` "`+name+`"`)
			}
		}
	}
	flag := func(what string, asked, allowed bool) {
		if asked && !allowed {
			more = append(more, what)
		}
	}
	mode := func(what string, asked, allowed BodyMode, limit, most int64) {
		switch {
		case asked.rank() > allowed.rank():
			more = append(more, what+` "`+string(asked)+`"`)
		case asked == BodyFull && limit > most:
			more = append(more, what+"_limit "+Size(limit).String())
		}
	}
	names("request.headers", n.Request.Headers, other.Request.Headers, isPlain)
	flag("request.query", n.Request.Query, other.Request.Query)
	mode("request.body", n.Request.Body, other.Request.Body, n.Request.Limit(), other.Request.Limit())
	names("request.edit", n.Request.Edit, other.Request.Edit, IsFree)
	names("request.call", n.Request.Call, other.Request.Call, isAny)
	if n.Response != nil {
		allowed := ResponseNeeds{}
		flag("response", true, other.Response != nil)
		if other.Response != nil {
			allowed = *other.Response
		}
		names("response.headers", n.Response.Headers, allowed.Headers, isPlain)
		mode("response.body", n.Response.Body, allowed.Body, n.Response.Limit(), allowed.Limit())
		names("response.edit", n.Response.Edit, allowed.Edit, isAny)
	}
	flag("answer", n.Answer, other.Answer)
	flag("retry", n.Retry, other.Retry)
	flag("calls", n.Calls, other.Calls)
	names("credentials", n.Credentials, other.Credentials, isAny)
	return more
}

// common returns the names that both lists allow; "*" allows every name that is in all but those that begin with a colon.
func common(a, b []string, all func(string) bool) []string {
	var both []string
	for _, name := range a {
		if allows(b, name, all) && !slices.Contains(both, name) {
			both = append(both, name)
		}
	}
	for _, name := range b {
		if allows(a, name, all) && !slices.ContainsFunc(both, func(s string) bool { return strings.EqualFold(s, name) }) {
			both = append(both, name)
		}
	}
	return both
}

func allows(list []string, name string, all func(string) bool) bool {
	return slices.ContainsFunc(list, func(s string) bool {
		return strings.EqualFold(s, name) || s == "*" && !strings.HasPrefix(name, ":") && all(name)
	})
}

func isAny(string) bool { return true }

// isPlain reports whether a header holds no credential: one that does is not among "*", and must be named by both sides.
func isPlain(header string) bool {
	return header == "*" || !redact.New(redact.Rules{}).Hides(http.CanonicalHeaderKey(header))
}

// callers are headers by which a caller says who it is: they are not among "*", also where a request has none.
var callers = []string{"authorization", "proxy-authorization", "cookie"}

// IsFree reports whether a header is among those that "*" in Edit names, as far as its name tells.
func IsFree(header string) bool { return !slices.Contains(callers, strings.ToLower(header)) }

func lesser(a, b BodyMode) BodyMode {
	if a.rank() < b.rank() {
		return orNone(a)
	}
	return orNone(b)
}

func orNone(m BodyMode) BodyMode {
	if m == "" {
		return BodyNone
	}
	return m
}

// NameSet answers which headers a list of needs names. Build it once.
type NameSet struct {
	all   bool
	names map[string]struct{} // canonical
}

// NewNameSet makes the set of a list as Headers and Edit hold it.
func NewNameSet(list []string) NameSet {
	s := NameSet{names: make(map[string]struct{}, len(list))}
	for _, name := range list {
		if name == "*" {
			s.all = true
			continue
		}
		s.names[http.CanonicalHeaderKey(name)] = struct{}{}
	}
	return s
}

// Named reports whether the list names the header itself, in canonical form: "*" is not enough.
func (s NameSet) Named(name string) bool { _, ok := s.names[name]; return ok }

// All reports whether the list holds "*".
func (s NameSet) All() bool { return s.all }

// Len returns how many names the list holds beside "*".
func (s NameSet) Len() int { return len(s.names) }
