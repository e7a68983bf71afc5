package host

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/plugins/internal/wire"
)

// WithoutLock has the host look at no lock, as a program that writes one must: it runs what is there, and believes what that says.
func WithoutLock() Option { return func(h *Host) { h.known.unlocked = true } }

// Interface returns what is known of a plugin: what it said to Describe, else what the lock beside its file says; nil where neither is there.
// It starts nothing. The error is a *[pipeline.PluginError].
func (h *Host) Interface(p pipeline.PluginPlan) (*Interface, error) {
	i, _, err := h.known.of(p)
	return i, err
}

// Locked returns what the lock beside a plugin's file says of it; nil where it says nothing. It starts nothing. The error is a
// *[pipeline.PluginError].
func (h *Host) Locked(p pipeline.PluginPlan) (*Locked, error) { return h.known.locked(p) }

// Probe judges a plugin's program without running it: that it is there, and that it is the one that sha256 or the lock means. The errors
// say where in the plugin's table they stand; [pipeline.Probe] places them.
func (h *Host) Probe(p pipeline.PluginPlan) error { return h.known.probe(p) }

// StageToCheck is a stage whose config its plugin is to judge.
type StageToCheck struct {
	Type   string // without the plugin's name
	Config *StageConfig
}

// Check starts a plugin, has it judge the configs of its stages, which may see more than their schemas say, and stops it. Each config may take
// it start_timeout. wrong[i] is what is wrong with stages[i], nil if nothing is: errors that place themselves in the stage's table. err: the
// plugin could not be asked.
func (h *Host) Check(ctx context.Context, p pipeline.PluginPlan, stages []StageToCheck) (wrong []error, err error) {
	wrong = make([]error, len(stages))
	for _, s := range stages {
		learnVariables(h.shows, p.Config, s.Config.variables())
	}
	_, most := h.patient(p, pipeline.Settings{})
	err = h.with(ctx, p, func(ctx context.Context, l *life) error {
		for i, s := range stages {
			answer, err := l.judge(ctx, p.Name, s, most)
			if err != nil {
				return err
			}
			for _, m := range answer.GetMistakes() {
				m.Message, m.Hint = h.shows.Known(m.GetMessage()), h.shows.Known(m.GetHint())
			}
			wrong[i] = mistakesFrom(answer.GetMistakes(), s.Config.schema)
			needs, err := wire.NeedsFrom(answer.GetNeeds())
			if err != nil {
				wrong[i] = errors.Join(wrong[i], fmt.Errorf("the plugin asks for what nobody can have: %w", err))
			} else if text := l.iface.beyond(s.Type, needs); text != "" {
				wrong[i] = errors.Join(wrong[i], errors.New(text))
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return wrong, nil
}

// judge asks the process about one config. The error is a *pipeline.Error.
func (l *life) judge(ctx context.Context, name string, s StageToCheck, most time.Duration) (*wire.CheckResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	answer, err := wire.NewPluginClient(l.conn).Check(ctx, &wire.CheckRequest{Type: s.Type, Config: s.Config.JSON()})
	switch {
	case err == nil:
		return answer, nil
	case overdue(ctx, err):
		return nil, failure(name, classDeadline, fmt.Errorf("it did not judge the config of %s within %s; start_timeout allows more%s", s.Type, most, l.run.lastWords()))
	}
	return nil, failure(name, classCrash, fmt.Errorf("it did not judge the config of %s: %w", s.Type, l.obituary(err)))
}

// Watch starts a plugin, outside every pipeline, and stays with it until ctx ends, which is no error, or the plugin does. started, if not
// nil, is called once it has said what it is. What it writes goes to the host's logger: see [WithLogger].
func (h *Host) Watch(ctx context.Context, p pipeline.PluginPlan, started func(*Interface)) error {
	err := h.with(ctx, p, func(inner context.Context, l *life) error {
		if started != nil {
			started(l.iface)
		}
		select {
		case <-inner.Done():
			return inner.Err()
		case <-l.gone():
			return failure(p.Name, classCrash, l.epitaph())
		}
	})
	if ctx.Err() != nil && errors.Is(err, context.Cause(ctx)) {
		return nil
	}
	return err
}
