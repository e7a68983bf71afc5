package check

import (
	"time"

	"github.com/leatdev/leat/plugins/internal/wire"
)

// deadline has the call's deadline pass while the stage waits in next: the host watches it, not the plugin.
func (c *checker) deadline(s *session, in *instance) error {
	if !in.waits() {
		return nil
	}
	const rule = "wire.left"
	x, err := s.begin(in, get("/things/17"), func(do *wire.Do) { do.Deadline, do.Timeout = int64(shortly/2), int64(shortly/2) })
	if err != nil {
		return err
	}
	f, err := x.toNext(rule)
	if f == nil || err != nil {
		return err
	}
	x.hold(rule)
	if early := x.quiet(3 * shortly); early != nil {
		return nil // it is noted
	}
	if err := x.tell(left().to(in)); err != nil {
		return err
	}
	if _, err = x.finish(play{rule, "a Result that says, after the deadline, that the caller has left", []reply{left()}}); err == nil {
		c.kept(rule)
	}
	return err
}

// leaves has the caller leave while the stage waits in next.
func (c *checker) leaves(s *session, in *instance) error {
	if !in.waits() {
		return nil
	}
	const rule = "wire.left"
	for _, ended := range []string{"canceled", "deadline"} {
		x, err := s.begin(in, get("/things/17"), nil)
		if err != nil {
			return err
		}
		f, err := x.toNext(rule)
		if f == nil || err != nil {
			return err
		}
		r := left()
		r.ended = ended
		if err := x.tell(r.to(in)); err != nil {
			return err
		}
		for over := false; !over; {
			f, err := x.await(rule, "a Result with ended = "+ended+" (stage "+in.stage.Name+")")
			if err != nil {
				return err
			}
			if f.GetNext() != nil {
				return breach(rule, "a Next came after a Result that said that the caller has left (%s)", ended)
			}
			if over, err = x.answer(f, play{rule: rule, replies: []reply{left()}}); err != nil {
				return err
			}
		}
		s.forget(x)
		c.kept(rule)
	}
	return nil
}

// closes closes an instance whose exchange is under way, and one that could not be made.
func (c *checker) closes(s *session, in *instance) error {
	const rule = "wire.close"
	f, err := s.openWrong(in.stage, 1000)
	if err != nil {
		return err
	}
	if f.GetClosed() == nil {
		return breach(rule, "Close of an instance that could not be made was answered with %s", kindOf(f))
	}
	if !in.waits() {
		return s.shut(in)
	}
	x, err := s.begin(in, get("/things/17"), nil)
	if err != nil {
		return err
	}
	if f, err = x.toNext(rule); f == nil || err != nil {
		return err
	}
	closed := s.expect(s.number(), nil, nil, turnOther)
	closed.once = rule
	defer s.forget(closed)
	end := closing(in.number)
	end.Exchange = closed.number
	if err := s.send(end); err != nil {
		return err
	}
	if closed.quiet(2*shortly) != nil {
		return breach(rule, "Closed came while an exchange of the instance was under way")
	}
	if err := x.tell(well().to(in)); err != nil {
		return err
	}
	if _, err := x.finish(play{rule, "a Result after Close", nil}); err != nil {
		return err
	}
	_, err = closed.await(rule, "Close, once the last exchange had ended")
	return err
}

// drains asks a process that works to end.
func (c *checker) drains(s *session, in *instance) error {
	var held *exchange
	if in.waits() {
		x, err := s.begin(in, get("/things/17"), nil)
		if err != nil {
			return err
		}
		f, err := x.toNext("wire.lifeline")
		if err != nil {
			return err
		}
		if f != nil {
			held = x
		}
	}
	s.p.trial.Signal(term)
	select {
	case <-s.drained:
		c.kept("wire.draining")
	case <-s.gone:
		return c.after(s.p, held != nil)
	case <-time.After(patience):
		c.silence()
		return breach("wire.draining", "SIGTERM came, and within %s no frame Draining", patience)
	}
	if held != nil {
		if err := held.tell(well().to(in)); err != nil {
			return c.after(s.p, true)
		}
		if _, err := held.finish(play{"wire.draining", "a Result after SIGTERM", nil}); err != nil {
			if s.p.over() {
				return c.after(s.p, true)
			}
			return err
		}
	}
	return nil
}

// after judges a process that has ended at SIGTERM.
func (c *checker) after(p *process, worked bool) error {
	if !p.ends(patience) {
		return breach("wire.draining", "SIGTERM came, and the plugin ended its Session in place of sending Draining")
	}
	if worked {
		return breach("wire.draining", "SIGTERM came while an exchange was under way, and the process %s at once", p.trial.Ended())
	}
	return breach("wire.draining", "SIGTERM came, and the process %s without the frame Draining", p.trial.Ended())
}
