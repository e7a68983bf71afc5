//go:build unix

package redisstore

import (
	"strings"
	"testing"

	"github.com/leatdev/leat/pipeline/credential"
)

func TestProbe(t *testing.T) {
	r := server(t)
	user := func(t *testing.T, without ...string) *store {
		r.CLI("flushall")
		r.CLI("script", "flush")
		r.CLI(append(append([]string{"acl", "setuser", "leat", "reset"}, rights...), without...)...)
		return opened(t, settled(r.Addr, func(c *Config) { c.Username, c.Password = "leat", password }), "REDIS_PASSWORD", "hunter3")
	}

	t.Run("leaves_nothing", func(t *testing.T) {
		if err := user(t).Probe(soon(t)); err != nil {
			t.Error(err)
		}
		if got := r.CLI("keys", "*"); got != "" {
			t.Errorf("it left %s", got)
		}
	})

	t.Run("needs_each_right_that_a_session_needs", func(t *testing.T) {
		for right := range strings.FieldsSeq("+evalsha +eval +hmget +hset +get +set +del +pttl +pexpire +persist") {
			says(t, user(t, "-"+right[1:]).Probe(soon(t)), "give the store's Redis user the rights that docs/fleet.md lists")
			if got := r.CLI("keys", "*"); got != "" {
				t.Errorf("without %s it left %s", right, got)
			}
		}
	})

	t.Run("reads_the_key", func(t *testing.T) {
		unset := credential.NewSecrets("", nil, func(_, _ string) (string, bool) { return "", false }, nil)
		says(t, openedWith(t, settled(r.Addr), unset, credential.Env("LEAT_STORE_KEY")).Probe(soon(t)), "LEAT_STORE_KEY")
	})
}

func TestForget_deletes_what_it_can_not_read(t *testing.T) {
	r := server(t)
	s := opened(t, settled(r.Addr))
	mustSave(t, s, 0, record(1, "one"))
	r.CLI("hset", s.recordKey(tag(key)), "d", "damaged")
	if _, err := s.Load(soon(t), key); err == nil {
		t.Fatal("the record is not damaged")
	}
	if err := s.Forget(soon(t), key); err != nil {
		t.Fatal(err)
	}
	mustSave(t, s, 0, record(1, "one"))
}
