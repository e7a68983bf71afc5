package redisstore

import (
	"context"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"

	"github.com/leatdev/leat/pipeline/credential"
)

// Keys scans for records. Those whose name can't be opened, because another key sealed it, are left out and logged.
func (s *store) Keys(ctx context.Context) ([]credential.Key, error) {
	names, err := do(ctx, s, "listing", s.names)
	if err != nil {
		return nil, err
	}
	var keys []credential.Key
	unread := 0
	for id, sealed := range names {
		key, err := s.openName(ctx, id, []byte(sealed))
		if err != nil {
			unread++
			continue
		}
		keys = append(keys, key)
	}
	if unread > 0 {
		s.log.Warn("some records have names that can't be read; were they sealed with another key?", "records", unread)
	}
	return keys, nil
}

// names returns the sealed names by tag, from all masters.
func (s *store) names(ctx context.Context, c redis.UniversalClient) (map[string]string, error) {
	var mu sync.Mutex
	names := map[string]string{}
	scan := func(ctx context.Context, node *redis.Client) error {
		match := s.globbed() + "{*}" + recordSuffix
		for it := node.Scan(ctx, 0, match, 1000).Iterator(); ; {
			if !it.Next(ctx) {
				return it.Err()
			}
			id := strings.TrimSuffix(strings.TrimPrefix(it.Val(), s.config.Prefix+"{"), "}"+recordSuffix)
			sealed, err := c.HGet(ctx, s.recordKey(id), "n").Result()
			switch {
			case err == redis.Nil: //nolint:errorlint // go-redis compares it so; the record ended meanwhile
				continue
			case err != nil:
				return err
			}
			mu.Lock()
			names[id] = sealed
			mu.Unlock()
		}
	}
	if cluster, ok := c.(*redis.ClusterClient); ok {
		return names, cluster.ForEachMaster(ctx, scan)
	}
	return names, scan(ctx, c.(*redis.Client))
}

func (s *store) globbed() string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `]`, `\]`).Replace(s.config.Prefix)
}

// Holder reads who holds the lease.
func (s *store) Holder(ctx context.Context, key credential.Key) (string, error) {
	value, err := do(ctx, s, "looking who renews", func(ctx context.Context, c redis.UniversalClient) (string, error) {
		value, err := c.Get(ctx, s.leaseKey(tag(key))).Result()
		if err == redis.Nil { //nolint:errorlint // go-redis returns it bare
			return "", nil
		}
		return value, err
	})
	_, holder, _ := strings.Cut(value, " ")
	return holder, err
}
