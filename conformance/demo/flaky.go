package demo

import (
	"io"
	"net/http"
	"strconv"
	"time"
)

// sequence is how far a client got in a run of failures.
type sequence struct {
	failures int
	due      time.Time // the moment before which the last answer told it not to come back
}

const retryAfter = time.Second

// serveFlaky is out of order and says when it will be back.
func (a *API) serveFlaky(w http.ResponseWriter, r *http.Request, who string) {
	failed, ok := a.turn(w, r, who, retryAfter)
	if !ok {
		return
	}
	if failed {
		w.Header().Set("Retry-After", "1")
		answerProblem(w, http.StatusServiceUnavailable, "out of order for a second")
		return
	}
	a.answerPost(w)
}

// serveLimited has enough of this client for a second.
func (a *API) serveLimited(w http.ResponseWriter, r *http.Request, who string) {
	failed, ok := a.turn(w, r, who, retryAfter)
	if !ok {
		return
	}
	h := w.Header()
	h.Set("RateLimit-Policy", `"demo";q=1;w=1`)
	h.Set("X-RateLimit-Limit", "1")
	h.Set("X-RateLimit-Remaining", "0")
	h.Set("X-RateLimit-Reset", strconv.FormatInt(time.Now().Add(retryAfter).Unix(), 10))
	h.Set("RateLimit", `"demo";r=0;t=1`)
	if failed {
		h.Set("Retry-After", "1")
		answerProblem(w, http.StatusTooManyRequests, "one request a second is enough")
		return
	}
	a.answerPost(w)
}

// serveHTML stands behind a gateway that answers for it, in a language that nobody asked for.
func (a *API) serveHTML(w http.ResponseWriter, r *http.Request, who string) {
	failed, ok := a.turn(w, r, who, 0)
	if !ok {
		return
	}
	if failed {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, "<!doctype html>\n<html><head><title>503 Service Unavailable</title></head>\n"+
			"<body><center><h1>503 Service Unavailable</h1></center><hr><center>gateway</center></body></html>\n")
		return
	}
	a.answerPost(w)
}

// turn takes the next step of the request's own sequence and tells whether it is a failure. "?times=N" sets how many
// failures come before a success. It answers 400 and returns ok = false if that number makes no sense.
func (a *API) turn(w http.ResponseWriter, r *http.Request, who string, wait time.Duration) (failed, ok bool) {
	failures, ok := numberOf(w, r, "times", 1, 10)
	if !ok {
		return false, false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	_, failed = a.turnLocked(sequenceOf(r, who), failures, wait)
	return failed, true
}

// turnLocked gives the number of the failure, from 1, or failed = false at the end of the sequence; the next turn begins anew.
func (a *API) turnLocked(id string, failures int, wait time.Duration) (nth int, failed bool) {
	s, now := a.sequences[id], time.Now()
	if s.failures > 0 && now.Before(s.due) {
		a.stats.EarlyRetries++
	}
	if s.failures >= failures {
		delete(a.sequences, id)
		return 0, false
	}
	s.failures++
	s.due = now.Add(wait)
	keep(a.sequences, id, s)
	return s.failures, true
}

// sequenceOf tells sequences apart: one per owner (a session or an Idempotency-Key), path and query.
func sequenceOf(r *http.Request, owner string) string {
	return owner + "\x00" + r.URL.Path + "\x00" + r.URL.RawQuery
}

// answerPost writes the post that a route gives when all is well.
func (a *API) answerPost(w http.ResponseWriter) {
	p, _ := a.post(1)
	answer(w, http.StatusOK, p)
}
