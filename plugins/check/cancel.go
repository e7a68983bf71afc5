package check

import (
	"time"

	"github.com/leatdev/leat/plugins/internal/wire"
)

// recalls takes an exchange back as soon as it has begun, and begins another of its number once the plugin must have read that.
func (c *checker) recalls(s *session, in *instance) error {
	const rule = "wire.cancel"
	if c.breaks("wire.return", "wire.last") { // what comes too often, or late, is known
		return nil
	}
	old, do, body := s.make(s.number(), in, get("/things/17"), nil)
	if body != nil {
		return nil
	}
	s.mu.Lock()
	old.turn = turnGone
	s.mu.Unlock()
	if err := s.send(do, &wire.Frame{Exchange: old.number, Kind: &wire.Frame_Cancel{Cancel: &wire.Cancel{}}}); err != nil {
		return err
	}
	if err := s.roundTrip(in); err != nil {
		return err
	}
	fresh, do, _ := s.make(old.number, in, get("/things/18"), nil)
	s.mu.Lock()
	fresh.held, fresh.final = rule, rule
	s.mu.Unlock()
	if err := s.send(do); err != nil {
		return err
	}
	watch := min(max(c.paces[in.stage.Name], shortly), patience) // in which the first one would come to its Next
	var next *wire.Frame
	if in.waits() {
		f, err := fresh.toNext(rule)
		if err != nil {
			return err
		}
		next = f
	}
	if next != nil {
		fresh.hold(rule)
		if fresh.quiet(watch) != nil { // that is noted
			return nil
		}
		if err := fresh.tell(well().to(in)); err != nil {
			return err
		}
	}
	if next != nil || !in.waits() {
		if _, err := fresh.finish(play{rule, "an exchange whose number was cancelled before", nil}); err != nil {
			return err
		}
	}
	timer := time.NewTimer(watch)
	defer timer.Stop()
	select {
	case <-timer.C: // a frame that comes meanwhile is noted
	case <-s.gone:
		return s.ended()
	}
	c.kept(rule)
	return nil
}

// roundTrip returns once the plugin has read all that was sent.
func (s *session) roundTrip(in *instance) error {
	_, err := s.openWrong(in.stage, 2000)
	return err
}

// openWrong opens a stage of a type that the plugin does not serve, and closes it.
func (s *session) openWrong(st Stage, number uint32) (closed *wire.Frame, err error) {
	st.Type = "no-such-type"
	f, err := s.ask("wire.open", "Open of a type that the plugin does not serve", &wire.Frame{Kind: &wire.Frame_Open{Open: st.open(number)}})
	if err != nil {
		return nil, err
	}
	if o := f.GetOpened(); o == nil || len(o.GetMistakes()) == 0 && o.GetFailure() == "" {
		return nil, breach("wire.open", "Open of a type that the plugin does not serve was answered with %s that finds nothing wrong", kindOf(f))
	}
	return s.ask("wire.close", "Close of an instance that could not be made", closing(number))
}

// cancels ends an exchange whose stage waits in next, and begins another one of the same number at once.
func (c *checker) cancels(s *session, in *instance) error {
	if !in.waits() {
		return nil
	}
	const rule = "wire.cancel"
	number := s.number()
	x, err := s.beginAs(number, in, get("/things/17"), nil)
	if err != nil {
		return err
	}
	f, err := x.toNext(rule)
	if f == nil || err != nil {
		return err
	}
	fresh, do, body := s.make(number, in, get("/things/18"), nil)
	if body != nil {
		return nil
	}
	s.mu.Lock()
	fresh.held, fresh.final = rule, rule // what the one that was cancelled still sends is taken for this one's
	s.mu.Unlock()
	if err := s.send(&wire.Frame{Exchange: number, Kind: &wire.Frame_Cancel{Cancel: &wire.Cancel{}}}, do); err != nil {
		return err
	}
	f, err = fresh.toNext(rule)
	switch {
	case err != nil:
		return err
	case f == nil:
		return breach(rule, "after Cancel the number of the exchange came again, and the new one ended before the host's word, for its stage had not called next")
	}
	s.mu.Lock()
	fresh.held, fresh.final = rule, ""
	s.mu.Unlock()
	if fresh.quiet(shortly) != nil {
		return nil // it is noted
	}
	if err := fresh.tell(well().to(in)); err != nil {
		return err
	}
	if _, err := fresh.finish(play{rule, "an exchange whose number was cancelled before", nil}); err != nil {
		return err
	}
	c.kept(rule)
	return c.cancelled(s, in)
}

// cancelled ends an exchange by Cancel, and looks that nothing of it is left.
func (c *checker) cancelled(s *session, in *instance) error {
	const rule = "wire.cancel"
	x, err := s.begin(in, get("/things/17"), nil)
	if err != nil {
		return err
	}
	f, err := x.toNext(rule)
	if f == nil || err != nil {
		return err
	}
	x.hold(rule)
	if err := s.send(&wire.Frame{Exchange: x.number, Kind: &wire.Frame_Cancel{Cancel: &wire.Cancel{}}}); err != nil {
		return err
	}
	if x.quiet(shortly) != nil {
		return nil // it is noted
	}
	x.ended = rule
	s.forget(x)
	g, err := s.ask(rule, "Close of an instance whose only exchange was cancelled", closing(in.number))
	if err == nil && g.GetClosed() == nil {
		err = breach("wire.close", "Close was answered with %s", kindOf(g))
	}
	return err
}
