// Package redisstore keeps the tokens of credentials in Redis or Valkey, for many processes that share one rotating credential:
// one of them renews at a time, and the others take over what it got.
//
// A program links it by pipeline.WithStores(redisstore.Factory()); a file uses it by type = "redis" in a [stores.NAME] table. It
// is a package of its own so that only those who name it link go-redis.
//
// go-redis writes a few messages of its own to standard error, for all of a program's clients alike. A program that does not want
// them calls redis.SetLogger; this package does not touch what is the program's.
package redisstore

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"

	"github.com/redis/go-redis/v9"

	"github.com/leatdev/leat/pipeline/credential"
)

// Factory makes stores of type "redis". What they return is a credential.Notifier, a credential.Inspector and an io.Closer too.
func Factory() credential.StoreFactory {
	return credential.DefineStore("redis", defaultConfig(), func(c Config, s credential.StoreSettings) (credential.Store, error) {
		return open(c, s)
	})
}

// store is one file's view of one Redis. It connects when it is first used.
type store struct {
	config Config
	place  place
	tls    *tls.Config
	codec  *credential.Codec
	name   string
	holder string // who a lease's holder is, for people
	secret func(context.Context, credential.Ref) (string, error)
	log    *slog.Logger
	hub    hub

	life context.Context // ends with Close
	end  context.CancelFunc
	work sync.WaitGroup // counts up under mu only, and never once closed

	mu     sync.Mutex
	client redis.UniversalClient // nil until it is needed
	closed bool
}

func open(c Config, s credential.StoreSettings) (*store, error) {
	at, err := c.place()
	if err != nil {
		return nil, err
	}
	host, err := os.Hostname()
	if err != nil {
		host = "unknown host"
	}
	st := &store{
		config: c, place: at, codec: s.Codec, name: s.Name, holder: fmt.Sprintf("%s, process %d", host, os.Getpid()), log: s.Logger,
		hub: newHub(),
		secret: func(ctx context.Context, r credential.Ref) (string, error) {
			if r.IsZero() {
				return "", nil
			}
			got, err := s.Secrets.Resolve(ctx, r)
			return got.Reveal(), err
		},
	}
	if st.log == nil {
		st.log = slog.New(slog.DiscardHandler)
	}
	st.log = st.log.With("store", s.Name)
	if st.codec == nil {
		st.codec = credential.NewCodec(s.Secrets)
	}
	if st.tls, err = c.tlsConfig(s.Dir, at); err != nil {
		return nil, err
	}
	st.life, st.end = context.WithCancel(context.Background())
	return st, nil
}

// Close ends the subscription and the connections, and returns once nothing of the store runs. Turns that are still held
// lapse by themselves.
func (s *store) Close() error {
	s.mu.Lock()
	client, closed := s.client, s.closed
	s.closed = true
	s.mu.Unlock()
	if closed {
		return nil
	}
	s.end()
	var err error
	if client != nil {
		err = client.Close()
	}
	s.work.Wait()
	return err
}

var errClosed = errors.New("the store is closed")

// connect returns the client, which it makes once. It does not wait for Redis.
func (s *store) connect(ctx context.Context) (redis.UniversalClient, error) {
	// A secret may be slow to come, and Close must not wait for it.
	var sentinel string
	if s.needsSentinelPassword() {
		var err error
		if sentinel, err = s.secret(ctx, s.config.SentinelPassword); err != nil {
			return nil, fmt.Errorf("sentinel_password: %w", err)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return nil, errClosed
	case s.client == nil:
		s.client = s.newClient(sentinel)
	}
	return s.client, nil
}

func (s *store) needsSentinelPassword() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.client == nil && !s.closed && !s.config.SentinelPassword.IsZero()
}

// start runs f in a goroutine that Close waits for, unless the store is closed.
func (s *store) start(f func()) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.work.Go(f)
	return true
}
