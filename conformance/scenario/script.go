package scenario

import (
	"net/http"
	"sync"
)

// script is the list of answers of one origin.
type script struct {
	at    place
	lines []*line

	mu    sync.Mutex
	empty bool // nothing was written: every request gets the default
}

type line struct {
	answer Answer
	to     target
	left   int // how many requests it may still answer; -1: any number
	given  int
}

// plain is what an origin answers that has no script.
var plain = Answer{JSON: map[string]any{}}

func newScript(answers []Answer, at place) *script {
	s := &script{at: at, empty: answers == nil}
	for _, a := range answers {
		l := &line{answer: a, left: 1}
		if a.To != "" {
			l.to, _ = parseTo(a.To) // was checked
		}
		switch {
		case a.Always:
			l.left = -1
		case a.Times != nil:
			l.left = *a.Times
		}
		s.lines = append(s.lines, l)
	}
	return s
}

// next takes the first answer that is for r, and false if there is none.
func (s *script) next(r *http.Request) (Answer, bool) {
	if s.empty {
		return plain, true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.lines {
		if l.left != 0 && l.to.takes(r) {
			if l.left > 0 {
				l.left--
			}
			l.given++
			return l.answer, true
		}
	}
	return Answer{}, false
}

// advice says what to do about a request that there is no answer left for.
func (s *script) advice(r *http.Request) string {
	for _, l := range s.lines {
		if l.to.takes(r) { // it was given to others
			return "was it meant to be sent again? An answer takes one request, unless it says times or always"
		}
	}
	return "none of the answers is for it: to has the whole path, that of base_url included"
}

// unused reports each answer that was not given as often as it says.
func (s *script) unused(j *judge) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, l := range s.lines {
		if l.left > 0 {
			j.fail(s.at.at(index(i)), "requests for this answer", plural(l.given+l.left, "request"), plural(l.given, "request"))
		}
	}
}
