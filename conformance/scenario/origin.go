package scenario

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/leatdev/leat/conformance/internal/simnet"
)

// origin is one upstream: net/http's own server over connections in memory, which answers as its script says.
type origin struct {
	world  *world
	url    string // scheme://host:port
	host   string
	spec   Upstream
	at     place // where the test describes it
	script *script

	listener *simnet.Listener
	config   *tls.Config // nil: plain
	server   *http.Server
	served   chan struct{}

	mu      sync.Mutex
	sent    []*arrival
	dials   int
	down    bool
	conns   []*simnet.Conn
	faulted sync.WaitGroup // HTTP/2's scripted peers
}

// arrival is a request as an origin saw it.
type arrival struct {
	at     time.Duration
	method string
	uri    string
	header http.Header
	body   []byte
	status int
	issuer *issuer // it was for a token
}

func (w *world) newOrigin(address string) *origin {
	u, _ := url.Parse(address) // was checked
	o := &origin{world: w, url: address, host: u.Hostname(), at: w.test, script: newScript(nil, w.test), served: make(chan struct{})}
	o.listener = simnet.Listen(u.Host)
	if u.Scheme == "https" {
		o.config = &tls.Config{MinVersion: tls.VersionTLS12, CurvePreferences: []tls.CurveID{tls.X25519}, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			c := o.certificate()
			return &c, nil
		}}
	}
	return o
}

func (o *origin) certificate() tls.Certificate {
	switch o.spec.TLS {
	case "expired":
		return o.world.authority.Expired(o.host)
	case "self_signed":
		return o.world.authority.SelfSigned(o.host)
	case "wrong_host":
		return o.world.authority.Certificate("other.invalid")
	}
	return o.world.authority.Certificate(o.host)
}

// start serves the listener's connections.
func (o *origin) start() {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(!o.spec.HTTP2)
	protocols.SetHTTP2(o.spec.HTTP2)
	o.server = &http.Server{ //nolint:gosec // no network, no strangers
		Handler: o, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError), TLSConfig: o.config.Clone(), // that the server changes
		Protocols: protocols,
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			if secure, ok := c.(*tls.Conn); ok {
				c = secure.NetConn()
			}
			return context.WithValue(ctx, connKey{}, c)
		},
	}
	go func() {
		defer close(o.served)
		if o.config == nil {
			_ = o.server.Serve(o.listener)
		} else {
			_ = o.server.ServeTLS(o.listener, "", "")
		}
	}()
}

type connKey struct{}

func (o *origin) stop() {
	_ = o.server.Close()
	_ = o.listener.Close()
	<-o.served
	o.cut()
	o.faulted.Wait()
}

// cut ends every connection.
func (o *origin) cut() {
	o.mu.Lock()
	conns := slices.Clone(o.conns)
	o.conns = nil
	o.mu.Unlock()
	for _, c := range conns {
		c.Reset()
	}
}

// dial makes a connection, as far as the test lets it.
func (o *origin) dial(ctx context.Context) (net.Conn, error) {
	o.mu.Lock()
	word := o.spec.Connect.word(o.dials)
	o.dials++
	if o.down {
		word = "refused"
	}
	o.mu.Unlock()
	addr := o.listener.Addr().String()
	switch word {
	case "refused":
		return nil, simnet.Refused(addr)
	case "unreachable":
		return nil, simnet.Unreachable(addr)
	case "no_such_host":
		return nil, simnet.NoSuchHost(o.host)
	case "dns_down":
		return nil, simnet.DNSDown(o.host)
	case "hang":
		return nil, simnet.Hang(ctx)
	case "ok":
		c, err := o.listener.Dial(ctx)
		if near, ok := c.(*simnet.Conn); ok {
			o.keep(near)
		}
		return c, err
	}
	near, far := simnet.Pipe(simnet.Addr("client"), o.listener.Addr())
	if word == "reset" {
		far.Reset()
		return near, nil
	}
	o.keep(far)
	config := o.config.Clone()
	config.NextProtos = []string{"h2"}
	o.faulted.Go(func() { simnet.ServeHTTP2Fault(far, config, word) })
	return near, nil
}

// unused reports what was said of connections that nobody made.
func (o *origin) unused(j *judge) {
	for i, word := range o.spec.Connect.list {
		if i >= o.dials && !o.spec.Connect.each && word != "ok" {
			j.fail(o.at.at("connect", index(i)), "connections for this", plural(i+1, "connection"), plural(o.dials, "connection"))
		}
	}
}

func (o *origin) keep(c *simnet.Conn) {
	o.mu.Lock()
	o.conns = append(o.conns, c)
	o.mu.Unlock()
}

// ServeHTTP notes the request and answers it.
func (o *origin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	in := &arrival{at: o.world.now(), method: r.Method, uri: r.URL.RequestURI(), header: r.Header.Clone()}
	in.header.Set("Host", r.Host)
	o.world.queue(r.Context(), &waiting{what: fmt.Sprint(o.url, r.URL, r.Method, r.Header)})
	o.mu.Lock()
	o.sent = append(o.sent, in)
	o.mu.Unlock()
	if s := o.world.issuerOf(o, r, in); s != nil {
		o.mu.Lock()
		in.issuer = s
		o.mu.Unlock()
		o.grant(w, r, in)
		return
	}
	if o.world.refusesToken(r) {
		o.read(in, r)
		o.take(r, 0)
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		o.answered(in, http.StatusUnauthorized)
		writeJSON(w, http.StatusUnauthorized, map[string]any{"error": "the token is over"})
		return
	}
	if m := o.metadata(r); m != nil {
		o.answered(in, http.StatusOK)
		writeJSON(w, http.StatusOK, m)
		return
	}
	answer, ok := o.script.next(r)
	if !ok {
		o.world.surprise(o.script.at, "there is no answer left for "+in.method+" "+in.uri+": it got a 501", o.script.advice(r))
		answer = Answer{Status: http.StatusNotImplemented}
	}
	o.play(w, r, in, answer)
}

// metadata are those of an issuer at this origin, unless the test says what the origin answers.
func (o *origin) metadata(r *http.Request) map[string]any {
	if !o.script.empty {
		return nil
	}
	for _, s := range o.world.issuers {
		if m := s.metadata(r); m != nil && s.origin == o.url {
			return m
		}
	}
	return nil
}

// read notes the request's body; one that breaks off as far as it came.
func (o *origin) read(in *arrival, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	o.mu.Lock()
	in.body = body
	o.mu.Unlock()
}

func (o *origin) answered(in *arrival, status int) {
	o.mu.Lock()
	in.status = status
	o.mu.Unlock()
}

func (o *origin) grant(w http.ResponseWriter, r *http.Request, in *arrival) {
	s := in.issuer
	o.world.wait(r.Context(), s.behaviour.Delay)
	if !s.script.empty {
		if answer, ok := s.script.next(r); ok {
			if !answer.isOwn() {
				answer.Ignore = true // it was read
				o.play(w, r, in, answer)
				return
			}
			o.world.wait(r.Context(), answer.Delay)
			answer.head(w.Header())
		}
	}
	status, answer := s.serve(r, in.body) // also where nobody waits for it any more
	o.answered(in, status)
	mustStay(r)
	writeJSON(w, status, answer)
}

// isOwn reports whether a scripted answer of a token endpoint is the endpoint's own, as {} is, perhaps late or with further headers.
func (a Answer) isOwn() bool {
	return a.Status == 0 && a.Fault == "" && a.Body == nil && a.JSON == nil && a.BodySize == 0 && a.Chunks == nil
}

func (a Answer) head(header http.Header) {
	for name, values := range a.Header {
		header[http.CanonicalHeaderKey(name)] = values
	}
}

// play gives an answer.
func (o *origin) play(w http.ResponseWriter, r *http.Request, in *arrival, a Answer) {
	if !a.Ignore {
		o.read(in, r)
	}
	o.take(r, a.Delay)
	if a.Fault != "" && a.After == nil {
		o.fault(w, r, a.Fault)
		return
	}
	o.answered(in, a.status())
	a.head(w.Header())
	chunks := a.content(w.Header())
	for _, name := range keys(a.Trailer) {
		w.Header().Add("Trailer", name)
	}
	w.WriteHeader(a.status())
	left := -1
	if a.After != nil {
		left = *a.After
	}
	for _, chunk := range chunks {
		if a.Pace > 0 {
			o.take(r, a.Pace)
		}
		if left >= 0 {
			chunk = chunk[:min(left, len(chunk))]
			left -= len(chunk)
		}
		_, _ = w.Write(chunk)
		if a.Chunks != nil || left == 0 {
			_ = http.NewResponseController(w).Flush()
		}
		if left == 0 {
			break
		}
	}
	if a.Fault != "" {
		_ = http.NewResponseController(w).Flush()
		o.fault(w, r, a.Fault)
	}
	for name, values := range a.Trailer {
		w.Header()[http.CanonicalHeaderKey(name)] = values
	}
}

// take takes time over an answer, and gives it up once nobody is there to have it: a client that leaves says so on a TLS connection
// before it stops reading, and would be sent the rest at once.
func (o *origin) take(r *http.Request, d time.Duration) {
	o.world.wait(r.Context(), d)
	mustStay(r)
}

// mustStay ends the exchange of a client that has left.
func mustStay(r *http.Request) {
	if r.Context().Err() != nil {
		panic(http.ErrAbortHandler)
	}
}

// content returns the body in pieces, and says in header what it is.
func (a Answer) content(header http.Header) [][]byte {
	var body []byte
	switch {
	case a.Chunks != nil:
		chunks := make([][]byte, len(a.Chunks))
		for i, c := range a.Chunks {
			chunks[i] = []byte(c)
		}
		return chunks
	case a.JSON != nil:
		body, _ = json.Marshal(a.JSON) // it came from TOML
		if header["Content-Type"] == nil {
			header.Set("Content-Type", "application/json")
		}
	case a.Body != nil:
		body = []byte(*a.Body)
	case a.BodySize > 0:
		body = bytes.Repeat([]byte("x"), int(a.BodySize))
	}
	if header["Content-Length"] == nil && a.Trailer == nil && a.status() != http.StatusNoContent && a.status() != http.StatusNotModified {
		header.Set("Content-Length", strconv.Itoa(len(body)))
	}
	return [][]byte{body}
}

// fault has an exchange go wrong; it does not return to the caller's caller.
func (o *origin) fault(w http.ResponseWriter, r *http.Request, fault string) {
	conn, _ := r.Context().Value(connKey{}).(*simnet.Conn)
	switch fault {
	case "hang":
		select {
		case <-r.Context().Done():
		case <-o.world.over:
		}
	case "garbage":
		if c, _, err := http.NewResponseController(w).Hijack(); err == nil {
			_, _ = io.WriteString(c, "SSH-2.0-OpenSSH_9.2\r\n")
			_ = c.Close()
		}
		return
	default:
		o.world.wait(r.Context(), 0) // net/http's HTTP/2 server writes after the handler's Flush
		_ = conn.Flush(o.world.ctx)  // what went out before the fault arrives
		if fault == "reset" {
			conn.Reset()
		} else {
			_ = conn.Close()
		}
	}
	panic(http.ErrAbortHandler)
}

// name is the origin as a person writes it.
func (o *origin) name() string { return shortOrigin(o.url) }

func (a *arrival) String() string { return fmt.Sprint(a.method, " ", a.uri) }
