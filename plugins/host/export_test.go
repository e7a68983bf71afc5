package host

import "time"

// Shortened are times that tests of package host_test wait for; a zero is the default.
type Shortened struct {
	Backoff, Most time.Duration
	Crashes       int
	Ping, Grace   time.Duration
}

// WithTimes makes a host's times shorter.
func WithTimes(s Shortened) Option {
	return func(h *Host) {
		set := func(to *time.Duration, d time.Duration) {
			if d > 0 {
				*to = d
			}
		}
		set(&h.times.backoff, s.Backoff)
		set(&h.times.most, s.Most)
		set(&h.times.ping, s.Ping)
		set(&h.times.grace, s.Grace)
		if s.Crashes > 0 {
			h.times.crashes = s.Crashes
		}
	}
}
