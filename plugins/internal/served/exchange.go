package served

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/plugins/internal/wire"
)

// exchange is one request on its way through a stage. It is the stage's pipeline.FarCall. Its goroutine is its own; a stage may read a body
// or call next from others, one after the other.
type exchange struct {
	ss    *session
	inst  *instance
	id    uint64
	begun wire.Incoming // the frame that began it, until its request is made
	level slog.Level

	life    life
	tracing *tracing
	answers chan *wire.Frame // of the session's mu: made when the stage asks first, closed as the exchange is stopped
	stopped bool             // of the session's mu: the host waits for nothing any more

	given given        // the request as the host gave it
	first *wire.Result // that came with it

	turn     sync.Mutex // held from a frame that is answered until its answer
	state    pipeline.CallProgress
	nexts    int
	last     result
	leaving  *leaving      // the body that was announced last
	handedOn bool          // the host waited when the stage's part ended as it called next
	parted   bool          // the request was handed on, and nothing is answered
	stand    http.Response // what the stage then gets
	settled  bool          // the stage has returned: it calls next and waits no more, and what it has returned is read
	over     bool          // that is read
	told     bool          // it is no exchange: the stage is told of a call's end
}

func newExchange(ss *session, begun wire.Incoming) *exchange {
	do := begun.GetDo()
	x := &exchange{ss: ss, id: begun.GetExchange(), begun: begun, level: slog.Level(do.GetLogLevel())}
	x.life.x, x.life.session = x, ss.life
	if d := do.GetDeadline(); d > 0 {
		x.life.deadline = time.Now().Add(time.Duration(d))
	}
	return x
}

// context returns the context that the stage gets.
func (x *exchange) context() context.Context { return x.tracing.context(&x.life) }

// deliver hands the exchange an answer; more than it can have asked for is dropped. ss.mu is held.
func (x *exchange) deliver(f *wire.Frame) {
	select {
	case x.answers <- f: // nil: it has not asked
	default:
	}
}

// stop ends an exchange that nobody waits for any more. ss.mu is held.
func (x *exchange) stop() {
	x.life.end()
	if x.stopped = true; x.answers != nil {
		close(x.answers)
	}
}

// asks makes answers, unless they are there; false where none will come: nothing is sent of an exchange that was stopped.
func (x *exchange) asks() bool {
	x.ss.mu.Lock()
	defer x.ss.mu.Unlock()
	if x.answers == nil && !x.stopped {
		x.answers = make(chan *wire.Frame, 2)
	}
	return !x.stopped
}

// refuse answers an exchange that comes to nothing.
func (x *exchange) refuse(format string, args ...any) {
	x.life.end()
	e := wire.ErrorTo(pipeline.Errorf(pipeline.KindInternal, format, args...))
	_ = x.send(&wire.Frame{Kind: &wire.Frame_Return{Return: &wire.Return{Error: e}}})
}

// send queues a frame. Of a body that belongs to one that does not go the host does not hear.
func (x *exchange) send(f *wire.Frame) error {
	f.Exchange = x.id
	err := x.ss.pipe.Send(f)
	if err != nil {
		x.withdraw()
	}
	return err
}

// withdraw drops the body that was announced last.
func (x *exchange) withdraw() { x.ss.server.bodies.withdraw(x.id, x.leaving) }

// run has the stage work, and tells the host what came of it.
func (x *exchange) run() {
	defer x.inst.busy.Done()
	defer x.life.finish()
	x.ss.logs.level.Store(int64(x.level))
	do := x.begun.GetDo()
	x.tracing = tracingOf(do.GetTraceparent(), do.GetRecording())
	state := wire.CallFrom(do.GetCall())
	x.state, x.first = state.CallProgress, do.GetResult()
	done := false
	defer func() {
		if !done { // it ended its goroutine, as a test's Fatal does
			x.abandon()
		}
	}()
	resp, ch, err := x.inst.stage.Do(x.context(), state, x) //nolint:bodyclose // the host has it
	x.settle()
	out := x.outcome(resp, &ch, err)
	done = true
	x.leave()
	if !x.ss.finished(x) {
		if !x.handedOn {
			x.withdraw()
		}
		return
	}
	if err := x.send(&wire.Frame{Kind: &wire.Frame_Return{Return: out}}); wire.IsTooBig(err) {
		out = &wire.Return{Error: wire.ErrorTo(pipeline.Errorf(pipeline.KindInternal, "what the stage returned does not fit into a frame of %s", pipeline.Size(wire.MaxFrame)))}
		_ = x.send(&wire.Frame{Kind: &wire.Frame_Return{Return: out}})
	}
}

// abandon ends an exchange whose stage will never return.
func (x *exchange) abandon() {
	x.settle()
	x.leave()
	if x.ss.finished(x) {
		x.refuse("the stage ended its goroutine")
	}
}

// settle has nothing come of what the stage left running: its outcome is what it has returned.
func (x *exchange) settle() {
	x.turn.Lock()
	x.settled = true
	x.turn.Unlock()
}

// leave has whatever the stage left running find the exchange over.
func (x *exchange) leave() {
	x.turn.Lock()
	x.over = true
	x.turn.Unlock()
}

// errOver is what a body or next says once the stage has returned.
var errOver = errors.New("the stage has returned: what it was given is no longer to be used")

// ask sends a frame and waits for the answer. x.turn is held.
func (x *exchange) ask(f *wire.Frame, doing string) (*wire.Frame, error) {
	if x.over {
		return nil, errOver
	}
	if x.parted {
		return nil, errParted()
	}
	if !x.asks() {
		return nil, pipeline.Ended(&x.life, doing)
	}
	if err := x.send(f); err != nil {
		return nil, err
	}
	if answer, ok := <-x.answers; ok { // also where the deadline has passed: the host knows of it, and says what came of that
		return answer, nil
	}
	return nil, pipeline.Ended(&x.life, doing)
}

func errParted() error {
	return pipeline.Errorf(pipeline.KindInternal, "the stage's needs have no response: its part ended as it called next")
}

// Next implements pipeline.FarCall.
func (x *exchange) Next(req *http.Request, ch pipeline.CallChanges) (*http.Response, pipeline.CallProgress, error) {
	x.turn.Lock()
	defer x.turn.Unlock()
	x.nexts++
	switch {
	case x.settled:
		return nil, x.state, asError(errOver)
	case x.parted:
		return nil, x.state, errParted()
	case x.nexts > 1 && !x.inst.needs.Retry:
		return nil, x.state, pipeline.Errorf(pipeline.KindInternal, "the stage called next a second time, and its needs have no retry")
	}
	out := outgoings.Get().(*outgoing) //nolint:forcetypeassert // there is nothing else
	defer out.free()
	changed, err := x.edits(req, out)
	if err != nil {
		return nil, x.state, asError(err)
	}
	if x.first != nil && x.nexts == 1 {
		if changed {
			x.withdraw()
			return nil, x.state, pipeline.Errorf(pipeline.KindInternal, "the stage changed the request, which its needs say nothing of: it is asked once the response is there")
		}
		return x.result(x.first)
	}
	if changed {
		out.next.Edits = &out.edits
	}
	out.next.Changes = changes(&ch)
	if x.inst.last() {
		return x.part(out)
	}
	answer, err := x.ask(out.asNext(), "the stage waited for the answer")
	if err != nil {
		return nil, x.state, asError(err)
	}
	r, ok := answer.GetKind().(*wire.Frame_Result)
	if !ok {
		return nil, x.state, errTurn()
	}
	if err := req.Context().Err(); err != nil && x.life.Err() == nil && r.Result.GetEnded() == "" { // the stage's own deadline, which the host does not know
		_, p, _ := x.result(r.Result)
		if x.last.resp != nil {
			_ = x.last.resp.Body.Close()
		}
		return nil, p, pipeline.Ended(req.Context(), "the stage waited for the answer")
	}
	return x.result(r.Result)
}

// part hands the request on for good.
func (x *exchange) part(out *outgoing) (*http.Response, pipeline.CallProgress, error) {
	out.next.Last = true
	out.next.Span, out.next.Spans = x.tracing.take()
	x.parted = true
	if x.handedOn = x.ss.finished(x); x.handedOn {
		if err := x.send(out.asNext()); err != nil { // it does not fit, and the host still waits
			_ = x.send(&wire.Frame{Kind: &wire.Frame_Return{Return: &wire.Return{Error: x.failure(err)}}})
			return nil, x.state, asError(err)
		}
	}
	x.stand.Body = partedBody{}
	x.last.resp = &x.stand
	return x.last.resp, x.state, nil
}

// Wait implements pipeline.FarCall.
func (x *exchange) Wait(ctx context.Context, d time.Duration, ch pipeline.CallChanges) (pipeline.CallProgress, error) {
	x.turn.Lock()
	defer x.turn.Unlock()
	if x.settled {
		return x.state, errOver
	}
	x.dropClosed()
	if at, ok := ctx.Deadline(); ok {
		d = min(d, time.Until(at)) // it may be the stage's own, which the host does not know
	}
	answer, err := x.ask(&wire.Frame{Kind: &wire.Frame_Wait{Wait: &wire.Wait{Duration: int64(max(d, 0)), Changes: changes(&ch)}}}, "the stage waited")
	if err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return x.state, err
	}
	if k, ok := answer.GetKind().(*wire.Frame_Awake); ok {
		x.progress(k.Awake.GetCall())
		p := x.state
		p.Ended = k.Awake.GetEnded()
		return p, ctx.Err()
	}
	return x.state, errTurn()
}

// progress takes over how the call stands.
func (x *exchange) progress(c *wire.Call) {
	if c != nil {
		x.state = wire.ProgressFrom(c)
	}
}

func errTurn() *pipeline.Error {
	return pipeline.Errorf(pipeline.KindInternal, "the host answered with something else than it was asked for")
}

// asError makes sure that an error is an *Error that nobody else holds.
func asError(err error) error {
	if e, ok := err.(*pipeline.Error); ok { //nolint:errorlint // the value itself
		return e
	}
	return &pipeline.Error{Kind: pipeline.KindOf(err), Class: pipeline.ClassTerminal, Message: err.Error(), Err: err}
}
