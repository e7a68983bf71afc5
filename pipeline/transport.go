package pipeline

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/leatdev/leat/pipeline/credential"
)

// TransportConfig is what a [transports.NAME] table holds. The table "default" changes what every pipeline uses that names none.
// Pipelines with equal settings share one connection pool.
type TransportConfig struct {
	// ConnectTimeout bounds DNS and the TCP connection.
	ConnectTimeout time.Duration `toml:"connect_timeout"`
	// TLSHandshakeTimeout bounds the TLS handshake.
	TLSHandshakeTimeout time.Duration `toml:"tls_handshake_timeout"`
	// ResponseHeaderTimeout bounds the time from the request's last byte to the answer's headers.
	ResponseHeaderTimeout time.Duration `toml:"response_header_timeout"`
	// IdleConnTimeout is how long an unused connection is kept.
	IdleConnTimeout time.Duration `toml:"idle_conn_timeout"`
	// MaxIdleConnsPerHost is how many unused connections to one host are kept.
	MaxIdleConnsPerHost int `toml:"max_idle_conns_per_host"`
	// MaxConnsPerHost bounds the connections to one host; 0 means no bound.
	MaxConnsPerHost int `toml:"max_conns_per_host"`
	// HTTP2 offers HTTP/2 where TLS is used.
	HTTP2 bool `toml:"http2"`
	// Proxy is "environment" (HTTPS_PROXY, HTTP_PROXY, NO_PROXY), "none", or a proxy's URL without a password.
	Proxy string `toml:"proxy"`
	// CA is a file of PEM certificates that are trusted in place of the system's.
	CA string `toml:"ca"`
	// Cert and Key are PEM files of the client certificate; they are read again when they change.
	Cert string `toml:"cert"`
	Key  string `toml:"key"`
}

func defaultTransportConfig() TransportConfig {
	return TransportConfig{
		ConnectTimeout: 10 * time.Second, TLSHandshakeTimeout: 10 * time.Second, ResponseHeaderTimeout: 30 * time.Second,
		IdleConnTimeout: 90 * time.Second, MaxIdleConnsPerHost: 100, HTTP2: true, Proxy: "environment",
	}
}

// Validate refuses limits that are not positive, and half a client certificate.
func (c TransportConfig) Validate() error {
	errs := []error{
		positive("connect_timeout", c.ConnectTimeout), positive("tls_handshake_timeout", c.TLSHandshakeTimeout),
		positive("response_header_timeout", c.ResponseHeaderTimeout), positive("idle_conn_timeout", c.IdleConnTimeout),
	}
	if c.MaxIdleConnsPerHost < 1 {
		errs = append(errs, Invalid("max_idle_conns_per_host", "max_idle_conns_per_host must be at least 1"))
	}
	if c.MaxConnsPerHost < 0 {
		errs = append(errs, Invalid("max_conns_per_host", "max_conns_per_host must not be negative"))
	}
	if (c.Cert == "") != (c.Key == "") {
		errs = append(errs, Invalid("", "cert and key belong together"))
	}
	if _, err := c.proxy(); err != nil {
		errs = append(errs, &ConfigError{Path: "proxy", Message: err.Error(), Err: err, secret: strings.Contains(c.Proxy, "@")})
	}
	return errors.Join(errs...)
}

func (c TransportConfig) proxy() (func(*http.Request) (*url.URL, error), error) {
	switch c.Proxy {
	case "environment":
		return http.ProxyFromEnvironment, nil
	case "none":
		return nil, nil
	}
	u, err := url.Parse(c.Proxy)
	if err != nil || u.Host == "" || u.Scheme == "" {
		return nil, errors.New(`proxy must be "environment", "none" or a URL`)
	}
	if u.User != nil {
		return nil, errors.New("proxy must not hold a user or password")
	}
	return http.ProxyURL(u), nil
}

// build makes the transport, over n unless it is nil. Paths start at dir.
func (c TransportConfig) build(dir string, n *Network) (*pool, error) {
	proxy, err := c.proxy()
	if err != nil {
		return nil, err
	}
	t := &http.Transport{
		Proxy:                  proxy,
		DialContext:            (&net.Dialer{Timeout: c.ConnectTimeout, KeepAlive: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout:    c.TLSHandshakeTimeout,
		ResponseHeaderTimeout:  c.ResponseHeaderTimeout,
		IdleConnTimeout:        c.IdleConnTimeout,
		MaxIdleConnsPerHost:    c.MaxIdleConnsPerHost,
		MaxConnsPerHost:        c.MaxConnsPerHost,
		ForceAttemptHTTP2:      c.HTTP2,
		ExpectContinueTimeout:  time.Second,
		MaxResponseHeaderBytes: 1 << 20,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
	}
	if !c.HTTP2 {
		t.Protocols = new(http.Protocols)
		t.Protocols.SetHTTP1(true)
	}
	if n != nil {
		c.connectBy(n, t)
		return newPool(t), nil
	}
	if err := errors.Join(c.trust(t.TLSClientConfig, dir), c.prove(t.TLSClientConfig, dir)); err != nil {
		return nil, err
	}
	return newPool(t), nil
}

// connectBy has the transport connect through n alone.
func (c TransportConfig) connectBy(n *Network, t *http.Transport) {
	if c.Proxy == "environment" {
		t.Proxy = nil
	}
	t.TLSClientConfig.RootCAs = n.RootCAs
	t.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, c.ConnectTimeout)
		defer cancel()
		return n.Dial(ctx, network, address)
	}
}

// trust has the transport trust the file's certificates.
func (c TransportConfig) trust(to *tls.Config, dir string) error {
	if c.CA == "" {
		return nil
	}
	pem, err := os.ReadFile(within(dir, c.CA))
	if err != nil {
		return &ConfigError{Path: "ca", Message: "read ca: " + err.Error(), Err: err}
	}
	to.RootCAs = x509.NewCertPool()
	if !to.RootCAs.AppendCertsFromPEM(pem) {
		return Invalid("ca", "read ca: %s holds no PEM certificate", c.CA)
	}
	return nil
}

// prove has the transport show the client certificate.
func (c TransportConfig) prove(to *tls.Config, dir string) error {
	if c.Cert == "" {
		return nil
	}
	pair := &keyPair{cert: within(dir, c.Cert), key: within(dir, c.Key)}
	if _, err := pair.get(); err != nil {
		return &ConfigError{Path: "cert", Message: err.Error(), Err: err}
	}
	to.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return pair.get() }
	return nil
}

// keyPair is a client certificate that follows its files.
type keyPair struct {
	cert, key string

	mu     sync.Mutex
	loaded *tls.Certificate
	stamp  [2]fileStamp
}

type fileStamp struct {
	modified time.Time
	size     int64
}

// get returns the certificate, read again if a file has changed; if it can't be read the old one goes on.
func (p *keyPair) get() (*tls.Certificate, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	stamp := [2]fileStamp{stampOf(p.cert), stampOf(p.key)}
	if p.loaded != nil && stamp == p.stamp {
		return p.loaded, nil
	}
	pair, err := tls.LoadX509KeyPair(p.cert, p.key)
	if err != nil {
		if p.loaded != nil {
			return p.loaded, nil // half written: the next handshake looks again
		}
		return nil, fmt.Errorf("read client certificate: %w", err)
	}
	p.loaded, p.stamp = &pair, stamp
	return p.loaded, nil
}

func stampOf(path string) fileStamp {
	info, err := os.Stat(path)
	if err != nil {
		return fileStamp{}
	}
	return fileStamp{info.ModTime(), info.Size()}
}

func within(dir, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

// router sends what is meant for a symbolic origin to the upstream that serves it.
type router struct {
	base      http.RoundTripper
	upstreams map[string]http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (r *router) RoundTrip(req *http.Request) (*http.Response, error) {
	if name := credential.SymbolOf(req.URL.Hostname()); name != "" {
		if up, ok := r.upstreams[name]; ok {
			return up.RoundTrip(req)
		}
	}
	return r.base.RoundTrip(req)
}

// CloseIdleConnections lets http.Client.CloseIdleConnections reach the transport.
func (r *router) CloseIdleConnections() {
	if t, ok := r.base.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
}

// upstreamTransport is the transport to a symbolic origin.
func upstreamTransport(c TransportConfig, dial func(context.Context) (net.Conn, error)) *http.Transport {
	return &http.Transport{
		DialContext:           func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) },
		ResponseHeaderTimeout: c.ResponseHeaderTimeout,
		IdleConnTimeout:       c.IdleConnTimeout,
		MaxIdleConnsPerHost:   c.MaxIdleConnsPerHost,
	}
}
