package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
)

// network gives servers on the loopback interface names and ports of their own: what a client sees as http://api.localhost and
// http://elsewhere.localhost:8080 are two real listeners. Both sides of the comparison go through it, and nothing else can be reached.
type network struct {
	servers map[string]*httptest.Server // by the address that clients dial, "api.localhost:80"
	idle    []*http.Transport
}

func newNetwork() *network { return &network{servers: map[string]*httptest.Server{}} }

// serve has h answer at addr, a host with its port.
func (n *network) serve(addr string, h http.Handler) { n.servers[addr] = httptest.NewServer(h) }

// transport returns net/http's own transport, dialling this network.
func (n *network) transport() *http.Transport {
	t := &http.Transport{DialContext: n.dial, MaxIdleConnsPerHost: callers}
	n.idle = append(n.idle, t)
	return t
}

func (n *network) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	server := n.servers[addr]
	if server == nil {
		return nil, fmt.Errorf("nothing listens at %s", addr)
	}
	var d net.Dialer
	return d.DialContext(ctx, network, server.Listener.Addr().String())
}

func (n *network) close() {
	for _, t := range n.idle {
		t.CloseIdleConnections()
	}
	for _, s := range n.servers {
		s.Close()
	}
}
