package scenario

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// judge compares what happened with what the test expects, once everything has ended but the upstreams.
func (p *play) judge(j *judge) {
	here := p.suite.test(p.i)
	expect := here.at("expect")
	for _, c := range p.calls {
		before := len(j.result.Failures)
		j.call(c)
		if failed := len(j.result.Failures) > before; failed || c.spec.count() == 1 {
			j.result.Calls = append(j.result.Calls, CallRecord{Name: c.name, Request: c.spec.Request, Outcome: c.outcome(), Events: noted(c.info.Events())})
		}
	}
	own, _ := ownOrigin(p.plan, p.test)
	e := p.test.Expect
	j.origin(expect, p.world.origins[own], UpstreamExpect{e.Sends, e.Sent, e.Connections})
	for _, o := range p.world.all() {
		j.origin(o.at.at("expect"), o, o.spec.Expect)
		o.unused(j)
		o.script.unused(j)
	}
	for _, s := range p.world.issuers {
		requests := p.world.tokenRequests(s)
		if want, ok := e.Tokens[s.credential]; ok {
			j.count(expect.at("tokens", s.credential), "token requests of "+s.credential, &want, len(requests))
		}
		if want, ok := e.TokenRequests[s.credential]; ok {
			j.sent(expect.at("token_requests", s.credential), "token requests of "+s.credential, want, requests)
		}
		s.script.unused(j)
	}
	j.time(expect.at("elapsed"), "time that the test took", e.Elapsed, time.Duration(j.result.Elapsed))
	p.logs.judge(j, expect, e.Logs)
	judgeSpans(j, expect, e.Spans, p.spans.Ended())
	p.secrets(j, here)
	for _, d := range p.world.odd.Sort() {
		j.result.Failures = append(j.result.Failures, Failure{Diagnostic: d})
	}
}

// judgeSessions looks at the sessions before the runner is closed.
func (p *play) judgeSessions(j *judge) {
	for _, name := range keys(p.test.Expect.Sessions) {
		want, at := p.test.Expect.Sessions[name], p.suite.test(p.i).at("expect", "sessions", name)
		base, subject, _ := strings.Cut(name, "/")
		session, err := p.runner.Credential(base, subject)
		if err != nil {
			j.fail(at, "session "+name, "a session", err.Error())
			continue
		}
		state := session.State()
		if want.State != nil && *want.State != string(state.Status) {
			j.fail(at.at("state"), "state of "+name, *want.State, strings.TrimSpace(string(state.Status)+" "+state.LastError))
		}
		j.count(at.at("generation"), "generation of "+name, want.Generation, int(state.Generation)) //nolint:gosec // small
	}
}

// tokenRequests are the requests that an issuer got, in their order.
func (w *world) tokenRequests(s *issuer) (list []*arrival) {
	for _, a := range w.origins[s.origin].sent {
		if a.issuer == s {
			list = append(list, a)
		}
	}
	return list
}

// origin judges what an origin saw.
func (j *judge) origin(at place, o *origin, e UpstreamExpect) {
	var sent []*arrival
	for _, a := range o.sent {
		if a.issuer == nil {
			sent = append(sent, a)
		}
	}
	j.count(at.at("sends"), "requests to "+o.name(), e.Sends, len(sent))
	j.count(at.at("connections"), "connections to "+o.name(), e.Connections, o.dials)
	if e.Sent != nil {
		j.sent(at.at("sent"), "requests to "+o.name(), e.Sent, sent)
	}
}

func (j *judge) sent(at place, what string, want []SentExpect, got []*arrival) {
	if len(want) != len(got) {
		lines := []string{plural(len(got), "request")}
		for _, a := range got {
			lines = append(lines, a.String())
		}
		j.fail(at, what, plural(len(want), "request"), strings.Join(lines, "\n"))
	}
	for i := range min(len(want), len(got)) {
		w, a, here := want[i], got[i], at.at(index(i))
		which := fmt.Sprintf("request %d", i+1)
		j.text(here.at("to"), which, w.To, a.String(), true)
		j.headers(here.at("header"), w.Header, a.header)
		j.text(here.at("body"), "body of "+which, w.Body, string(a.body), true)
		j.size(here.at("body_size"), "size of the body of "+which, w.BodySize, a.body)
		j.json(here.at("json"), "json of "+which, w.JSON, a.body)
		j.time(here.at("at"), "arrival of "+which, w.At, a.at)
		if i > 0 {
			j.alike(here, which, w, got[i-1].header, a.header)
			j.time(here.at("gap"), "time between the requests before", w.Gap, a.at-got[i-1].at)
		} else if w.Gap != nil {
			j.fail(here.at("gap"), "time between the requests before", "two requests", "this is the first")
		}
		if w.Status != nil && *w.Status != a.status {
			j.fail(here.at("status"), "answer to "+which, fmt.Sprint(*w.Status), fmt.Sprint(a.status))
		}
	}
}

// alike judges the headers of a request by those of the one before it.
func (j *judge) alike(at place, which string, w SentExpect, before, now http.Header) {
	show := func(h http.Header, name string) string {
		values, present := h[http.CanonicalHeaderKey(name)]
		return quoted(strings.Join(values, ", "), present)
	}
	for _, name := range w.Same {
		if b, n := show(before, name), show(now, name); b != n || now.Values(name) == nil {
			j.fail(at.at("same"), "header "+name+" of "+which, "that of the request before it, "+b, n)
		}
	}
	for _, name := range w.Changed {
		if b, n := show(before, name), show(now, name); b == n || before.Values(name) == nil || now.Values(name) == nil {
			j.fail(at.at("changed"), "header "+name+" of "+which, "another value than in the request before it, "+b, n)
		}
	}
}

// dump writes all that a span says.
func dump(spans []sdktrace.ReadOnlySpan) string {
	var b strings.Builder
	for _, s := range spans {
		fmt.Fprintln(&b, s.Name(), s.Status().Description)
		for _, a := range s.Attributes() {
			fmt.Fprintln(&b, a.Key, a.Value.String())
		}
		for _, e := range s.Events() {
			fmt.Fprintln(&b, e.Name)
			for _, a := range e.Attributes {
				fmt.Fprintln(&b, a.Key, a.Value.String())
			}
		}
	}
	return b.String()
}

func judgeSpans(j *judge, at place, want []SpanExpect, got []sdktrace.ReadOnlySpan) {
	names := map[string]string{}
	for _, s := range got {
		names[s.SpanContext().SpanID().String()] = s.Name()
	}
	for i, w := range want {
		n := 0
		for _, s := range got {
			if w.like(s, names[s.Parent().SpanID().String()]) {
				n++
			}
		}
		j.times(at.at("spans", index(i)), "spans like this", w.Count, n)
	}
}

func (w SpanExpect) like(s sdktrace.ReadOnlySpan, parent string) bool {
	fits := func(want *Text, got string, present bool) bool {
		if want == nil {
			return true
		}
		_, ok := want.check(got, present)
		return ok
	}
	ok := fits(w.Name, s.Name(), true) && fits(w.Parent, parent, parent != "") &&
		(w.Kind == nil || *w.Kind == s.SpanKind().String()) && (w.Status == nil || strings.EqualFold(*w.Status, s.Status().Code.String())) && hold(w.Attributes, s.Attributes())
	for _, want := range w.Events {
		ok = ok && want.among(s.Events())
	}
	return ok
}
