package pipeline

import "time"

// Cooldown says that a host asked to be left alone. It is never changed.
type Cooldown struct {
	Until  time.Time
	Asked  time.Duration // how long it asked for, or as long as it is heeded
	Status int           // of the answer that asked
	By     string        // the header that did
}

// Cool has the host left alone by all calls of the pipeline that heed it. A cooldown is never shortened: neither by one that ends
// earlier nor by a success.
func (host *Host) Cool(c Cooldown) {
	if host == nil {
		return
	}
	for {
		before := host.cooling.Load()
		if before != nil && !c.Until.After(before.Until) || host.cooling.CompareAndSwap(before, &c) {
			return
		}
	}
}

// Cooling returns the host's cooldown and how long it still lasts: 0 if there is none.
func (host *Host) Cooling() (c Cooldown, left time.Duration) {
	if host == nil {
		return Cooldown{}, 0
	}
	now := host.cooling.Load()
	if now == nil {
		return Cooldown{}, 0
	}
	if left = time.Until(now.Until); left <= 0 {
		host.cooling.CompareAndSwap(now, nil)
		return Cooldown{}, 0
	}
	return *now, left
}
