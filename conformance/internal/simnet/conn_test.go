package simnet_test

import (
	"net"
	"testing"

	"golang.org/x/net/nettest"

	"github.com/leatdev/leat/conformance/internal/simnet"
)

func pipe() (near, far *simnet.Conn) {
	return simnet.Pipe(simnet.Addr("client:1"), simnet.Addr("api.test:443"))
}

func TestConn_is_a_net_Conn(t *testing.T) {
	nettest.TestConn(t, func() (c1, c2 net.Conn, stop func(), err error) {
		near, far := pipe()
		return near, far, func() { near.Close(); far.Close() }, nil
	})
}
