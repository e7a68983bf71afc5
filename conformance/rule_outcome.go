package conformance

import (
	"net/http"
	"strings"
)

// playOneResult looks at what Do returns before the framework tidies it up.
func playOneResult(b *bench) {
	b.playAll(hooks{}, func(c *stageCall) {
		for _, v := range c.visits {
			switch {
			case v.panicked != "": // no-panic's
			case v.nilError != "":
				c.found("it returned an error that is a nil "+v.nilError+": such an error is not nil", "return a plain nil, or declare the variable as error")
			case v.resp != nil && v.err != nil:
				c.found("it returned a response and an error", "return nil, err: drop the response first (pipeline.Drop)")
			case v.resp == nil && v.err == nil:
				c.found("it returned neither a response nor an error", "return what next returned, or an error (pipeline.Errorf)")
			}
		}
	})
}

// drains is how much a stage must drain at least, of a body that is there at once: a few kB leave no reason not to.
const drains = 16 << 10

// playClosesDropped looks at the body of each response that next gave, once the caller is done with the one that it got.
func playClosesDropped(b *bench) {
	const drop = "call pipeline.Drop(resp) for each response that you do not return, also on the way to an error"
	b.playAll(hooks{}, func(c *stageCall) {
		for _, v := range c.visits {
			returned := v.source(v.resp)
			for _, s := range v.sent {
				switch {
				case s.answer == nil, v.panicked != "":
				case !s.answer.closed.Load() && s == returned:
					c.found("the caller closed the body that it got, and the upstream's is still open",
						"what you put in place of a response's body closes that body too, when it is closed or once you have read it")
				case !s.answer.closed.Load():
					c.found("the body of a response that was not returned is still open", drop)
				case s != returned && s.undrained():
					c.found("the body of a response that was not returned was closed before it was drained: its connection can't be used again", drop)
				}
			}
		}
	})
}

// undrained reports whether bytes were left that could have been had at once.
func (s *sending) undrained() bool {
	pieces := s.reply.pieces(s.id())
	size := len(s.reply.bytes(s.id()))
	if len(pieces) != 1 || size > drains || s.reply.status == http.StatusSwitchingProtocols {
		return false
	}
	return s.answer.read.Load() < int64(size)
}

// playNoPanic looks for panics in Do, in CallEnded, and in the body that the caller reads.
func playNoPanic(b *bench) {
	b.playAll(hooks{}, func(c *stageCall) {
		for _, v := range c.visits {
			if v.panicked != "" {
				c.found("Do panicked: "+v.panicked+"\n          at "+placesOf(v.stack),
					"return an error; look before you follow a pointer or an index: headers may be missing, bodies empty, and resp is nil where err is not")
			}
		}
		for _, text := range c.thrown {
			c.found(text, "what a stage hands out must not panic either")
		}
	})
}

// placesOf returns the lines of code that a panic came through, from where it began up to the stage's Do.
func placesOf(stack string) string {
	var places []string
	_, frames, _ := strings.Cut(stack, "panic(")
	frames, _, _ = strings.Cut(frames, "conformance.watched.Do")
	for line := range strings.Lines(frames) {
		if place, ok := strings.CutPrefix(line, "\t"); ok && !strings.Contains(place, "/src/runtime/") {
			place, _, _ = strings.Cut(strings.TrimSpace(place), " +0x")
			places = append(places, place)
		}
	}
	return strings.Join(places, "\n          from ")
}
