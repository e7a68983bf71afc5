package demo

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

const dripBytes = 60

// serveSlow takes its time before it says anything, and stops when the client leaves.
func (a *API) serveSlow(w http.ResponseWriter, r *http.Request, _ string) {
	if !a.waitOrAbandon(r.Context(), a.options.SlowDelay) {
		return
	}
	a.answerPost(w)
}

// serveDrip begins at once and then gives a byte at a time, of JSON that is whole in the end.
func (a *API) serveDrip(w http.ResponseWriter, r *http.Request, _ string) {
	p, _ := a.post(1)
	text := fmt.Sprintf(`%-*s}`, dripBytes-1, fmt.Sprintf(`{"id":%d,"title":%q`, p.ID, p.Title))
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(http.StatusOK)
	control := http.NewResponseController(w)
	_ = control.Flush() // a writer that can't flush only drips less visibly
	for i := range len(text) {
		if !a.waitOrAbandon(r.Context(), a.options.DripInterval) {
			return
		}
		if _, err := w.Write([]byte{text[i]}); err != nil {
			a.count(func(s *Stats) { s.Abandoned++ })
			return
		}
		_ = control.Flush()
	}
}

// waitOrAbandon waits for d. It returns false, and counts, if the client left before.
func (a *API) waitOrAbandon(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		a.count(func(s *Stats) { s.Abandoned++ })
		return false
	}
}
