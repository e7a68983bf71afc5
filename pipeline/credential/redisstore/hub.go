package redisstore

import (
	"context"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/leatdev/leat/pipeline/credential"
)

const (
	// maxKnown bounds the keys that are told after a gap in the subscription; those beyond it go untold, as the contract allows.
	maxKnown = 50_000
	// unheard is how long a waiter waits at most where there is no subscription.
	unheard = 500 * time.Millisecond
)

// hub passes on what the subscription hears: to waiters by tag, and to those who asked to be notified.
type hub struct {
	mu      sync.Mutex
	waiters map[string]map[*waiter]struct{}
	known   map[string]credential.Key // by tag: the keys that this process has asked for
	started bool
	live    bool // the subscription stands

	telling sync.Mutex // held while the functions are called
	tellers map[int]func(credential.Key)
	last    int
}

func newHub() hub {
	return hub{waiters: map[string]map[*waiter]struct{}{}, known: map[string]credential.Key{}, tellers: map[int]func(credential.Key){}}
}

// waiter is somebody who waits for the turn.
type waiter struct {
	id     string
	change chan struct{} // of one: a change while nobody looks is not forgotten
}

// know returns the key's tag, and remembers whose it is.
func (s *store) know(key credential.Key) string {
	id := tag(key)
	h := &s.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, ok := h.known[id]; !ok {
		if len(h.known) >= maxKnown {
			for old := range h.known {
				delete(h.known, old)
				break
			}
		}
		h.known[id] = key
	}
	return id
}

// await has a waiter told of changes from now on.
func (s *store) await(id string) *waiter {
	w := &waiter{id, make(chan struct{}, 1)}
	h := &s.hub
	h.mu.Lock()
	if h.waiters[id] == nil {
		h.waiters[id] = map[*waiter]struct{}{}
	}
	h.waiters[id][w] = struct{}{}
	h.mu.Unlock()
	s.listen()
	return w
}

func (h *hub) leave(w *waiter) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.waiters[w.id], w)
	if len(h.waiters[w.id]) == 0 {
		delete(h.waiters, w.id)
	}
}

// patience is how long to wait untold, if the present lease has so much left. The jitter keeps a fleet apart.
func (h *hub) patience(left time.Duration) time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.live {
		left = min(left, unheard)
	}
	return left + time.Millisecond + rand.N(left/10+time.Millisecond)
}

// wait returns after a change or after so long.
func (w *waiter) wait(ctx context.Context, long time.Duration) error {
	timer := time.NewTimer(long)
	defer timer.Stop()
	select {
	case <-w.change:
	case <-timer.C:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return nil
}

func (w *waiter) wake() {
	select {
	case w.change <- struct{}{}:
	default:
	}
}

// Notify has the store listen from now on.
func (s *store) Notify(f func(credential.Key)) (stop func()) {
	h := &s.hub
	h.telling.Lock()
	h.last++
	n := h.last
	h.tellers[n] = f
	h.telling.Unlock()
	s.listen()
	return func() {
		h.telling.Lock()
		defer h.telling.Unlock()
		delete(h.tellers, n)
	}
}

// heard passes one message on.
func (s *store) heard(text string) {
	id, sealed, err := parseMessage(text)
	if err != nil {
		return // not one of ours
	}
	h := &s.hub
	h.mu.Lock()
	for w := range h.waiters[id] {
		w.wake()
	}
	key, ok := h.known[id]
	h.mu.Unlock()
	if len(sealed) == 0 { // a turn has ended, no record has changed
		return
	}
	h.telling.Lock()
	defer h.telling.Unlock()
	if len(h.tellers) == 0 {
		return
	}
	if !ok {
		if key, err = s.openName(s.life, id, sealed); err != nil {
			s.log.Debug("a change is of a record that can't be read", "error", err)
			return
		}
	}
	for _, f := range h.tellers {
		f(key)
	}
}

// stands notes whether the subscription stands. When it begins to, all may have changed.
func (s *store) stands(live bool) {
	h := &s.hub
	h.mu.Lock()
	h.live = live
	if !live {
		h.mu.Unlock()
		return
	}
	for _, ws := range h.waiters {
		for w := range ws {
			w.wake()
		}
	}
	known := slices.Collect(maps.Values(h.known))
	h.mu.Unlock()
	h.telling.Lock()
	defer h.telling.Unlock()
	for _, f := range h.tellers {
		for _, key := range known {
			f(key)
		}
	}
}
