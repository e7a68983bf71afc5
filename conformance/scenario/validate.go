package scenario

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/leatdev/leat/pipeline"
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
		refuse(status == 204 && a.Trailer != nil || status == 304 && a.Trailer != nil, "trailer", fmt.Sprintf("a %d has no body that a trailer could follow", status), ""),
		refuse(a.BodySize > maxBody, "body_size", "a body of that size would fill the memory", "write at most "+maxBody.String()),
		validJSON("json", a.JSON), headers("header", a.Header), headers("trailer", a.Trailer),
		oneOfWords("fault", a.Fault, faults),
		refuse(a.After != nil && a.Fault == "", "after", "after is where a fault comes, and there is none", `write fault = "reset"`),
		refuse(a.After != nil && *a.After < 0, "after", "after is a number of bytes", ""),
		refuse(a.After != nil && a.Fault == "garbage", "after", `a fault "garbage" takes the place of the whole answer`, ""),
		refuse(a.After != nil && bodies == 0, "after", "there is no body that could break off", `write body = "…" or body_size = "1KiB"`),
		refuse(bodies > 0 && a.After != nil && *a.After > a.size(), "after", "the body has only "+plural(a.size(), "byte"), ""),
		refuse(a.Fault != "" && a.After == nil && (bodies > 0 || a.Status != 0 || a.Header != nil || a.Trailer != nil), "fault",
			"the fault comes before this answer: nothing of it is sent", "after = 0 sends the status and headers first"),
	}
	if a.To != "" {
		if _, err := parseTo(a.To); err != nil {
			errs = append(errs, mistake("to", `write "GET /posts/*"`, "%v", err))
		}
	}
	return errors.Join(errs...)
}

var faults = []string{"reset", "close", "hang", "garbage"}

// maxBody bounds the bodies that a test makes.
const maxBody = pipeline.Size(64 << 20)

// size is how many bytes its body has.
func (a Answer) size() (n int) {
	if a.BodySize > 0 {
		return int(a.BodySize)
	}
	for _, piece := range a.content(http.Header{}) {
		n += len(piece)
	}
	return n
}

func (a Answer) status() int {
	if a.Status == 0 {
		return http.StatusOK
	}
	return a.Status
}

// Validate refuses words that mean nothing, and HTTP/2's faults without it.
func (u Upstream) Validate() error {
	errs := []error{oneOfWords("tls", u.TLS, []string{"expired", "self_signed", "wrong_host"})}
	for i, w := range u.Connect.list {
		at := "connect"
		if !u.Connect.each {
			at += index(i)
		}
		errs = append(errs, choice(at, &w, connects),
			refuse(slices.Contains(http2Faults, w) && !u.HTTP2, at, w+" is a fault of HTTP/2", "add http2 = true"))
	}
	if u.HTTP2 {
		errs = append(errs, noGarbage(u.Answers))
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
		refuse(t.Lifetime != nil && *t.Lifetime == 0 && t.Unsaid, "unsaid", "there is no lifetime that could be left unsaid", "remove one of the two"),
		refuse(t.Refresh != nil && !*t.Refresh && t.Rotate != nil, "rotate", "there is no refresh token that could be rotated", ""),
		refuse(t.Delay < 0, "delay", "time does not run backwards", ""), checkAnswers(t.Answers))
}

// checkAnswers finds answers behind one that takes all their requests.
func checkAnswers(answers []Answer) error {
	var always []target
	for i, a := range answers {
		to, err := parseTo(a.To)
		if err != nil {
			continue
		}
		if slices.ContainsFunc(always, func(before target) bool { return before.includes(to) }) {
			return mistake("answers"+index(i), "put it first, or say with `to` which requests each is for",
				"an answer before it takes all of its requests: this one is never given")
		}
		if a.Always {
			always = append(always, to)
		}
	}
	return nil
}

// noGarbage refuses a fault that HTTP/2 has no words for.
func noGarbage(answers []Answer) error {
	i := slices.IndexFunc(answers, func(a Answer) bool { return a.Fault == "garbage" })
	return refuse(i >= 0, "answers"+index(i)+".fault", "garbage is a fault of HTTP/1", `connect = "stream_error" is one of HTTP/2`)
}

const maxCallers = 10000

// Validate refuses a request that can't be sent.
func (c Call) Validate() error {
	method, ref, ok := strings.Cut(c.Request, " ")
	errs := []error{
		refuse(c.Request == "", "request", "request is missing", `write request = "GET /posts"`),
		refuse(c.Request != "" && (!ok || method != strings.ToUpper(method) || !isToken(method) || ref == "" || !isURL(ref)), "request",
			fmt.Sprintf("%q is no method and target", c.Request), `write "GET /posts"`),
		validJSON("json", c.JSON), headers("header", c.Header),
		refuse(c.BodySize > maxBody, "body_size", "a body of that size would fill the memory", "write at most "+maxBody.String()),
		refuse(count(c.Body != nil, c.JSON != nil, c.BodySize != 0, c.Chunks != nil) > 1, "", "body, json, body_size and chunks exclude each other", ""),
		refuse(c.Pace < 0, "pace", "time does not run backwards", ""),
		refuse(c.Pace > 0 && c.Chunks == nil, "pace", "pace is the time for each chunk, and there are none", `write chunks = ["…", "…"]`),
		oneOfWords("body_from", c.BodyFrom, []string{"bytes", "reader", "pipe"}),
		refuse(c.BodyFrom != "" && count(c.Body != nil, c.JSON != nil, c.BodySize != 0, c.Chunks != nil) == 0, "body_from", "there is no body", ""),
		refuse(c.At < 0, "at", "time does not run backwards", ""),
		refuse(c.Count != nil && (*c.Count < 1 || *c.Count > maxCallers), "count", fmt.Sprintf("count must be 1 to %d", maxCallers), ""),
		refuse(c.Every < 0, "every", "time does not run backwards", ""),
		refuse(c.Labels[labelKey] != "", "labels", labelKey+" is the runner's own", ""),
		refuse(c.Every != 0 && (c.Count == nil || *c.Count < 2), "every", "every is the time between several callers", "add count = 10"),
		refuse(c.Pause < 0, "pause", "time does not run backwards", ""),
		refuse(c.Read != nil && *c.Read < 0, "read", "read is a number of bytes", ""),
		refuse(c.Timeout != nil && *c.Timeout <= 0, "timeout", "timeout must be more than 0", ""),
	}
	for name, d := range map[string]*time.Duration{"cancel_after": c.CancelAfter, "deadline": c.Deadline} {
		errs = append(errs, refuse(d != nil && *d < 0, name, "time does not run backwards", ""))
	}
	return errors.Join(errs...)
}

// Validate refuses an event that does nothing, or several things.
func (e Event) Validate() error {
	n := count(e.Expire != "", e.Revoke != "", e.Down != "", e.Up != "", len(e.Secrets) > 0, len(e.Write) > 0, e.Logout != "", e.Login != "", e.SetToken != "", e.Close)
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
	if *word == "" {
		return mistake(at, "known: "+strings.Join(known, ", "), "a word is missing")
	}
	return oneOfWords(at, *word, known)
}

func oneOfWords(at, word string, known []string) error {
	if word == "" || slices.Contains(known, word) {
		return nil
	}
	return mistake(at, "known: "+strings.Join(known, ", "), "unknown word %q", word)
}
