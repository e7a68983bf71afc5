package pipeline

import (
	"net/url"
	"testing"
	"time"
)

// checks returns what a call that needs none of them pays for the host's cooldown and the budget.
func checks() func() {
	h := NewHosts()
	h.Count(10 * time.Second)
	u := &url.URL{Scheme: "https", Host: "api.test"}
	c := &Call{chain: &chain{hosts: h}}
	out := &send{start: time.Now()}
	out.out.URL = u
	h.Of(u)
	return func() {
		if _, left := c.Host(u).Cooling(); left > 0 {
			panic("it cools")
		}
		c.countSend(out)
		c.ReturnResend()
	}
}

func TestChecks_allocate_nothing(t *testing.T) {
	if n := testing.AllocsPerRun(100, checks()); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// BenchmarkChecks is the cost of cooldown and budget on a call that needs neither; what a session costs is Acquire in credential.
func BenchmarkChecks(b *testing.B) {
	check := checks()
	b.ReportAllocs()
	for b.Loop() {
		check()
	}
}
