// Package validate is the stage that judges answers before the caller sees them: content type, size, well-formed JSON,
// required fields, a JSON Schema and rules of one's own. The body stays readable for the caller.
package validate

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/cond"
)

// Config says what an answer must be. To judge some requests only, give the stage a `when`.
type Config struct {
	// On says which answers are judged, as a condition on the outcome; default is every 2xx. Others pass untouched, so that a 503
	// in HTML is still retried. HEAD, 204, 205 and 304 have no body and always pass.
	On cond.OnOutcome `toml:"on"`
	// ContentType lists the media types that an answer may have, as "application/json" or "application/*+json"; another is an error
	// of kind parse. Default is empty: any.
	ContentType []string `toml:"content_type"`
	// JSON says which bodies must be well-formed JSON: "declared" (default) those whose Content-Type says JSON, "always" every one,
	// "never" none. With required, schema or rules every judged body must be JSON. Malformed JSON is an error of kind parse.
	JSON string `toml:"json"`
	// MaxSize bounds a body that must be JSON; a larger one is an error of kind policy. Other bodies are not read, and so not
	// bounded. Default is 10MiB.
	MaxSize pipeline.Size `toml:"max_size"`
	// Required lists the fields that must be there, null included: "id", "user.name", "items[].id" (of every element), "items[0].id",
	// "[].id" (the body is a list), `meta["a.b"]`. A missing one is an error of kind validation. Default is none.
	Required []string `toml:"required"`
	// Schema is the path of a JSON Schema file, relative to the pipelines' file. Its references may lead to files of that folder
	// and below, never to the network. Default is none.
	Schema string `toml:"schema"`
	// Rules are conditions that must hold, in this order; they see the decoded JSON as body. Default is none.
	Rules []Rule `toml:"rules"`
	// Streams says what becomes of an answer that should be judged and can't be read whole: "fail" (default) makes it an error of
	// kind policy, "skip" lets it pass unjudged. Such are text/event-stream, a body of unknown length that exceeds max_size, 206
	// Partial Content, and a body with a Content-Encoding that net/http did not undo.
	Streams string `toml:"streams"`
}

// Rule is one condition on the body.
type Rule struct {
	// Expect must be true of the answer, as in `len(body.items) > 0`; false is an error of kind validation. A condition that can't be
	// evaluated is an error of kind policy.
	Expect cond.OnBody `toml:"expect"`
	// Message is what the error says; default is the condition's own text.
	Message string `toml:"message"`
}

// The words of Config.JSON and Config.Streams.
const (
	Declared = "declared"
	Always   = "always"
	Never    = "never"
	Fail     = "fail"
	Skip     = "skip"
)

// Defaults returns the config of a stage whose table says nothing.
func Defaults() Config { return Config{JSON: Declared, MaxSize: 10 << 20, Streams: Fail} }

// Validate finds what is wrong with the config itself. It does not open the schema.
func (c Config) Validate() error {
	var errs []error
	for i, t := range c.ContentType {
		if !validPattern(t) {
			errs = append(errs, &pipeline.ConfigError{
				Path: fmt.Sprintf("content_type[%d]", i), Message: fmt.Sprintf("%q is no media type", t), Advice: `write it without parameters: "application/json", "application/*+json", "text/*"`,
			})
		}
	}
	switch {
	case c.JSON != Declared && c.JSON != Always && c.JSON != Never:
		errs = append(errs, &pipeline.ConfigError{Path: "json", Message: fmt.Sprintf("unknown word %q", c.JSON), Advice: `one of "declared", "always", "never"`})
	case c.JSON == Never && c.needsJSON():
		errs = append(errs, &pipeline.ConfigError{Path: "json", Message: `json = "never" contradicts required, schema and rules, which need JSON`, Advice: "leave json out"})
	}
	if c.Streams != Fail && c.Streams != Skip {
		errs = append(errs, &pipeline.ConfigError{Path: "streams", Message: fmt.Sprintf("unknown word %q", c.Streams), Advice: `one of "fail", "skip"`})
	}
	if c.MaxSize <= 0 {
		errs = append(errs, &pipeline.ConfigError{Path: "max_size", Message: "max_size must be more than 0", Advice: `a size such as "10MiB"`})
	}
	if _, err := compilePaths(c.Required); err != nil {
		errs = append(errs, err)
	}
	for i, r := range c.Rules {
		if r.Expect.IsZero() {
			errs = append(errs, &pipeline.ConfigError{
				Path: fmt.Sprintf("rules[%d]", i), Message: "the rule expects nothing", Advice: "give it expect = 'a condition that must be true'",
			})
		}
	}
	return errors.Join(errs...)
}

// needsJSON reports whether every judged body must be JSON, whatever it declares.
func (c Config) needsJSON() bool { return len(c.Required) > 0 || c.Schema != "" || len(c.Rules) > 0 }

// Factory makes stages of type "validate".
func Factory() pipeline.Factory {
	return pipeline.Define("validate", Defaults(), New).WithNeeds(mostNeeds())
}

// Stage judges answers. It is immutable and safe for concurrent use.
type Stage struct {
	config   Config
	name     string
	required *node   // nil: none
	schema   *schema // nil: none
}

// New makes a stage; it reads and compiles the schema. Start from [Defaults]: the zero Config is refused.
func New(c Config, s pipeline.Settings) (*Stage, error) {
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("validate: %w", err)
	}
	v := &Stage{config: c, name: s.Stage}
	if v.name == "" {
		v.name = "validate"
	}
	var err error
	if v.required, err = compilePaths(c.Required); err != nil {
		return nil, err
	}
	if c.Schema != "" {
		if v.schema, err = openSchema(s.Dir, c.Schema); err != nil {
			return nil, &pipeline.ConfigError{Path: "schema", Message: err.Error(), Err: err}
		}
	}
	return v, nil
}

// Do sends the request and judges the answer. An answer that is found wrong is closed; the error holds what there is to know of
// it. A body that breaks off gives the error of its reading, class unknown, so that a retry further out can act.
func (s *Stage) Do(req *http.Request, next http.RoundTripper) (*http.Response, error) {
	resp, err := next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	judged, err := s.judges(req, resp)
	if err != nil {
		pipeline.Drop(resp)
		return nil, err
	}
	if !judged {
		return resp, nil
	}
	if resp.ContentLength != 0 && len(s.config.ContentType) > 0 {
		if got := mediaType(resp.Header.Get("Content-Type")); !s.allowed(got) {
			if err := s.refuseType(req, resp, got); err != nil {
				return nil, err
			}
		}
	}
	if !s.wantsJSON(resp) {
		return resp, nil
	}
	return s.judgeBody(req, resp)
}

// judges reports whether the answer is one that this stage looks at.
func (s *Stage) judges(req *http.Request, resp *http.Response) (bool, error) {
	switch resp.StatusCode {
	case http.StatusNoContent, http.StatusResetContent, http.StatusNotModified, http.StatusSwitchingProtocols:
		return false, nil
	}
	if req.Method == http.MethodHead {
		return false, nil
	}
	if s.config.On.IsZero() {
		return resp.StatusCode/100 == 2, nil
	}
	on, err := s.config.On.Eval(pipeline.OutcomeEnv(req, resp, nil))
	if err != nil {
		return false, pipeline.Errorf(pipeline.KindPolicy, "on: %w", err)
	}
	return on, nil
}

func (s *Stage) wantsJSON(resp *http.Response) bool {
	if s.config.needsJSON() || s.config.JSON == Always {
		return true
	}
	return s.config.JSON == Declared && isJSON(mediaType(resp.Header.Get("Content-Type")))
}

// judgeBody reads the body whole, judges it, and puts it back.
func (s *Stage) judgeBody(req *http.Request, resp *http.Response) (*http.Response, error) {
	contentType := resp.Header.Get("Content-Type")
	if why := unreadable(resp); why != "" && resp.ContentLength != 0 { // nothing is there as a whole, however it is encoded
		return s.unjudged(req, resp, why, nil)
	}
	if resp.ContentLength > int64(s.config.MaxSize) {
		pipeline.Drop(resp)
		return nil, s.fail(req, resp, verdict{
			kind: pipeline.KindPolicy, class: pipeline.ClassTerminal, truncated: true,
			message: fmt.Sprintf("the body has %d bytes, more than max_size %s", resp.ContentLength, s.config.MaxSize),
		})
	}
	b, over, err := readBody(resp, int64(s.config.MaxSize))
	if err != nil {
		_ = resp.Body.Close()
		return nil, err
	}
	if over {
		return s.unjudged(req, resp, "a body of unknown length that exceeds max_size "+s.config.MaxSize.String(), b)
	}
	_ = resp.Body.Close()
	v := s.judge(req, resp, contentType, b.data)
	if v.kind != "" {
		v.body = b.data
		return nil, s.fail(req, resp, v)
	}
	resp.Body = b
	s.passed(req, resp)
	return resp, nil
}

// unjudged passes or refuses an answer that can't be read whole; read is what was read of it.
func (s *Stage) unjudged(req *http.Request, resp *http.Response, why string, read *body) (*http.Response, error) {
	if s.config.Streams == Skip {
		if read != nil {
			pipeline.PutBack(resp, read.data, nil)
		}
		note(req, pipeline.Event{Stage: s.name, Name: pipeline.EventSkipped, Status: resp.StatusCode, Reason: "stream", Text: "not judged: " + why})
		return resp, nil
	}
	pipeline.Drop(resp)
	v := verdict{
		kind: pipeline.KindPolicy, class: pipeline.ClassTerminal, truncated: true,
		message: fmt.Sprintf(`can't judge %s; streams = "skip" lets it pass, a when leaves the request out`, why),
	}
	if read != nil {
		v.body = read.data
	}
	return nil, s.fail(req, resp, v)
}

// unreadable says why a body can't be judged as a whole, "" if it can.
func unreadable(resp *http.Response) string {
	coding := resp.Header.Get("Content-Encoding")
	switch {
	case pipeline.IsStream(resp):
		return "a stream (text/event-stream)"
	case resp.StatusCode == http.StatusPartialContent:
		return "a part of a body (206)"
	case coding != "" && !strings.EqualFold(coding, "identity"):
		return "a compressed body: whoever sets Accept-Encoding gets it as it is, net/http undoes only its own"
	}
	return ""
}
