package host

import (
	"maps"
	"sync"
	"sync/atomic"
)

// names remembers what header names are in another spelling, so that the usual ones cost no allocation. Readers take no lock.
type names struct {
	of    func(string) string
	known atomic.Pointer[map[string]string]
	mu    sync.Mutex
}

// The bounds of what is remembered: names come from strangers.
const (
	maxNames    = 512
	maxNameSize = 64
)

func (n *names) get(name string) string {
	if m := n.known.Load(); m != nil {
		if other, ok := (*m)[name]; ok {
			return other
		}
	}
	other := n.of(name)
	if len(name) <= maxNameSize {
		n.remember(name, other)
	}
	return other
}

// text is get for a name that is not a string yet.
func (n *names) text(name []byte) string {
	if m := n.known.Load(); m != nil {
		if other, ok := (*m)[string(name)]; ok {
			return other
		}
	}
	return n.get(string(name))
}

func (n *names) remember(name, other string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	var m map[string]string
	if known := n.known.Load(); known != nil {
		if len(*known) >= maxNames {
			return
		}
		m = maps.Clone(*known)
	} else {
		m = map[string]string{}
	}
	m[name] = other
	n.known.Store(&m)
}
