package redisstore

import (
	"context"
	"crypto/rand"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/leatdev/leat/pipeline/credential"
)

// probeLife bounds how long Redis keeps what a probe that was cut off left.
const probeLife = time.Minute

// Probe does to a record of its own all that a session's turn does, and deletes it.
func (s *store) Probe(ctx context.Context) error {
	key := credential.Key{Credential: "\x00probe", Subject: rand.Text()} // no session's, and no other probe's
	data, err := s.codec.Encode(ctx, key, credential.Record{Generation: 1})
	if err != nil {
		return s.fault("sealing a record", err)
	}
	_, err = do(ctx, s, "trying to write", func(ctx context.Context, c redis.UniversalClient) (struct{}, error) {
		return struct{}{}, s.probe(ctx, c, tag(key), data)
	})
	return err
}

// probe deletes first, so that nothing is written where that is not allowed. It may be run twice.
func (s *store) probe(ctx context.Context, c redis.UniversalClient, id string, data []byte) (err error) {
	record, turn := s.recordKey(id), s.leaseKey(id)
	if err := c.Del(ctx, record, turn).Err(); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = c.Del(ctx, record, turn).Err() // the first error tells more
		}
	}()
	mine, lasts := rand.Text()+" "+s.holder, strconv.FormatInt(probeLife.Milliseconds(), 10)
	for _, value := range []string{mine, "another"} { // who has to wait
		if err := leaseScript.Run(ctx, c, []string{record, turn}, "0", value, lasts).Err(); err != nil {
			return err
		}
	}
	if err := extendScript.Run(ctx, c, []string{turn}, mine, lasts).Err(); err != nil {
		return err
	}
	for i, long := range []string{"0", lasts} { // one that is kept for ever, and one that ends
		saved, err := saveScript.Run(ctx, c, []string{record}, strconv.Itoa(i), strconv.Itoa(i+1), data, data, long, rand.Text(), s.channel(), message(id, nil)).Int()
		if err == nil && saved != 1 {
			err = fmt.Errorf("what was written is gone")
		}
		if err != nil {
			return err
		}
	}
	if err := c.HMGet(ctx, record, "g", "d").Err(); err != nil {
		return err
	}
	if err := releaseScript.Run(ctx, c, []string{turn}, mine, s.channel(), message(id, nil)).Err(); err != nil {
		return err
	}
	return c.Del(ctx, record).Err()
}

// Forget deletes the record. The others are not told: who has the token goes on with it.
func (s *store) Forget(ctx context.Context, key credential.Key) error {
	id := s.know(key)
	_, err := do(ctx, s, "deleting the record of "+key.Credential, func(ctx context.Context, c redis.UniversalClient) (int64, error) {
		return c.Del(ctx, s.recordKey(id)).Result()
	})
	return err
}
