package pipeline

import (
	"fmt"
	"net/url"
	"testing"
	"testing/synctest"
	"time"
)

func at(host string) *url.URL { return &url.URL{Scheme: "https", Host: host} }

func TestHosts_are_known_by_name_and_port(t *testing.T) {
	h := NewHosts()
	want := h.Of(at("api.test"))
	for _, u := range []*url.URL{at("API.test"), at("api.test:443"), {Scheme: "http", Host: "api.test:80"}, {Scheme: "http", Host: "api.test"}} {
		if got := h.Of(u); got != want {
			t.Errorf("%s is another host: %s", u, got.Name())
		}
	}
	for _, u := range []*url.URL{at("api.test:8443"), at("api.test."), at("b.test"), {Scheme: "http", Host: "api.test:443"}} {
		if got := h.Of(u); got == want {
			t.Errorf("%s is taken for the same host", u)
		}
	}
}

// TestHosts_are_bounded: idle hosts are forgotten, and where none is idle those that were idle longest, but never one that cools or
// is about to be sent to.
func TestHosts_are_bounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, b := NewHosts(), Budget{Floor: 1, Window: time.Second}
		h.Count(b.Window)
		cooling, taken := h.Of(at("cooling.test")), h.Of(at("taken.test"))
		cooling.Cool(Cooldown{Until: time.Now().Add(time.Hour)})
		if !taken.Take(b) {
			t.Fatal("no token")
		}
		for i := range 3 * maxHosts {
			h.Of(at(fmt.Sprintf("h%d.test", i))).Sent()
			time.Sleep(time.Millisecond)
			if n := len(h.hosts); n > maxHosts {
				t.Fatalf("%d hosts are remembered", n)
			}
		}
		if h.Of(at("cooling.test")) != cooling || h.Of(at("taken.test")) != taken {
			t.Error("a host was forgotten that cools or is about to be sent to")
		}
		time.Sleep(10 * time.Minute)
		for i := range maxHosts {
			h.Of(at(fmt.Sprintf("later%d.test", i)))
		}
		if h.hosts["h12287.test"] != nil || len(h.hosts) > maxHosts {
			t.Errorf("idle hosts are remembered: %d in all", len(h.hosts))
		}
	})
}

// TestHosts_outlive_a_reload: the stages of a pipeline get one table, however often they are built; another pipeline has its own.
func TestHosts_outlive_a_reload(t *testing.T) {
	var s stateStore
	if a, b := s.hostsOf("a"), s.hostsOf("b"); s.hostsOf("a") != a || a == b {
		t.Error("one table a pipeline is wanted")
	}
	if (Settings{hosts: s.hostsOf("a")}).Hosts() != s.hostsOf("a") || (Settings{}).Hosts() == nil {
		t.Error("a stage gets another table than its pipeline's")
	}
	h, b := s.hostsOf("a"), Budget{Ratio: 0.5, Window: time.Second}
	before := h.Of(at("a.test"))
	h.Count(b.Window) // a window that a reload brings counts from then on, at known hosts too
	h.Count(b.Window)
	before.Sent()
	before.Sent()
	if !before.Take(b) || before.Take(b) || len(before.meters) != 1 {
		t.Error("two sends pay for one resend at a ratio of a half")
	}
}

// TestMeter_forgets: what was counted leaves the window after its length, at most a twentieth later, also after a long silence.
func TestMeter_forgets(t *testing.T) {
	for _, silence := range []time.Duration{10501 * time.Millisecond, 11 * time.Second, 21 * time.Second, time.Hour} {
		m := newMeter(10 * time.Second)
		m.add(499*time.Millisecond, true)
		if sends, resends := m.totals(10499 * time.Millisecond); resends != 1 || sends != 0 {
			t.Errorf("within the window: %d resends, want 1; %d sends that are in it for certain, want 0", resends, sends)
		}
		if sends, resends := m.totals(silence); sends != 0 || resends != 0 {
			t.Errorf("after %s: %d sends, %d resends", silence, sends, resends)
		}
		m.add(silence, false)
		if sends, resends := m.totals(silence); sends != 1 || resends != 0 {
			t.Errorf("counted anew after %s: %d sends, %d resends", silence, sends, resends)
		}
	}
}

func TestCooldown_is_not_shortened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host := NewHosts().Of(at("a.test"))
		for _, d := range []time.Duration{2 * time.Second, 5 * time.Second, 3 * time.Second} {
			host.Cool(Cooldown{Until: time.Now().Add(d), Asked: d})
		}
		if c, left := host.Cooling(); left != 5*time.Second || c.Asked != 5*time.Second {
			t.Errorf("left alone for %s, want the longest that was asked for, 5s", left)
		}
		time.Sleep(5 * time.Second)
		if _, left := host.Cooling(); left != 0 {
			t.Errorf("%s are left", left)
		}
		host.Cool(Cooldown{Until: time.Now().Add(time.Second)})
		if _, left := host.Cooling(); left != time.Second {
			t.Errorf("asked again: %s are left", left)
		}
	})
}
