package credential

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestCooldown(t *testing.T) {
	fail := func(call int) error {
		if call == 1 {
			return nil
		}
		return &Failure{Op: "refresh", Refresh: true, Status: 403}
	}
	t.Run("serves_the_token_while_it_is_good", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := open(t, SessionConfig{Source: &tokens{life: 100 * time.Second, refuse: fail}})
			acquire(t, s)
			time.Sleep(85 * time.Second)
			for range 14 * 20 { // up to the very end, beyond the mandatory moment
				acquire(t, s)
				time.Sleep(50 * time.Millisecond)
			}
			time.Sleep(time.Second)
			_, err := s.Acquire(t.Context())
			wantError(t, err, StatusCooldown)
		})
	})
	t.Run("lengthens_up_to_a_minute", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			k := &tokens{refuse: fail}
			s := open(t, SessionConfig{Source: k})
			acquire(t, s)
			s.Reject(1)
			for range 40 * 60 {
				_, err := s.Acquire(t.Context())
				if e := wantError(t, err, StatusCooldown); e.RetryAfter > time.Minute {
					t.Fatalf("retry after %s", e.RetryAfter)
				}
				time.Sleep(time.Second)
			}
			if got := k.calls.Load(); got < 40 || got > 160 {
				t.Fatalf("%d requests in 40 minutes", got)
			}
		})
	})
	t.Run("begins_anew_after_a_success", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			broken := true
			s := open(t, SessionConfig{Source: &tokens{refuse: func(int) error {
				if broken {
					return &Failure{Op: "refresh", Refresh: true, Status: 403}
				}
				return nil
			}}})
			for range 200 {
				for range 8 {
					_, _ = s.Acquire(t.Context())
					time.Sleep(time.Minute)
				}
				broken = false
				s.Reject(acquire(t, s).Generation())
				broken = true
				_, err := s.Acquire(t.Context())
				if e := wantError(t, err, StatusCooldown); e.RetryAfter > time.Second {
					t.Fatalf("retry after %s", e.RetryAfter)
				}
				time.Sleep(time.Minute)
			}
		})
	})
	t.Run("lasts_as_long_as_the_server_says", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			k := &tokens{refuse: func(call int) error {
				if call == 1 {
					return &Failure{Op: "login", Status: 503, RetryAfter: 100 * time.Second}
				}
				return nil
			}}
			s := open(t, SessionConfig{Source: k})
			_, err := s.Acquire(t.Context())
			if e := wantError(t, err, StatusCooldown); e.RetryAfter != 100*time.Second {
				t.Fatalf("got %s", e.RetryAfter)
			}
			time.Sleep(99 * time.Second)
			_, err = s.Acquire(t.Context())
			if e := wantError(t, err, StatusCooldown); e.RetryAfter != time.Second {
				t.Fatalf("got %s", e.RetryAfter)
			}
			wantCalls(t, k, 1)
			time.Sleep(time.Second)
			acquire(t, s)
		})
	})
}
