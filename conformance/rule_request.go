package conformance

import (
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
)

// playOwnsRequest looks whether the caller's own request is after the call what it was before.
func playOwnsRequest(b *bench) {
	b.playAll(hooks{}, func(c *stageCall) {
		if what := c.before.differences(pictureOf(c.req)); len(what) > 0 {
			c.found("the call changed the caller's own request: "+list(what),
				"change only the request that Do is given, its header map and URL; replace its Trailer in place of writing into it; a CallEnded only reads")
		}
	})
}

// spoiled is what the kit writes all over a request that it was given.
const spoiled = "spoiled-by-an-inner-stage"

// playFreshAttempts does to each request what inner stages may do to it, and looks for traces of that in the next one.
func playFreshAttempts(b *bench) {
	b.playAll(hooks{answered: spoil}, func(c *stageCall) {
		for _, v := range c.visits {
			for i, s := range v.sent {
				if i == 0 {
					continue
				}
				if what := traces(v.sent[0], s, b.kit.newRequestBody); len(what) > 0 {
					c.found("a later request carried what had become of the first one: "+list(what),
						"take rewind := pipeline.Replay(req) before the first call, and send only what rewind.Next() gives, the first time too")
				}
			}
		}
	})
}

func spoil(s *sending) {
	req := s.req
	req.Method, req.Host, req.ContentLength = "SPOILED", spoiled+".example", int64(len(spoiled))
	if req.URL != nil {
		req.URL.Path, req.URL.RawQuery = "/"+spoiled, spoiled
	}
	for _, values := range req.Header {
		for i := range values {
			values[i] = spoiled
		}
	}
	if req.Header != nil {
		req.Header.Set("X-Kit-Spoiled", spoiled)
		req.Header.Del("X-Kit-Keep")
	}
	req.Body = io.NopCloser(strings.NewReader(spoiled))
	req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(spoiled)), nil }
}

// traces says where a later sending shows what was done to the first.
func traces(first, later *sending, newBody bool) []string {
	var all []string
	was, is := first.given, later.given
	if is.method == "SPOILED" {
		all = append(all, "the method")
	}
	if strings.Contains(is.url, spoiled) {
		all = append(all, "the URL")
	}
	if strings.Contains(is.host, spoiled) {
		all = append(all, "the host")
	}
	for _, change := range was.differences(is) {
		name, ok := strings.CutPrefix(change, "header ")
		if ok && (name == "X-Kit-Keep" || strings.Contains(strings.Join(is.header[name], " "), spoiled)) {
			all = append(all, change)
		}
	}
	body := string(later.body)
	if strings.Contains(body, spoiled) || later.bodyErr != nil || (body == "") != (len(first.body) == 0) || body != string(first.body) && !newBody {
		all = append(all, "the body, which was read already")
	}
	return all
}

// playNoTouchAfter keeps a picture of each request that next has, and has it read as a transport reads it.
func playNoTouchAfter(b *bench) {
	var h hooks
	if b.kit.background {
		h.given = func(s *sending) { readAside(s.req) }
	}
	b.playAll(h, func(c *stageCall) {
		for _, s := range c.sendings() {
			when := "while next had it"
			what := s.later
			if len(what) == 0 {
				what, when = s.given.differences(pictureOf(s.req)), "after next had returned"
			}
			if len(what) > 0 {
				c.found(fmt.Sprintf("a request was changed %s: %s", when, list(what)),
					"change a request before you call next, never later: another attempt gets a request of its own (pipeline.Replay), and what you keep for later is a copy")
			}
		}
	})
}

// readAside has another goroutine read the request, once and before it returns, and without any order that the race detector
// would see between that and what the stage does later. So a later write shows under -race, and nothing is read while it is written.
func readAside(req *http.Request) {
	var done bool
	go func() {
		_ = pictureOf(req)
		setUnordered(&done)
	}()
	for !getUnordered(&done) {
		runtime.Gosched()
	}
}

//go:norace
//go:noinline
func setUnordered(b *bool) { *b = true }

//go:norace
//go:noinline
func getUnordered(b *bool) bool { return *b }
