package scenario

import (
	"errors"
	"slices"
	"strconv"
	"strings"
)

// Validate refuses what can't be true together.
func (e CallExpect) Validate() error {
	failed, answered := e.Error != nil && *e.Error, e.Error != nil && !*e.Error || e.Kind != nil && *e.Kind == ""
	ofAnswer := []string{}
	for key, there := range map[string]bool{
		"status": e.Status != nil, "header": e.Header != nil, "body": e.Body != nil, "body_size": e.BodySize != nil, "json": e.JSON != nil,
		"read_error": e.ReadError != nil, "ended": e.Ended != nil,
	} {
		if there {
			ofAnswer = append(ofAnswer, key)
		}
	}
	ofError := []string{}
	for key, there := range map[string]bool{
		"class": e.Class != nil, "stage": e.Stage != nil, "violations": e.Violations != nil, "error_status": e.ErrorStatus != nil,
		"error_header": e.ErrorHeader != nil, "error_body": e.ErrorBody != nil, "error_text": e.ErrorText != nil, "truncated": e.Truncated != nil,
		"retry_after": e.RetryAfter != nil,
	} {
		if there {
			ofError = append(ofError, key)
		}
	}
	errs := []error{
		validJSON("json", e.JSON), headers("header", e.Header), headers("error_header", e.ErrorHeader),
		empty("header", e.Header != nil && len(e.Header) == 0), empty("error_header", e.ErrorHeader != nil && len(e.ErrorHeader) == 0), empty("violations", e.Violations != nil && len(e.Violations) == 0),
		empty("record", e.Record != nil && len(e.Record) == 0),
		refuse(!failed && !answered && len(ofAnswer) > 0 && len(ofError) > 0, "", strings.Join(sorted(ofAnswer), ", ")+" can be true of an answer alone, and "+
			strings.Join(sorted(ofError), ", ")+" of an error alone", "there is one or the other: error = true or error = false says which"),
		refuse(e.Attached != nil && e.Attached.min > 0 && e.NotAttached != nil && *e.NotAttached != "", "not_attached", "a token was attached, or none was", ""),
		refuse(e.Elapsed != nil && e.Ended != nil && e.Ended.max < e.Elapsed.min, "ended", "the body is not read before the answer is there", ""),
		refuse(e.Status != nil && (*e.Status < 200 || *e.Status > 599), "status", "no answer has this status", "write 200 to 599"),
		refuse(failed && e.Kind != nil && *e.Kind == "", "kind", "an error has a kind", ""),
	}
	for _, key := range ofAnswer {
		errs = append(errs, refuse(failed, key, key+" is an answer's, and an error is to be returned in its place", counterpart(key, "", "error_")))
	}
	for _, key := range ofError {
		errs = append(errs, refuse(answered, key, key+" is an error's, and there is to be none", counterpart(key, "error_", "")))
	}
	return errors.Join(errs...)
}

// counterpart says what the same is called of an error, or of an answer.
func counterpart(key, from, to string) string {
	base, ok := strings.CutPrefix(key, from)
	if ok && (base == "status" || base == "header" || base == "body") {
		return "write " + to + base
	}
	return ""
}

func sorted(list []string) []string {
	slices.Sort(list)
	return list
}

// Validate refuses numbers that contradict each other, and lists that expect nothing.
func (e Expect) Validate() error {
	errs := []error{
		checkSent("sent", e.Sends, e.Sent),
		empty("tokens", e.Tokens != nil && len(e.Tokens) == 0), empty("token_requests", e.TokenRequests != nil && len(e.TokenRequests) == 0),
		empty("sessions", e.Sessions != nil && len(e.Sessions) == 0),
		empty("mistakes", e.Mistakes != nil && len(e.Mistakes) == 0),
		empty("logs", e.Logs != nil && len(e.Logs) == 0), empty("spans", e.Spans != nil && len(e.Spans) == 0),
	}
	for _, name := range keys(e.TokenRequests) {
		at, n := "token_requests."+strconv.Quote(name), (*Count)(nil)
		if c, ok := e.Tokens[name]; ok {
			n = &c
		}
		errs = append(errs, checkSent(at, n, e.TokenRequests[name]))
	}
	return errors.Join(errs...)
}

// Validate refuses numbers that contradict each other.
func (e UpstreamExpect) Validate() error { return checkSent("sent", e.Sends, e.Sent) }

func checkSent(at string, n *Count, sent []SentExpect) error {
	if sent == nil {
		return nil
	}
	want, fits := "", true
	if n != nil {
		want, fits = n.check(len(sent))
	}
	errs := []error{
		refuse(!fits, at, "here stands "+plural(len(sent), "request")+", and their number is to be "+want, ""),
		refuse(len(sent) > 0 && sent[0].Gap != nil, at+"[0].gap", "there is no request before the first", "write at"),
	}
	if len(sent) > 0 {
		const hint = "write it in a request after this one"
		errs = append(errs, refuse(sent[0].Same != nil, at+"[0].same", "there is no request before the first", hint),
			refuse(sent[0].Changed != nil, at+"[0].changed", "there is no request before the first", hint))
	}
	return errors.Join(errs...)
}

// Validate refuses what no request has.
func (e SentExpect) Validate() error {
	return errors.Join(validJSON("json", e.JSON), headers("header", e.Header), empty("header", e.Header != nil && len(e.Header) == 0),
		headerNames("same", e.Same), headerNames("changed", e.Changed),
		refuse(e.Status != nil && *e.Status != 0 && (*e.Status < 200 || *e.Status > 599), "status", "no answer has this status", "write 200 to 599, or 0 for none"))
}

// Validate refuses an event of which nothing can be seen.
func (w EventExpect) Validate() error {
	return refuse(w.Stage == nil && w.Event == nil && w.Status == nil && w.Reason == nil && w.Text == nil && w.At == nil, "", "every event is like this",
		"say its stage, event, reason, status, text or at")
}

// Validate refuses a record that every record is like.
func (w LogExpect) Validate() error {
	return refuse(w.Level == nil && w.Message == nil && len(w.Attrs) == 0 && w.Count == nil, "", "every record is like this", "say its level, message, attrs or count")
}

// Validate refuses a span that every span is like.
func (w SpanExpect) Validate() error {
	return errors.Join(
		refuse(w.Name == nil && w.Kind == nil && w.Parent == nil && w.Status == nil && len(w.Attributes) == 0 && w.Events == nil && w.Count == nil, "",
			"every span is like this", "say its name, kind, parent, status, attributes, events or count"),
		choice("kind", w.Kind, []string{"internal", "client"}), choice("status", w.Status, []string{"unset", "error", "ok"}))
}

// Validate refuses a state that is none.
func (e SessionExpect) Validate() error {
	return errors.Join(refuse(e.State == nil && e.Generation == nil, "", "nothing is expected", "write state or generation"),
		choice("state", e.State, []string{"empty", "fresh", "advisory", "expired", "cooldown", "dead", "closed"}))
}
