package retry

import (
	"fmt"
	"math"
	"net/http"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/leatdev/leat/pipeline"
)

// cools reports whether a request to wait on an answer with this status is about the host, and not about the one request as that of a
// 413 and of a redirect is.
func cools(status int) bool {
	return status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable
}

// host returns the host that the call deals with: where its latest send went, or where the first will.
func (s *Stage) host(p *pass) *pipeline.Host {
	if p.call == nil {
		return p.alone
	}
	return p.call.Host(p.target)
}

// hold waits until the host may be asked again. Where the call can't wait so long it returns the error that ends it; last is the
// outcome of the latest attempt, nil before the first.
func (s *Stage) hold(p *pass, last *pipeline.Outcome) error {
	if !s.config.HostCooldown {
		return nil
	}
	host := s.host(p)
	for {
		c, left := host.Cooling()
		if left <= 0 {
			return nil
		}
		room := s.room(p)
		if left >= room || left > s.config.MaxRetryAfter {
			return s.refused(p, host, c, left, last)
		}
		d := left + portion(min(c.Asked/10, room-left-1), s.random())
		s.cooling(p, host, c, d)
		began := time.Now()
		ended := p.call.Wait(p.ctx, d)
		p.call.Waited(time.Since(began))
		if ended != nil {
			return s.gaveUp(p, last)
		}
	}
}

// room is how long the call may wait at most, to have any time left.
func (s *Stage) room(p *pass) time.Duration {
	room := time.Duration(math.MaxInt64)
	if deadline, ok := p.ctx.Deadline(); ok {
		room = time.Until(deadline)
	}
	if s.config.MaxElapsed > 0 {
		room = min(room, s.config.MaxElapsed-s.elapsed(p, time.Now())+1) // a wait may end with max_elapsed
	}
	return room
}

// cooling tells that the call waits because the host asked another one to.
func (s *Stage) cooling(p *pass, host *pipeline.Host, c pipeline.Cooldown, d time.Duration) {
	p.call.Note(pipeline.Event{
		Stage: s.name, Name: pipeline.EventCooling, Duration: d, Reason: ReasonHostCooldown,
		Text: fmt.Sprintf("%s: waits %s", asking(host, c), short(d)),
	})
	if span := trace.SpanFromContext(p.ctx); span.IsRecording() {
		span.AddEvent("cooldown", trace.WithAttributes(attribute.String("server.address", host.Name()), attribute.Float64("leat.delay", d.Seconds())))
	}
}

// refused is the error of a call that can't wait until the host may be asked again. It has the kind of the answer that asked: that is
// what the host would have said.
func (s *Stage) refused(p *pass, host *pipeline.Host, c pipeline.Cooldown, left time.Duration, last *pipeline.Outcome) error {
	e := &pipeline.Error{
		Kind: pipeline.KindOfStatus(c.Status), Class: pipeline.ClassNotSent, Reason: ReasonHostCooldown, RetryAfter: left,
		Message: fmt.Sprintf("%s, until %s: nothing was sent", asking(host, c), c.Until.UTC().Format(time.RFC3339)),
	}
	if e.Kind == "" { // a rule matched a success
		e.Kind = pipeline.KindRateLimited
	}
	a := Attempt{Kind: e.Kind, Attempts: p.call.Attempts()}
	if last != nil {
		e.Class, e.Status, e.Header, a.Status = last.Class, last.Status, last.Header, last.Status
		e.Message = fmt.Sprintf("%s, until %s: not sent again; the last outcome was %s", asking(host, c), c.Until.UTC().Format(time.RFC3339), describe(*last))
	}
	s.stoppedBy(p, &a, ReasonHostCooldown, asking(host, c)+", longer than there is time", "")
	return e
}

func (s *Stage) gaveUp(p *pass, last *pipeline.Outcome) error {
	a := Attempt{Attempts: p.call.Attempts()}
	if last != nil {
		a.Status, a.Kind = last.Status, last.Kind
		return s.interrupted(p, &a, *last)
	}
	a.Ended = ended(p.ctx)
	e := pipeline.Ended(p.ctx, "it waited because the host asked to be left alone")
	a.Kind = e.Kind
	s.stopped(p, &a, Decision{Reason: a.Ended}, "")
	return e
}

// asking says who asked for what: "api.example.com asked for 10s (429, Retry-After)".
func asking(host *pipeline.Host, c pipeline.Cooldown) string {
	return fmt.Sprintf("%s asked for %s (%d, %s)", host.Name(), short(c.Asked), c.Status, c.By)
}
