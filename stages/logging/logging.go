package logging

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/redact"
)

// Factory makes stages of type "log".
func Factory() pipeline.Factory {
	return pipeline.Define("log", Defaults(), New).WithNeeds(mostNeeds())
}

// Stage writes the records. Make it with [New].
type Stage struct {
	handler      slog.Handler // has the pipeline's name already
	redactor     *redact.Redactor
	all          bool // development: show what is not secret
	calls        bool
	requestBody  bool
	responseBody bool
	limit        int
	level        slog.Level
	sendLevel    slog.Level
}

// New makes the stage. It fails if the config is not valid.
func New(c Config, s pipeline.Settings) (*Stage, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	level, _ := levelOf(c.Level)
	stage := &Stage{
		handler: s.Log().Handler(), redactor: s.Redact().With(redact.Rules{Headers: c.Headers, Query: c.Query, Keys: c.Keys}),
		all: c.Profile == Development, calls: c.Calls, requestBody: c.RequestBody, responseBody: c.ResponseBody, limit: int(c.BodyLimit),
		level: level, sendLevel: c.sendLevel(),
	}
	if s.Pipeline != "" {
		stage.handler = stage.handler.WithAttrs([]slog.Attr{slog.String("pipeline", s.Pipeline)})
	}
	return stage, nil
}

// Do passes the request on and writes what came of it, unless the logger's level is above that. The request is shown as it came to
// the stage: what stages further in add to it is theirs.
func (s *Stage) Do(req *http.Request, next http.RoundTripper) (*http.Response, error) {
	ctx := req.Context()
	each := s.handler.Enabled(ctx, s.sendLevel)
	if !each && !s.handler.Enabled(ctx, s.highest()) {
		return next.RoundTrip(req)
	}
	sent := exchange{method: req.Method, url: *req.URL, began: time.Now()}
	if each {
		sent.headers = s.headers("request_headers", req.Header)
	}
	if s.requestBody {
		if sent.body = newCapture(req.Body, req.Header, req.ContentLength, s.limit); sent.body != nil {
			req.Body = sent.body
		}
	}
	resp, err := next.RoundTrip(req)
	o := pipeline.OutcomeOf(req, resp, err)
	level := s.sendLevel
	if o.Class == pipeline.ClassNotSent || o.Class == pipeline.ClassRefused || o.Class == pipeline.ClassUnknown {
		level = max(level, slog.LevelWarn)
	}
	if !s.handler.Enabled(ctx, level) {
		return resp, err
	}
	s.send(ctx, level, &sent, o)
	if err == nil && s.responseBody && !pipeline.IsStream(resp) {
		if body := newCapture(resp.Body, resp.Header, resp.ContentLength, s.limit); body != nil {
			resp.Body = &recorded{capture: body, stage: s, ctx: ctx, level: level, attempt: attemptOf(ctx), status: resp.StatusCode, began: sent.began}
		}
	}
	return resp, err
}

// highest is the highest level that the record of a send can have.
func (s *Stage) highest() slog.Level { return max(s.sendLevel, slog.LevelWarn) }

// exchange is what the record of a send shows of the request.
type exchange struct {
	method  string
	url     url.URL
	began   time.Time
	headers slog.Attr
	body    *capture
}

// send writes the record of a send.
func (s *Stage) send(ctx context.Context, level slog.Level, sent *exchange, o pipeline.Outcome) {
	var space [16]slog.Attr
	attrs := append(space[:0],
		slog.Int("attempt", attemptOf(ctx)), slog.String("method", methodOf(sent.method)),
		slog.String("url", s.redactor.URL(&sent.url, s.all)), milliseconds("duration_ms", time.Since(sent.began)))
	if o.Status != 0 {
		attrs = append(attrs, slog.Int("status", o.Status))
	}
	if o.Kind != "" {
		attrs = append(attrs, slog.String("kind", string(o.Kind)), slog.String("class", string(o.Class)))
	}
	if o.Err != nil {
		attrs = append(attrs, s.failure(o.Err)...)
	}
	if sent.headers.Key != "" {
		attrs = append(attrs, sent.headers)
	}
	if h := s.headers("response_headers", o.Header); h.Key != "" {
		attrs = append(attrs, h)
	}
	if sent.body != nil {
		attrs = sent.body.appendTo(attrs, "request_body", s.redactor)
	}
	s.write(ctx, time.Now(), level, "request", appendTrace(ctx, attrs))
}

// CallEnded writes the record of a call; see [pipeline.CallObserver].
func (s *Stage) CallEnded(ctx context.Context, c *pipeline.Call, req *http.Request) {
	if !s.calls {
		return
	}
	status, e := c.Result()
	kind := c.Kind()
	if e != nil {
		status, kind = e.Status, e.Kind
	}
	level := s.levelOf(kind)
	if !s.handler.Enabled(ctx, level) {
		return
	}
	now := time.Now()
	var space [20]slog.Attr
	attrs := append(space[:0],
		slog.String("method", methodOf(req.Method)), slog.String("url", s.redactor.URL(req.URL, s.all)), milliseconds("duration_ms", now.Sub(c.Began())),
		slog.Int("attempts", c.Attempts()))
	if status != 0 {
		attrs = append(attrs, slog.Int("status", status)) // the fifth, and the last that a slog.Record holds without an allocation
	}
	if sends := c.Sends(); sends != c.Attempts() {
		attrs = append(attrs, slog.Int("sends", sends))
	}
	if waiting, _ := c.Times(); waiting > 0 {
		attrs = append(attrs, milliseconds("waiting_ms", waiting))
	}
	if op := c.Operation(); op != "" {
		attrs = append(attrs, slog.String("operation", s.redactor.Text(op)))
	}
	if s.all && c.Subject() != "" {
		attrs = append(attrs, slog.String("subject", s.redactor.Text(c.Subject())))
	}
	if hop := hops(c); hop > 0 {
		attrs = append(attrs, slog.Int("hop", hop))
	}
	if kind != "" {
		attrs = s.appendFailure(attrs, c, e, kind)
	}
	s.write(ctx, now, level, "call", appendTrace(ctx, attrs))
}

// levelOf returns the level of the record of a call that ended in kind.
func (s *Stage) levelOf(kind pipeline.Kind) slog.Level {
	switch {
	case kind == "":
		return s.level
	case kind.Within(pipeline.KindClient), kind == pipeline.KindUnauthorized, kind == pipeline.KindCanceled:
		return max(s.level, slog.LevelWarn)
	}
	return max(s.level, slog.LevelError)
}

// appendFailure adds what is known of why the call failed: from its error, else from what the stages judged.
func (s *Stage) appendFailure(attrs []slog.Attr, c *pipeline.Call, e *pipeline.Error, kind pipeline.Kind) []slog.Attr {
	class, reason, message := c.Class(), c.StopReason(), c.Message()
	if e != nil {
		class, message = e.Class, e.Message
		if e.Reason != "" {
			reason = e.Reason
		}
	}
	attrs = append(attrs, slog.String("kind", string(kind)), slog.String("class", string(class)))
	if e != nil && e.Stage != "" {
		attrs = append(attrs, slog.String("stage", e.Stage))
	}
	if reason != "" {
		attrs = append(attrs, slog.String("reason", reason))
	}
	if message != "" {
		attrs = append(attrs, slog.String("error", s.redactor.Text(message)))
	}
	return attrs
}

// failure returns what the error of a send says of it.
func (s *Stage) failure(e *pipeline.Error) []slog.Attr {
	attrs := []slog.Attr{slog.String("error", s.redactor.Text(e.Message))}
	if e.Stage != "" {
		attrs = append(attrs, slog.String("stage", e.Stage))
	}
	if e.Reason != "" {
		attrs = append(attrs, slog.String("reason", e.Reason))
	}
	return attrs
}

// write hands a record to the handler itself: slog.Logger would look up the line of code, which is always this one.
func (s *Stage) write(ctx context.Context, at time.Time, level slog.Level, message string, attrs []slog.Attr) {
	r := slog.NewRecord(at, level, message, 0)
	r.AddAttrs(attrs...)
	_ = s.handler.Handle(ctx, r) // nobody is left to tell
}

// headers returns a group of the headers that may be shown, the zero Attr if there are none.
func (s *Stage) headers(key string, h http.Header) slog.Attr {
	if len(h) == 0 {
		return slog.Attr{}
	}
	attrs := make([]slog.Attr, 0, len(h))
	for name, value := range s.redactor.Headers(h, s.all) {
		if s.all || strings.Trim(value, "*, ") != "" { // production names allow-listed ones only
			attrs = append(attrs, slog.String(name, value))
		}
	}
	if len(attrs) == 0 {
		return slog.Attr{}
	}
	return slog.GroupAttrs(key, attrs...)
}

func appendTrace(ctx context.Context, attrs []slog.Attr) []slog.Attr {
	span := trace.SpanContextFromContext(ctx)
	if !span.IsValid() {
		return attrs
	}
	return append(attrs, slog.String("trace_id", span.TraceID().String()), slog.String("span_id", span.SpanID().String()))
}

func hops(c *pipeline.Call) int {
	n := 0
	for p := c.Previous(); p != nil; p = p.Previous() {
		n++
	}
	return n
}

// attemptOf is the number of the attempt that ctx belongs to; without a retry stage it is the first.
func attemptOf(ctx context.Context) int { return max(1, pipeline.CallFrom(ctx).Attempts()) }

func methodOf(method string) string {
	if method == "" {
		return http.MethodGet
	}
	return method
}

// milliseconds is a duration in milliseconds, to the microsecond.
func milliseconds(key string, d time.Duration) slog.Attr {
	return slog.Float64(key, float64(d.Microseconds())/1000)
}
