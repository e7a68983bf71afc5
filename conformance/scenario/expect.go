package scenario

import "github.com/leatdev/leat/pipeline"

// CallExpect is what must come of a call. A key that is not there expects nothing.
type CallExpect struct {
	// Status is the answer's.
	Status *int `toml:"status"`
	// Header holds headers of the answer.
	Header map[string]Text `toml:"header"`
	// Body is what the caller read.
	Body *Text `toml:"body"`
	// BodySize is how many bytes the caller read.
	BodySize *pipeline.Size `toml:"body_size"`
	// JSON are members that the answer must have; in objects further ones may stand beside them.
	JSON any `toml:"json"`
	// Error says whether an error was returned in place of a response.
	Error *bool `toml:"error"`
	// Kind is the outcome's, of a response or an error; "" is success.
	Kind *Kind `toml:"kind"`
	// Class is that of an error.
	Class *pipeline.Class `toml:"class"`
	// Reason is the word for why nothing more was tried; "" if nothing stopped.
	Reason *string `toml:"reason"`
	// Stage is where an error came from.
	Stage *Text `toml:"stage"`
	// Message is what the error, or error-map, says for people.
	Message *Text `toml:"message"`
	// ErrorText is the whole text of an error: pipeline, stage, kind, message, attempts and reason.
	ErrorText *Text `toml:"error_text"`
	// ProblemType is the `type` of problem details.
	ProblemType *Text `toml:"problem_type"`
	// Violations are what validate found: each of these among them.
	Violations []Text `toml:"violations"`
	// ErrorStatus is the status that an error holds, 0 if there was no answer.
	ErrorStatus *int `toml:"error_status"`
	// ErrorHeader holds headers that an error has of the answer.
	ErrorHeader map[string]Text `toml:"error_header"`
	// ErrorBody is the body that an error holds.
	ErrorBody *Text `toml:"error_body"`
	// Truncated says whether the body that an error holds is only the beginning.
	Truncated *bool `toml:"truncated"`
	// ReadError is the kind of the error that ended the reading of the body; "" is none.
	ReadError *Kind `toml:"read_error"`
	// Sends is how many requests were sent, those of earlier redirect hops included.
	Sends *Count `toml:"sends"`
	// Attempts is how many attempts the last hop made.
	Attempts *Count `toml:"attempts"`
	// Elapsed is the time until the response or error was there.
	Elapsed *Time `toml:"elapsed"`
	// Ended is the time until the body was read.
	Ended *Time `toml:"ended"`
	// RetryAfter is how long an error says to wait.
	RetryAfter *Time `toml:"retry_after"`
	// Attached is the generation of the token that the last send carried, 0 for none.
	Attached *Count `toml:"attached"`
	// NotAttached is the reason why the last send carried none.
	NotAttached *string `toml:"not_attached"`
	// Record are events of the call's record.
	Record []EventExpect `toml:"record"`
}

// EventExpect is an event in the record of a call: at least one, or as many as count says.
type EventExpect struct {
	// Stage is the stage's name in the file, or "send".
	Stage *Text `toml:"stage"`
	// Event is the event's name: sent, retry, replay, skipped and the like.
	Event *Text `toml:"event"`
	// Status is that of the answer which the event is about.
	Status *int `toml:"status"`
	// Reason is why, in a word.
	Reason *Text `toml:"reason"`
	// Text is what it says for people.
	Text *Text `toml:"text"`
	// At is when it happened, from the beginning of the call.
	At *Time `toml:"at"`
	// Count is how many events are like this. Default: at least one.
	Count *Count `toml:"count"`
}

// Expect is what must be true when the test has ended.
type Expect struct {
	// Sends is how many requests reached the pipeline's own origin, token requests aside.
	Sends *Count `toml:"sends"`
	// Sent are the requests that reached it, all of them, in their order.
	Sent []SentExpect `toml:"sent"`
	// Connections is how many connections to it were tried.
	Connections *Count `toml:"connections"`
	// Tokens is how many token requests each credential made.
	Tokens map[string]Count `toml:"tokens"`
	// TokenRequests are the token requests of a credential, all of them, in their order.
	TokenRequests map[string][]SentExpect `toml:"token_requests"`
	// Sessions is how the session of a credential is; one per subject is written "NAME/SUBJECT".
	Sessions map[string]SessionExpect `toml:"sessions"`
	// Mistakes are what must be wrong with the pipelines as `set` makes them: each of these is in the message of one of the mistakes that
	// `leat check` finds. Such a test calls nothing.
	Mistakes []Text `toml:"mistakes"`
	// Elapsed is the time until the last call and event were over.
	Elapsed *Time `toml:"elapsed"`
	// Logs are records of the log.
	Logs []LogExpect `toml:"logs"`
	// Spans are spans that ended.
	Spans []SpanExpect `toml:"spans"`
}

// UpstreamExpect is what an origin must have seen.
type UpstreamExpect struct {
	// Sends is how many requests reached it, token requests aside.
	Sends *Count `toml:"sends"`
	// Sent are the requests that reached it, all of them, in their order.
	Sent []SentExpect `toml:"sent"`
	// Connections is how many connections were tried.
	Connections *Count `toml:"connections"`
}

// SentExpect is a request as it arrived.
type SentExpect struct {
	// To is its method and its path with the query: "GET /posts?page=2".
	To *Text `toml:"to"`
	// Header holds headers; { absent = true } for one that must not be there.
	Header map[string]Text `toml:"header"`
	// Body is its body.
	Body *Text `toml:"body"`
	// BodySize is how many bytes its body had.
	BodySize *pipeline.Size `toml:"body_size"`
	// JSON are members that its body must have.
	JSON any `toml:"json"`
	// At is when it arrived, from the beginning of the test.
	At *Time `toml:"at"`
	// Gap is the time since the request before it.
	Gap *Time `toml:"gap"`
	// Same are headers that must be there with the values that they had in the request before it.
	Same []string `toml:"same"`
	// Changed are headers that must be there, and in the request before it, with other values.
	Changed []string `toml:"changed"`
	// Status is what it was answered; 0 if it was not.
	Status *int `toml:"status"`
}

// SessionExpect is how a session must be.
type SessionExpect struct {
	// State is empty, fresh, advisory, expired, cooldown, dead or closed.
	State *string `toml:"state"`
	// Generation counts its tokens and logouts.
	Generation *Count `toml:"generation"`
}

// LogExpect is a record of the log: at least one, or as many as count says.
type LogExpect struct {
	// Level is debug, info, warn or error.
	Level *Text `toml:"level"`
	// Message is its message.
	Message *Text `toml:"message"`
	// Attrs are its attributes as text, the names of groups before theirs with a dot between.
	Attrs map[string]Text `toml:"attrs"`
	// Count is how many records are like this. Default: at least one.
	Count *Count `toml:"count"`
}

// SpanExpect is a span: at least one, or as many as count says.
type SpanExpect struct {
	// Name is its name.
	Name *Text `toml:"name"`
	// Kind is "internal" or "client".
	Kind *string `toml:"kind"`
	// Parent is the name of the span around it.
	Parent *Text `toml:"parent"`
	// Status is "unset", "error" or "ok".
	Status *string `toml:"status"`
	// Attributes are its attributes as text.
	Attributes map[string]Text `toml:"attributes"`
	// Events are events that it has: "retry", or { name = "retry", attributes = { "leat.attempt" = "1" } }.
	Events []SpanEvent `toml:"events"`
	// Count is how many spans are like this. Default: at least one.
	Count *Count `toml:"count"`
}
