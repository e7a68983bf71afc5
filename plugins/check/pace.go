package check

import (
	"slices"
	"strconv"
	"time"
)

// Whether requests that come at once are worked on one after another shows only where each takes its time: the first frames of them come
// apart from each other by that time then, again and again.
const (
	atATime = 4
	rounds  = 2
)

// together has a few requests come at once.
func (c *checker) together(s *session, in *instance) error {
	alone := time.Duration(1<<63 - 1)
	for range 3 {
		times, err := s.firsts(in, 1)
		if err != nil || times == nil {
			return err
		}
		if alone = min(alone, times[0]); alone < slow {
			break
		}
	}
	c.paces[in.stage.Name] = alone
	if alone < slow {
		return nil
	}
	for range rounds {
		times, err := s.firsts(in, atATime)
		if err != nil {
			return err
		}
		for i, at := range times[1:] {
			if at-times[i] < alone/2 {
				return nil
			}
		}
	}
	c.advise("wire.do", "have the thread that reads frames hand each Do to a thread or task of its own, which may wait for something, and hold no lock that all exchanges need meanwhile")
	return breach("wire.do", "of %d requests that came at once each was worked on only when the one before was done: one alone takes %s (stage %s)",
		atATime, alone.Round(time.Millisecond), in.stage.Name)
}

// firsts begins n exchanges at once, and returns how long after that the first frame of each came, in that order. nil: it can't be tried.
func (s *session) firsts(in *instance, n int) ([]time.Duration, error) {
	var all []*exchange
	began := time.Now()
	for i := range n {
		x, f, body := s.make(s.number(), in, get("/things/"+strconv.Itoa(i)), nil)
		if body != nil {
			return nil, nil
		}
		if err := s.send(f); err != nil {
			return nil, err
		}
		all = append(all, x)
	}
	var times []time.Duration
	for _, x := range all {
		if _, err := x.finish(play{"wire.do", "a GET that is answered with 200", nil}); err != nil {
			return nil, err
		}
		s.mu.Lock()
		times = append(times, x.first.Sub(began))
		s.mu.Unlock()
	}
	slices.Sort(times)
	return times, nil
}
