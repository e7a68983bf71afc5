package scenario

import (
	"time"

	"github.com/leatdev/leat/pipeline"
)

// ownKeys are the top-level keys of a test file beside those of a pipelines file.
var ownKeys = []string{"file", "rules", "test"}

// Document is what a test file holds beside pipelines.
type Document struct {
	// File is the pipelines file that is tested, relative to the test file. Without it the tables stand in the test file itself.
	File string `toml:"file"`
	// Rules are the ids of the rules that the file's tests prove. Default none.
	Rules []string `toml:"rules"`
	// Tests are the tests, each in a world of its own.
	Tests []Test `toml:"test"`
}

// Test is one [[test]]: an upstream that plays its part, calls, and what is expected of them.
type Test struct {
	// Name says what is claimed, in words. Required.
	Name string `toml:"name"`
	// Skip is the reason why the test is not run. Default: it is.
	Skip string `toml:"skip"`
	// Pipeline is what calls go through that name none. Default: the file's only one.
	Pipeline string `toml:"pipeline"`
	// Set lays values over the file's, as --set does: ["stages.retry.max_attempts=2"]. Default none.
	Set []string `toml:"set"`
	// Secrets are the values of secrets, by the name of their variable or [secrets.NAME]; of a program, which no test runs, what it prints. Default: "fake-" and the name.
	Secrets map[string]string `toml:"secrets"`
	// Files are the files that the pipelines name, and what is in them. Default: those on the disk, beside the pipelines file;
	// a secret's file is never read from there.
	Files map[string]string `toml:"files"`
	// Random is what every draw of jitter gives, from 0 to 1: 0.5 makes a full jitter half of its bound. A list gives one draw after
	// the other and begins anew at its end.
	Random Draws `toml:"random"`
	// Answers are what the pipeline's own origin answers, one request after the other. Default: 200 and {} to each.
	Answers []Answer `toml:"answers"`
	// Upstreams are other origins, and more about the pipeline's own.
	Upstreams []Upstream `toml:"upstream"`
	// Tokens says how the token endpoint of a credential behaves. Default: it gives out a new token, good for an hour.
	Tokens map[string]Tokens `toml:"tokens"`
	// Calls are the requests that are sent through the pipeline. Required.
	Calls []Call `toml:"call"`
	// Events are what else happens, and when.
	Events []Event `toml:"event"`
	// Expect is what must be true at the end.
	Expect Expect `toml:"expect"`
}

// Answer is what an upstream does with one request.
type Answer struct {
	// To is which requests it is for: "GET /posts/*", "/posts/*" or "GET"; a * stands for anything but a slash. The query
	// counts where a ? is written. Default: any.
	To string `toml:"to"`
	// Times is how many requests it answers, and all of them must come. Default 1.
	Times *int `toml:"times"`
	// Always has it answer every further request; there may be none.
	Always bool `toml:"always"`
	// Delay is how long the upstream takes. Default none.
	Delay time.Duration `toml:"delay"`
	// Status is the answer's status; 103 and other 1xx are not given. Default 200.
	Status int `toml:"status"`
	// Header holds the answer's headers. A list gives several of one name.
	Header map[string]Values `toml:"header"`
	// Body is the answer's body.
	Body *string `toml:"body"`
	// JSON is a body that is written as JSON, with its Content-Type.
	JSON any `toml:"json"`
	// BodySize makes a body of that many bytes.
	BodySize pipeline.Size `toml:"body_size"`
	// Chunks is a body that arrives in these pieces, without a Content-Length.
	Chunks []string `toml:"chunks"`
	// Pace is how long the upstream waits before each chunk; status and headers come with the first. Default none.
	Pace time.Duration `toml:"pace"`
	// Trailer holds the headers that follow the body.
	Trailer map[string]Values `toml:"trailer"`
	// Ignore leaves the request's body unread. Default: it is read before anything is answered.
	Ignore bool `toml:"ignore_body"`
	// Fault is what goes wrong: "reset" and "close" end the connection, "hang" falls silent, "garbage" answers what is no HTTP.
	Fault string `toml:"fault"`
	// After is how many bytes of the answer's body go out before the fault. Default: not even the status does.
	After *int `toml:"after"`
}

// Upstream is one origin, such as "https://api.example.com".
type Upstream struct {
	// Origin is its scheme, host and port. Default: that of the pipeline's base_url.
	Origin string `toml:"origin"`
	// Answers are what it answers, one request after the other. Default: 200 and {} to each.
	Answers []Answer `toml:"answers"`
	// Connect is what happens to new connections: one word for each of them, or a list for one after the other, the rest "ok"; all of a list
	// must be used. The words: "ok", "refused", "unreachable", "no_such_host", "dns_down", "hang", "reset"; and of HTTP/2 alone "refused_stream",
	// "goaway", "stream_error".
	Connect Words `toml:"connect"`
	// TLS is what is wrong with its certificate: "expired", "self_signed" or "wrong_host". Default nothing.
	TLS string `toml:"tls"`
	// HTTP2 has it speak HTTP/2. Default false.
	HTTP2 bool `toml:"http2"`
	// Expect is what it must have seen.
	Expect UpstreamExpect `toml:"expect"`
}

// Tokens is the behaviour of a token endpoint. The tokens of credential NAME are NAME-access-1, NAME-access-2 …, and refresh tokens
// NAME-refresh-1 …; an origin of the credential answers 401 to one that is over. Where the file names an issuer, its endpoint is /token below
// that, and its metadata say so, unless the test gives that origin answers of its own.
type Tokens struct {
	// Lifetime is how long an access token is good, and what the endpoint says of it; 0s: it is good for ever and nothing is said. Default 1h.
	Lifetime *time.Duration `toml:"lifetime"`
	// Unsaid has the endpoint keep the lifetime to itself.
	Unsaid bool `toml:"unsaid"`
	// Refresh tokens are given out. Default true where the credential can use them.
	Refresh *bool `toml:"refresh"`
	// Rotate gives a new refresh token with each refresh; using an old one ends them all. Default true.
	Rotate *bool `toml:"rotate"`
	// Delay is how long the endpoint takes. Default none.
	Delay time.Duration `toml:"delay"`
	// Answers come before the endpoint's own, one request after the other: {} is its own answer.
	Answers []Answer `toml:"answers"`
}

// Call is a request that somebody sends through a pipeline.
type Call struct {
	// Name is what reports call it. Default "call 1" and so on.
	Name string `toml:"name"`
	// Pipeline is what it goes through. Default: the test's.
	Pipeline string `toml:"pipeline"`
	// Request is its method and where it goes, relative to base_url or a whole URL: "GET /posts". Required.
	Request string `toml:"request"`
	// AsIs sends the request's URL as it is written, as a program does that makes its own: by default base_url is put before a path.
	AsIs bool `toml:"as_is"`
	// Header holds its headers. A list gives several of one name.
	Header map[string]Values `toml:"header"`
	// Body is its body.
	Body *string `toml:"body"`
	// JSON is a body that is written as JSON, with its Content-Type.
	JSON any `toml:"json"`
	// BodySize makes a body of that many bytes.
	BodySize pipeline.Size `toml:"body_size"`
	// Chunks is a body that the program has in these pieces.
	Chunks []string `toml:"chunks"`
	// Pace is how long the program takes for each chunk. Default none.
	Pace time.Duration `toml:"pace"`
	// BodyFrom is how the program gives the body: "bytes" can be had again (GetBody), "reader" has a known length, "pipe" has none.
	// Default "bytes".
	BodyFrom string `toml:"body_from"`
	// At is when it begins, from the beginning of the test. Calls do not wait for each other: those of one moment are under way together,
	// and take turns in the order of the file. Default: at once.
	At time.Duration `toml:"at"`
	// Count is how many callers do the same. Default 1.
	Count *int `toml:"count"`
	// Every is the time between the beginnings of two callers. Default none.
	Every time.Duration `toml:"every"`
	// CancelAfter is when the caller leaves, after the beginning. Default never.
	CancelAfter *time.Duration `toml:"cancel_after"`
	// Deadline is what the caller's context has, after the beginning. Default none.
	Deadline *time.Duration `toml:"deadline"`
	// Read is how much of the answer's body the caller reads before closing it: a number of bytes. Default: all.
	Read *int `toml:"read"`
	// Pause is how long the caller rests once it has read the first byte of the answer's body. Default not at all.
	Pause time.Duration `toml:"pause"`
	// FollowRedirects is what http.Client does by itself. Default true.
	FollowRedirects *bool `toml:"follow_redirects"`
	// StatusErrors makes errors of 4xx and 5xx answers (pipeline.StatusErrors). Default false.
	StatusErrors bool `toml:"status_errors"`
	// Subject is on whose behalf the call is made (pipeline.Subject).
	Subject string `toml:"subject"`
	// IdempotencyKey is sent as Idempotency-Key (pipeline.IdempotencyKey).
	IdempotencyKey string `toml:"idempotency_key"`
	// Idempotent says that sending twice does no harm (pipeline.Idempotent).
	Idempotent bool `toml:"idempotent"`
	// NoRetry keeps retry from sending again (pipeline.NoRetry).
	NoRetry bool `toml:"no_retry"`
	// SkipAuth keeps auth from attaching a credential (pipeline.SkipAuth).
	SkipAuth bool `toml:"skip_auth"`
	// Timeout bounds the call in place of the file's (pipeline.Timeout).
	Timeout *time.Duration `toml:"timeout"`
	// Operation names what the call does (pipeline.Operation).
	Operation string `toml:"operation"`
	// Labels are values for conditions (pipeline.Label).
	Labels map[string]string `toml:"labels"`
	// TraceParent is the caller's own span, "00-TRACE-SPAN-01" as W3C Trace Context writes it; "-00" at the end says that nobody records it.
	// Default none. The spans of a test have for ids the numbers in which they begin, from 0000000000000001.
	TraceParent TraceParent `toml:"trace_parent"`
	// Expect is what must come of it, for each of its callers.
	Expect CallExpect `toml:"expect"`
}

// Event is something that happens at a moment. It says exactly one of what.
type Event struct {
	// At is when, from the beginning of the test.
	At time.Duration `toml:"at"`
	// Expire names a credential whose access tokens are refused from now on.
	Expire string `toml:"expire"`
	// Revoke names a credential whose access and refresh tokens are refused from now on.
	Revoke string `toml:"revoke"`
	// Down names an origin that ends its connections and takes no more.
	Down string `toml:"down"`
	// Up names an origin that takes connections again.
	Up string `toml:"up"`
	// Secrets change.
	Secrets map[string]string `toml:"secrets"`
	// Write changes files.
	Write map[string]string `toml:"write"`
	// Logout names a credential, or "NAME/SUBJECT", that the program logs out.
	Logout string `toml:"logout"`
	// Login names a credential, or "NAME/SUBJECT", whose session the program logs in, with Fields.
	Login string `toml:"login"`
	// Fields are what a login sends, beside and in place of those of the file: user, password and the like.
	Fields map[string]string `toml:"fields"`
	// SetToken names a credential, or "NAME/SUBJECT", whose session the program gives Token.
	SetToken string `toml:"set_token"`
	// Token is the access token of SetToken.
	Token string `toml:"token"`
	// Fails says that the login, the logout or the setting of a token must fail. Default: that fails the test.
	Fails bool `toml:"fails"`
	// Close closes the runner.
	Close bool `toml:"close"`
}
