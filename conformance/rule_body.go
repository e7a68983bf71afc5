package conformance

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
)

// playBodyIntact compares what the caller sent with what the upstream got, and what the upstream sent with what the caller got.
func playBodyIntact(b *bench) {
	h := hooks{given: func(s *sending) { s.wraps = s.wrapping() }, answered: (*sending).readAgain}
	b.playAll(h, func(c *stageCall) {
		for _, v := range c.visits {
			if len(v.sent) > 0 { // what further ones carry is a matter of fresh-attempts
				v.sent[0].judgeRequestBody(b.kit.newRequestBody)
			}
			if s := v.source(v.resp); s != nil && v.resp == c.resp {
				c.judgeResponseBody(s, b.kit.newResponseBody)
			}
		}
	})
}

// wrapping says what stands between the body that the stage was given and the one that it gave to next.
type wrapping struct {
	known    bool // the framework finds its own
	consumed bool // the stage has read the caller's body to its end
}

func (s *sending) wrapping() wrapping {
	body := s.visit.call.body
	return wrapping{known: holds(s.req.Body, s.visit.entrance.body), consumed: body != nil && body.end.Load()}
}

// readAgain does what an inner stage does that sends again: it asks for the body once more. Not earlier: that ends the first reader.
func (s *sending) readAgain() {
	if s.req.GetBody == nil {
		return
	}
	rc, err := s.req.GetBody()
	if s.againErr = err; err == nil {
		s.again, s.againErr = io.ReadAll(rc)
		_ = rc.Close()
	}
}

// holds reports whether rc is a body of the sort of own, or has one beneath.
func holds(rc, own io.ReadCloser) bool {
	if own == nil || own == http.NoBody {
		return true
	}
	for range 100 {
		if reflect.TypeOf(rc) == reflect.TypeOf(own) {
			return true
		}
		u, ok := rc.(interface{ Unwrap() io.ReadCloser })
		if !ok {
			return false
		}
		rc = u.Unwrap()
	}
	return false
}

func (s *sending) judgeRequestBody(changes bool) {
	c := s.visit.call
	want := ""
	if c.body != nil {
		want = strings.ReplaceAll(c.text, "ID", c.id)
	}
	const putBack = "put back what you read of a body: a reader of those bytes, then the rest; if you change bodies on purpose, say conformance.ChangesRequestBody()"
	switch {
	case !s.reached: // the last link refused it
		return
	case s.bodyErr != nil:
		c.found(fmt.Sprintf("the body given to next could not be read: %v", s.bodyErr), putBack)
	case !changes && string(s.body) != want:
		c.found(fmt.Sprintf("the upstream got %d bytes of a request body of %d%s", len(s.body), len(want), sameLength(len(s.body), len(want))), putBack)
	}
	if announced := s.given.length; s.bodyErr == nil && announced > 0 && announced != int64(len(s.body)) {
		c.found(fmt.Sprintf("the request announced %d bytes and had %d", announced, len(s.body)), "set ContentLength to what you send, or to -1")
	}
	if s.againErr != nil || s.given.getBody && s.bodyErr == nil && !bytes.Equal(s.again, s.body) {
		c.found("GetBody gives other bytes than Body", "a stage that replaces Body replaces GetBody too")
	}
	if s.visit.entrance.body == nil || s.visit.entrance.body == http.NoBody || s.wraps.known {
		return
	}
	switch {
	case !s.wraps.consumed:
		c.found("what stands around the request's body has no Unwrap", "give it a method Unwrap() io.ReadCloser that returns the body beneath")
	case s.visit.entrance.getBody && !s.given.getBody:
		c.found("the body was replaced, and GetBody was lost: no inner stage can send it again", "a stage that replaces Body replaces GetBody too")
	}
}

func sameLength(got, want int) string {
	if got == want {
		return ", but not the same ones"
	}
	return ""
}

func (c *stageCall) judgeResponseBody(s *sending, changes bool) {
	const putBack = "put back what you read of a body: a reader of those bytes, then the rest, and then the error that ended it; " +
		"if you change bodies on purpose, say conformance.ChangesResponseBody()"
	if s.answer == nil {
		return
	}
	want := s.reply.bytes(s.id())
	breaks := len(s.reply.body) > 0 && s.reply.body[len(s.reply.body)-1].err != nil
	switch whole := c.readErr == nil; {
	case changes:
	case breaks && whole:
		c.found("the upstream's body broke off, and the caller took what it got for the whole", putBack)
	case !strings.HasPrefix(want, string(c.got)), whole && len(c.got) != len(want):
		c.found(fmt.Sprintf("the caller got %d bytes of a response body of %d%s", len(c.got), len(want), sameLength(len(c.got), len(want))), putBack)
	case breaks && len(c.got) < len(want):
		c.found("the upstream's body broke off, and the caller did not get what had come", putBack)
	}
	if n := c.resp.ContentLength; n >= 0 && c.readErr == nil && n != int64(len(c.got)) {
		c.found(fmt.Sprintf("the response announced %d bytes and had %d", n, len(c.got)), "set ContentLength, and the header, to what the body has, or to -1 and none")
	}
	if late := c.first.Sub(s.at); s.reply.status == http.StatusOK && strings.HasPrefix(s.reply.header.Get("Content-Type"), "text/event-stream") && late >= streamPause {
		c.found(fmt.Sprintf("the first event of a stream came to the caller %s late, with the last one", late), "leave streams as they are: pipeline.IsStream(resp)")
	}
	if _, ok := c.resp.Body.(io.Writer); s.reply.status == http.StatusSwitchingProtocols && !ok {
		c.found("the body of a 101 Switching Protocols can't be written any more", "leave upgrades as they are: pipeline.IsStream(resp); or keep the body's io.Writer")
	}
}
