package redisstore

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/leatdev/leat/pipeline/credential"
)

const (
	// afterwards is how long a token that can't be renewed is kept once it is over: nobody can use it, and the next login makes another.
	afterwards = time.Hour
	// tombstone is how long Redis remembers that a session ended.
	tombstone = 30 * 24 * time.Hour
)

// Load reads the record.
func (s *store) Load(ctx context.Context, key credential.Key) (credential.Record, error) {
	id := s.know(key)
	got, err := do(ctx, s, "reading", func(ctx context.Context, c redis.UniversalClient) ([]any, error) {
		return c.HMGet(ctx, s.recordKey(id), "g", "d").Result()
	})
	if err != nil {
		return credential.Record{}, err
	}
	if len(got) != 2 || got[0] == nil {
		return credential.Record{}, nil
	}
	generation, _ := got[0].(string)
	data, _ := got[1].(string)
	return s.decode(ctx, key, generation, data)
}

// Save compares and swaps in Redis.
func (s *store) Save(ctx context.Context, key credential.Key, prev uint64, r credential.Record) error {
	id := s.know(key)
	data, err := s.codec.Encode(ctx, key, r)
	if err != nil {
		return s.fault("sealing the record of "+key.Credential, err)
	}
	name, err := s.sealName(ctx, key)
	if err != nil {
		return s.fault("sealing the name of a record of "+key.Credential, err)
	}
	mark := rand.Text() // by which a resend is known for one
	saved, err := do(ctx, s, "saving", func(ctx context.Context, c redis.UniversalClient) (int, error) {
		return saveScript.Run(ctx, c, []string{s.recordKey(id)}, strconv.FormatUint(prev, 10), strconv.FormatUint(r.Generation, 10), data, name,
			keep(r).Milliseconds(), mark, s.channel(), message(id, name)).Int()
	})
	if err == nil && saved == 0 {
		return credential.ErrConflict
	}
	return err
}

// keep returns how long r is kept; 0 is for ever: nobody knows how long a refresh token lives, and it may be the only one.
func keep(r credential.Record) time.Duration {
	switch {
	case r.Ended != "":
		return tombstone
	case !r.Token.Refresh.IsZero() || r.Token.Lifetime <= 0:
		return 0
	}
	return max(0, time.Until(r.Obtained.Add(r.Token.Lifetime))) + afterwards
}

// decode reads what Redis holds.
func (s *store) decode(ctx context.Context, key credential.Key, generation, data string) (credential.Record, error) {
	const doing = "reading the record of "
	r, err := s.codec.Decode(ctx, key, []byte(data))
	if err != nil {
		return credential.Record{}, s.fault(doing+key.Credential, err)
	}
	g, err := strconv.ParseUint(generation, 10, 64)
	if err != nil || g != r.Generation {
		return credential.Record{}, s.fault(doing+key.Credential, errors.New("its generation was changed: it is not what was sealed"))
	}
	return r, nil
}

// answer is what leaseScript said.
type answer struct {
	kind, generation, data string
	left                   time.Duration
}

func (s *store) askTurn(ctx context.Context, id string, seen uint64, value string) (answer, error) {
	return do(ctx, s, "asking for the turn to renew", func(ctx context.Context, c redis.UniversalClient) (answer, error) {
		keys := []string{s.recordKey(id), s.leaseKey(id)}
		got, err := leaseScript.Run(ctx, c, keys, strconv.FormatUint(seen, 10), value, s.config.Lease.Milliseconds()).StringSlice()
		switch {
		case err != nil:
			return answer{}, err
		case len(got) != 3:
			return answer{}, fmt.Errorf("an answer of %d parts", len(got))
		case got[0] != "wait":
			return answer{kind: got[0], generation: got[1], data: got[2]}, nil
		}
		ms, err := strconv.ParseInt(got[1], 10, 64)
		return answer{kind: "wait", left: time.Duration(max(0, ms)) * time.Millisecond}, err
	}, func(got answer, err error) { // nobody waits for it any more
		if err != nil || got.kind == "turn" {
			s.forsake(id, value)
		}
	})
}
