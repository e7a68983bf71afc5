package storetest

import (
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leatdev/leat/pipeline/credential"
)

// extraChecks are about what a store may be besides.
var extraChecks = []check{
	{"a_notifier_tells_of_changes", notifierTells},
	{"an_inspector_lists_the_records", func(t *testing.T, w *world) {
		a, b := w.process(), w.process()
		inspector, ok := b.Store.(credential.Inspector)
		if !ok {
			t.Skip("the store is no Inspector")
		}
		if keys, err := inspector.Keys(t.Context()); err != nil || len(keys) != 0 {
			t.Fatalf("got %d keys and %v of an empty store", len(keys), err)
		}
		for _, key := range names {
			a.save(key, 0, token(1))
		}
		lease, _ := a.take(credential.Key{Credential: "never saved"}, 0)
		keys, err := inspector.Keys(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range names {
			if !slices.Contains(keys, key) {
				t.Errorf("%.40q is missing", key)
			}
		}
		if len(keys) != len(names) {
			t.Errorf("got %d keys, want %d", len(keys), len(names))
		}
		lease.Release()
	}},
	{"an_inspector_names_the_holder", func(t *testing.T, w *world) {
		a, b := w.process(), w.process()
		inspector, ok := b.Store.(credential.Inspector)
		if !ok {
			t.Skip("the store is no Inspector")
		}
		holder := func() string {
			name, err := inspector.Holder(t.Context(), demo)
			if err != nil {
				t.Fatal(err)
			}
			return name
		}
		if name := holder(); name != "" {
			t.Fatalf("got %q where nobody ever had the turn", name)
		}
		lease, _ := a.take(demo, 0)
		if name := holder(); name == "" || strings.ContainsAny(name, "\n\x00") {
			t.Fatalf("got %q, want a name", name)
		}
		lease.Release()
		until(t, "the turn has no holder", func() bool { return holder() == "" })
		a.take(demo, 0) // being asked for its holder does not take a turn
	}},
}

func notifierTells(t *testing.T, w *world) {
	a, b := w.process(), w.process()
	notifier, ok := b.Store.(credential.Notifier)
	if !ok {
		t.Skip("the store is no Notifier")
	}
	var told, ours atomic.Int64
	acme := credential.Key{Credential: "demo", Subject: "acme"}
	stop := notifier.Notify(func(key credential.Key) {
		if key == acme {
			told.Add(1)
		}
	})
	stopOther := notifier.Notify(func(credential.Key) { ours.Add(1) })
	defer stopOther()
	// A change may go untold while a connection is made: it is made again until one is.
	generation := uint64(0)
	until(t, "a change is told", func() bool {
		a.save(acme, generation, token(generation+1))
		generation++
		<-time.After(pause / 2)
		return told.Load() > 0
	})
	stop()
	before, others := told.Load(), ours.Load()
	until(t, "a second listener is told after the first one stopped", func() bool {
		a.save(acme, generation, token(generation+1))
		generation++
		<-time.After(pause / 2)
		return ours.Load() > others
	})
	if told.Load() != before {
		t.Error("a listener was told after stop had returned")
	}
}
