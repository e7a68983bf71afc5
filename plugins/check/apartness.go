package check

import (
	"errors"
	"slices"
	"strings"

	"github.com/leatdev/leat/plugins/internal/wire"
)

// apartness looks whether an instance is that of its session: another session opens one of the same number, closes it, and ends.
func (c *checker) apartness(s *session, in *instance) error {
	before, err := s.outlines(in)
	if err != nil || len(before) != 1 { // it does not do the same each time
		return err
	}
	same := func(when string) error {
		after, err := s.outlines(in)
		if err == nil && slices.Contains(after, before[0]) {
			return nil
		}
		c.advise("wire.open", "keep instances by session and number, in a table that the session has, and never in one that all share")
		if b, ok := errors.AsType[*broken](err); ok {
			return breach("wire.open", "once another session had %s an instance of the same number: %s", when, b.text)
		}
		if err != nil {
			return err
		}
		return breach("wire.open", "once another session had %s an instance of the same number, a request of this one got %s, and %s before (stage %s)",
			when, after[0], before[0], in.stage.Name)
	}
	for _, end := range []string{"closed", "ended with"} {
		other, err := c.session(s.stream.Context(), s.p)
		if err != nil {
			return err
		}
		twin, err := other.open(c.partner(in.stage))
		if err == nil {
			err = same("opened")
		}
		if err == nil && end == "closed" {
			if err = other.shut(twin); err == nil {
				err = same(end)
			}
		}
		if err != nil {
			other.kill()
			return err
		}
		if err := other.end(); err != nil {
			return err
		}
		if err := same(end); err != nil {
			return err
		}
	}
	return nil
}

// partner returns a stage of another type if there is one: then it shows more.
func (c *checker) partner(st Stage) Stage {
	i := slices.IndexFunc(c.stages, func(s Stage) bool { return s.Type != st.Type && !c.refused(s) })
	if i < 0 {
		return st
	}
	return c.stages[i]
}

// outlines makes the same request a few times, and returns what came of it, each once.
func (s *session) outlines(in *instance) (all []string, err error) {
	for range 3 {
		o, err := s.outline(in)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(all, o) {
			all = append(all, o)
		}
	}
	return all, nil
}

// outline says what comes of a request, without what may differ each time.
func (s *session) outline(in *instance) (string, error) {
	x, f, body := s.make(s.number(), in, get("/things/17"), nil)
	if body != nil {
		return "", nil
	}
	s.mu.Lock()
	x.mute = true // it may be another type's stage that answers
	s.mu.Unlock()
	if err := s.send(f); err != nil {
		return "", err
	}
	const rule = "wire.open"
	var words []string
	for range mostSteps {
		f, err := x.await(rule, "a request while another session had an instance of the same number (stage "+in.stage.Name+")")
		if err != nil {
			return "", err
		}
		words = append(words, describe(f))
		over, err := x.answer(f, play{rule: rule})
		if err != nil {
			return "", err
		}
		if over {
			s.forget(x)
			break
		}
	}
	return strings.Join(words, ", then "), nil
}

func describe(f *wire.Frame) string {
	edits, text := f.GetNext().GetEdits(), kindOf(f)
	if r := f.GetReturn(); r != nil {
		edits = r.GetEdits()
		switch {
		case r.GetError().GetPanic():
			return text + " with a panic"
		case r.GetError() != nil:
			return text + " with an error of kind " + r.GetError().GetKind()
		case r.GetResponse() != nil:
			return text + " with an answer"
		}
	}
	var names []string
	for _, h := range edits.GetHeaders() {
		names = append(names, h.GetName())
	}
	if slices.Sort(names); len(names) > 0 {
		text += " that edits " + strings.Join(names, " and ")
	}
	return text
}
