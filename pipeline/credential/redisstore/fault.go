package redisstore

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
)

// advice says what to do about what Redis or the network said, by how it begins or what it holds.
var advice = []struct{ sign, text string }{
	{"all sentinels", "check addresses and master, and that the Sentinels run"},
	{"WRONGPASS", "check username and password of the store"},
	{"NOAUTH", "Redis wants a password: give the store one"},
	{"invalid password", "check the password of the store"},
	{"AUTH <password> called without any password", "Redis has no password for its default user: remove the store's, or name a user"},
	{"NOPERM", "give the store's Redis user the rights that docs/fleet.md lists"},
	{"user executing the script", "give the store's Redis user the rights that docs/fleet.md lists"},
	{"READONLY", "the address is a replica's: give the master's, or Sentinels"},
	{"MOVED", "the address is of a cluster: give addresses and cluster = true"},
	{"cluster support disabled", "the address is of no cluster: remove cluster = true and give url"},
	{"CLUSTERDOWN", "the cluster does not serve every slot: mend it"},
	{"OOM", "Redis is full: give it memory, and maxmemory-policy noeviction"},
	{"MISCONF", "Redis can't write to its disk and takes no changes"},
	{"LOADING", "Redis reads its data after a start: wait"},
	{"certificate required", "the server wants a client certificate: give tls.cert and tls.key"},
	{"certificate", "check tls.ca and tls.server_name of the store"},
	{"first record does not look like a TLS handshake", "the address does not speak TLS: check port and url"},
	{"connection refused", "nothing listens there: check address, and that Redis runs"},
	{"no such host", "check the host's name"},
}

// fault names the store, where it is and what to do. No error of go-redis holds a password; nor do those of secrets and codec.
func (s *store) fault(doing string, err error) error {
	if errors.Is(err, errClosed) {
		return fmt.Errorf("store %s: %s: %w", s.name, doing, err)
	}
	hint := ""
	if e, ok := errors.AsType[net.Error](err); ok && e.Timeout() || errors.Is(err, context.DeadlineExceeded) {
		hint = fmt.Sprintf(" (no answer within %v: Redis or the way to it is slow or gone)", s.config.Timeout)
	}
	for _, a := range advice {
		if strings.Contains(err.Error(), a.sign) {
			hint = " (" + a.text + ")"
			break
		}
	}
	said := strings.ReplaceAll(err.Error(), "\n", "; ")
	return &fault{fmt.Sprintf("store %s: %s, redis at %v: %s%s", s.name, doing, s.place, said, hint), err}
}

// fault is an error in one line.
type fault struct {
	text string
	err  error
}

func (f *fault) Error() string { return f.text }

func (f *fault) Unwrap() error { return f.err }
