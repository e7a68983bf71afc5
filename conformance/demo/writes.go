package demo

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
)

const maxKey = 255 // bytes of an Idempotency-Key

type digest [sha256.Size]byte

// keyedWrite remembers what a write with an Idempotency-Key did.
type keyedWrite struct {
	payload  digest
	post     Post
	answered bool
}

// outcome is how a write ended, as the client gets to know it.
type outcome int

const (
	created  outcome = iota // carried out now
	replayed                // carried out before, answered again
	lost                    // 503: carried out or not, the client can't know
	mismatch                // the key came with another payload before
)

// write is a request to create a post.
type write struct {
	path, key, sequence string
	payload             digest
	post                Post
	failures            int // how many times it is answered 503 first
}

func (a *API) serveFlakyWrite(w http.ResponseWriter, r *http.Request, who string) {
	failures, ok := numberOf(w, r, "times", 2, 10)
	if !ok {
		return
	}
	body, ok := readBody(w, r)
	if !ok {
		return
	}
	var fields map[string]any
	_ = json.Unmarshal(body, &fields) // any body will do here
	p, faults := postFrom(fields)
	if len(faults) > 0 {
		p = Post{Title: "untitled", Tags: []string{}}
	}
	a.answerWrite(w, r, who, body, p, failures)
}

// answerWrite carries out a write, at most once per Idempotency-Key, and answers it.
func (a *API) answerWrite(w http.ResponseWriter, r *http.Request, who string, body []byte, p Post, failures int) {
	key := r.Header.Get("Idempotency-Key")
	if len(key) > maxKey {
		answerProblem(w, http.StatusBadRequest, fmt.Sprintf("the Idempotency-Key is longer than %d bytes", maxKey))
		return
	}
	owner := "session " + who
	if key != "" {
		owner = "key " + key
	}
	p, ended := a.carryOut(write{
		path: r.URL.Path, key: key, sequence: sequenceOf(r, owner), payload: payloadOf(r, body), post: p, failures: failures,
	})
	switch ended {
	case lost:
		answerProblem(w, http.StatusServiceUnavailable, "the post was created, or it was not")
	case mismatch:
		answerProblem(w, http.StatusUnprocessableEntity, "this Idempotency-Key came with another payload before")
	case replayed:
		w.Header().Set("Idempotency-Replayed", "true")
		fallthrough
	default:
		w.Header().Set("Location", fmt.Sprintf("/posts/%d", p.ID))
		answer(w, http.StatusCreated, p)
	}
}

func (a *API) carryOut(wr write) (Post, outcome) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if wr.key != "" {
		return a.carryOutKeyedLocked(wr)
	}
	nth, failed := a.turnLocked(wr.sequence, wr.failures, 0)
	if failed && nth%2 == 0 { // every second failure comes before the work was done, the others after it
		return Post{}, lost
	}
	if a.writesSeen[wr.payload] {
		a.stats.DuplicateWrites++
	}
	keep(a.writesSeen, wr.payload, true)
	a.stats.Writes[wr.path]++
	p := a.addPostLocked(wr.post)
	if failed {
		return Post{}, lost
	}
	return p, created
}

func (a *API) carryOutKeyedLocked(wr write) (Post, outcome) {
	id := wr.path + "\x00" + wr.key
	done, ended := a.keys[id], replayed
	if done == nil {
		done, ended = &keyedWrite{payload: wr.payload, post: a.addPostLocked(wr.post)}, created
		keep(a.keys, id, done)
		keep(a.stats.WritesByKey, wr.key, a.stats.WritesByKey[wr.key]+1)
		a.stats.Writes[wr.path]++
	}
	if done.payload != wr.payload {
		return Post{}, mismatch
	}
	if done.answered {
		return done.post, replayed
	}
	if _, failed := a.turnLocked(wr.sequence, wr.failures, 0); failed {
		return Post{}, lost
	}
	done.answered = true
	return done.post, ended
}

// payloadOf tells equal writes from different ones: by path, query and body.
func payloadOf(r *http.Request, body []byte) digest {
	h := sha256.New()
	fmt.Fprintf(h, "%q %q ", r.URL.Path, r.URL.RawQuery)
	h.Write(body)
	return digest(h.Sum(nil))
}
