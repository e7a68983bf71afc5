package check

import (
	"cmp"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/plugins/internal/wire"
)

// judgeFrame judges what holds for every frame.
func (s *session) judgeFrame(f *wire.Frame) {
	if size := f.SizeVT(); size > wire.MaxFrame {
		s.c.broken("wire.limits", "%s has %d bytes", kindOf(f), size)
	}
}

// longestLog is the most that a record may have, in bytes.
const longestLog = 128 << 10

// judgeLog judges a record. s.mu is held.
func (s *session) judgeLog(f *wire.Frame) {
	l := f.GetLog()
	s.c.kept("wire.log")
	if size := l.SizeVT(); size > longestLog {
		s.c.broken("wire.log", "a record has %d bytes", size)
	}
	x := s.live[f.GetExchange()]
	if x == nil && f.GetExchange() != 0 && !s.knows(f.GetExchange()) {
		s.c.broken("wire.numbers", "a record came for exchange %d, which the host never began", f.GetExchange())
	}
	if x != nil && x.do != nil && l.GetLevel() < x.do.GetLogLevel() {
		s.c.broken("wire.log", "a record of level %d came where nobody wants less than %d", l.GetLevel(), x.do.GetLogLevel())
	}
	if !utf8.ValidString(l.GetMessage()) {
		s.c.broken("wire.bytes", "the text of a record is not UTF-8")
	}
}

func (s *session) knows(number uint64) bool { _, ok := s.old[number]; return ok }

// judgeStranger judges a frame of no exchange that is under way. s.mu is held.
func (s *session) judgeStranger(f *wire.Frame) {
	rule, known := s.old[f.GetExchange()]
	switch {
	case s.spoiled.Load():
	case !known:
		s.c.broken("wire.numbers", "%s came for exchange %d, which the host never began", kindOf(f), f.GetExchange())
	case rule != "":
		s.c.broken(rule, "%s came for an exchange that was over", kindOf(f))
	}
}

// judge judges a frame of an exchange, and notes whose turn it is then. The session's mu is held.
func (x *exchange) judge(f *wire.Frame) {
	switch {
	case x.turn == turnOther:
		x.ended = x.answered()
		return
	case x.turn == turnGone:
		return
	case x.turn == turnOver:
		x.fault(x.ended, "%s came for an exchange that was over", kindOf(f))
		return
	case x.turn == turnResult && x.held != "":
		x.early(x.held, "%s came before the host's word", kindOf(f))
	case x.turn == turnAwake:
		x.early("wire.wait", "%s came before Awake", kindOf(f))
	case x.turn == turnBody:
		x.early("wire.read", "%s came before the Body that Read asks for", kindOf(f))
	}
	switch k := f.GetKind().(type) {
	case *wire.Frame_Next:
		x.judgeNext(k.Next)
	case *wire.Frame_Return:
		x.judgeReturn(k.Return)
		x.turn, x.ended = turnOver, cmp.Or(x.final, "wire.return")
		x.tally(k.Return)
	case *wire.Frame_Wait:
		x.judgeWait(k.Wait)
	case *wire.Frame_Read:
		x.judgeRead()
	case *wire.Frame_Drop:
		x.judgeDrop()
	case nil:
		x.fault("wire.unknown", "a frame came whose kind nobody knows")
	default:
		x.fault("wire.do", "%s came for a request, which is not the plugin's to send", kindOf(f))
	}
}

// answered is the rule that a second answer breaks.
func (x *exchange) answered() string { return x.once }

func (x *exchange) fault(rule, format string, args ...any) {
	if x.s.spoiled.Load() || x.mute {
		return
	}
	at := ""
	if x.inst != nil {
		at = " (stage " + x.inst.stage.Name + ")"
	}
	if x.inst != nil && x.inst.less != "" && slices.Contains(flow, rule) {
		rule, at = "wire.grants", " (stage "+x.inst.stage.Name+", which was granted "+x.inst.less+")"
		x.s.c.advise(rule, heed)
	}
	x.s.c.broken(rule, format+at, args...)
}

// flow are rules that a stage breaks by its needs where it is granted less.
var flow = []string{"wire.next", "wire.last", "wire.read", "wire.response_only", "wire.return"}

const heed = "have a stage do what both its needs and Open.granted have: without a response there it ends with Next.last, without retry it sends one Next; or fail Open, and name what lacks"

// kept notes that rules were tried, by a stage that has what it asks for.
func (x *exchange) kept(rules ...string) {
	if x.inst.less == "" && !x.mute {
		x.s.c.kept(rules...)
	}
}

// early notes a frame that came out of turn. What follows of the stage would be judged wrongly, and is not.
func (x *exchange) early(rule, format string, args ...any) {
	if x.s.spoiled.Load() || x.mute {
		return
	}
	x.fault(rule, format, args...)
	x.s.spoiled.Store(true)
}

func (x *exchange) judgeNext(n *wire.Next) {
	c, needs := x.s.c, x.inst.needs
	if x.turn == turnResult {
		x.early("wire.next", "a Next came before the Result of the one before")
	}
	switch {
	case x.inst.after():
		x.early("wire.response_only", "a Next came where Do had the Result in it")
	case x.nexts > 0 && !needs.Retry:
		x.fault("wire.next", "a second Next came, and the needs have no retry")
		c.advise("wire.next", "have a second call of next fail in the stage, or name retry in its needs")
	}
	if needs.Response == nil && !needs.Retry {
		x.kept("wire.last")
		if !n.GetLast() {
			x.early("wire.last", "a stage without response needs sent a Next that waits for the Result")
		}
	} else if !n.GetLast() {
		x.kept("wire.next")
	}
	x.nexts++
	x.result, x.dropped = nil, false
	x.judgeEdits(n.GetEdits(), false)
	x.judgeChanges(n.GetChanges())
	if x.turn = turnResult; n.GetLast() {
		x.turn, x.ended = turnOver, cmp.Or(x.final, "wire.last")
		x.tally(nil)
		x.judgeSpans(n.GetSpans(), n.GetSpan())
	} else if len(n.GetSpans()) > 0 || n.GetSpan() != nil {
		x.fault("wire.span", "spans came with a Next that is not the last frame")
	}
}

func (x *exchange) judgeReturn(r *wire.Return) {
	x.kept("wire.return")
	if x.do.GetResult() != nil {
		x.kept("wire.response_only")
	}
	switch {
	case r.GetResponse() != nil && r.GetError() != nil:
		x.fault("wire.return", "a Return has a response and an error")
	case r.GetResponse() != nil && !x.inst.own.Answer:
		x.fault("wire.grants", "a Return has a response, and the needs have no answer")
	case r.GetResponse() == nil && r.GetError() == nil && x.result == nil:
		x.fault("wire.return", "a Return has neither a response nor an error, and there is no Result")
	}
	if w := r.GetResponse(); w != nil {
		if w.GetStatus() < 200 || w.GetStatus() > 599 {
			x.fault("wire.return", "an answer has the status %d", w.GetStatus())
		}
		for _, h := range w.GetHeaders() {
			x.judgeHeader(h.GetName(), h.GetValue())
		}
		x.judgeBody(w.GetBody(), x.limit())
	}
	if r.GetError() != nil {
		x.judgeError(r.GetError())
	}
	if r.GetResponse() == nil && r.GetError() == nil {
		x.judgeEdits(r.GetEdits(), true)
	}
	x.judgeChanges(r.GetChanges())
	x.judgeSpans(r.GetSpans(), r.GetSpan())
}

func (x *exchange) judgeError(e *wire.Error) {
	x.kept("wire.error")
	last := x.result.GetError()
	switch {
	case e.GetKind() == "":
		x.fault("wire.error", "an error has no kind")
	case !slices.Contains(pipeline.Kinds(), pipeline.Kind(e.GetKind())):
		x.fault("wire.error", "an error has the kind %q, which there is not", e.GetKind())
	case !isClass(e.GetClass()):
		x.fault("wire.error", "an error has the class %q, which there is not", e.GetClass())
	case e.GetOfResult() && last == nil:
		x.fault("wire.error", "of_result is set, and there was no Result with an error")
	case !e.GetOfResult() && last != nil && e.GetKind() == last.GetKind() && e.GetMessage() == last.GetMessage():
		x.fault("wire.error", "the error of the last Result was returned without of_result")
	}
	if e.GetPanic() {
		x.kept("wire.panic")
		if e.GetKind() != string(pipeline.KindInternal) {
			x.fault("wire.panic", "an error with panic set has the kind %q", e.GetKind())
		}
	}
	if !utf8.ValidString(e.GetMessage()) {
		x.fault("wire.bytes", "the text of an error is not UTF-8")
	}
}

func isClass(class string) bool {
	switch pipeline.Class(class) {
	case "", pipeline.ClassNotSent, pipeline.ClassRefused, pipeline.ClassUnknown, pipeline.ClassProcessed, pipeline.ClassTerminal:
		return true
	}
	return false
}

// longestWait is the most that a stage can ask to wait.
const longestWait = 24 * time.Hour

func (x *exchange) judgeWait(w *wire.Wait) {
	x.kept("wire.wait")
	if x.turn == turnResult {
		x.early("wire.wait", "Wait came between Next and its Result")
	}
	if d := time.Duration(w.GetDuration()); d < 0 || d > longestWait {
		x.fault("wire.wait", "it asked to wait %s", d)
	}
	x.judgeChanges(w.GetChanges())
	x.turn = turnAwake
}

func (x *exchange) judgeRead() {
	x.kept("wire.read")
	r, need := x.result.GetResponse(), x.inst.needs.Response
	switch {
	case need == nil || need.Body != pipeline.BodyFull && need.Body != pipeline.BodyDigest:
		x.fault("wire.read", "Read came, and the needs have no response body")
	case x.turn == turnResult || r == nil:
		x.fault("wire.read", "Read came when there was no response")
	case x.dropped:
		x.fault("wire.read", "Read came after Drop")
	case r.GetStream():
		x.fault("wire.read", "Read came for a stream")
	}
	x.turn = turnBody
}

func (x *exchange) judgeDrop() {
	x.kept("wire.drop")
	switch {
	case x.turn == turnResult:
		x.early("wire.drop", "Drop came between Next and its Result")
	case x.result.GetResponse() == nil:
		x.fault("wire.drop", "Drop came when there was no response")
	}
	x.dropped = true
}

func (x *exchange) judgeSpans(list []*wire.Span, own *wire.SpanData) {
	if len(list) == 0 && own == nil {
		return
	}
	if !x.do.GetRecording() {
		x.fault("wire.span", "spans came where recording is not set")
	} else {
		x.kept("wire.span")
	}
	for i, sp := range list {
		if int(sp.GetParent()) > i {
			x.fault("wire.span", "span %d of an exchange has the parent %d, which does not come before it", i+1, sp.GetParent())
		}
	}
}
