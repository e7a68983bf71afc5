package simnet_test

import (
	"context"
	"errors"
	"net"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leatdev/leat/conformance/internal/simnet"
)

func TestErrors(t *testing.T) {
	for _, tc := range []struct {
		err  error
		is   error // nil: the row is about a name
		text string
		dns  net.DNSError
	}{
		{simnet.Refused("api.test:443"), syscall.ECONNREFUSED, "dial tcp api.test:443: connect: connection refused", net.DNSError{}},
		{simnet.Unreachable("api.test:443"), syscall.EHOSTUNREACH, "dial tcp api.test:443: connect: no route to host", net.DNSError{}},
		{
			simnet.NoSuchHost("api.test"), nil, "dial tcp: lookup api.test: no such host",
			net.DNSError{Err: "no such host", Name: "api.test", IsNotFound: true},
		},
		{
			simnet.DNSDown("api.test"), nil, "dial tcp: lookup api.test: server misbehaving",
			net.DNSError{Err: "server misbehaving", Name: "api.test", IsTemporary: true},
		},
	} {
		t.Run(tc.text, func(t *testing.T) {
			if tc.err.Error() != tc.text {
				t.Errorf("got %v", tc.err)
			}
			if op, ok := tc.err.(*net.OpError); !ok || op.Op != "dial" {
				t.Errorf("got a %T, want a *net.OpError of a dial", tc.err)
			}
			if tc.is != nil && !errors.Is(tc.err, tc.is) {
				t.Errorf("got %v, want %v in it", tc.err, tc.is)
			}
			if dns := (*net.DNSError)(nil); tc.is == nil && (!errors.As(tc.err, &dns) || *dns != tc.dns) {
				t.Errorf("got %#v, want %#v", dns, tc.dns)
			}
		})
	}
}

func TestHang_lasts_until_the_context_ends(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		began := time.Now()
		err := simnet.Hang(ctx)
		fails(t, "dial", err, context.DeadlineExceeded)
		if got := time.Since(began); got != time.Hour || err.Error() != "dial tcp: i/o timeout" {
			t.Errorf("got %v after %v", err, got)
		}
	})
}
