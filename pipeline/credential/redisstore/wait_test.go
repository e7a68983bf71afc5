//go:build unix

package redisstore

import (
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// until waits for something that must come to be; how long is no claim.
func until(t testing.TB, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !is(); {
		if time.Now().After(deadline) {
			t.Fatalf("still waiting until %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func receive[T any](t testing.TB, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(30 * time.Second):
		t.Fatal("nothing came")
	}
	panic("unreachable")
}

func waits(s *store) bool {
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	return len(s.hub.waiters) > 0
}

func listens(s *store) bool {
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	return s.hub.live
}

func connected(t testing.TB, s *store) redis.UniversalClient {
	t.Helper()
	c, err := s.connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return c
}
