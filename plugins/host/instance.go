package host

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/plugins/internal/wire"
)

// open makes the stage on a session.
func (st *stage) open(ctx context.Context, s *session) (*instance, error) {
	set := &st.opts.settings
	st.opts.given.learn(set.Redact()) // the process may be another one, with other values
	number := s.instances.Add(1)
	s.stages.Store(number, st)
	frame := &wire.Open{
		Instance: number, Type: st.opts.typ, Config: st.opts.config, Pipeline: set.Pipeline, Stage: set.Stage, Credential: set.Credential, Dir: set.Dir,
	}
	if st.opts.granted != nil {
		frame.Granted = wire.NeedsTo(*st.opts.granted)
	}
	answer, err := st.ask(ctx, s, &wire.Frame{Kind: &wire.Frame_Open{Open: frame}}, max(st.opts.start, st.remote.Timeout))
	if err == nil {
		var g *grants
		if g, err = st.opened(answer, s.opts.iface); err == nil {
			return &instance{session: s, number: number, grants: g}, nil
		}
	}
	s.stages.Delete(number)
	_ = s.send(&wire.Frame{Exchange: s.instanceExchange(number), Kind: &wire.Frame_Close{Close: &wire.Close{Instance: number}}})
	return nil, err
}

// opened judges what a plugin has answered to Open.
func (st *stage) opened(answer *wire.Frame, said *Interface) (*grants, error) {
	o := answer.GetOpened()
	if o == nil {
		return nil, st.failure(classInvalid, "plugin %s answered Open with another frame", st.opts.name)
	}
	show := st.opts.settings.Redact()
	if len(o.GetMistakes()) > 0 {
		var texts []string
		for _, m := range o.GetMistakes()[:min(8, len(o.GetMistakes()))] {
			text := m.GetMessage()
			if m.GetPath() != "" {
				text = m.GetPath() + ": " + text
			}
			if m.GetHint() != "" {
				text += ": " + m.GetHint()
			}
			texts = append(texts, show.Known(line(text)))
		}
		e := st.failure(classStart, "plugin %s refuses the config: %s%s", st.opts.name, strings.Join(texts, "; "), st.opts.given.hint())
		e.Class = pipeline.ClassTerminal
		return nil, e
	}
	if o.GetFailure() != "" {
		return nil, st.failure(classStart, "plugin %s could not make the stage: %s%s", st.opts.name, show.Known(line(o.GetFailure())), st.opts.given.hint())
	}
	needs, err := wire.NeedsFrom(o.GetNeeds())
	if err != nil {
		return nil, st.failure(classInvalid, "plugin %s asks for what nobody can have: %w", st.opts.name, err)
	}
	if text := said.beyond(st.opts.typ, needs); text != "" {
		return nil, st.failure(classInvalid, "plugin %s: %s", st.opts.name, text)
	}
	if st.opts.granted != nil {
		needs = needs.Within(*st.opts.granted)
	}
	return newGrants(needs, st.opts.settings.Redact()), nil
}

// ask sends a frame that is answered once, outside every request.
func (st *stage) ask(ctx context.Context, s *session, f *wire.Frame, timeout time.Duration) (*wire.Frame, error) {
	x := exchange{st: st, ctx: ctx, watch: stopwatch{left: timeout}, inst: &instance{session: s}}
	if err := x.enter(); err != nil {
		return nil, err
	}
	defer x.leave()
	f.Exchange = x.number
	if err := x.send(f); err != nil {
		return nil, err
	}
	in, err := x.await()
	if err != nil {
		return nil, err
	}
	return x.decode(in)
}

// shut closes the instance, and waits until the plugin has said that it did: then all that it had to log has come, too.
func (st *stage) shut(i *instance) error {
	s := i.session
	if !s.alive() {
		return nil
	}
	defer s.stages.Delete(i.number)
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	answer, err := st.ask(ctx, s, &wire.Frame{Kind: &wire.Frame_Close{Close: &wire.Close{Instance: i.number}}}, closeTimeout)
	s.logs.flush(ctx)
	switch e, ok := errors.AsType[*pipeline.Error](err); {
	case ok && (e.Reason == classCrash || e.Reason == classDraining):
		return nil // what is gone is closed
	case err != nil:
		return fmt.Errorf("closing stage %s: %w", st.opts.settings.Stage, err)
	}
	if text := answer.GetClosed().GetFailure(); text != "" {
		return fmt.Errorf("closing stage %s: %s", st.opts.settings.Stage, st.opts.settings.Redact().Text(line(text)))
	}
	return nil
}

func (s *session) instanceExchange(number uint32) uint64 {
	return uint64(number)<<indexBits | instanceIndex
}

// alive reports whether the stream has not ended.
func (s *session) alive() bool {
	select {
	case <-s.dead:
		return false
	default:
		return true
	}
}
