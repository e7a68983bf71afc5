package cond

import "time"

// Request is what an expression sees of the request as it stands at the stage that asks, under the name request.
// The zero value is a request without anything.
type Request struct {
	Method string `expr:"method"` // upper case as sent: "GET"
	URL    string `expr:"url"`    // scheme, host and path; never userinfo, query or fragment
	Scheme string `expr:"scheme"` // "https"
	Host   string `expr:"host"`   // with the port if the URL names one
	Path   string `expr:"path"`   // decoded; "/" at least for an http URL
	// ContentLength is in bytes; 0 is no body, -1 is a body of unknown length.
	ContentLength int64 `expr:"content_length"`
	// Header gives a header's value, "" if there is none, several joined by ", ". Nil reads as "" always.
	// It must not give credentials; see [RequestOf].
	Header func(name string) string `expr:"header"`
	// Query gives the first value of a query parameter, "" if there is none. Nil reads as "" always.
	// It must not give credentials; see [RequestOf].
	Query func(name string) string `expr:"query"`
}

// Call is what an expression sees of the call that the request belongs to, under the name call.
type Call struct {
	Pipeline   string        `expr:"pipeline"`
	Subject    string        `expr:"subject"`    // "" if the caller named none
	Operation  string        `expr:"operation"`  // "" if the caller named none
	Attempt    int           `expr:"attempt"`    // from 1; 0 before the first
	Sends      int           `expr:"sends"`      // physical requests so far
	Elapsed    time.Duration `expr:"elapsed"`    // since the call began
	Idempotent bool          `expr:"idempotent"` // by method, key or option
	// Label gives the value of a label that the caller set, "" if there is none. Nil reads as "" always.
	Label func(key string) string `expr:"label"`
}

// Response is what an expression sees of the response, under the name response. It is zero when there was none.
type Response struct {
	Status        int    `expr:"status"`         // 0 when there was no response
	ContentType   string `expr:"content_type"`   // media type in lower case, without parameters
	ContentLength int64  `expr:"content_length"` // in bytes; -1 is unknown
	// Header gives a header's value, "" if there is none, several joined by ", ". Nil reads as "" always.
	// It must not give credentials; see [ResponseOf].
	Header func(name string) string `expr:"header"`
}

// Failure is what an expression sees of the error, under the name error. All is "" when there was none.
type Failure struct {
	Kind    string `expr:"kind"`    // "timeout", "network", "not_found" …
	Class   string `expr:"class"`   // "not_sent", "refused", "unknown", "processed", "terminal"
	Message string `expr:"message"` // without secrets: whoever fills it in answers for that
	Stage   string `expr:"stage"`   // the stage that failed
}

// RequestEnv is what conditions see before anything was sent: when, a subject, a header's value.
type RequestEnv struct {
	Request Request `expr:"request"`
	Call    Call    `expr:"call"`
}

// OutcomeEnv is what conditions over outcomes see: refresh.on, retry.rules[].match, error-map.rules[].match.
type OutcomeEnv struct {
	Request  Request  `expr:"request"`
	Call     Call     `expr:"call"`
	Response Response `expr:"response"`
	Error    Failure  `expr:"error"`
}

// BodyEnv is what conditions over a body that was read see: validate.rules.
type BodyEnv struct {
	Request  Request  `expr:"request"`
	Call     Call     `expr:"call"`
	Response Response `expr:"response"`
	Error    Failure  `expr:"error"`
	// Body is the decoded JSON, or nil: map[string]any, []any, string, float64, bool. Numbers must be float64 or int,
	// since a json.Number equals no number. It is only read.
	Body any `expr:"body"`
}

// Env is one of the three things that an expression can see.
type Env interface {
	RequestEnv | OutcomeEnv | BodyEnv

	// boxed gives the environment to the virtual machine, with its nil functions replaced.
	boxed() any
}

func (e RequestEnv) boxed() any {
	e.Request.fill()
	e.Call.fill()
	return e
}

func (e OutcomeEnv) boxed() any {
	e.Request.fill()
	e.Call.fill()
	e.Response.fill()
	return e
}

func (e BodyEnv) boxed() any {
	e.Request.fill()
	e.Call.fill()
	e.Response.fill()
	return e
}

func (r *Request) fill() {
	if r.Header == nil {
		r.Header = absent
	}
	if r.Query == nil {
		r.Query = absent
	}
}

func (c *Call) fill() {
	if c.Label == nil {
		c.Label = absent
	}
}

func (r *Response) fill() {
	if r.Header == nil {
		r.Header = absent
	}
}

func absent(string) string { return "" }
