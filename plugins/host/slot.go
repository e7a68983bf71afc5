package host

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/leatdev/leat/plugins/internal/wire"
)

// An exchange's number is generation<<indexBits | index of its slot. The last index is no slot's: frames with it belong to an instance, whose
// number stands in the generation's place.
const (
	indexBits     = 17
	indexMask     = 1<<indexBits - 1
	instanceIndex = indexMask
)

// slotDepth is how many frames wait for an exchange: a plugin that keeps to its turn sends one, and one more that ends it.
const slotDepth = 4

// maxSlotLogs bounds the log records that wait for an exchange that is busy elsewhere.
const maxSlotLogs = 128

// slot is what an exchange under way has of its session. It is made once and serves one exchange after another.
type slot struct {
	session *session
	index   uint64
	in      chan inbound
	number  atomic.Uint64 // of the exchange that has it, or had it last
	live    atomic.Bool   // one has it
	flooded atomic.Uint64 // the number of an exchange that was sent more than there is room for
	owner   atomic.Pointer[stage]
	scratch scratch
	decoder wire.Decoder
	held    *[]byte // what the decoder's frame is made of

	mu      sync.Mutex
	logs    [][]byte // frames
	dropped int
}

// inbound is what comes for an exchange: a frame, or a body apart.
type inbound struct {
	number uint64
	kind   wire.Kind
	data   *[]byte // of a frame; to be given back
	body   *transfer
}

// kindTransfer is that of an inbound that is no frame: a body apart has ended, or failed.
const kindTransfer wire.Kind = -1

func (sl *slot) init(s *session, index int) {
	sl.session, sl.index, sl.in = s, uint64(index), make(chan inbound, slotDepth) //nolint:gosec // an index
	sl.number.Store(s.first | sl.index)
}

// begin gives the slot its next number.
func (sl *slot) begin(st *stage) {
	sl.drain() // of the exchange before
	sl.owner.Store(st)
	sl.live.Store(true)
	sl.number.Store((sl.number.Load()>>indexBits+1)<<indexBits | sl.index)
}

// release gives the slot to the next exchange.
func (sl *slot) release() {
	sl.live.Store(false)
	sl.scratch.clear()
	sl.decoder.Clear()
	sl.hold(nil)
	sl.drain() // a slot that is not used keeps nothing that came too late
	sl.session.room.free <- sl
}

// drain lets go of what has come and was not taken.
func (sl *slot) drain() {
	for {
		select {
		case in := <-sl.in:
			sl.session.giveBack(in.data)
			continue
		default:
		}
		break
	}
	logs, _ := sl.takeLogs()
	for _, data := range logs {
		sl.session.gate.release(data)
	}
}

// hold keeps the bytes of a frame until those of another one come.
func (sl *slot) hold(b *[]byte) {
	sl.session.giveBack(sl.held)
	sl.held = b
}

// deliver hands a frame of this number to who has the slot. The reader calls it.
func (sl *slot) deliver(raw wire.Raw) {
	if !sl.live.Load() {
		return
	}
	in := inbound{number: raw.Exchange, kind: raw.Kind, data: sl.session.copyOf(raw.Data)}
	select {
	case sl.in <- in:
	default:
		sl.flooded.Store(raw.Exchange)
		sl.session.giveBack(in.data)
	}
}

// log keeps a record for who has the slot; false where nobody has it, under that number.
func (sl *slot) log(number uint64, data []byte) bool {
	sl.mu.Lock()
	defer sl.mu.Unlock()
	if !sl.live.Load() || sl.number.Load() != number {
		return false
	}
	if len(sl.logs) == maxSlotLogs {
		sl.dropped++
		sl.session.gate.release(data)
		return true
	}
	sl.logs = append(sl.logs, data)
	return true
}

// takeLogs returns the records that have come, and how many were too many.
func (sl *slot) takeLogs() (logs [][]byte, dropped int) {
	sl.mu.Lock()
	defer sl.mu.Unlock()
	logs, dropped = sl.logs, sl.dropped
	sl.logs, sl.dropped = nil, 0
	return logs, dropped
}

func (s *session) copyOf(data []byte) *[]byte {
	b, ok := s.copies.Get().(*[]byte)
	if !ok {
		b = new([]byte)
	}
	*b = append((*b)[:0], data...)
	return b
}

// maxKeptCopy bounds the buffers that are kept for further frames, in bytes.
const maxKeptCopy = 16 << 10

func (s *session) giveBack(b *[]byte) {
	if b != nil && cap(*b) <= maxKeptCopy {
		s.copies.Put(b)
	}
}

// stopwatch is what is left of a stage's timeout. It runs only while the plugin has the turn.
type stopwatch struct {
	left  time.Duration
	timer *time.Timer
	began time.Time
}

// start has the time run, and returns what tells that it is over. Between start and stop there is no other start.
func (w *stopwatch) start() <-chan time.Time {
	w.began = time.Now()
	if w.timer == nil {
		w.timer = time.NewTimer(w.left)
	} else {
		w.timer.Reset(w.left)
	}
	return w.timer.C
}

// stop stops the time.
func (w *stopwatch) stop() {
	w.timer.Stop()
	w.left = max(0, w.left-time.Since(w.began))
}
