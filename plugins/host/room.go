package host

import (
	"context"
	"sync"
	"sync/atomic"
)

// room is how much may be under way in a session. An exchange has a slot from its beginning to its end, and a place only while the plugin
// works on it: one that is in next, or waits, holds up no other. So stages of one plugin may stand within each other.
type room struct {
	places chan struct{} // max_in_flight; one is taken by each exchange that the plugin works on
	free   chan *slot
	slots  []atomic.Pointer[slot] // by index; made as they are needed

	growing sync.Mutex
	made    int
	closed  bool // no further slots are made
}

const (
	slotsPerPlace = 16   // exchanges in next or a wait for each that is worked on; those beyond wait
	fewestSlots   = 4096 // that there may be, however few places
	firstSlots    = 64   // made at once; then as many as there are
)

func newRoom(s *session, places int) *room {
	most := min(max(slotsPerPlace*places, fewestSlots), instanceIndex)
	r := &room{places: make(chan struct{}, places), free: make(chan *slot, most), slots: make([]atomic.Pointer[slot], most)}
	r.grow(s)
	return r
}

// grow makes further slots, where none is free and there may be more. It is to be called outside every bubble of virtual time.
func (r *room) grow(s *session) {
	r.growing.Lock()
	defer r.growing.Unlock()
	if len(r.free) > 0 || r.closed {
		return
	}
	for range min(max(firstSlots, r.made), len(r.slots)-r.made) {
		sl := &slot{}
		sl.init(s, r.made)
		r.slots[r.made].Store(sl)
		r.free <- sl
		r.made++
	}
}

// close has no further slots made, and returns how many there are.
func (r *room) close() int {
	r.growing.Lock()
	defer r.growing.Unlock()
	r.closed = true
	return r.made
}

// slot returns the slot of an index; nil where there is none.
func (r *room) slot(index uint64) *slot {
	if index >= uint64(len(r.slots)) {
		return nil
	}
	return r.slots[index].Load()
}

// leave gives a place back.
func (r *room) leave() { <-r.places }

// enter takes a place, if there is one.
func (r *room) enter() (entered bool) {
	select {
	case r.places <- struct{}{}:
		return true
	default:
		return false
	}
}

// take waits for a place and a free slot, as long as the stage's time lasts and the caller stays; nil where there came none. With refused,
// the session takes no new exchange; with stuck, the time went by while the process was pinged.
func (s *session) take(ctx context.Context, w *stopwatch, st *stage) (sl *slot, refused, stuck bool) {
	if works, refused, stuck := s.doubted(ctx, w); !works {
		return nil, refused, stuck
	}
	sl, refused = s.takeUndoubted(ctx, w, st)
	return sl, refused, false
}

func (s *session) takeUndoubted(ctx context.Context, w *stopwatch, st *stage) (sl *slot, refused bool) {
	if entered := s.room.enter(); !entered {
		expired := w.start()
		select {
		case s.room.places <- struct{}{}:
			entered = true
		case <-s.dead:
			refused = true
		case <-s.refusing:
			refused = true
		case <-ctx.Done():
		case <-expired:
		}
		if w.stop(); !entered {
			return nil, refused
		}
	}
	if sl, refused = s.takeSlot(ctx, w); sl == nil {
		s.room.leave()
		return nil, refused
	}
	if !s.usable() {
		s.room.free <- sl
		s.room.leave()
		return nil, true
	}
	sl.begin(st)
	return sl, false
}

func (s *session) takeSlot(ctx context.Context, w *stopwatch) (sl *slot, refused bool) {
	select {
	case sl = <-s.room.free:
		return sl, false
	default:
	}
	s.opts.spawn(func() { s.room.grow(s) })
	expired := w.start()
	defer w.stop()
	select {
	case sl = <-s.room.free:
	case <-s.dead:
		refused = true
	case <-s.refusing:
		refused = true
	case <-ctx.Done():
	case <-expired:
	}
	return sl, refused
}
