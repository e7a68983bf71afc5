//go:build unix

package redisstore

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/leatdev/leat/pipeline/credential"
	"github.com/leatdev/leat/pipeline/credential/storetest"
)

// A prefix of its own for each check is an empty place.
func TestStore_keeps_the_words_of_the_interface(t *testing.T) {
	r := server(t)
	var places atomic.Int64
	storetest.Test(t, func(t *testing.T) func() credential.Store {
		prefix := fmt.Sprintf("place%d:", places.Add(1))
		return func() credential.Store {
			return opened(t, settled(r.Addr, func(c *Config) { c.Prefix, c.Lease = prefix, defaultConfig().Lease }))
		}
	})
}

func TestStore_keeps_the_words_of_the_interface_where_records_are_sealed(t *testing.T) {
	r := server(t)
	secret := func(_, name string) (string, bool) { return "0123456789abcdef0123456789abcdef", name == "KEY" }
	var places atomic.Int64
	storetest.Test(t, func(t *testing.T) func() credential.Store {
		prefix := fmt.Sprintf("place%d:", places.Add(1))
		return func() credential.Store {
			c := settled(r.Addr, func(c *Config) { c.Prefix = prefix })
			return openedWith(t, c, credential.NewSecrets(t.TempDir(), nil, secret, nil), credential.Env("KEY"))
		}
	})
}
