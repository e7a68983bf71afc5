package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
)

// Rewinder rebuilds a request as it was when [Replay] took it. It is used by one goroutine, and only until the call's RoundTrip returns.
type Rewinder struct {
	snap  *snapshot
	call  *Call
	given int // how many requests Next has given
}

// snapshot is what a Rewinder keeps. It is large, and of no use once its call is over: so it is pooled.
type snapshot struct {
	req *http.Request // the first attempt's; inner stages may change it to its last field

	ctx     context.Context // what follows is as Replay took it
	method  string
	host    string
	length  int64
	close   bool
	cancel  <-chan struct{}
	trailer http.Header
	url     url.URL
	getBody func() (io.ReadCloser, error)
	source  *bodySource
	body    bool // there is one
	headers []headerLine
	coding  []string
}

type headerLine struct {
	name   string
	value  string
	others []string // further values, rare
}

var snapshots = sync.Pool{New: func() any { return &snapshot{headers: make([]headerLine, 0, 16)} }}

// errCallOver is what Next says after the call.
var errCallOver = errors.New("the call is over: a Rewinder is good until RoundTrip returns")

// Replay takes what is needed to send req more than once: method, URL, headers, and a way to read the body again. Call it before
// the first next, and send only what Next returns: each request is then equal to req as it is now, whatever inner stages did to
// an earlier one. It reads nothing of the body.
func Replay(req *http.Request) *Rewinder {
	call := CallFrom(req.Context())
	s := snapshots.Get().(*snapshot)
	s.take(req)
	return call.rewinder(s)
}

func (s *snapshot) take(req *http.Request) {
	s.req, s.ctx, s.url = req, req.Context(), *req.URL
	s.method, s.host, s.length, s.close, s.trailer = req.Method, req.Host, req.ContentLength, req.Close, req.Trailer
	s.cancel = req.Cancel //nolint:staticcheck // deprecated, and still heeded by net/http
	for name, values := range req.Header {
		line := headerLine{name: name}
		if len(values) > 0 {
			line.value = values[0]
		}
		if len(values) != 1 {
			line.others = append([]string{}, values[min(1, len(values)):]...)
		}
		s.headers = append(s.headers, line)
	}
	s.coding = append([]string(nil), req.TransferEncoding...)
	if req.Body == nil || req.Body == http.NoBody {
		return
	}
	s.body = true
	s.getBody, s.source = req.GetBody, sourceBehind(req)
	if s.getBody == nil && s.source == nil {
		s.source = readOnce(req)
	}
}

// release forgets the request and gives the snapshot back.
func (s *snapshot) release() {
	clear(s.headers)
	*s = snapshot{headers: s.headers[:0]}
	snapshots.Put(s)
}

// rewinder returns a Rewinder over s: one of the call's own while there are any.
func (c *Call) rewinder(s *snapshot) *Rewinder {
	if c == nil {
		return &Rewinder{snap: s}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.rewound == len(c.rewinds) {
		r := &Rewinder{snap: s, call: c}
		c.moreRewinds = append(c.moreRewinds, r)
		return r
	}
	r := &c.rewinds[c.rewound]
	*r = Rewinder{snap: s, call: c}
	c.rewound++
	return r
}

// dropRewinds gives the call's snapshots back, at its end.
func (c *Call) dropRewinds() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.rewound {
		c.rewinds[i].drop()
	}
	for _, r := range c.moreRewinds {
		r.drop()
	}
}

func (r *Rewinder) drop() {
	s := r.snap
	r.snap = nil
	s.release()
}

// sourceBehind finds the replayable source behind a body that the door wrapped, nil if there is none.
func sourceBehind(req *http.Request) *bodySource {
	if b, ok := req.Body.(*requestBody); ok {
		if r, ok := b.rc.(*sourceReader); ok {
			return r.s
		}
	}
	return nil
}

// readOnce puts a source behind a body that the door has not seen: it can be had again only while nothing was read of it.
func readOnce(req *http.Request) *bodySource {
	s := &bodySource{src: req.Body, final: true}
	reader, _ := s.open()
	req.Body = reader
	return s
}

// Again reports whether Next can give another request: false once the body was read and can't be had again.
func (r *Rewinder) Again() bool {
	s := r.snap
	return s != nil && (r.given == 0 || !s.body || s.source == nil || s.source.replayable())
}

// Next returns the request of the next attempt. The first is the request that Replay was given, so it must not have been changed
// or sent since. It fails only where Again is false or GetBody does.
func (r *Rewinder) Next() (*http.Request, error) {
	s := r.snap
	if s == nil {
		return nil, errCallOver
	}
	r.given++
	if r.given == 1 {
		return s.req, nil
	}
	u := s.url
	next := (&http.Request{
		Method: s.method, URL: &u, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: make(http.Header, len(s.headers)+1),
		Host: s.host, ContentLength: s.length, Close: s.close, Trailer: s.trailer, Cancel: s.cancel, //nolint:staticcheck // deprecated, and still heeded by net/http
	}).WithContext(s.ctx)
	for _, line := range s.headers {
		switch {
		case line.others == nil:
			next.Header[line.name] = []string{line.value}
		case len(line.others) == 0 && line.value == "":
			next.Header[line.name] = nil
		default:
			next.Header[line.name] = append([]string{line.value}, line.others...)
		}
	}
	next.TransferEncoding = append([]string(nil), s.coding...)
	if !s.body {
		return next, nil
	}
	rc, err := s.open()
	if err != nil {
		return nil, err
	}
	next.Body, next.GetBody = r.call.own(rc), s.getBody
	return next, nil
}

func (s *snapshot) open() (io.ReadCloser, error) {
	if s.getBody != nil {
		return s.getBody()
	}
	return s.source.open()
}

// own makes rc the call's present request body: the door closes it if nobody else does. The one before is closed unless the
// transport has it.
func (c *Call) own(rc io.ReadCloser) io.ReadCloser {
	b := &requestBody{rc: rc}
	if c == nil {
		return b
	}
	c.mu.Lock()
	before := c.body
	c.body = b
	c.mu.Unlock()
	if before != nil && !before.handed.Load() {
		_ = before.Close()
	}
	return b
}

// Reopen has a request's body begin anew, by its GetBody, for a stage that has read a copy of it: where the caller gave none, the door's
// own GetBody gives bodies of which only the newest is good. What stages have put around the body stays around it. Not for a request that was
// sent: Replay is. The error is GetBody's.
func Reopen(req *http.Request) error {
	rc, err := req.GetBody()
	if err != nil {
		return fmt.Errorf("opening the request's body again: %w", err)
	}
	old := req.Body
	if b := bodyOf(req.Body); b != nil {
		old, b.rc = b.rc, rc
	} else {
		req.Body = rc
	}
	_ = old.Close()
	return nil
}
