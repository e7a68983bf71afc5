package credential

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/leatdev/leat/pipeline/redact"
)

func TestFlight(t *testing.T) {
	unknown := &Failure{Op: "refresh", Refresh: true, Err: errors.New("reset")}
	busy := &Failure{Op: "refresh", Refresh: true, Status: 503}
	for name, test := range map[string]struct {
		noLogin bool
		answers []error // to the requests after the first token; past them, tokens
		want    Status
		calls   int // requests of that flight
	}{
		"an_oauth_error_kills":                            {noLogin: true, answers: []error{invalidGrant()}, want: StatusDead, calls: 1},
		"an_oauth_error_falls_back_to_what_is_configured": {answers: []error{invalidGrant()}, want: StatusFresh, calls: 2},
		"the_fallback_never_dies":                         {answers: []error{invalidGrant(), &Failure{Op: "login", Status: 401, Code: "invalid_client"}}, want: StatusCooldown, calls: 2},
		"a_proxy's_403_passes":                            {answers: []error{&Failure{Refresh: true, Status: 403}}, want: StatusCooldown, calls: 1},
		"a_404_passes":                                    {answers: []error{&Failure{Refresh: true, Status: 404}}, want: StatusCooldown, calls: 1},
		"a_bare_401_passes_where_only_a_login_helps":      {noLogin: true, answers: []error{&Failure{Refresh: true, Status: 401}}, want: StatusCooldown, calls: 1},
		"a_bare_401_falls_back":                           {answers: []error{&Failure{Refresh: true, Status: 401}}, want: StatusFresh, calls: 2},
		"an_oauth_error_with_429_passes":                  {noLogin: true, answers: []error{&Failure{Refresh: true, Status: 429, Code: "slow_down", RetryAfter: time.Minute}}, want: StatusCooldown, calls: 1},
		"an_oauth_error_with_500_passes":                  {noLogin: true, answers: []error{&Failure{Refresh: true, Status: 500, Code: "server_error", RetryAfter: time.Minute}}, want: StatusCooldown, calls: 1},
		"an_unknown_outcome_is_resent_once":               {answers: []error{unknown}, want: StatusFresh, calls: 2},
		"two_unknown_outcomes_cool_down":                  {answers: []error{unknown, unknown}, want: StatusCooldown, calls: 2},
		"an_unknown_outcome_then_503_cools_down":          {answers: []error{unknown, busy}, want: StatusCooldown, calls: 2},
		"503_is_resent_twice":                             {answers: []error{busy, busy}, want: StatusFresh, calls: 3},
		"503_three_times_cools_down":                      {answers: []error{busy, busy, busy}, want: StatusCooldown, calls: 3},
		"not_sent_is_resent":                              {answers: []error{&Failure{Refresh: true, NotSent: true}}, want: StatusFresh, calls: 2},
		"a_short_retry_after_is_waited_for":               {answers: []error{&Failure{Refresh: true, Status: 429, RetryAfter: 2 * time.Second}}, want: StatusFresh, calls: 2},
		"a_long_retry_after_is_not":                       {answers: []error{&Failure{Refresh: true, Status: 503, RetryAfter: 5 * time.Second}}, want: StatusCooldown, calls: 1},
		"a_secret_that_can't_be_read_is_not_read_again":   {answers: []error{&Failure{Op: "read", NotSent: true}}, want: StatusCooldown, calls: 1},
		"a_foreign_error_passes":                          {answers: []error{errors.New("disk full")}, want: StatusCooldown, calls: 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := &tokens{life: time.Hour}
				s := open(t, SessionConfig{Source: k})
				acquire(t, s)
				k.noLogin = test.noLogin
				k.refuse = func(call int) error {
					if call-2 < len(test.answers) {
						return test.answers[call-2]
					}
					return nil
				}
				s.Reject(1)
				n, err := s.Acquire(t.Context())
				wantStatus(t, s, test.want)
				wantCalls(t, k, 1+test.calls)
				if test.want == StatusFresh {
					if err != nil || n.Generation() != 2 {
						t.Fatalf("got %v, %v", n, err)
					}
					return
				}
				wantError(t, err, test.want)
				if f := (*Failure)(nil); !errors.As(err, &f) && name != "a_foreign_error_passes" {
					t.Errorf("%v unwraps to no *Failure", err)
				}
				if got := errors.Is(err, ErrLoginRequired); got != (test.want == StatusDead) {
					t.Errorf("%v is ErrLoginRequired: %t", err, got)
				}
				if s.Peek().Token().Refresh.Reveal() != "refresh-1" {
					t.Error("the failure cost the token")
				}
			})
		})
	}
}

func TestFlightAsksAgain(t *testing.T) {
	t.Run("but_not_for_a_first_token_after_an_unknown_outcome", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			k := &tokens{refuse: func(int) error { return &Failure{Op: "login", Err: errors.New("reset")} }}
			_, err := open(t, SessionConfig{Source: k}).Acquire(t.Context())
			wantError(t, err, StatusCooldown)
			wantCalls(t, k, 1)
		})
	})
	t.Run("no_earlier_than_told", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			k := &tokens{refuse: func(call int) error {
				if call > 1 {
					return nil
				}
				return &Failure{Op: "login", Status: 503, RetryAfter: 2 * time.Second}
			}}
			began := time.Now()
			acquire(t, open(t, SessionConfig{Source: k}))
			if took := time.Since(began); took < 2*time.Second {
				t.Fatalf("took %s", took)
			}
		})
	})
	t.Run("without_a_refresh_token_that_died", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			k := &tokens{refuse: func(call int) error {
				return map[int]error{2: invalidGrant(), 3: &Failure{Op: "login", Status: 403}}[call]
			}}
			s := open(t, SessionConfig{Source: k})
			s.Reject(acquire(t, s).Generation())
			_, err := s.Acquire(t.Context())
			wantError(t, err, StatusCooldown)
			time.Sleep(time.Second)
			acquire(t, s)
			if k.refreshes.Load() != 1 || k.obtains.Load() != 3 {
				t.Fatalf("%d refreshes, %d obtains", k.refreshes.Load(), k.obtains.Load())
			}
		})
	})
}

func TestFlightWithoutLogin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, SessionConfig{Source: &tokens{noLogin: true}})
		_, err := s.Acquire(t.Context())
		wantError(t, err, StatusDead)
		if !errors.Is(err, ErrLoginRequired) {
			t.Fatal(err)
		}
		if _, again := s.Acquire(t.Context()); again != err {
			t.Fatalf("got another value: %v", again)
		}
	})
}

func TestFlightBringsItsLeaderTraceAndNothingElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		type key struct{}
		span := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}})
		var seen context.Context
		s := open(t, SessionConfig{Source: sourceFunc(func(ctx context.Context) (Token, error) {
			seen = ctx
			<-ctx.Done()
			return Token{}, &Failure{Op: "login", Err: ctx.Err()}
		})})
		ctx, cancel := context.WithTimeout(context.WithValue(trace.ContextWithSpanContext(t.Context(), span), key{}, 1), time.Minute)
		defer cancel()
		began := time.Now()
		_, err := s.Acquire(ctx)
		wantError(t, err, StatusCooldown)
		if time.Since(began) != 10*time.Second {
			t.Errorf("the flight took %s, want its own timeout", time.Since(began))
		}
		if !trace.SpanContextFromContext(seen).Equal(span) || seen.Value(key{}) != nil {
			t.Errorf("the source's context: span %v, value %v", trace.SpanContextFromContext(seen), seen.Value(key{}))
		}
	})
}

// sourceFunc is a Source of one function.
type sourceFunc func(context.Context) (Token, error)

func (f sourceFunc) Obtain(ctx context.Context) (Token, error)           { return f(ctx) }
func (f sourceFunc) Refresh(ctx context.Context, _ Token) (Token, error) { return f(ctx) }

func TestFlightSurvivesItsSource(t *testing.T) {
	for name, end := range map[string]func(){
		"panic":      func() { panic("canary-in-a-panic") },
		"bad_index":  func() { _ = []int{}[time.Now().Nanosecond()*0] },
		"goexit":     runtime.Goexit,
		"panic_text": func() { panic(errors.New("canary-in-a-panic")) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := open(t, SessionConfig{Source: sourceFunc(func(context.Context) (Token, error) { end(); return Token{}, nil })})
				_, err := s.Acquire(t.Context())
				wantError(t, err, StatusCooldown)
				if strings.Contains(err.Error(), "canary") {
					t.Errorf("the panic's value shows: %v", err)
				}
			})
		})
	}
}

// One failure value serves all who waited, and nobody may write to it (I11).
func TestFlightSharesOneFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, SessionConfig{Source: &tokens{latency: time.Second, refuse: func(int) error { return &Failure{Op: "login", Status: 403} }}})
		var mu sync.Mutex
		seen := map[error]int{}
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() {
				_, err := s.Acquire(t.Context())
				mu.Lock()
				seen[err]++
				mu.Unlock()
			})
		}
		all.Wait()
		if len(seen) != 1 {
			t.Fatalf("%d values, want 1", len(seen))
		}
		for err := range seen {
			before := *err.(*Error)
			time.Sleep(10 * time.Millisecond)
			_, _ = s.Acquire(t.Context())
			_ = s.Set(t.Context(), Token{Access: redact.NewSecret("x")})
			_ = s.Logout(t.Context())
			if *err.(*Error) != before {
				t.Errorf("written to: %+v, before %+v", err, before)
			}
		}
	})
}

// N concurrent 401s of one generation cost one token request (I1, I2).
func TestRejectionStorm(t *testing.T) {
	const callers = 10_000
	for name, spread := range map[string]time.Duration{"at_once": 0, "over_200_ms": 200 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := &tokens{latency: 50 * time.Millisecond, life: time.Hour}
				s := open(t, SessionConfig{Source: k})
				old := acquire(t, s).Generation()
				var failed, stale atomic.Int32
				var all sync.WaitGroup
				for i := range callers {
					all.Go(func() {
						time.Sleep(spread * time.Duration(i) / callers)
						s.Reject(old)
						n, err := s.Acquire(t.Context())
						if err != nil {
							failed.Add(1)
						} else if n.Generation() != old+1 {
							stale.Add(1)
						}
					})
				}
				all.Wait()
				if failed.Load()+stale.Load() != 0 {
					t.Fatalf("%d failed, %d got another token", failed.Load(), stale.Load())
				}
				wantCalls(t, k, 2)
			})
		})
	}
}

func TestFlightKeepsWhatARefreshLeavesOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		s := open(t, SessionConfig{Source: sourceFunc(func(context.Context) (Token, error) {
			n++
			t := Token{Access: redact.NewSecret(fmt.Sprint("a", n))}
			if n == 1 {
				t.Refresh, t.Scopes = redact.NewSecret("r1"), []string{"read"}
			}
			return t, nil
		})})
		acquire(t, s)
		s.Reject(1)
		got := acquire(t, s).Token()
		if got.Access.Reveal() != "a2" || got.Refresh.Reveal() != "r1" || len(got.Scopes) != 1 {
			t.Fatalf("got %v, refresh %q", got, got.Refresh.Reveal())
		}
	})
}

// A token that worked and is refused later has expired: that is no storm, however often it happens.
func TestShortLivedTokensAreNoStorm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &tokens{} // no lifetime is known: renewed on a 401 only
		s := open(t, SessionConfig{Source: k})
		for i := range 20 {
			n := acquire(t, s)
			n.Worked()
			time.Sleep(2 * time.Second)
			s.Reject(n.Generation())
			if next, err := s.Acquire(t.Context()); err != nil || next.Generation() == n.Generation() {
				t.Fatalf("after expiry %d: %v, %v", i+1, next, err)
			}
		}
	})
}
