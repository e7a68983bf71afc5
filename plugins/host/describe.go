package host

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/leatdev/leat/pipeline"
)

// Describe starts a plugin, asks it what it serves, and stops it. What it says is held against by every factory that the host makes after.
// It touches no process that serves requests.
func (h *Host) Describe(ctx context.Context, p pipeline.PluginPlan) (*Interface, error) {
	var i *Interface
	err := h.with(ctx, p, func(_ context.Context, l *life) error {
		i = l.iface
		return nil
	})
	if err != nil {
		return nil, err
	}
	h.known.learn(p, i)
	return i, nil
}

// with starts a process of a plugin, has f use it, and stops it. It waits for all three, at most a little longer than ctx.
func (h *Host) with(ctx context.Context, p pipeline.PluginPlan, f func(context.Context, *life) error) error {
	t := h.ticket()
	if t == nil {
		return errClosed
	}
	inner, cancel := context.WithCancel(context.Background())
	defer cancel()
	h.spawn(func() {
		logger := h.logger
		if logger == nil {
			logger = slog.New(slog.DiscardHandler)
		}
		l, err := h.start(inner, p, newLogs(p.Name, logger, h.shows))
		if err != nil {
			t <- failure(p.Name, classStart, err)
			return
		}
		err = f(inner, l)
		l.stop(h.times)
		t <- err
	})
	select {
	case err := <-t:
		return err
	case <-ctx.Done():
		cancel()
		if err := <-t; err == nil {
			return nil
		}
		return fmt.Errorf("plugin %s: %w", p.Name, context.Cause(ctx))
	}
}
