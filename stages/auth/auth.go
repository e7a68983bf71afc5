// Package auth is the stage that chooses which credential a call carries, and on whose behalf.
package auth

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/cond"
	"github.com/leatdev/leat/pipeline/credential"
)

// Config configures type "auth". The stage only chooses: the credential's current token is attached to each send, by the
// innermost link, and only if the credential's origins allow it. No stage and no log sees it.
//
// Nothing is chosen, and so nothing attached, where the caller said SkipAuth, where the request has an Authorization header
// already (the redirects that follow from it included), and where exempt holds.
type Config struct {
	// Credential names the [credentials.NAME] to use. Default: the pipeline's credential.
	Credential string `toml:"credential"`
	// Subject is an expression that gives the subject, such as a tenant, for a credential that says per_subject. Where it gives ""
	// the subject that the caller named for the call counts, as it does by default.
	Subject cond.RequestText `toml:"subject"`
	// Exempt is a condition: requests for which it holds go out without a credential. Default: none.
	Exempt cond.When `toml:"exempt"`
}

// CheckIn refuses a place where no credential is named, and one that the file does not have.
func (c *Config) CheckIn(p pipeline.Place) error {
	switch {
	case c.Credential == "" && p.Credential == "":
		return &pipeline.ConfigError{Message: "no credential is named", Advice: advice(p.Credentials)}
	case c.Credential != "" && !slices.Contains(p.Credentials, c.Credential):
		return &pipeline.ConfigError{
			Path: "credential", Message: fmt.Sprintf("unknown credential %q", c.Credential), Advice: known(p.Credentials),
		}
	}
	return nil // the pipeline's own is checked with the pipeline
}

func advice(credentials []string) string {
	if len(credentials) == 0 {
		return "declare one as [credentials.NAME], and name it in the pipeline: credential = \"NAME\""
	}
	return fmt.Sprintf("say credential = %q in the pipeline, or take the stage out of its list", credentials[0])
}

func known(credentials []string) string {
	if len(credentials) == 0 {
		return "the file has no credentials yet: declare one as [credentials.NAME]"
	}
	return "credentials: " + strings.Join(credentials, ", ")
}

// Defaults returns the config of a stage without a table.
func Defaults() Config { return Config{} }

// Factory makes the stages of type "auth".
func Factory() pipeline.Factory { return pipeline.Define("auth", Defaults(), New) }

// Stage chooses the credential of each request that passes.
type Stage struct {
	name       string
	credential string
	subject    cond.RequestText
	exempt     cond.When
}

// New makes the stage; it is an error if neither c nor s names a credential.
func New(c Config, s pipeline.Settings) (*Stage, error) {
	stage := &Stage{name: s.Stage, credential: c.Credential, subject: c.Subject, exempt: c.Exempt}
	if stage.name == "" {
		stage.name = "auth"
	}
	if stage.credential == "" {
		stage.credential = s.Credential
	}
	if stage.credential == "" {
		return nil, pipeline.Invalid("credential", "no credential is named")
	}
	return stage, nil
}

// Do notes the choice on the call. An expression that fails is an error of kind policy: to send without a credential, or with
// somebody else's, would be a guess.
func (s *Stage) Do(req *http.Request, next http.RoundTripper) (*http.Response, error) {
	call := pipeline.CallFrom(req.Context())
	reason, err := s.skips(call, req)
	if err != nil {
		return nil, err
	}
	if reason != "" {
		call.SkipCredential(reason)
		call.Note(pipeline.Event{Stage: s.name, Name: pipeline.EventSkipped, Reason: reason, Text: "no credential: " + because(reason)})
		mark(req, attribute.String("auth.skipped", reason))
		return next.RoundTrip(req)
	}
	subject := call.Subject()
	if !s.subject.IsZero() {
		own, err := s.subject.Eval(pipeline.RequestEnv(req))
		if err != nil {
			return nil, pipeline.Errorf(pipeline.KindPolicy, "subject: %w", err)
		}
		subject = cmp.Or(own, subject)
	}
	call.UseCredential(s.credential, subject)
	mark(req, attribute.String("leat.credential", s.credential))
	if call.Observed() {
		call.Note(pipeline.Event{Stage: s.name, Name: pipeline.EventChosen, Text: s.describe(call)})
	}
	return next.RoundTrip(req)
}

// skips says why the request is to carry no credential of ours, "" if it is to carry one.
func (s *Stage) skips(call *pipeline.Call, req *http.Request) (string, error) {
	switch {
	case call.AuthSkipped():
		return "skip_auth", nil
	case len(req.Header["Authorization"]) > 0:
		return "caller", nil
	case call.Previous().Attached().Skipped == "caller":
		// net/http strips the caller's header on the way to another host. To put ours in its place would change in
		// mid-redirect on whose behalf the call is made.
		return "caller", nil
	case s.exempt.IsZero():
		return "", nil
	}
	exempt, err := s.exempt.Eval(pipeline.RequestEnv(req))
	if err != nil {
		return "", pipeline.Errorf(pipeline.KindPolicy, "exempt: %w", err)
	}
	if exempt {
		return "exempt", nil
	}
	return "", nil
}

func because(reason string) string {
	switch reason {
	case "skip_auth":
		return "the caller said so"
	case "caller":
		return "the caller brought an Authorization of its own"
	}
	return "the request is exempt"
}

// describe says for the timeline how the chosen session is.
func (s *Stage) describe(call *pipeline.Call) string {
	state, ok := call.CredentialState()
	if !ok {
		return s.credential + ": chosen"
	}
	return s.credential + ": " + condition(state, time.Now())
}

func condition(state credential.State, now time.Time) string {
	var text string
	switch state.Status {
	case credential.StatusEmpty:
		text = "no token yet"
	case credential.StatusFresh, credential.StatusAdvisory:
		text = "token in use" + expiry(state.Expires, now)
	case credential.StatusExpired:
		text = "needs a new token" // it is over, about to be, or was refused
	case credential.StatusCooldown:
		text = fmt.Sprintf("the last renewal failed, next try in %s", short(state.RetryAt.Sub(now)))
	case credential.StatusDead:
		text = "needs a login"
	case credential.StatusClosed:
		text = "logged out"
	}
	if state.Renewing {
		text += ", being renewed"
	}
	return text
}

func expiry(at, now time.Time) string {
	if at.IsZero() {
		return ""
	}
	return ", expires in " + short(at.Sub(now))
}

// short writes a duration as people read it: 41s, 1.2s, 280ms.
func short(d time.Duration) string {
	switch {
	case d >= 10*time.Second:
		return d.Round(time.Second).String()
	case d >= time.Second:
		return d.Round(100 * time.Millisecond).String()
	}
	return d.Round(time.Millisecond).String()
}

func mark(req *http.Request, attr attribute.KeyValue) {
	if span := trace.SpanFromContext(req.Context()); span.IsRecording() {
		span.SetAttributes(attr)
	}
}
