package pipeline

import (
	"fmt"
	"io"
	"net/http"
)

// buffers reports whether the answer's body is to be read before the stages see it. One that may be sent again by its status is not:
// its verdict stands, and retry would drop the body.
func (s *sender) buffers(out *send, resp *http.Response) bool {
	limit := s.chain.bufferResponse
	if limit <= 0 || resp.ContentLength > limit || resp.Body == http.NoBody || out.out.Method == http.MethodHead {
		return false
	}
	switch resp.StatusCode {
	case http.StatusNoContent, http.StatusResetContent, http.StatusNotModified:
		return false
	}
	return !IsStream(resp) && ClassOfStatus(resp.StatusCode) == ClassProcessed
}

// buffer reads up to limit bytes ahead. It fails where the body does, or where it has not the length that was announced (-1: none
// was). A body that is longer than limit is handed on: from here on what fails is the caller's error.
func (b *responseBody) buffer(limit, length int64) *Error {
	b.quiet = true
	data, err := b.readUpTo(limit, length)
	b.quiet = false
	switch n := int64(len(data)); {
	case err == nil:
	case err != io.EOF: //nolint:errorlint // a reader ends with io.EOF itself
		_ = b.Close()
		return errorOf(err)
	case length >= 0 && n != length:
		_ = b.Close()
		return b.failure(fmt.Errorf("it has %d bytes, and Content-Length announced %d", n, length))
	}
	b.ahead = data
	return nil
}

// readUpTo reads until the end, which is io.EOF, or until there is more than limit.
func (b *responseBody) readUpTo(limit, length int64) ([]byte, error) {
	const usual = 4 << 10
	size := int64(usual)
	if length >= 0 {
		size = length + 1 // one more, to see the end
	}
	data := make([]byte, 0, min(size, limit+1))
	for int64(len(data)) <= limit {
		if len(data) == cap(data) {
			more := make([]byte, len(data), min(2*int64(cap(data)), limit+1))
			copy(more, data)
			data = more
		}
		n, err := b.Read(data[len(data):cap(data)])
		data = data[:len(data)+n]
		if err != nil {
			return data, err
		}
	}
	return data, nil
}

// readAhead gives what buffer read.
func (b *responseBody) readAhead(p []byte) (int, error) {
	if b.closed.Load() {
		return 0, http.ErrBodyReadAfterClose
	}
	n := copy(p, b.ahead)
	b.ahead = b.ahead[n:]
	return n, nil
}
