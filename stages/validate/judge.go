package validate

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/leatdev/leat/pipeline"
)

// maxErrorBody bounds the body that an error keeps.
const maxErrorBody = 64 << 10

// verdict is what the stage makes of an answer; without a kind it found nothing wrong.
type verdict struct {
	kind       pipeline.Kind
	class      pipeline.Class
	message    string
	violations []string
	body       []byte // what was read of it; fail copies the beginning
	truncated  bool   // body is less than all
	cause      error
}

// judge judges a body that is there as a whole.
func (s *Stage) judge(req *http.Request, resp *http.Response, contentType string, data []byte) verdict {
	if charset := wideCharset(contentType); charset != "" {
		return malformed("the body is declared as " + charset + "; JSON is UTF-8 (RFC 8259 §8.1)")
	}
	if len(data) == 0 {
		if !s.config.needsJSON() && s.config.JSON != Always {
			return verdict{}
		}
		return invalid(&violations{list: []string{"the body: empty"}})
	}
	scan := scanner{src: data}
	if !scan.scan(s.required) {
		message := scan.explain()
		if media := mediaType(contentType); media != "" && !isJSON(media) {
			message = "the answer is " + quoteMedia(media) + ", not JSON: " + message
		}
		return malformed(message)
	}
	found := scan.found
	if scan.again || s.schema != nil || len(s.config.Rules) > 0 {
		v, err := decode(data)
		if err != nil {
			return malformed(err.Error())
		}
		if scan.again {
			found = violations{}
			w := walker{found: &found}
			w.walk(s.required, v)
		}
		if s.schema != nil {
			s.schema.check(v, &found)
		}
		if err := s.checkRules(req, resp, v, &found); err != nil && found.empty() {
			return verdict{kind: pipeline.KindPolicy, class: pipeline.ClassTerminal, message: err.Error(), cause: err}
		}
	}
	if !found.empty() {
		return invalid(&found)
	}
	return verdict{}
}

func malformed(message string) verdict {
	return verdict{kind: pipeline.KindParse, class: pipeline.ClassProcessed, message: message}
}

func invalid(found *violations) verdict {
	return verdict{kind: pipeline.KindValidation, class: pipeline.ClassProcessed, message: found.summary(), violations: found.all()}
}

// decode decodes JSON that was found well-formed; numbers keep every digit.
func decode(data []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var v any
	err := dec.Decode(&v)
	return v, err
}

// checkRules asks every rule; the first that can't be asked ends it.
func (s *Stage) checkRules(req *http.Request, resp *http.Response, v any, found *violations) error {
	if len(s.config.Rules) == 0 {
		return nil
	}
	env := pipeline.BodyEnv(req, resp, numbers(v))
	for i, rule := range s.config.Rules {
		ok, err := rule.Expect.Eval(env)
		switch {
		case err != nil:
			return fmt.Errorf("rules[%d].expect: %w", i, err)
		case ok:
		case rule.Message != "":
			found.add(rule.Message)
		default:
			found.add("not so: " + rule.Expect.String())
		}
	}
	return nil
}

// numbers turns every json.Number in v, in place, into what conditions can count with: an int where it is a whole number that
// fits, else a float64.
func numbers(v any) any {
	switch v := v.(type) {
	case json.Number:
		if i, err := strconv.Atoi(v.String()); err == nil {
			return i
		}
		f, _ := strconv.ParseFloat(v.String(), 64) // out of range gives infinity, which compares as it should
		return f
	case map[string]any:
		for k, member := range v {
			v[k] = numbers(member)
		}
	case []any:
		for i, element := range v {
			v[i] = numbers(element)
		}
	}
	return v
}

// refuseType makes the error of an answer of a media type that is not on the list; it keeps the beginning of the body. A body that
// turns out to be empty has no type to refuse: then there is no error.
func (s *Stage) refuseType(req *http.Request, resp *http.Response, got string) error {
	if got == "" {
		got = "of no content type"
	} else {
		got = quoteMedia(got)
	}
	v := malformed("the answer is " + got + ", not " + strings.Join(s.config.ContentType, " or "))
	v.truncated = true
	if !pipeline.IsStream(resp) {
		head, err := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody+1))
		v.body, v.truncated = head, err != nil
		if len(head) == 0 && err == nil {
			_ = resp.Body.Close()
			resp.Body = http.NoBody
			return nil
		}
	}
	_ = resp.Body.Close()
	return s.fail(req, resp, v)
}

// quoteMedia returns a media type as it may stand in a message: a header can hold anything.
func quoteMedia(media string) string {
	if len(media) > 64 || strings.ContainsFunc(media, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return strconv.QuoteToASCII(media[:min(len(media), 64)])
	}
	return media
}

// fail notes what was found and makes the error of it.
func (s *Stage) fail(req *http.Request, resp *http.Response, v verdict) error {
	note(req, pipeline.Event{Stage: s.name, Name: pipeline.EventFailed, Status: resp.StatusCode, Reason: string(v.kind), Text: v.message})
	return &pipeline.Error{
		Kind: v.kind, Class: v.class, Message: v.message, Status: resp.StatusCode, Header: resp.Header, Violations: v.violations,
		Body: bytes.Clone(v.body[:min(len(v.body), maxErrorBody)]), Truncated: v.truncated || len(v.body) > maxErrorBody, Err: v.cause,
	}
}

func (s *Stage) passed(req *http.Request, resp *http.Response) {
	if call := pipeline.CallFrom(req.Context()); call.Observed() { // nothing happened: no news for a record that nobody watches
		call.Note(pipeline.Event{Stage: s.name, Name: pipeline.EventPassed, Status: resp.StatusCode, Text: "ok"})
	}
}

func note(req *http.Request, e pipeline.Event) { pipeline.CallFrom(req.Context()).Note(e) }
