package check

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/leatdev/leat/plugins/internal/wire"
)

// turn says who has the next word in an exchange.
type turn int

const (
	turnPlugin turn = iota
	turnResult      // the host, after Next
	turnAwake       // after Wait
	turnBody        // after Read
	turnOver
	turnGone  // it was cancelled: what comes has crossed that on its way
	turnOther // it is not an exchange of a request
)

// exchange is one that the script plays with the plugin. What the session's reader touches is under the session's lock.
type exchange struct {
	s      *session
	number uint64
	inst   *instance
	do     *wire.Do
	in     chan *wire.Frame

	turn    turn
	nexts   int
	hidden  []string     // headers of the request that the stage does not see
	result  *wire.Result // the last
	dropped bool
	first   time.Time // when the first frame of it came
	ended   string    // the rule that a frame breaks that comes after the end
	mute    bool      // what it breaks is not noted
	final   string    // likewise, in place of what the last frame says; "": that
	once    string    // likewise, of one that has a single answer
	held    string    // the rule that a frame would break that comes before the host's word; "": that of the frame
}

// begin sends Do, with the body that travels apart.
func (s *session) begin(in *instance, r Request, change func(*wire.Do)) (*exchange, error) {
	return s.beginAs(s.number(), in, r, change)
}

func (s *session) beginAs(number uint64, in *instance, r Request, change func(*wire.Do)) (*exchange, error) {
	x, f, body := s.make(number, in, r, change)
	if body == nil {
		return x, s.send(f)
	}
	if r.late {
		if err := s.send(f); err != nil {
			return nil, err
		}
		return x, x.upload("wire.apart", "after its frame", body)
	}
	done := make(chan error, 1)
	sent := make(chan struct{})
	go func() { done <- x.uploading("wire.apart", "before its frame", body, func() { close(sent) }) }()
	select {
	case <-sent:
	case err := <-done:
		if err != nil {
			return nil, err
		}
		done <- nil
	}
	timer := time.NewTimer(uploadAhead)
	defer timer.Stop()
	<-timer.C // it is there before its frame, as far as one can see
	if err := s.send(f); err != nil {
		return nil, err
	}
	return x, <-done
}

// make writes the first frame of an exchange.
func (s *session) make(number uint64, in *instance, r Request, change func(*wire.Do)) (*exchange, *wire.Frame, []byte) {
	do, body := r.do(in)
	if change != nil {
		change(do)
	}
	x := s.expect(number, in, do, turnPlugin)
	x.hidden = r.hidden(in.needs.Request.Headers)
	return x, &wire.Frame{Exchange: number, Kind: &wire.Frame_Do{Do: do}}, body
}

// await waits for the plugin's next word. rule is the one that it breaks by silence.
func (x *exchange) await(rule, what string) (*wire.Frame, error) {
	t := time.NewTimer(patience)
	defer t.Stop()
	if x.s.spoiled.Load() {
		return nil, errSpoiled
	}
	select {
	case f := <-x.in:
		if x.s.spoiled.Load() {
			return nil, errSpoiled
		}
		return f, nil
	case <-x.s.gone:
		select {
		case f := <-x.in:
			return f, nil
		default:
			return nil, x.s.ended()
		}
	case <-t.C:
		x.s.c.silence()
		return nil, breach(rule, "no answer came to %s within %s", what, patience)
	}
}

// errSpoiled ends a scenario in which the plugin spoke out of turn, which is noted.
var errSpoiled = errors.New("the plugin spoke out of turn")

// quiet reports the frame that comes within d, nil if none does.
func (x *exchange) quiet(d time.Duration) *wire.Frame {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case f := <-x.in:
		return f
	case <-t.C:
		return nil
	case <-x.s.gone:
		return nil
	}
}

// hold has whatever the plugin sends before the host's next word break a rule.
func (x *exchange) hold(rule string) {
	x.s.mu.Lock()
	x.held = rule
	x.s.mu.Unlock()
}

// say sends the host's word.
func (x *exchange) say(f *wire.Frame, now func()) error {
	f.Exchange = x.number
	x.s.mu.Lock()
	x.turn = turnPlugin
	x.held = ""
	if now != nil {
		now()
	}
	x.s.mu.Unlock()
	return x.s.send(f)
}

func (x *exchange) tell(r *wire.Result) error {
	return x.say(&wire.Frame{Kind: &wire.Frame_Result{Result: r}}, func() { x.result, x.dropped = r, false })
}

// play is the rule that silence breaks, and what answers each Next; the last one answers all further.
type play struct {
	rule    string
	what    string
	replies []reply
}

// finish plays the exchange to its end, and returns the frame that ended it.
func (x *exchange) finish(p play) (*wire.Frame, error) {
	what := p.what + " (stage " + x.inst.stage.Name + ")"
	for range mostSteps {
		f, err := x.await(p.rule, what)
		if err != nil {
			return nil, err
		}
		over, err := x.answer(f, p)
		if err != nil {
			return nil, err
		}
		if over {
			x.s.forget(x)
			x.kept("wire.do", "wire.grants", "wire.bytes", "wire.limits")
			return f, nil
		}
	}
	return nil, breach("wire.next", "it went on for %d frames: %s", mostSteps, what)
}

const mostSteps = 200

// answer answers one frame; over says that the exchange is.
func (x *exchange) answer(f *wire.Frame, p play) (over bool, err error) {
	r := well()
	if n := x.count(); n > 0 && len(p.replies) > 0 {
		r = p.replies[min(n, len(p.replies))-1]
	}
	switch k := f.GetKind().(type) {
	case *wire.Frame_Next:
		if err := x.fetch(k.Next.GetEdits().GetBody()); err != nil {
			return false, err
		}
		if k.Next.GetLast() {
			return true, nil
		}
		return false, x.tell(r.to(x.inst))
	case *wire.Frame_Return:
		body := k.Return.GetEdits().GetBody()
		if k.Return.GetResponse().GetBody() != nil {
			body = k.Return.GetResponse().GetBody()
		}
		return true, x.fetch(body)
	case *wire.Frame_Wait:
		if x.s.c.first("wait") && x.quiet(shortly) != nil { // it is noted
			return true, nil
		}
		return false, x.say(&wire.Frame{Kind: &wire.Frame_Awake{Awake: &wire.Awake{Call: words(x.inst)}}}, nil)
	case *wire.Frame_Read:
		if x.inst.needs.Response == nil { // content has no answer
			return false, breach("wire.read", "a stage without response needs sent Read")
		}
		b, data := r.content(x.inst)
		if err := x.say(&wire.Frame{Kind: &wire.Frame_Body{Body: b}}, nil); err != nil || data == nil {
			return false, err
		}
		return false, x.upload("wire.apart", "after the frame Body", data)
	case *wire.Frame_Drop:
		return false, nil
	}
	return false, breach("wire.return", "an exchange got %s", kindOf(f))
}

func (x *exchange) count() int {
	x.s.mu.Lock()
	defer x.s.mu.Unlock()
	return x.nexts
}

// toNext plays up to the moment at which the plugin waits for what comes of its first Next; nil, nil: it never does.
func (x *exchange) toNext(rule string) (*wire.Frame, error) {
	p := play{rule: rule, what: "Do"}
	for range mostSteps {
		f, err := x.await(rule, "Do (stage "+x.inst.stage.Name+")")
		if err != nil {
			return nil, err
		}
		if n := f.GetNext(); n != nil && !n.GetLast() {
			return f, x.fetch(n.GetEdits().GetBody())
		}
		over, err := x.answer(f, p)
		if err != nil || over {
			x.s.forget(x)
			return nil, err
		}
	}
	return nil, nil
}

// kindOf names a frame for people.
func kindOf(f *wire.Frame) string {
	if f.GetKind() == nil {
		return "a frame of no known kind"
	}
	return strings.TrimPrefix(fmt.Sprintf("%T", f.GetKind()), "*wire.Frame_")
}
