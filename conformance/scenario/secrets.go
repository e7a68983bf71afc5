package scenario

import (
	"bytes"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/credential"
)

// secrets looks for secrets where none may be: in logs, spans, errors and records, and at origins that they were not given to.
func (p *play) secrets(j *judge, at place) {
	type spot struct{ name, text string }
	spots := []spot{{"the log", p.logs.text()}, {"a span", dump(p.spans.Ended())}}
	for _, c := range p.calls {
		if c.err != nil {
			spots = append(spots, spot{"the error of " + c.name, fmt.Sprintf("%v %+v %q", c.err, c.err, c.outcome())})
			if f := c.failure; f != nil {
				spots = append(spots, spot{"the error of " + c.name, fmt.Sprint(f.Violations, f.ProblemType)})
			}
		}
		spots = append(spots, spot{"the request of the response of " + c.name + " (call.shown_request)", c.shown},
			spot{"the record of " + c.name, fmt.Sprintf("%+v %s %s", c.info.Events(), c.info.Message(), c.info.ProblemType()+" "+c.info.URL())})
	}
	canaries := p.canaries()
	for _, s := range spots {
		for _, c := range canaries {
			if strings.Contains(s.text, c.secret) {
				j.fail(at, "secrets in "+s.name+" (send.quiet)", "none", c.secret)
			}
		}
	}
	for _, o := range p.world.all() {
		var b bytes.Buffer
		for _, a := range o.sent {
			fmt.Fprintln(&b, a.uri, a.header, string(a.body))
		}
		for _, c := range canaries {
			if bytes.Contains(b.Bytes(), []byte(c.secret)) && !p.goesTo(c.owners, o.url) {
				j.fail(at, "secrets in requests to "+o.name()+" (send.origin)", "none", c.secret)
			}
		}
	}
}

// canary is a secret that must show nowhere but at the origins of the credentials that it belongs to.
type canary struct {
	secret string
	owners []string // none: any credential's
}

// canaries lists the secrets that were in play. Those of less than four letters would be found everywhere.
func (p *play) canaries() (list []canary) {
	w := p.world
	w.mu.Lock()
	for _, secret := range keys(w.given) {
		list = append(list, canary{secret, p.ownersOf(w.given[secret])})
	}
	w.mu.Unlock()
	for _, s := range w.issuers {
		for _, token := range s.tokens() {
			list = append(list, canary{token, []string{s.credential}})
		}
	}
	return slices.DeleteFunc(list, func(c canary) bool { return len(c.secret) < 4 })
}

// ownersOf returns the credentials that refer to the secret of that name.
func (p *play) ownersOf(name string) (owners []string) {
	for _, c := range p.plan.Credentials {
		v, _ := c.Section.Value()
		if slices.Contains(references(v), name) {
			owners = append(owners, c.Name)
		}
	}
	return owners
}

// goesTo reports whether one of these credentials may be sent to an origin, its token endpoint included.
func (p *play) goesTo(owners []string, address string) bool {
	owns := func(name string) bool { return len(owners) == 0 || slices.Contains(owners, name) }
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	return slices.ContainsFunc(p.world.issuers, func(s *issuer) bool { return owns(s.credential) && s.origin == address }) ||
		slices.ContainsFunc(p.plan.Credentials, func(c pipeline.CredentialPlan) bool {
			return owns(c.Name) && slices.ContainsFunc(c.Host.Origins, func(s string) bool {
				o, err := credential.ParseOrigin(s)
				return err == nil && o.Match(u)
			})
		})
}
