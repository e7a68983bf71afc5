package served

import (
	"net/http"
	"sync"

	"github.com/leatdev/leat/plugins/internal/wire"
)

// outgoing is where a Next is put together. It serves one after another, so that one costs few allocations.
type outgoing struct {
	frame   wire.Frame
	kind    wire.Frame_Next
	next    wire.Next
	edits   wire.Edits
	headers headerEdits
}

var outgoings = sync.Pool{New: func() any { return &outgoing{} }}

// free gives it back: the frame was written.
func (o *outgoing) free() {
	o.frame.Reset()
	o.next.Reset()
	o.edits.Reset()
	o.headers.clear()
	outgoings.Put(o)
}

// asNext is the frame.
func (o *outgoing) asNext() *wire.Frame {
	o.kind.Next = &o.next
	o.frame.Kind = &o.kind
	return &o.frame
}

// headerEdits is a list of changes, and what it is made of.
type headerEdits struct {
	list   []*wire.HeaderEdit // some more are kept beyond its length
	values [][]byte
}

// maxKeptEdits bounds the changes that are kept for the next list.
const maxKeptEdits = 64

func (e *headerEdits) clear() {
	for _, h := range e.list {
		h.Name, h.Values = "", nil
	}
	clear(e.values)
	if e.list, e.values = e.list[:0], e.values[:0]; cap(e.list) > maxKeptEdits || cap(e.values) > maxKeptEdits {
		*e = headerEdits{}
	}
}

func (e *headerEdits) add(name string, values []string) {
	e.list = wire.OneMore(e.list)
	from := len(e.values)
	for _, v := range values {
		e.values = append(e.values, wire.Bytes(v))
	}
	h := e.list[len(e.list)-1]
	h.Name, h.Values = name, e.values[from:len(e.values):len(e.values)]
}

// differ adds the headers that differ. The length of a body that was replaced is the host's to write. lower writes a name as it travels.
func (e *headerEdits) differ(before wire.Given, after http.Header, body *wire.Body, lower *wire.Names) {
	added := len(after) // names that before has not, once those of before are gone through
	for from := 0; from < len(before); {
		name, n := before[from].Name, 1
		for from+n < len(before) && before[from+n].Name == name {
			n++
		}
		values, ok := after[name]
		if ok {
			added--
		}
		if !before[from:from+n].Equal(values) && !follows(name, values, body) {
			e.add(lower.Get(name), values)
		}
		from += n
	}
	for name, values := range after {
		if added == 0 {
			break
		}
		if before.Has(name) {
			continue
		}
		added--
		absent := len(values) == 0 && name != "User-Agent" // where that one is empty, net/http does not send its own either
		if !absent && !follows(name, values, body) {
			e.add(lower.Get(name), values)
		}
	}
}
