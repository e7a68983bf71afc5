//go:build unix

package redisstore

import (
	"context"
	"log/slog"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"

	"github.com/leatdev/leat/pipeline/credential"
	"github.com/leatdev/leat/pipeline/credential/redisstore/redistest"
	"github.com/leatdev/leat/pipeline/redact"
)

func TestMain(m *testing.M) {
	redis.SetLogger(&logging.VoidLogger{})
	if os.Getenv(childVar) != "" {
		os.Exit(child())
	}
	goleak.VerifyTestMain(m)
}

const childVar = "REDISSTORE_TEST_CHILD"

var key = credential.Key{Credential: "blog", Subject: "ann"}

// settled is a config for tests: short times, one server.
func settled(addr string, change ...func(*Config)) Config {
	c := defaultConfig()
	c.URL, c.Lease, c.Timeout = "redis://"+addr, time.Second, 2*time.Second
	for _, f := range change {
		f(&c)
	}
	return c
}

// opened opens a store whose secrets are given by name; closing it is the test's cleanup.
func opened(t testing.TB, c Config, secrets ...string) *store {
	t.Helper()
	given := func(_, name string) (string, bool) {
		for i := 0; i+1 < len(secrets); i += 2 {
			if secrets[i] == name {
				return secrets[i+1], true
			}
		}
		return "", false
	}
	return openedWith(t, c, credential.NewSecrets(t.TempDir(), nil, given, nil))
}

func openedWith(t testing.TB, c Config, secrets *credential.Secrets, keys ...credential.Ref) *store {
	t.Helper()
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	got, err := Factory().Open(&c, credential.StoreSettings{
		Name: "tokens", Dir: t.TempDir(), Secrets: secrets, Codec: credential.NewCodec(secrets, keys...), Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	s := got.(*store)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

func record(generation uint64, access string) credential.Record {
	return credential.Record{
		Generation: generation, Obtained: time.Now().Round(0).Truncate(time.Second),
		Token: credential.Token{Access: redact.NewSecret(access), Refresh: redact.NewSecret("r-" + access), Lifetime: time.Hour},
	}
}

// soon is a limit that only a hang exceeds.
func soon(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func mustLease(t testing.TB, s *store, seen uint64) credential.Lease {
	t.Helper()
	l, r, err := s.Lease(soon(t), key, seen)
	if err != nil || l == nil {
		t.Fatalf("Lease = %v, generation %d, %v; want the turn", l, r.Generation, err)
	}
	return l
}

func mustSave(t testing.TB, s *store, prev uint64, r credential.Record) {
	t.Helper()
	if err := s.Save(soon(t), key, prev, r); err != nil {
		t.Fatal(err)
	}
}

func server(t testing.TB, args ...string) *redistest.Server {
	t.Helper()
	return redistest.Start(t, args...)
}
