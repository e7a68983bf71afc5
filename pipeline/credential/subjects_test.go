package credential

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leatdev/leat/pipeline/redact"
)

// tenant is the source of one subject: its tokens name it, and one of all is refused for good.
type tenant struct {
	name  string
	all   *atomic.Int64 // refreshes
	stray *atomic.Int64 // with another one's refresh token
	dead  *atomic.Bool
}

func (s *tenant) Obtain(context.Context) (Token, error) { return Token{}, ErrLoginRequired }

func (s *tenant) Login(context.Context, map[string]redact.Secret) (Token, error) {
	return s.token("0"), nil
}

func (s *tenant) Refresh(_ context.Context, prev Token) (Token, error) {
	n := s.all.Add(1)
	if !strings.HasPrefix(prev.Refresh.Reveal(), s.name+"-") {
		s.stray.Add(1)
	}
	if s.dead.Load() {
		return Token{}, invalidGrant()
	}
	return s.token(fmt.Sprint(n)), nil
}

func (s *tenant) token(n string) Token {
	return Token{Access: redact.NewSecret(s.name + "-" + n), Refresh: redact.NewSecret(s.name + "-" + n), Lifetime: 10 * time.Minute}
}

// 10,000 subjects of one credential, of which 1,000 are active and the rest come by now and then: the sessions stay within their
// number, each keeps to its own token, and one subject's death, logout and storm concern no other.
func TestManySubjects(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const subjects, active, most = 10_000, 1_000, 2_000
		var all, stray atomic.Int64
		dead := make([]atomic.Bool, subjects)
		store := NewMemoryStore()
		pool := NewPool("demo", true, func(subject string) (SessionConfig, error) {
			i := 0
			_, err := fmt.Sscanf(subject, "tenant%05d", &i)
			return SessionConfig{Source: &tenant{name: subject, all: &all, stray: &stray, dead: &dead[i]}, Store: store}, err
		}, PoolOptions{MaxSessions: most})
		defer func() { _ = pool.Close() }()
		name := func(i int) string { return fmt.Sprintf("tenant%05d", i) }
		for i := range subjects {
			login(t, session(t, pool, name(i)))
		}
		const ill, out = 3, 4 // two of the active ones
		dead[ill].Store(true)
		if err := session(t, pool, name(out)).Logout(t.Context()); err != nil {
			t.Fatal(err)
		}
		use := func(i int) error {
			n, err := session(t, pool, name(i)).Acquire(t.Context())
			if err == nil && !strings.HasPrefix(access(n), name(i)+"-") {
				t.Errorf("%s got %s", name(i), access(n))
			}
			return err
		}
		for round := range 20 {
			time.Sleep(3 * time.Minute)
			var calls sync.WaitGroup
			var failed atomic.Int64
			for i := range active {
				calls.Go(func() {
					if err := use(i); err != nil && i != out && i != ill {
						failed.Add(1)
					}
				})
			}
			calls.Wait()
			for i := active + round*400; i < active+(round+1)*400; i++ { // the others come by
				if err := use(i); err != nil {
					failed.Add(1)
				}
			}
			if failed.Load() != 0 {
				t.Fatalf("round %d: %d of the others failed", round, failed.Load())
			}
			if n := len(pool.Sessions()); n > most {
				t.Fatalf("%d sessions", n)
			}
		}
		if err := use(ill); !errors.Is(err, ErrLoginRequired) || session(t, pool, name(ill)).State().Status != StatusDead {
			t.Errorf("the dead one: %v", err)
		}
		if err := use(out); session(t, pool, name(out)).State().Status != StatusClosed {
			t.Errorf("the one that logged out: %v", err)
		}
		if stray.Load() != 0 {
			t.Errorf("%d refreshes with another's token", stray.Load())
		}
		// 60 minutes of tokens that live 10: the active renew six to nine times, the others once.
		if got := all.Load(); got > 9*active+subjects {
			t.Errorf("%d refreshes", got)
		}
	})
}

// A session that was evicted leaves what the store says of it: a logout stays one, and the dead are not tried again.
func TestEvictionKeepsTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var all, stray atomic.Int64
		dead := atomic.Bool{}
		pool := NewPool("demo", true, func(subject string) (SessionConfig, error) {
			return SessionConfig{Source: &tenant{name: subject, all: &all, stray: &stray, dead: &dead}}, nil
		}, PoolOptions{MaxSessions: 2})
		defer func() { _ = pool.Close() }()
		out, ill := session(t, pool, "out"), session(t, pool, "ill")
		login(t, out)
		login(t, ill)
		_ = out.Logout(t.Context())
		dead.Store(true)
		ill.Reject(ill.Peek().Generation())
		refused(t, ill, StatusDead)
		synctest.Wait()
		for i := range 10 {
			session(t, pool, fmt.Sprint(i))
		}
		if session(t, pool, "out") == out || session(t, pool, "ill") == ill {
			t.Fatal("not evicted")
		}
		refused(t, session(t, pool, "out"), StatusClosed)
		refused(t, session(t, pool, "ill"), StatusDead)
		if all.Load() != 1 {
			t.Fatalf("%d refreshes", all.Load())
		}
	})
}

// The memory store drops what nobody misses, and nothing else.
func TestMemoryStoreForgetsWhatIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := NewMemoryStore()
		save := func(i int, token Token) {
			if err := store.Save(t.Context(), Key{"demo", fmt.Sprint(i)}, 0, Record{Generation: 1, Token: token, Obtained: time.Now()}); err != nil {
				t.Fatal(err)
			}
		}
		keep := Token{Access: redact.NewSecret("x"), Refresh: redact.NewSecret("y"), Lifetime: time.Minute}
		for i := range 100 {
			save(i, keep)
		}
		for i := range 10_000 {
			save(1000+i, Token{Access: redact.NewSecret("x"), Lifetime: time.Minute})
			time.Sleep(time.Second)
		}
		keys, _ := store.(Inspector).Keys(t.Context())
		if len(keys) > 2000 {
			t.Fatalf("%d records", len(keys))
		}
		for i := range 100 {
			if r, _ := store.Load(t.Context(), Key{"demo", fmt.Sprint(i)}); r.Generation == 0 {
				t.Fatalf("record %d was dropped", i)
			}
		}
	})
}
