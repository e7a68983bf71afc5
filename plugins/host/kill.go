package host

import (
	"maps"
	"slices"
	"sync"
)

// launches are the processes of a host that have not ended yet, or begin. It is safe for concurrent use, and its zero value is empty.
type launches struct {
	mu     sync.Mutex
	all    map[*launch]struct{}
	killed bool
}

// add keeps l until its close.
func (s *launches) add(l *launch) {
	s.mu.Lock()
	killed := s.killed
	if s.all == nil {
		s.all = map[*launch]struct{}{}
	}
	s.all[l] = struct{}{}
	s.mu.Unlock()
	l.forget = func() {
		s.mu.Lock()
		delete(s.all, l)
		s.mu.Unlock()
	}
	if killed {
		l.destroy()
	}
}

// Kill ends every process that the host has started, with its children, by force and at once; one whose start is under way, or comes after,
// ends as soon as it runs. It waits for nothing: for a program that is about to exit, and has no time for [Host.Close].
func (h *Host) Kill() {
	h.launches.mu.Lock()
	h.launches.killed = true
	all := slices.Collect(maps.Keys(h.launches.all))
	h.launches.mu.Unlock()
	for _, l := range all {
		l.destroy()
	}
}
