//go:build unix

package redisstore

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/leatdev/leat/pipeline/credential"
)

var password = credential.Env("REDIS_PASSWORD")

func TestPassword(t *testing.T) {
	r := server(t, "--requirepass", "hunter1")

	t.Run("that_is_wrong_is_told_and_not_shown", func(t *testing.T) {
		s := opened(t, settled(r.Addr, func(c *Config) { c.Password = password }), "REDIS_PASSWORD", "hunter0")
		_, err := s.Load(soon(t), key)
		says(t, err, r.Addr, "WRONGPASS", "check username and password")
	})

	t.Run("that_is_missing_is_asked_for", func(t *testing.T) {
		_, err := opened(t, settled(r.Addr)).Load(soon(t), key)
		says(t, err, r.Addr, "NOAUTH", "give the store one")
	})

	t.Run("that_can_not_be_read_is_named", func(t *testing.T) {
		s := opened(t, settled(r.Addr, func(c *Config) { c.Password = password }))
		_, err := s.Load(soon(t), key)
		says(t, err, "REDIS_PASSWORD")
	})

	t.Run("that_changes_is_read_again", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "password")
		write := func(text string) {
			if err := os.WriteFile(file, []byte(text+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		write("hunter1")
		s := opened(t, settled(r.Addr, func(c *Config) { c.Password = credential.File(file) }))
		mustSave(t, s, 0, record(1, "one"))
		told := tells(t, s)
		receive(t, told)
		r.CLI("-a", "hunter1", "--no-auth-warning", "config", "set", "requirepass", "hunter2")
		if _, err := s.Load(soon(t), key); err != nil {
			t.Errorf("on a connection that is there: %v", err)
		}
		write("hunter2")
		r.CLI("-a", "hunter2", "--no-auth-warning", "client", "kill", "type", "normal")
		r.CLI("-a", "hunter2", "--no-auth-warning", "client", "kill", "type", "pubsub")
		if _, err := s.Load(soon(t), key); err != nil {
			t.Errorf("on a new connection: %v", err)
		}
		receive(t, told) // the subscription is back as well
	})
}

// rights are what docs/fleet.md gives for an ACL user: each is used below, and none is missing.
var rights = []string{
	"on", ">hunter3", "resetchannels", "~leat:*", "&leat:changes",
	"+evalsha", "+eval", "+hmget", "+hset", "+get", "+set", "+del", "+pttl", "+pexpire", "+persist", "+publish", "+subscribe", "+ping", "+client|setname",
	"+scan", "+hget",
}

func TestUser(t *testing.T) {
	r := server(t)
	with := func(t *testing.T, without ...string) *store {
		r.CLI("flushall")
		args := []string{"acl", "setuser", "leat", "reset"}
		for _, right := range rights {
			if len(without) == 0 || right != without[0] {
				args = append(args, right)
			}
		}
		r.CLI(append(args, without...)...)
		return opened(t, settled(r.Addr, func(c *Config) { c.Username, c.Password = "leat", password }), "REDIS_PASSWORD", "hunter3")
	}
	// life is all that a store ever does.
	life := func(s *store) error {
		told := make(chan credential.Key, 10)
		stop := s.Notify(func(k credential.Key) { told <- k })
		defer stop()
		until(t, "it listens", func() bool { return listens(s) })
		l, _, err := s.Lease(soon(t), key, 0)
		if err != nil {
			return err
		}
		defer l.Release()
		if err := s.Save(soon(t), key, 0, record(1, "one")); err != nil {
			return err
		}
		receive(t, told)
		ended := record(2, "two")
		ended.Ended = credential.StatusClosed
		if err := s.Save(soon(t), key, 1, ended); err != nil {
			return err
		}
		if !l.(*lease).extend(s.config.Timeout) || !l.Held() {
			t.Error("the turn can't be extended")
		}
		if _, err := s.askTurn(soon(t), tag(key), 2, "another"); err != nil {
			return err
		}
		if _, err := s.Load(soon(t), key); err != nil {
			return err
		}
		if _, err := s.Holder(soon(t), key); err != nil {
			return err
		}
		_, err = s.Keys(soon(t))
		return err
	}

	t.Run("with_the_rights_of_the_manual_can_do_all", func(t *testing.T) {
		r.CLI("script", "flush") // so that EVAL is needed
		if err := life(with(t)); err != nil {
			t.Error(err)
		}
		if got := r.CLI("acl", "log"); got != "" {
			t.Errorf("Redis refused something:\n%s", got)
		}
	})

	t.Run("needs_each_of_them", func(t *testing.T) {
		for _, right := range rights {
			if !strings.HasPrefix(right, "+") || right == "+client|setname" || right == "+subscribe" || right == "+publish" || right == "+ping" {
				continue // without these it goes on, see below
			}
			r.CLI("acl", "log", "reset")
			r.CLI("script", "flush")
			err := life(with(t, "-"+right[1:]))
			if r.CLI("acl", "log") == "" {
				t.Errorf("%s is not needed", right)
			} else if err != nil {
				says(t, err, "give the store's Redis user the rights that docs/fleet.md lists")
			}
		}
	})

	t.Run("without_the_channel_waits_by_the_clock", func(t *testing.T) {
		a, b := with(t, "resetchannels"), opened(t, settled(r.Addr))
		first := mustLease(t, b, 0)
		got := make(chan credential.Lease, 1)
		go func() { l, _, _ := a.Lease(soon(t), key, 0); got <- l }()
		until(t, "it waits", func() bool { return waits(a) })
		first.Release()
		l := receive(t, got)
		if l == nil {
			t.Fatal("no turn")
		}
		if err := a.Save(soon(t), key, 0, record(1, "one")); err != nil {
			t.Error(err)
		}
		l.Release()
		if listens(a) {
			t.Error("it listens without the right to")
		}
	})

	t.Run("can_not_touch_other_keys", func(t *testing.T) {
		with(t)
		c := settled(r.Addr, func(c *Config) { c.Username, c.Password, c.Prefix = "leat", password, "other:" })
		_, err := opened(t, c, "REDIS_PASSWORD", "hunter3").Load(soon(t), key)
		says(t, err, "NOPERM", "docs/fleet.md")
	})
}
