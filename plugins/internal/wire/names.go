package wire

import (
	"maps"
	"strings"
	"sync"
	"sync/atomic"
)

// Names remembers what header names are in another spelling, so that the usual ones cost no allocation. Readers take no lock. It is safe for
// concurrent use.
type Names struct {
	Of    func(string) string // tells what a name is; set before the first Get
	known atomic.Pointer[map[string]string]
	mu    sync.Mutex
}

// The bounds of what is remembered: names come from strangers.
const (
	maxNames    = 512
	maxNameSize = 64
)

// Get returns the other spelling of a name.
func (n *Names) Get(name string) string {
	if m := n.known.Load(); m != nil {
		if other, ok := (*m)[name]; ok {
			return other
		}
	}
	other := n.Of(name)
	if len(name) <= maxNameSize {
		n.remember(name, other)
	}
	return other
}

// Text is Get for a name that is not a string yet.
func (n *Names) Text(name []byte) string {
	if m := n.known.Load(); m != nil {
		if other, ok := (*m)[string(name)]; ok {
			return other
		}
	}
	return n.Get(string(name))
}

func (n *Names) remember(name, other string) {
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
	m[strings.Clone(name)] = strings.Clone(other) // the name may be part of a whole frame
	n.known.Store(&m)
}
