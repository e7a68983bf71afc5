package credential

import (
	"net/http"
	"testing"
	"time"

	"github.com/leatdev/leat/pipeline/redact"
)

func freshSession(tb testing.TB) *Session {
	s := NewSession(SessionConfig{Name: "demo", Source: &tokens{}})
	if err := s.Set(tb.Context(), Token{Access: redact.NewSecret("x"), Lifetime: time.Hour}); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = s.Close() })
	return s
}

// A fresh session is read without allocation, and without the lock: here somebody else holds it.
func TestFreshSessionCostsNothing(t *testing.T) {
	s := freshSession(t)
	p := newTestPool(t, true, &tokens{}, 0)
	session(t, p, "acme")
	req, err := http.NewRequest("GET", "https://api.example/", nil)
	if err != nil {
		t.Fatal(err)
	}
	s.Peek().Attach(req)
	ctx := t.Context()
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, run := range map[string]func(){
		"Peek":    func() { s.Peek() },
		"Acquire": func() { _, _ = s.Acquire(ctx) },
		"Attach":  func() { s.Peek().Attach(req) },
		"Reject":  func() { s.Reject(0) },
		"Pool":    func() { _, _ = p.Session("acme") },
	} {
		if got := testing.AllocsPerRun(100, run); got != 0 {
			t.Errorf("%s: %v allocations", name, got)
		}
	}
}

func BenchmarkSession(b *testing.B) {
	s := freshSession(b)
	ctx := b.Context()
	req, err := http.NewRequest("GET", "https://api.example/", nil)
	if err != nil {
		b.Fatal(err)
	}
	for name, run := range map[string]func(){
		"Peek":    func() { s.Peek() },
		"Acquire": func() { _, _ = s.Acquire(ctx) },
		"Attach":  func() { s.Peek().Attach(req) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				run()
			}
		})
	}
	b.Run("Acquire/parallel", func(b *testing.B) {
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				_, _ = s.Acquire(ctx)
			}
		})
	})
}
