package simnet

import (
	"net"
	"time"
)

// A deadline is a moment after which operations of one kind fail. The zero value is none.
type deadline struct {
	timer  *time.Timer
	passed bool
	turn   int // counts the times that it was set: a timer that fires late belongs to an older turn
}

func (d *deadline) stop() {
	if d.timer != nil {
		d.timer.Stop()
	}
	*d = deadline{turn: d.turn + 1}
}

// SetDeadline sets the deadlines of reads and of writes, as net.Conn says.
func (c *Conn) SetDeadline(t time.Time) error { return c.arm(t, &c.readBy, &c.writeBy) }

// SetReadDeadline sets the deadline of reads, as net.Conn says.
func (c *Conn) SetReadDeadline(t time.Time) error { return c.arm(t, &c.readBy) }

// SetWriteDeadline sets the deadline of writes, as net.Conn says.
func (c *Conn) SetWriteDeadline(t time.Time) error { return c.arm(t, &c.writeBy) }

// arm replaces deadlines by one at t, or by none if t is zero.
func (c *Conn) arm(t time.Time, deadlines ...*deadline) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return c.fail("set", net.ErrClosed)
	}
	for _, d := range deadlines {
		d.stop()
		if t.IsZero() {
			continue
		}
		wait := time.Until(t)
		if wait <= 0 {
			d.passed = true
			continue
		}
		turn := d.turn
		d.timer = time.AfterFunc(wait, func() { c.pass(d, turn) })
	}
	c.changed.Broadcast()
	return nil
}

func (c *Conn) pass(d *deadline, turn int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if d.turn == turn {
		d.passed = true
		c.changed.Broadcast()
	}
}
