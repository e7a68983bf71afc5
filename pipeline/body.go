package pipeline

import (
	"errors"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
)

// errStale is what a reader of an earlier attempt gets once a later attempt has begun.
var errStale = errors.New("request body belongs to an earlier attempt")

// requestBody is a request's body as one send sees it: closed once, whoever closes it how often.
type requestBody struct {
	rc     io.ReadCloser
	closed atomic.Bool
	handed atomic.Bool // the transport has it, and will close it
}

func (b *requestBody) Read(p []byte) (int, error) {
	if b.closed.Load() {
		return 0, http.ErrBodyReadAfterClose
	}
	return b.rc.Read(p)
}

// Close closes the caller's body, once.
func (b *requestBody) Close() error {
	if b.closed.Swap(true) {
		return nil
	}
	return b.rc.Close()
}

// bodyOf finds the door's wrapper beneath those that stages put around a request's body, nil if a stage put another in its place.
func bodyOf(rc io.ReadCloser) *requestBody {
	for {
		switch b := rc.(type) {
		case *requestBody:
			return b
		case interface{ Unwrap() io.ReadCloser }:
			rc = b.Unwrap()
		default:
			return nil
		}
	}
}

// bodySource lets a body without GetBody be read again: it keeps what was read of it, if it is known to be small enough. It
// never reads ahead (a pipe would deadlock) and never seeks (the transport may still be reading).
type bodySource struct {
	keep bool // the length is known and within the limit

	reading sync.Mutex // held while src is read

	mu     sync.Mutex
	src    io.ReadCloser
	buf    []byte
	read   bool  // a byte was read, or the end seen
	busy   bool  // a Read of src is under way
	end    error // io.EOF or the source's error, once seen
	reader *sourceReader
	final  bool // no further open: close the source with the present reader
	closed bool
}

var errBodyConsumed = errors.New("request body was partly sent and cannot be read again")

// open returns a reader from the first byte on, and makes the one before it stale.
func (s *bodySource) open() (io.ReadCloser, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, http.ErrBodyReadAfterClose
	}
	if s.read && !s.keep {
		return nil, errBodyConsumed
	}
	s.reader = &sourceReader{s: s}
	return s.reader, nil
}

// replayable reports whether open would succeed.
func (s *bodySource) replayable() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.closed && (s.keep || !s.read) && (s.end == nil || s.end == io.EOF) //nolint:errorlint // a reader ends with io.EOF itself
}

// finish says that no further attempt follows: the source is closed as soon as its present reader is.
func (s *bodySource) finish() error {
	s.mu.Lock()
	s.final = true
	return s.closeIf(s.reader == nil || s.reader.closed)
}

// closeIf closes the source if ok. It is entered with s.mu held and releases it.
func (s *bodySource) closeIf(ok bool) error {
	ok = ok && s.final && !s.closed
	s.closed = s.closed || ok
	s.mu.Unlock()
	if ok {
		return s.src.Close()
	}
	return nil
}

// abort closes the source under a Read that may block for long: net/http does not return before that ends. It leaves a source that
// can be read again alone, unless that is of no use any more.
func (s *bodySource) abort(useless bool) {
	s.mu.Lock()
	ok := s.busy && !s.closed && (useless || !s.keep)
	s.closed = s.closed || ok
	s.mu.Unlock()
	if ok {
		_ = s.src.Close()
	}
}

type sourceReader struct {
	s      *bodySource
	off    int
	closed bool
}

func (r *sourceReader) Read(p []byte) (int, error) {
	if n, done, err := r.kept(p); done {
		return n, err
	}
	r.s.reading.Lock() // not s.mu: the source may block for long, and open and Close must not
	defer r.s.reading.Unlock()
	if n, done, err := r.kept(p); done { // an earlier attempt's read has just ended
		return n, err
	}
	if !r.s.enter() {
		return 0, http.ErrBodyReadAfterClose
	}
	n, err := r.s.src.Read(p)
	return r.took(p, n, err)
}

// kept answers from what was read before; done is false if the source must be read.
func (r *sourceReader) kept(p []byte) (n int, done bool, err error) {
	s := r.s
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case r.closed:
		return 0, true, http.ErrBodyReadAfterClose
	case s.reader != r:
		return 0, true, errStale
	case r.off < len(s.buf):
		n := copy(p, s.buf[r.off:])
		r.off += n
		return n, true, nil
	case s.end != nil:
		return 0, true, s.end
	}
	s.read = true // before the read: one that blocks may take bytes at any moment
	return 0, false, nil
}

// enter marks that src is about to be read, and reports whether it still may be.
func (s *bodySource) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.busy = !s.closed
	return s.busy
}

// took keeps what a read of the source gave, also when a later attempt has begun meanwhile.
func (r *sourceReader) took(p []byte, n int, err error) (int, error) {
	s := r.s
	s.mu.Lock()
	defer s.mu.Unlock()
	s.busy = false
	if s.keep {
		s.buf = append(s.buf, p[:n]...)
		r.off = len(s.buf)
	}
	s.end = err
	if s.reader != r {
		return 0, errStale
	}
	return n, err
}

// Close ends this reader; the source is closed with the last one.
func (r *sourceReader) Close() error {
	s := r.s
	s.mu.Lock()
	r.closed = true
	return s.closeIf(s.reader == r)
}
