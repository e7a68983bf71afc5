package main

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// hurry ends the command at once when it is interrupted a second time, whatever holds it up, and lets nothing outlive it. A nil one never does.
type hurry struct {
	mu   sync.Mutex
	last []func()
}

// before has f called before the command ends so. f must not wait.
func (h *hurry) before(f func()) {
	if h == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.last = append(h.last, f)
}

// watch returns a context that the first Ctrl-C or SIGTERM ends; the second one calls exit. stop ends both.
func (h *hurry) watch(exit func(code int)) (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	signals, stopped := make(chan os.Signal, 2), make(chan struct{})
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		select {
		case <-signals:
			cancel()
		case <-stopped:
			return
		}
		select {
		case <-signals:
			h.end()
			exit(exitInterrupted)
		case <-stopped:
		}
	}()
	return ctx, sync.OnceFunc(func() {
		signal.Stop(signals)
		cancel()
		close(stopped)
	})
}

func (h *hurry) end() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, f := range h.last {
		f()
	}
}
