package credential

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/leatdev/leat/pipeline/redact"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// tokens is a server of rotating tokens in one value: requests are counted, and never more than one may run.
type tokens struct {
	latency time.Duration
	life    time.Duration
	fixed   bool                 // the same access token each time
	noLogin bool                 // Obtain returns ErrLoginRequired
	refuse  func(call int) error // what the nth request (from 1) answers instead of a token

	calls, running, most  atomic.Int32
	obtains, refreshes    atomic.Int32
	lastRefresh, lastUser atomic.Value
}

func (k *tokens) do(ctx context.Context, op string) (Token, error) {
	if n := k.running.Add(1); n > k.most.Load() {
		k.most.Store(n)
	}
	defer k.running.Add(-1)
	call := int(k.calls.Add(1))
	select {
	case <-time.After(k.latency):
	case <-ctx.Done():
		return Token{}, &Failure{Op: op, Err: ctx.Err()}
	}
	if k.refuse != nil {
		if err := k.refuse(call); err != nil {
			return Token{}, err
		}
	}
	t := Token{Access: redact.NewSecret(fmt.Sprintf("access-%d", call)), Refresh: redact.NewSecret(fmt.Sprintf("refresh-%d", call)), Lifetime: k.life}
	if k.fixed {
		t.Access, t.Refresh = redact.NewSecret("access-fixed"), redact.Secret{}
	}
	return t, nil
}

func (k *tokens) Obtain(ctx context.Context) (Token, error) {
	if k.noLogin {
		return Token{}, ErrLoginRequired
	}
	k.obtains.Add(1)
	return k.do(ctx, "login")
}

func (k *tokens) Refresh(ctx context.Context, prev Token) (Token, error) {
	k.refreshes.Add(1)
	k.lastRefresh.Store(prev.Refresh.Reveal())
	return k.do(ctx, "refresh")
}

func (k *tokens) Login(ctx context.Context, fields map[string]redact.Secret) (Token, error) {
	k.lastUser.Store(fields["user"].Reveal())
	t, err := k.do(ctx, "login")
	if err == nil {
		t.Access = redact.NewSecret("login-" + t.Access.Reveal())
	}
	return t, err
}

// open returns a session that the test closes.
func open(t *testing.T, c SessionConfig) *Session {
	t.Helper()
	c.Name = "demo"
	s := NewSession(c)
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func acquire(t *testing.T, s *Session) *Snapshot {
	t.Helper()
	n, err := s.Acquire(t.Context())
	if err != nil {
		t.Fatalf("Acquire: %v", err)
	}
	return n
}

func wantError(t *testing.T, err error, status Status) *Error {
	t.Helper()
	e := (*Error)(nil)
	if !errors.As(err, &e) || e.Status != status {
		t.Fatalf("got error %v, want an *Error in status %s", err, status)
	}
	return e
}

func wantStatus(t *testing.T, s *Session, want Status) {
	t.Helper()
	if got := s.State().Status; got != want {
		t.Fatalf("status: got %s, want %s (%+v)", got, want, s.State())
	}
}

func wantCalls(t *testing.T, k *tokens, want int) {
	t.Helper()
	if got := int(k.calls.Load()); got != want {
		t.Fatalf("token requests: got %d, want %d", got, want)
	}
	if most := k.most.Load(); most > 1 {
		t.Fatalf("%d token requests at once", most)
	}
}

func access(n *Snapshot) string { return n.Token().Access.Reveal() }

func invalidGrant() error {
	return &Failure{Op: "refresh", Refresh: true, Status: 400, Code: "invalid_grant"}
}
