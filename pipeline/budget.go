package pipeline

import (
	"errors"
	"math"
	"net/url"
	"time"
)

// Budget bounds how much is sent again to one host, by all calls of a pipeline together: retries within a call are bounded by
// max_attempts, and a budget keeps a host that is in trouble from getting several times its usual load.
//
// The measure is a window that slides. When a resend is asked for, those of the last window, with those that are waiting to be sent
// and this one, must be at most ratio × the sends of that window (resends are sends too) + floor × the window in seconds. The floor lets
// pipelines send again that send little: with the defaults 100 resends in any 10 s, whether at once or spread. Old resends leave the
// window in steps of a twentieth of it, up to one such step late.
type Budget struct {
	// Ratio is the part of all sends that may be resends; from 0 to below 1. Default 0.2.
	Ratio float64 `toml:"ratio"`
	// Floor is how many resends a second may come on top, reckoned over the whole window. Default 10.0.
	Floor float64 `toml:"floor"`
	// Window is the time that is looked back; from 1 s to 1 h. Default "10s".
	Window time.Duration `toml:"window"`
	// Unlimited lifts the budget. Default false.
	Unlimited bool `toml:"unlimited"`
}

// DefaultBudget returns the budget of a stage that says nothing.
func DefaultBudget() Budget { return Budget{Ratio: 0.2, Floor: 10, Window: 10 * time.Second} }

// Validate refuses what bounds nothing, or lets nothing through; its errors are ConfigErrors, joined.
func (b Budget) Validate() error {
	var errs []error
	if !(b.Ratio >= 0 && b.Ratio < 1) { // the negation refuses NaN
		errs = append(errs, &ConfigError{Path: "ratio", Message: "ratio must be from 0 to below 1", Advice: "unlimited = true lifts the budget"})
	}
	if !(b.Floor >= 0) || math.IsInf(b.Floor, 0) {
		errs = append(errs, &ConfigError{Path: "floor", Message: "floor must be 0 or more resends a second", Advice: "unlimited = true lifts the budget"})
	}
	if b.Window < time.Second || b.Window > time.Hour {
		errs = append(errs, Invalid("window", "window must be from 1s to 1h"))
	}
	if b.Ratio == 0 && b.Floor == 0 && !b.Unlimited {
		errs = append(errs, &ConfigError{Path: "", Message: "a budget of nothing: neither ratio nor floor lets a resend through", Advice: "max_attempts = 1 never sends again"})
	}
	return errors.Join(errs...)
}

// Take takes the token of a resend, unless the budget is used up. Each token must be used, by a send, or given back.
func (host *Host) Take(b Budget) bool {
	if host == nil {
		return true
	}
	host.mu.Lock()
	defer host.mu.Unlock()
	if !b.Unlimited {
		sends, resends := host.meter(b.Window).totals(host.table.now())
		if float64(resends+host.taken+1) > b.Ratio*float64(sends)+b.Floor*b.Window.Seconds()+1e-9 {
			return false
		}
	}
	host.taken++
	return true
}

// Return gives back a token that no send used.
func (host *Host) Return() {
	if host == nil {
		return
	}
	host.mu.Lock()
	host.taken--
	host.mu.Unlock()
}

// Sent counts a first send: for a stage outside every pipeline. Inside, the last link counts.
func (host *Host) Sent() { host.count(time.Now(), false, false) }

// Resent counts a resend that uses a token, likewise.
func (host *Host) Resent() { host.count(time.Now(), true, true) }

func (host *Host) count(at time.Time, resend, token bool) {
	if host == nil {
		return
	}
	now := at.Sub(host.table.start)
	host.mu.Lock()
	host.used = now
	if token {
		host.taken--
	}
	for _, m := range host.meters {
		m.add(now, resend)
	}
	host.mu.Unlock()
}

// meter returns that of a window; one that nobody declared begins empty. host.mu is held.
func (host *Host) meter(window time.Duration) *meter {
	for _, m := range host.meters {
		if m.window == window {
			return m
		}
	}
	m := newMeter(window)
	host.meters = append(host.meters, m)
	return m
}

// windowSteps is how many parts a window has.
const windowSteps = 20

// meter counts sends over a window that slides in steps.
type meter struct {
	window, step time.Duration
	at           int64 // the latest step
	ring         [windowSteps + 1]struct{ sends, resends int }
}

func newMeter(window time.Duration) *meter { return &meter{window: window, step: window / windowSteps} }

// turn forgets the steps that have left the window, and returns the present one.
func (m *meter) turn(now time.Duration) int64 {
	at := int64(now / m.step)
	for old := max(m.at+1, at-windowSteps); old <= at; old++ {
		m.ring[old%(windowSteps+1)] = struct{ sends, resends int }{}
	}
	m.at = max(m.at, at)
	return m.at
}

func (m *meter) add(now time.Duration, resend bool) {
	c := &m.ring[m.turn(now)%(windowSteps+1)]
	c.sends++
	if resend {
		c.resends++
	}
}

// totals returns sends that are in the window for certain, and resends that may be: of the step which it cuts, resends alone.
func (m *meter) totals(now time.Duration) (sends, resends int) {
	cut := (m.turn(now) + 1) % (windowSteps + 1)
	for i, c := range m.ring {
		resends += c.resends
		if int64(i) != cut {
			sends += c.sends
		}
	}
	return sends, resends
}

// TakeResend takes the token of a resend to host; the call's next send uses it. It reports whether there was one; see [Budget].
func (c *Call) TakeResend(host *Host, b Budget) bool {
	if !host.Take(b) {
		return false
	}
	if c != nil {
		if unused := c.granted.Swap(host); unused != nil {
			unused.Return()
		}
	}
	return true
}

// ReturnResend gives back the token that TakeResend took, unless a send used it.
func (c *Call) ReturnResend() {
	if c == nil {
		return
	}
	if c.granted.Load() != nil {
		c.granted.Swap(nil).Return()
	}
}

// Host returns where the latest send of the call went, and before the first where u leads; nil outside a pipeline.
func (c *Call) Host(u *url.URL) *Host {
	if c == nil || c.chain == nil || c.chain.hosts == nil {
		return nil
	}
	c.mu.Lock()
	last := c.last
	c.mu.Unlock()
	if last != nil {
		u = last.out.URL
	}
	return c.chain.hosts.Of(u)
}

// countSend counts a send where it happens. A send for which no token was taken is a resend all the same if the call has sent before:
// a replay after a 401, which is bounded at one a call and never refused.
func (c *Call) countSend(out *send) {
	hosts := c.chain.hosts
	if hosts == nil || !hosts.counted.Load() {
		return
	}
	to, granted := hosts.Of(out.out.URL), c.useGrant()
	if granted != nil && granted != to { // a stage sent the resend elsewhere: it costs where it was asked for
		granted.count(out.start, true, true)
	}
	to.count(out.start, out.prev != nil || granted != nil, granted == to)
}

// useGrant uses the token of the call, or of a call around it whose stage sent this one.
func (c *Call) useGrant() *Host {
	for ; c != nil; c = c.outer {
		if c.granted.Load() != nil {
			if host := c.granted.Swap(nil); host != nil {
				return host
			}
		}
	}
	return nil
}
