//go:build unix

package redisstore

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/leatdev/leat/pipeline/credential"
	"github.com/leatdev/leat/pipeline/credential/redisstore/redistest"
)

// TestSentinel fails over from a master that is killed to its replica.
func TestSentinel(t *testing.T) {
	master := server(t, "--requirepass", "hunter1", "--masterauth", "hunter1")
	replica := server(t, "--requirepass", "hunter1", "--masterauth", "hunter1", "--replicaof", "127.0.0.1 "+master.Port, "--repl-diskless-sync-delay", "0")
	sentinel := redistest.New(t)
	conf := filepath.Join(sentinel.Dir, "sentinel.conf")
	text := fmt.Sprintf("sentinel monitor main 127.0.0.1 %s 1\nsentinel auth-pass main hunter1\nsentinel down-after-milliseconds main 500\n"+
		"sentinel failover-timeout main 3000\nrequirepass hunter2\n", master.Port)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	sentinel.Config(conf, "--sentinel")
	sentinel.Start()
	ask := func(r *redistest.Server, pass string, args ...string) string {
		return r.CLI(append([]string{"-a", pass, "--no-auth-warning"}, args...)...)
	}
	until(t, "the Sentinel knows the replica, in step with the master", func() bool {
		return strings.Contains(ask(sentinel, "hunter2", "info", "sentinel"), "slaves=1") &&
			strings.Contains(ask(replica, "hunter1", "info", "replication"), "master_link_status:up")
	})
	c := settled("", func(c *Config) {
		c.URL, c.Addresses, c.Master = "", []string{"127.0.0.1:" + redistest.FreePort(t), sentinel.Addr}, "main"
		c.Password, c.SentinelPassword = credential.Env("A"), credential.Env("B")
	})
	s := opened(t, c, "A", "hunter1", "B", "hunter2")
	mustSave(t, s, 0, record(1, "one"))
	l := mustLease(t, s, 1)
	told := tells(t, s)
	receive(t, told)
	until(t, "the replica has it", func() bool {
		return strings.Contains(ask(replica, "hunter1", "keys", "*"), ":record") && strings.Contains(ask(replica, "hunter1", "keys", "*"), ":lease")
	})
	master.Kill()
	until(t, "the replica serves", func() bool {
		return s.Save(soon(t), key, 1, record(2, "two")) == nil
	})
	if got, err := s.Load(soon(t), key); err != nil || got.Generation != 2 {
		t.Errorf("Load = generation %d, %v; want 2", got.Generation, err)
	}
	l.Release()
	until(t, "it listens to the new master", func() bool { return listens(s) })
	mustLease(t, s, 2).Release()
	if keys, err := s.Keys(soon(t)); err != nil || len(keys) != 1 {
		t.Errorf("Keys = %v, %v", keys, err)
	}

	t.Run("that_is_wrong_is_told", func(t *testing.T) {
		c.Master = "other"
		s := opened(t, c, "A", "hunter1", "B", "hunter2")
		_, err := s.Load(soon(t), key)
		says(t, err, "check addresses and master")
	})
}

// TestCluster uses three masters.
func TestCluster(t *testing.T) {
	var nodes []*redistest.Server
	var addrs []string
	for range 3 {
		bus := redistest.FreePort(t)
		n := server(t, "--cluster-enabled", "yes", "--cluster-port", bus, "--cluster-node-timeout", "2000")
		nodes, addrs = append(nodes, n), append(addrs, n.Addr)
	}
	nodes[0].CLI(append([]string{"--cluster-yes", "--cluster", "create"}, addrs...)...)
	until(t, "the cluster serves", func() bool {
		for _, n := range nodes {
			if !strings.Contains(n.CLI("cluster", "info"), "cluster_state:ok") {
				return false
			}
		}
		return true
	})
	c := settled("", func(c *Config) { c.URL, c.Addresses, c.Cluster = "", addrs[:1], true })
	a, b := opened(t, c), opened(t, c)

	t.Run("keeps_each_session_on_one_node", func(t *testing.T) {
		told := tells(t, b)
		until(t, "it listens", func() bool { return listens(b) })
		for i := range 20 {
			k := credential.Key{Credential: "c", Subject: fmt.Sprint(i)}
			l, _, err := a.Lease(soon(t), k, 0)
			if err != nil {
				t.Fatal(err)
			}
			if err := a.Save(soon(t), k, 0, record(1, "one")); err != nil {
				t.Fatal(err)
			}
			if got := receive(t, told); got != k {
				t.Errorf("told of %v, want %v", got, k)
			}
			if got, err := b.Holder(soon(t), k); err != nil || got == "" {
				t.Errorf("Holder = %q, %v", got, err)
			}
			l.Release()
			if got, err := b.Load(soon(t), k); err != nil || got.Generation != 1 {
				t.Errorf("Load = generation %d, %v", got.Generation, err)
			}
		}
		keys, err := b.Keys(soon(t))
		if err != nil || len(keys) != 20 {
			t.Errorf("got %d keys and %v, want 20", len(keys), err)
		}
		for _, n := range nodes {
			if n.CLI("dbsize") == "0" {
				t.Errorf("node %s has nothing of 20 records", n.Addr)
			}
		}
	})

	t.Run("wakes_who_waits_on_any_node", func(t *testing.T) {
		l := mustLease(t, a, 0)
		got := make(chan credential.Lease, 1)
		go func() { l, _, _ := b.Lease(soon(t), key, 0); got <- l }()
		until(t, "it waits", func() bool { return waits(b) })
		l.Release()
		if next := receive(t, got); next == nil {
			t.Error("no turn")
		} else {
			next.Release()
		}
	})

	t.Run("is_told_apart_from_one_Redis", func(t *testing.T) {
		one := opened(t, settled(nodes[0].Addr))
		failed := false
		for i := range 20 {
			_, err := one.Load(soon(t), credential.Key{Credential: "c", Subject: fmt.Sprint(i)})
			if err != nil {
				failed = true
				says(t, err, "give addresses and cluster = true")
			}
		}
		if !failed {
			t.Error("one node gave the records of three")
		}
		plain := opened(t, settled("", func(c *Config) { c.URL, c.Addresses, c.Cluster = "", []string{server(t).Addr}, true }))
		_, err := plain.Load(soon(t), key)
		says(t, err, "remove cluster = true")
	})
}
