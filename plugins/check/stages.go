package check

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/plugins/internal/wire"
)

// makes makes a stage, and closes it again.
func (c *checker) makes(ctx context.Context, st Stage) {
	usable := true
	c.try(ctx, func(ctx context.Context, p *process) error {
		err := c.with(ctx, p, st, func(s *session, in *instance) error { return s.shut(in) })
		if b, ok := err.(*broken); ok && st.Assumed && b.rule == "wire.open" { //nolint:errorlint // with returns it as it is
			usable = false
			c.missing = append(c.missing, st.Type)
			return nil
		}
		usable = err == nil
		return err
	})
	if !usable {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.unmade[st.Name] = true
	}
}

// tryStage holds the plugin against the rules of a session with one stage.
func (c *checker) tryStage(ctx context.Context, st Stage) {
	if c.refused(st) {
		return
	}
	defer c.weigh(st)
	for _, f := range []func(*session, *instance) error{
		c.together, c.plays, c.users, c.unwanted, c.apartness, c.crowd, c.numbers, c.message, c.unknown, c.lessens,
		c.deadline, c.leaves, c.recalls, c.cancels, c.closes, c.calls,
	} {
		stop := false
		c.try(ctx, func(ctx context.Context, p *process) error {
			err := c.with(ctx, p, st, f)
			b, ok := errors.AsType[*broken](err)
			stop = errors.Is(err, errSpoiled) || ok && b.rule == "wire.do"
			return err
		})
		if stop { // what else it breaks shows once this is mended
			c.giveUp("nothing can be told of stage %s as long as it breaks another rule", st.Name)
			return
		}
	}
}

// crowd has more exchanges under way than a plugin may work on at once: all wait in next.
func (c *checker) crowd(s *session, in *instance) error {
	n := min(c.plan.Config.MaxInFlight, 256) + 1
	const rule = "wire.do"
	var all []*exchange
	for i := range n {
		x, f, body := s.make(s.number(), in, get("/things/"+strconv.Itoa(i)), nil)
		if body != nil {
			return nil
		}
		if err := s.send(f); err != nil {
			return err
		}
		all = append(all, x)
	}
	var held []*exchange
	for i, x := range all {
		if !in.waits() {
			if _, err := x.finish(play{rule, "one of " + strconv.Itoa(n) + " exchanges at once", nil}); err != nil {
				return err
			}
			continue
		}
		f, err := x.toNext(rule)
		if err != nil {
			c.advise(rule, "let more exchanges be under way than max_in_flight: one that is in next holds up no other, so a thread for each, without a bound, or tasks that wait without one")
			return breach(rule, "with %d exchanges in next, the next one did not begin: %s", len(held), err)
		}
		if f != nil {
			held = append(held, all[i])
		}
	}
	for i := range held { // the last one first
		x := held[len(held)-1-i]
		if err := x.tell(well().to(in)); err != nil {
			return err
		}
		if _, err := x.finish(play{rule, "a Result, of many that came in another order than the Nexts", nil}); err != nil {
			return err
		}
	}
	return nil
}

// numbers has exchanges whose numbers differ in their upper bits, that come again, and that another session has, too.
func (c *checker) numbers(s *session, in *instance) error {
	other, err := c.session(s.stream.Context(), s.p)
	if err != nil {
		return err
	}
	defer other.kill()
	twin, err := other.open(in.stage)
	if err != nil {
		return err
	}
	const rule = "wire.numbers"
	list := []uint64{5, 5 | 1<<32, 5 | 1<<53, 6 | 1<<53, 5 | 1<<63, 1<<64 - 1, 1<<64 - 2}
	for range 2 { // the second time they have ended
		type pair struct {
			x  *exchange
			in bool
		}
		var all []pair
		for _, n := range list {
			for _, of := range []struct {
				s  *session
				in *instance
			}{{s, in}, {other, twin}} {
				x, err := of.s.beginAs(n, of.in, get("/things/17"), nil)
				if err != nil {
					return err
				}
				all = append(all, pair{x: x})
			}
		}
		for i := range all {
			if in.waits() {
				f, err := all[i].x.toNext(rule)
				if err != nil {
					return err
				}
				all[i].in = f != nil
			}
		}
		for _, one := range all {
			if one.in {
				if err := one.x.tell(well().to(in)); err != nil {
					return err
				}
			}
			if one.in || !in.waits() {
				if _, err := one.x.finish(play{rule, "exchange " + strconv.FormatUint(one.x.number, 10), nil}); err != nil {
					return err
				}
			}
		}
	}
	c.kept(rule)
	return nil
}

// message sends as much in one message, and in one frame, as there can be.
func (c *checker) message(s *session, in *instance) error {
	var frames []*wire.Frame
	var all []*exchange
	total := 0
	for total < wire.MaxMessage-40<<10 {
		x, f, _ := s.make(s.number(), in, get("/"+strings.Repeat("x", 30<<10)), nil)
		total += f.SizeVT() + 8
		frames, all = append(frames, f), append(all, x)
	}
	if err := s.send(frames...); err != nil {
		return breach("wire.limits", "a message of 1.2 MiB ended the Session: %v", err)
	}
	big, f, _ := s.make(s.number(), in, get("/"+strings.Repeat("x", wire.MaxFrame-20<<10)), nil)
	if f.SizeVT() > wire.MaxFrame {
		s.forget(big)
	} else if err := s.send(f); err != nil {
		return breach("wire.limits", "a frame of 1 MiB ended the Session: %v", err)
	} else {
		all = append(all, big)
	}
	for _, x := range all {
		if _, err := x.finish(play{"wire.limits", "a frame in a message of the greatest size", nil}); err != nil {
			if b, ok := err.(*broken); ok && b.rule == "wire.do" { //nolint:errorlint // finish returns it as it is
				return breach("wire.limits", "after a message of the greatest size: %s", b.text)
			}
			return err
		}
	}
	return nil
}

// unknown sends what this version of the protocol has not.
func (c *checker) unknown(s *session, in *instance) error {
	const rule = "wire.unknown"
	strange := []byte{0xc2, 0x3e, 0x03, 'n', 'e', 'w'} // field 1000, of bytes
	x, f, body := s.make(s.number(), in, get("/things/17"), nil)
	f.ProtoReflect().SetUnknown(strange)
	f.GetDo().ProtoReflect().SetUnknown(strange)
	f.GetDo().GetRequest().ProtoReflect().SetUnknown(strange)
	odd := &wire.Frame{Exchange: s.number()}
	odd.ProtoReflect().SetUnknown([]byte{0xca, 0x01, 0x00}) // field 25: a kind of frame
	stranger := s.expect(odd.Exchange, in, &wire.Do{}, turnOther)
	defer s.forget(stranger)
	if err := s.send(odd, f); err != nil {
		return err
	}
	if body != nil {
		return nil
	}
	if _, err := x.finish(play{rule, "a frame with fields that nobody knows", nil}); err != nil {
		if b, ok := err.(*broken); ok && (b.rule == "wire.do" || b.rule == "wire.panic") { //nolint:errorlint // finish returns it as it is
			return breach(rule, "after a frame with fields, and one of a kind, that nobody knows: %s", b.text)
		}
		return err
	}
	c.kept(rule)
	return nil
}

// calls tells of the ends of calls.
func (c *checker) calls(s *session, in *instance) error {
	if !in.needs.Calls {
		return nil
	}
	const rule = "wire.ended"
	var all []*exchange
	for _, ended := range []*wire.Ended{
		{Status: 200}, {Error: &wire.Error{Kind: string(pipeline.KindNetwork), Class: string(pipeline.ClassNotSent), Message: "connection refused"}},
	} {
		do, _ := get("/things/17").do(in)
		ended.Instance, ended.Request, ended.Call, ended.LogLevel = in.number, do.GetRequest(), do.GetCall(), -4
		x := s.expect(s.number(), in, &wire.Do{LogLevel: -4}, turnOver)
		x.ended = rule
		if err := s.send(&wire.Frame{Exchange: x.number, Kind: &wire.Frame_Ended{Ended: ended}}); err != nil {
			return err
		}
		all = append(all, x)
	}
	for _, x := range all {
		x.quiet(shortly) // a frame of it is noted
		s.forget(x)
	}
	if err := s.shut(in); err != nil {
		return err
	}
	c.kept(rule)
	return nil
}
