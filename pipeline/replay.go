package pipeline

import (
	"io"
	"net/http"
	"net/url"
)

// Rewinder rebuilds a request as it was when [Replay] took it. It is used by one goroutine.
type Rewinder struct {
	req     *http.Request
	was     http.Request // as Replay took it; an inner stage may change req to its last field
	call    *Call
	url     url.URL
	getBody func() (io.ReadCloser, error)
	source  *bodySource
	body    bool // there is one
	given   int  // how many requests Next has given
	few     [12]headerLine
	headers []headerLine
	coding  []string
}

type headerLine struct {
	name   string
	value  string
	others []string // further values, rare
}

// Replay takes what is needed to send req more than once: method, URL, headers, and a way to read the body again. Call it before
// the first next, and send only what Next returns: each request is then equal to req as it is now, whatever inner stages did to
// an earlier one. It reads nothing of the body.
func Replay(req *http.Request) *Rewinder {
	call := CallFrom(req.Context())
	r := call.rewinder()
	r.req, r.was, r.call, r.url = req, *req, call, *req.URL
	r.headers = r.few[:0]
	for name, values := range req.Header {
		line := headerLine{name: name}
		if len(values) > 0 {
			line.value = values[0]
		}
		if len(values) != 1 {
			line.others = append([]string{}, values[min(1, len(values)):]...)
		}
		r.headers = append(r.headers, line)
	}
	r.coding = append([]string(nil), req.TransferEncoding...)
	if req.Body == nil || req.Body == http.NoBody {
		return r
	}
	r.body = true
	r.getBody, r.source = req.GetBody, sourceBehind(req)
	if r.getBody == nil && r.source == nil {
		r.source = readOnce(req)
	}
	return r
}

// rewinder returns a Rewinder: one of the call's own while there are any.
func (c *Call) rewinder() *Rewinder {
	if c == nil {
		return new(Rewinder)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.rewound == len(c.rewinds) {
		return new(Rewinder)
	}
	c.rewound++
	return &c.rewinds[c.rewound-1]
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
	return r.given == 0 || !r.body || r.source == nil || r.source.replayable()
}

// Next returns the request of the next attempt. The first is the request that Replay was given, so it must not have been changed
// or sent since. It fails only where Again is false or GetBody does.
func (r *Rewinder) Next() (*http.Request, error) {
	r.given++
	if r.given == 1 {
		return r.req, nil
	}
	next := r.was.WithContext(r.was.Context())
	u := r.url
	next.URL = &u
	next.Header = make(http.Header, len(r.headers)+1)
	for _, line := range r.headers {
		switch {
		case line.others == nil:
			next.Header[line.name] = []string{line.value}
		case len(line.others) == 0 && line.value == "":
			next.Header[line.name] = nil
		default:
			next.Header[line.name] = append([]string{line.value}, line.others...)
		}
	}
	next.TransferEncoding = append([]string(nil), r.coding...)
	next.Body, next.GetBody = nil, nil
	if !r.body {
		return next, nil
	}
	rc, err := r.open()
	if err != nil {
		return nil, err
	}
	next.Body, next.GetBody = r.call.own(rc), r.getBody
	return next, nil
}

func (r *Rewinder) open() (io.ReadCloser, error) {
	if r.getBody != nil {
		return r.getBody()
	}
	return r.source.open()
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
