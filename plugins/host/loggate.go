package host

import (
	"sync/atomic"
	"time"
)

// The bounds of what a plugin logs in one session, in bytes of frames. An SDK that keeps to the half of it has nothing dropped here.
const (
	maxLogFrame    = 128 << 10 // of one record
	maxLogsWaiting = 8 << 20   // that are not written yet, in all exchanges
	logBurst       = 8 << 20
	logRate        = 2 << 20 // a second
)

// logGate bounds what a plugin logs: its host's memory and disk are not for it to fill.
type logGate struct {
	waiting atomic.Int64 // in bytes

	room   float64 // in bytes; of the session's reader, as filled is
	filled time.Time
}

// admit reports whether there is room for a record of that size, which release gives back once it is written. The reader calls it.
func (g *logGate) admit(size int, now time.Time) bool {
	if g.filled.IsZero() {
		g.room = logBurst
	} else {
		g.room = min(logBurst, g.room+max(now.Sub(g.filled).Seconds(), 0)*logRate)
	}
	g.filled = now
	if size > maxLogFrame || float64(size) > g.room || g.waiting.Load()+int64(size) > maxLogsWaiting {
		return false
	}
	g.room -= float64(size)
	g.waiting.Add(int64(size))
	return true
}

func (g *logGate) release(data []byte) { g.waiting.Add(-int64(len(data))) }
