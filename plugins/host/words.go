package host

import (
	"slices"
	"strconv"
	"strings"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/plugins/internal/wire"
)

// unshown is the message of an error, or an outcome, to a plugin that must not have its words: they may quote an answer's body, as those of
// error-map and validate do. Where the plugin hands it on, the host puts the words in its place again.
const unshown = `what is said of it may quote the answer, and is not shown: response.body "full" is not granted`

// readsBodies reports whether a plugin may read the response's body, and so what quotes it.
func (g *grants) readsBodies() bool {
	return g.Response != nil && g.Response.Body == pipeline.BodyFull
}

// tell writes an error of a call for the plugin.
func (g *grants) tell(err error, c *pipeline.Call) *wire.Error {
	e := g.worded(err)
	w := wire.ErrorTo(e)
	if len(e.Header) > 0 && g.Response != nil {
		w.Headers = wire.HeadersTo(nil, e.Header, g.seesResponse)
	}
	if !g.readsBodies() && mayQuote(err, c.Sends() > 0) {
		w.Message, w.ProblemType, w.Violations = unshown, "", nil
		return w
	}
	w.Message = g.anonymous(w.Message, c)
	return w
}

// anonymous leaves out on whose behalf the call is, which the error of a credential says, where the plugin must not know.
func (g *grants) anonymous(message string, c *pipeline.Call) string {
	if message == "" || g.subject {
		return message
	}
	subject := c.Subject()
	if subject == "" {
		return message
	}
	return strings.ReplaceAll(message, strconv.Quote(subject), `"…"`)
}

// worded returns the *pipeline.Error that err is, or one in err's words.
func (g *grants) worded(err error) *pipeline.Error {
	if e, ok := err.(*pipeline.Error); ok { //nolint:errorlint // one within another is told with what is around it
		return e
	}
	e := &pipeline.Error{Kind: pipeline.KindOf(err), Class: pipeline.ClassTerminal}
	if within := inner(err); within != nil {
		own := *within
		e = &own
	}
	e.Message = g.redactor.Text(err.Error())
	return e
}

// mayQuote reports whether the words of an error may be those of an answer. Where there is a status they may, and where a stage says them once
// something was sent, whatever it says: only what the last link says is known.
func mayQuote(err error, sent bool) bool {
	for e := inner(err); e != nil; e = inner(e.Err) {
		if e.Status != 0 || e.ProblemType != "" || len(e.Violations) > 0 {
			return true
		}
	}
	if e, ok := err.(*pipeline.Error); ok && e.Stage == "send" && inner(e.Err) == nil { //nolint:errorlint // what is around it may quote
		return unreadable(e.Kind, e.Message)
	}
	return sent
}

// unreadable reports whether the last link may say what was wrong with an answer that is none, such as a broken header: net/http quotes that.
func unreadable(kind pipeline.Kind, message string) bool {
	return kind.Within(pipeline.KindNetwork) && strings.Contains(message, `"`)
}

// hush takes the words of a call's outcome from a plugin that must not have them. quoted says that they are known to be such.
func (g *grants) hush(p *pipeline.CallProgress, c *pipeline.Call, quoted bool) {
	o := &p.Outcome
	if !g.readsBodies() && (quoted || p.Status != 0 || unreadable(o.Kind, o.Message)) {
		if o.Message != "" {
			o.Message = unshown
		}
		o.ProblemType = ""
		return
	}
	o.Message = g.anonymous(o.Message, c)
}

// reworded puts the words of the call's outcome back where a plugin has judged it with those that it was told.
func (x *exchange) reworded(j *pipeline.Judgement) {
	if j == nil {
		return
	}
	p := x.call.Progress()
	full := p.Outcome
	x.inst.grants.hush(&p, x.call, false)
	told := p.Outcome
	if told.Message == full.Message || !strings.Contains(j.Message, told.Message) {
		return
	}
	j.Message = strings.ReplaceAll(j.Message, told.Message, full.Message)
	if j.ProblemType == told.ProblemType {
		j.ProblemType = full.ProblemType
	}
}

// overlay makes the error that a stage made of another one: that, with its cause and what belongs to it, in the words of the stage. told is
// what the stage was told of it.
func (x *exchange) overlay(behind error, within, said *pipeline.Error, told *wire.Error) error {
	full := x.inst.grants.worded(behind)
	if told.GetMessage() != full.Message {
		said.Message = strings.ReplaceAll(said.Message, told.GetMessage(), full.Message)
	}
	if said.ProblemType == told.GetProblemType() {
		said.ProblemType = full.ProblemType
	}
	if slices.Equal(said.Violations, told.GetViolations()) {
		said.Violations = full.Violations
	}
	same := said.Kind == full.Kind && said.Class == full.Class && said.Reason == full.Reason && said.ProblemType == full.ProblemType &&
		said.RetryAfter == full.RetryAfter && slices.Equal(said.Violations, full.Violations) &&
		(said.Message == full.Message || said.Message == x.inst.grants.redactor.Text(full.Message))
	if same {
		return behind
	}
	own := *within
	own.Kind, own.Class, own.Reason, own.ProblemType = said.Kind, said.Class, said.Reason, said.ProblemType
	own.RetryAfter, own.Violations, own.Message = said.RetryAfter, said.Violations, said.Message
	return &own
}
