package scenario

import (
	"errors"
	"fmt"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"
)

// Validate refuses an answer that nobody could give.
func (a Answer) Validate() error {
	bodies := count(a.Body != nil, a.JSON != nil, a.BodySize != 0, a.Chunks != nil)
	status := a.status()
	errs := []error{
		refuse(a.Times != nil && *a.Times < 1, "times", "an answer that is given 0 times can be left out", ""),
		refuse(a.Times != nil && a.Always, "always", "times and always exclude each other", ""),
		refuse(a.Delay < 0, "delay", "time does not run backwards", ""),
		refuse(a.Pace < 0, "pace", "time does not run backwards", ""),
		refuse(a.Pace > 0 && a.Chunks == nil, "pace", "pace is the time between chunks, and there are none", `write chunks = ["…", "…"]`),
		refuse(status < 200 || status > 599, "status", fmt.Sprintf("%d is no status of an answer", status), "write 200 to 599"),
		refuse(bodies > 1, "", "body, json, body_size and chunks exclude each other", ""),
		refuse(bodies > 0 && (status == 204 || status == 304), "", fmt.Sprintf("a %d has no body", status), ""),
		refuse(a.BodySize < 0, "body_size", "a body has no fewer than 0 bytes", ""),
		oneOfWords("fault", a.Fault, faults),
		refuse(a.After != nil && a.Fault == "", "after", "after is where a fault comes, and there is none", `write fault = "reset"`),
		refuse(a.After != nil && *a.After < 0, "after", "after is a number of bytes", ""),
		refuse(a.After != nil && a.Fault == "garbage", "after", `a fault "garbage" takes the place of the whole answer`, ""),
		refuse(a.After != nil && bodies == 0, "after", "there is no body that could break off", `write body = "…" or body_size = "1KiB"`),
		refuse(a.Fault != "" && a.After == nil && (bodies > 0 || a.Status != 0), "fault", "the fault comes before this answer: nothing of it is sent",
			"after = 0 sends the status and headers first"),
	}
	if a.To != "" {
		if _, err := parseTo(a.To); err != nil {
			errs = append(errs, mistake("to", `write "GET /posts/*"`, "%v", err))
		}
	}
	return errors.Join(errs...)
}

var faults = []string{"reset", "close", "hang", "garbage"}

func (a Answer) status() int {
	if a.Status == 0 {
		return http.StatusOK
	}
	return a.Status
}

// Validate refuses words that mean nothing, and HTTP/2's faults without it.
func (u Upstream) Validate() error {
	errs := []error{oneOfWords("tls", u.TLS, []string{"expired", "self_signed", "wrong_host"})}
	for i, w := range u.Connect {
		at := "connect"
		if len(u.Connect) > 1 {
			at = fmt.Sprintf("connect[%d]", i)
		}
		errs = append(errs, oneOfWords(at, w, connects),
			refuse(slices.Contains(http2Faults, w) && !u.HTTP2, at, w+" is a fault of HTTP/2", "add http2 = true"))
	}
	return errors.Join(append(errs, checkAnswers(u.Answers))...)
}

var (
	http2Faults = []string{"refused_stream", "goaway", "stream_error"}
	connects    = append([]string{"ok", "refused", "unreachable", "no_such_host", "dns_down", "hang", "reset"}, http2Faults...)
)

// Validate refuses a lifetime that is none.
func (t Tokens) Validate() error {
	return errors.Join(
		refuse(t.Lifetime != nil && *t.Lifetime < 0, "lifetime", "a lifetime is not negative", ""),
		refuse(t.Delay < 0, "delay", "time does not run backwards", ""), checkAnswers(t.Answers))
}

// checkAnswers finds answers behind one that takes every request.
func checkAnswers(answers []Answer) error {
	for i, a := range answers {
		if a.Always && a.To == "" && i < len(answers)-1 {
			return mistake(fmt.Sprintf("answers[%d]", i+1), "put it first, or say with `to` which requests each is for",
				"the answer before it takes every request: this one is never given")
		}
	}
	return nil
}

// Validate refuses a request that can't be sent.
func (c Call) Validate() error {
	method, ref, ok := strings.Cut(c.Request, " ")
	errs := []error{
		refuse(c.Request == "", "request", "request is missing", `write request = "GET /posts"`),
		refuse(c.Request != "" && (!ok || method != strings.ToUpper(method) || ref == ""), "request",
			fmt.Sprintf("%q is no method and target", c.Request), `write "GET /posts"`),
		refuse(count(c.Body != nil, c.JSON != nil, c.BodySize != 0) > 1, "", "body, json and body_size exclude each other", ""),
		oneOfWords("body_from", c.BodyFrom, []string{"bytes", "reader", "pipe"}),
		refuse(c.BodyFrom != "" && count(c.Body != nil, c.JSON != nil, c.BodySize != 0) == 0, "body_from", "there is no body", ""),
		refuse(c.At < 0, "at", "time does not run backwards", ""),
		refuse(c.Count != nil && *c.Count < 1, "count", "count must be at least 1", ""),
		refuse(c.Every != 0 && (c.Count == nil || *c.Count < 2), "every", "every is the time between several callers", "add count = 10"),
		refuse(c.Read != nil && *c.Read < 0, "read", "read is a number of bytes", ""),
		refuse(c.Timeout != nil && *c.Timeout <= 0, "timeout", "timeout must be more than 0", ""),
	}
	for name, d := range map[string]*time.Duration{"cancel_after": c.CancelAfter, "deadline": c.Deadline} {
		errs = append(errs, refuse(d != nil && *d < 0, name, "time does not run backwards", ""))
	}
	return errors.Join(errs...)
}

// Validate refuses what can't be true together.
func (e CallExpect) Validate() error {
	failed, answered := e.Error != nil && *e.Error, e.Error != nil && !*e.Error
	errs := []error{
		refuse(e.Status != nil && (*e.Status < 200 || *e.Status > 599), "status", "no answer has this status", "write 200 to 599"),
		refuse(failed && e.Kind != nil && *e.Kind == "", "kind", "an error has a kind", ""),
		refuse(e.ReadError != nil && failed, "read_error", "there is no body to read where an error is returned", ""),
		refuse(answered && e.Stage != nil, "stage", "stage is where an error came from, and there is to be none", ""),
		refuse(answered && e.Class != nil, "class", "class is that of an error, and there is to be none", ""),
		refuse(answered && e.ErrorBody != nil, "error_body", "an answer is no error", "write body"),
		refuse(answered && e.RetryAfter != nil, "retry_after", "retry_after is that of an error, and there is to be none", ""),
	}
	for key, there := range map[string]bool{"header": e.Header != nil, "body": e.Body != nil, "json": e.JSON != nil, "ended": e.Ended != nil} {
		errs = append(errs, refuse(failed && there, key, key+" is the answer's, and an error is returned in its place", ""))
	}
	return errors.Join(errs...)
}

// Validate refuses an event of which nothing can be seen.
func (e EventExpect) Validate() error {
	return refuse(e.Stage == nil && e.Event == nil && e.Status == nil && e.Reason == nil && e.Text == nil && e.At == nil, "", "every event is like this",
		"say its stage, event, reason, status, text or at")
}

// Validate refuses a record that every record is like.
func (e LogExpect) Validate() error {
	return refuse(e.Level == nil && e.Message == nil && len(e.Attrs) == 0 && e.Count == nil, "", "every record is like this", "say its level, message, attrs or count")
}

// Validate refuses a span that every span is like.
func (e SpanExpect) Validate() error {
	return errors.Join(
		refuse(e.Name == nil && e.Kind == nil && e.Parent == nil && e.Status == nil && len(e.Attributes) == 0 && e.Events == nil && e.Count == nil, "",
			"every span is like this", "say its name, kind, parent, status, attributes, events or count"),
		choice("kind", e.Kind, []string{"internal", "client"}), choice("status", e.Status, []string{"unset", "error", "ok"}))
}

// Validate refuses a state that is none.
func (e SessionExpect) Validate() error {
	return errors.Join(refuse(e.State == nil && e.Generation == nil, "", "nothing is expected", "write state or generation"),
		choice("state", e.State, []string{"empty", "fresh", "advisory", "expired", "cooldown", "dead", "closed"}))
}

// Validate refuses an event that does nothing, or several things.
func (e Event) Validate() error {
	n := count(e.Expire != "", e.Revoke != "", e.Down != "", e.Up != "", e.Secrets != nil, e.Write != nil, e.Logout != "", e.Login != "", e.SetToken != "", e.Close)
	return errors.Join(refuse(e.At < 0, "at", "time does not run backwards", ""), refuse(n != 1, "", fmt.Sprintf("an event does one thing, this one does %d", n),
		"write one of expire, revoke, down, up, secrets, write, logout, login, set_token, close"),
		refuse(e.Fields != nil && e.Login == "", "fields", "fields are those of a login", `write login = "NAME"`),
		refuse((e.Token == "") != (e.SetToken == ""), "", "set_token and token belong together", ""),
		refuse(e.Fails && e.Login+e.Logout+e.SetToken == "", "fails", "what can fail is a login, a logout or set_token", ""))
}

func count(there ...bool) (n int) {
	for _, t := range there {
		if t {
			n++
		}
	}
	return n
}

func refuse(wrong bool, at, message, hint string) error {
	if !wrong {
		return nil
	}
	return mistake(at, hint, "%s", message)
}

func choice(at string, word *string, known []string) error {
	if word == nil {
		return nil
	}
	return oneOfWords(at, *word, known)
}

func oneOfWords(at, word string, known []string) error {
	if word == "" || slices.Contains(known, word) {
		return nil
	}
	return mistake(at, "known: "+strings.Join(known, ", "), "unknown word %q", word)
}

// target is which requests an answer is for.
type target struct{ method, path string }

func parseTo(s string) (target, error) {
	method, pattern, ok := strings.Cut(s, " ")
	switch {
	case !ok && strings.HasPrefix(s, "/"):
		method, pattern = "", s
	case !strings.HasPrefix(pattern, "/") && ok, method != strings.ToUpper(method):
		return target{}, fmt.Errorf("%q is no method and path", s)
	}
	if _, err := path.Match(pattern, "/"); err != nil {
		return target{}, fmt.Errorf("%q is no pattern", pattern)
	}
	return target{method, pattern}, nil
}

func (t target) takes(r *http.Request) bool {
	if t.method != "" && t.method != r.Method {
		return false
	}
	ok, _ := path.Match(t.path, r.URL.Path)
	return ok || t.path == ""
}
