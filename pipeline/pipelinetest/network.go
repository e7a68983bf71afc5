package pipelinetest

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"

	"github.com/leatdev/leat/pipeline/internal/memnet"
)

// Send is one physical request as it went out, credentials and all: they are fake ones.
type Send struct {
	Method string
	URL    string // with the scheme and host that were asked for
	Header http.Header
	Body   []byte // what was sent of it
	Status int    // of the answer, 0 if there was none
}

// network takes the place of every transport: it leads to one handler in memory.
type network struct {
	server    *memnet.Server
	transport *http.Transport

	mu    sync.Mutex
	sends []*recorded
	seen  map[string]bool // Authorization values: true once they are refused
}

type recorded struct {
	send Send
	body bytes.Buffer
}

func newNetwork(h http.Handler) *network {
	server := memnet.Serve(h)
	return &network{server: server, seen: map[string]bool{}, transport: &http.Transport{
		DialContext:         func(ctx context.Context, _, _ string) (net.Conn, error) { return server.Dial(ctx) },
		MaxIdleConnsPerHost: 100,
	}}
}

// RoundTrip implements http.RoundTripper. TLS is left out: an https URL goes to the handler as well.
func (n *network) RoundTrip(req *http.Request) (*http.Response, error) {
	r, refused := n.record(req)
	if refused {
		if req.Body != nil {
			_ = req.Body.Close()
		}
		n.answered(r, http.StatusUnauthorized)
		return &http.Response{
			Status: "401 Unauthorized", StatusCode: http.StatusUnauthorized, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
			Header: http.Header{"Www-Authenticate": {`Bearer error="invalid_token"`}}, Body: http.NoBody, Request: req,
		}, nil
	}
	out := req.Clone(req.Context())
	out.URL.Scheme = "http"
	if out.Host == "" {
		out.Host = req.URL.Host
	}
	if req.Body != nil && req.Body != http.NoBody {
		out.Body = &tee{ReadCloser: req.Body, n: n, r: r}
	}
	resp, err := n.transport.RoundTrip(out)
	if err != nil {
		return nil, err
	}
	n.answered(r, resp.StatusCode)
	return resp, nil
}

// record notes a request and reports whether its token was made to expire.
func (n *network) record(req *http.Request) (*recorded, bool) {
	auth := req.Header.Get("Authorization")
	n.mu.Lock()
	defer n.mu.Unlock()
	r := &recorded{send: Send{Method: req.Method, URL: req.URL.String(), Header: req.Header.Clone()}}
	n.sends = append(n.sends, r)
	refused := n.seen[auth]
	scheme, _, _ := strings.Cut(auth, " ")
	if strings.TrimSpace(auth) != "" && !refused && !strings.EqualFold(scheme, "Basic") { // a client's secret is no token
		n.seen[auth] = false
	}
	return r, refused
}

func (n *network) answered(r *recorded, status int) {
	n.mu.Lock()
	r.send.Status = status
	n.mu.Unlock()
}

func (n *network) expire() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for auth := range n.seen {
		n.seen[auth] = true
	}
}

func (n *network) all() []Send {
	n.mu.Lock()
	defer n.mu.Unlock()
	out := make([]Send, len(n.sends))
	for i, r := range n.sends {
		out[i] = r.send
		out[i].Header = r.send.Header.Clone()
		out[i].Body = bytes.Clone(r.body.Bytes())
	}
	return out
}

func (n *network) close() {
	n.transport.CloseIdleConnections()
	_ = n.server.Stop()
}

// tee records a body while it is sent.
type tee struct {
	io.ReadCloser
	n *network
	r *recorded
}

func (t *tee) Read(p []byte) (int, error) {
	n, err := t.ReadCloser.Read(p)
	t.n.mu.Lock()
	t.r.body.Write(p[:n])
	t.n.mu.Unlock()
	return n, err
}
