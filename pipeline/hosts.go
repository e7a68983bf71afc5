package pipeline

import (
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// maxHosts bounds how many hosts a pipeline remembers.
const maxHosts = 4096

// Hosts is what the calls of a pipeline share about the hosts that they go to: how much was sent there and sent again, and until when
// a host asked to be left alone. It outlives a reload of the file. At most 4096 hosts are remembered: those that are idle are forgotten
// first, then those that were idle longest. It is safe for concurrent use; make one with [NewHosts], or get the pipeline's own
// from [Settings.Hosts].
type Hosts struct {
	start   time.Time
	counted atomic.Bool // some stage has a budget
	recent  atomic.Pointer[Host]

	mu      sync.RWMutex
	windows []time.Duration
	hosts   map[string]*Host
}

// Host is one of them: a name with its port, whatever the scheme. Its methods may be called on nil, where nothing is limited.
type Host struct {
	table   *Hosts
	key     string
	cooling atomic.Pointer[Cooldown]

	mu     sync.Mutex
	used   time.Duration // when something was last sent there, since table.start
	taken  int           // tokens of resends that were not sent yet
	meters []*meter
}

// NewHosts makes a table for a stage outside every pipeline.
func NewHosts() *Hosts { return &Hosts{start: time.Now(), hosts: map[string]*Host{}} }

// Hosts returns the table of the pipeline that the stage stands in, the same for all its stages and after a reload; a Settings that a
// program made by itself gives a new one.
func (s Settings) Hosts() *Hosts {
	if s.hosts == nil {
		return NewHosts()
	}
	return s.hosts
}

// hostsOf returns the table of a pipeline.
func (s *stateStore) hostsOf(pipeline string) *Hosts {
	return s.get(pipeline+"\x00\x00hosts", func() any { return NewHosts() }).(*Hosts)
}

// Count has sends counted over a window, for a budget: what was sent before is not known. A stage calls it when it is made.
func (h *Hosts) Count(window time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.counted.Store(true)
	if slices.Contains(h.windows, window) {
		return
	}
	h.windows = append(h.windows, window)
	for _, host := range h.hosts {
		host.mu.Lock()
		host.meters = append(host.meters, newMeter(window))
		host.mu.Unlock()
	}
}

// Of returns the host that u leads to, remembered from now on.
func (h *Hosts) Of(u *url.URL) *Host {
	if recent := h.recent.Load(); recent != nil && recent.key == u.Host {
		return recent
	}
	key := hostKey(u)
	h.mu.RLock()
	host := h.hosts[key]
	h.mu.RUnlock()
	if host == nil {
		host = h.add(key)
	}
	h.recent.Store(host)
	return host
}

func (h *Hosts) add(key string) *Host {
	h.mu.Lock()
	defer h.mu.Unlock()
	if host := h.hosts[key]; host != nil {
		return host
	}
	if len(h.hosts) >= maxHosts {
		h.forget()
	}
	host := &Host{table: h, key: strings.Clone(key), used: h.now()}
	for _, window := range h.windows {
		host.meters = append(host.meters, newMeter(window))
	}
	h.hosts[host.key] = host
	return host
}

// forget makes room: it drops every idle host, and a quarter of all, those that were idle longest, where none is. h.mu is held.
func (h *Hosts) forget() {
	type last struct {
		key  string
		used time.Duration
	}
	var order []last
	longest := time.Minute
	for _, window := range h.windows {
		longest = max(longest, 2*window)
	}
	h.recent.Store(nil)
	now := h.now()
	for key, host := range h.hosts {
		used, busy := host.state()
		if !busy && now-used > longest {
			delete(h.hosts, key)
			continue
		}
		if busy {
			used = now
		}
		order = append(order, last{key, used})
	}
	if len(h.hosts) < maxHosts*3/4 {
		return
	}
	slices.SortFunc(order, func(a, b last) int { return int(a.used - b.used) })
	for _, o := range order[:len(order)/4] {
		delete(h.hosts, o.key)
	}
}

// state tells when the host was last used, and whether it must be remembered for now.
func (host *Host) state() (used time.Duration, busy bool) {
	left := time.Duration(0)
	if c := host.cooling.Load(); c != nil {
		left = time.Until(c.Until)
	}
	host.mu.Lock()
	defer host.mu.Unlock()
	return host.used, left > 0 || host.taken > 0
}

func (h *Hosts) now() time.Duration { return time.Since(h.start) }

// Name returns the host as a URL has it, without the scheme's own port.
func (host *Host) Name() string {
	if host == nil {
		return ""
	}
	return host.key
}

// hostKey returns the host in small letters, without the scheme's own port.
func hostKey(u *url.URL) string {
	host := strings.ToLower(u.Host)
	if u.Scheme == "https" {
		return strings.TrimSuffix(host, ":443")
	}
	return strings.TrimSuffix(host, ":80")
}
