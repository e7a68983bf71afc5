package check

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/plugins/internal/wire"
)

// plays plays every situation, one after the other, with spans and all records wanted.
func (c *checker) plays(s *session, in *instance) error {
	fit := slices.DeleteFunc(situations(), func(sit situation) bool { return int64(len(sit.request.Body)) > in.needs.Request.Limit() })
	if err := s.playAll(in, fit, nil); err != nil {
		return err
	}
	if in.needs.Request.Body == pipeline.BodyFull && in.needs.Request.Limit() >= wire.MaxInline {
		c.kept("wire.inline")
	}
	return s.shut(in)
}

// slow is how long a stage takes of which several requests are tried at a time.
const slow = 50 * time.Millisecond

// playAll plays situations, one after the other, or all at once with a stage that takes its time.
func (s *session) playAll(in *instance, all []situation, change func(*wire.Do)) error {
	play := func(sit situation) error {
		x, err := s.begin(in, sit.request, change)
		if err == nil {
			_, err = x.finish(sit.play)
		}
		return err
	}
	if s.c.paces[in.stage.Name] < slow {
		for _, sit := range all {
			if err := play(sit); err != nil {
				return err
			}
		}
		return nil
	}
	errs := make([]error, len(all))
	var group sync.WaitGroup
	for i, sit := range all {
		group.Go(func() { errs[i] = play(sit) })
	}
	group.Wait()
	return cmp.Or(errs...)
}

// users plays what the author's requests say, with an upstream that is well, and with one that is not.
func (c *checker) users(s *session, in *instance) error {
	var all []situation
	for _, r := range c.requests {
		for _, replies := range [][]reply{nil, {failing(503), well()}, {failing(401), well()}, {unreached()}} {
			all = append(all, situation{play{"wire.do", r.Method + " " + r.Path, replies}, r})
		}
	}
	return s.playAll(in, all, nil)
}

// unwanted has nobody record, and nobody want records.
func (c *checker) unwanted(s *session, in *instance) error {
	return s.playAll(in, situations()[:7], func(do *wire.Do) { do.Recording, do.Traceparent, do.LogLevel = false, "", 1<<30 })
}
