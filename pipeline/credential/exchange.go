package credential

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"runtime/debug"
	"slices"
	"time"

	"github.com/leatdev/leat/pipeline/redact"
)

// asking is what a flight's token requests have in common, over all its turns.
type asking struct {
	held            func() bool // whether the next request may leave
	with            redact.Secret
	refresh, obtain *resends // of the refresh token with, and of Obtain
}

func (s *Session) newAsking() *asking {
	return &asking{held: always, refresh: &resends{rotating: true, random: s.config.Random}, obtain: &resends{random: s.config.Random}}
}

func always() bool { return true }

// errTurnLost says that a token request did not leave, because the turn to make it was lost.
var errTurnLost = errors.New("the turn to renew was lost")

// exchange asks the source: by refresh where there is a refresh token, by what is configured otherwise, or as a second way
// where the server refused the refresh token.
func (s *Session) exchange(ctx context.Context, prev Token, a *asking) (Token, time.Time, error) {
	if prev.Refresh.IsZero() || prev.Refresh == s.spent {
		return s.obtain(ctx, prev, a)
	}
	if a.with != prev.Refresh { // somebody else's: nothing was asked with it yet
		a.with, a.refresh = prev.Refresh, &resends{rotating: true, random: s.config.Random}
	}
	got, sent, err := s.attempts(ctx, a.refresh, a.held, func(ctx context.Context) (Token, error) { return s.config.Source.Refresh(ctx, prev) })
	if got.Refresh.IsZero() {
		got.Refresh = prev.Refresh
	}
	got.seed = prev.seed
	if got.Scopes == nil {
		got.Scopes = prev.Scopes // RFC 6749 §5.1: left out means unchanged
	}
	refused, died := verdict(err)
	if !refused {
		return got, sent, err
	}
	if died {
		s.spent = prev.Refresh
	}
	got, sent, other := s.obtain(ctx, prev, a)
	switch {
	case !errors.Is(other, ErrLoginRequired):
		return got, sent, other
	case died:
		return Token{}, sent, fmt.Errorf("%w: %w", ErrLoginRequired, err)
	}
	return Token{}, sent, err
}

// obtain asks the source by what is configured, unless that is a refresh token with which the session began that prev is of.
func (s *Session) obtain(ctx context.Context, prev Token, a *asking) (Token, time.Time, error) {
	seed, err := s.seed(ctx)
	switch {
	case err != nil:
		return Token{}, time.Time{}, err
	case seed != "" && seed == prev.seed && !prev.Refresh.IsZero(): // it was replaced by another
		return Token{}, time.Time{}, ErrLoginRequired
	}
	got, sent, err := s.attempts(ctx, a.obtain, a.held, s.config.Source.Obtain)
	got.seed = seed
	if _, died := verdict(err); died {
		err = fmt.Errorf("%w: the configured refresh token: %w", ErrLoginRequired, err)
	}
	return got, sent, err
}

// seed returns the digest of the configured refresh token, "" if there is none.
func (s *Session) seed(ctx context.Context) (digest string, err error) {
	defer s.recoverAs(&err, "source")
	source, ok := s.config.Source.(Seeder)
	if !ok {
		return "", nil
	}
	secret, err := source.Seed(ctx)
	if err != nil || secret.IsZero() {
		return "", err
	}
	sum := sha256.Sum256([]byte("leat seed\x00" + secret.Reveal()))
	return hex.EncodeToString(sum[:16]), nil
}

// notTheToken are the error codes that say nothing of the refresh token (RFC 6749 §5.2, RFC 8707 §2, RFC 9449 §8 and the like). A
// server may say unauthorized_client or invalid_request of one that was used twice.
var notTheToken = [...]string{
	"invalid_client", "invalid_scope", "invalid_target", "unsupported_grant_type", "temporarily_unavailable", "server_error", "slow_down",
	"invalid_dpop_proof", "use_dpop_nonce",
}

// verdict tells whether a refresh grant was refused, and whether for good: only an OAuth error body says that. A bare 400 or
// 401 may be a home-made login API's word for it, while a 403 is a proxy's and a 404 a deployment's. Nor is the refresh token at
// fault where the server refuses the client, or what it asks for: another process, set up rightly, may still use it.
func verdict(err error) (refused, died bool) {
	fail := (*Failure)(nil)
	if !errors.As(err, &fail) || !fail.Refresh {
		return false, false
	}
	if slices.Contains(notTheToken[:], fail.Code) {
		return false, false
	}
	died = fail.Code != "" && fail.Status/100 == 4 && fail.Status != http.StatusTooManyRequests
	return died || fail.Status == http.StatusBadRequest || fail.Status == http.StatusUnauthorized, died
}

// attempts calls the source, again where that is safe, and returns when the request that was answered had left. Before each
// call it asks held: another process may have the turn by now, and be sending the same refresh token.
func (s *Session) attempts(ctx context.Context, again *resends, held func() bool, call func(context.Context) (Token, error)) (Token, time.Time, error) {
	for {
		if !held() {
			return Token{}, time.Time{}, errTurnLost
		}
		sent := time.Now()
		got, err := s.call(ctx, call)
		if err == nil {
			return got, sent, accept(got, sent)
		}
		wait, ok := again.next(err)
		if deadline, _ := ctx.Deadline(); !ok || ctx.Err() != nil || time.Until(deadline) <= wait {
			return Token{}, sent, err
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return Token{}, sent, err
		}
	}
}

// resends decides whether a failed token request may be sent again within its flight.
type resends struct {
	random   func() float64
	rotating bool
	tries    int
	last     bool // no more, whatever comes
}

func (r *resends) next(err error) (time.Duration, bool) {
	fail := (*Failure)(nil)
	if r.last || !errors.As(err, &fail) || fail.Op == "read" { // a secret that can't be read now can't in 100 ms either
		return 0, false
	}
	if !fail.NotSent && fail.Status == 0 {
		// Nobody knows whether the server rotated: once at once, within a grace period that many servers give, then no more.
		r.last = true
		return 0, r.rotating
	}
	if !fail.NotSent && fail.Status != http.StatusTooManyRequests && fail.Status < 500 {
		return 0, false
	}
	if r.tries++; r.tries > 2 || fail.RetryAfter > 3*time.Second {
		return 0, false
	}
	wait := 100 * time.Millisecond << r.tries
	return max(fail.RetryAfter, wait/2+portion(wait/2, r.random())), true
}

// accept judges an answer.
func accept(got Token, sent time.Time) error {
	switch {
	case got.Access.IsZero():
		return errors.New("the answer holds no access token")
	case got.Lifetime < 0 || got.Lifetime > 0 && time.Since(sent) >= got.Lifetime:
		return errors.New("the token was over before it arrived")
	}
	return nil
}

func (s *Session) call(ctx context.Context, call func(context.Context) (Token, error)) (t Token, err error) {
	defer s.recoverAs(&err, "source")
	return call(ctx)
}

// recoverAs turns a panic into an error. A panic's value may hold a secret, so only the runtime's own are quoted.
func (s *Session) recoverAs(err *error, what string) {
	r := recover()
	if r == nil {
		return
	}
	if known, ok := r.(runtime.Error); ok {
		*err = fmt.Errorf("the %s panicked: %w", what, known)
	} else {
		*err = fmt.Errorf("the %s panicked with a value of type %T", what, r)
	}
	s.log().Error("panic while renewing a credential", "error", *err, "stack", string(debug.Stack()))
}
