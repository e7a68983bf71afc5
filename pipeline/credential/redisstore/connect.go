package redisstore

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// newClient makes the client that the config asks for. Nothing is dialled yet. It sends nothing again by itself: go-redis would forget why.
func (s *store) newClient(sentinelPassword string) redis.UniversalClient {
	half := s.config.Timeout / 2 // leaves time for a second address or a second try
	quiet := &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	name := "leat" // shown by CLIENT LIST
	switch {
	case s.config.Cluster:
		return redis.NewClusterClient(&redis.ClusterOptions{
			Addrs: s.place.addresses, ClientName: name, TLSConfig: s.tls, CredentialsProviderContext: s.credentials(),
			MaxRetries: -1, DialTimeout: half, DialerRetries: 1, ReadTimeout: half, WriteTimeout: half,
			ContextTimeoutEnabled: true, PoolTimeout: s.config.Timeout, DisableIdentity: true, MaintNotificationsConfig: quiet, PipelinePoolSize: -1,
		})
	case s.config.Master != "":
		return redis.NewFailoverClient(&redis.FailoverOptions{
			MasterName: s.config.Master, SentinelAddrs: s.place.addresses, SentinelUsername: s.config.SentinelUsername, SentinelPassword: sentinelPassword,
			ClientName: name, DB: s.place.db, TLSConfig: s.tls, CredentialsProviderContext: s.credentials(),
			MaxRetries: -1, DialTimeout: half, DialerRetries: 1, ReadTimeout: half, WriteTimeout: half,
			ContextTimeoutEnabled: true, PoolTimeout: s.config.Timeout, DisableIdentity: true, PipelinePoolSize: -1,
		})
	}
	return redis.NewClient(&redis.Options{
		Network: s.place.network, Addr: s.place.addresses[0], ClientName: name, DB: s.place.db, TLSConfig: s.tls, CredentialsProviderContext: s.credentials(),
		MaxRetries: -1, DialTimeout: half, DialerRetries: 1, ReadTimeout: half, WriteTimeout: half,
		ContextTimeoutEnabled: true, PoolTimeout: s.config.Timeout, DisableIdentity: true, MaintNotificationsConfig: quiet, PipelinePoolSize: -1,
	})
}

// credentials is asked for each new connection; nil where the file gives no password.
func (s *store) credentials() func(context.Context) (string, string, error) {
	if s.config.Password.IsZero() {
		return nil
	}
	return func(ctx context.Context) (string, string, error) {
		password, err := s.secret(ctx, s.config.Password)
		return s.config.Username, password, err
	}
}

// tlsConfig reads the certificates; nil is no TLS.
func (c Config) tlsConfig(dir string, at place) (*tls.Config, error) {
	t := c.TLS
	switch {
	case t == nil && !at.secure:
		return nil, nil
	case t == nil:
		t = &TLS{}
	}
	under := func(path string) string {
		if filepath.IsAbs(path) {
			return path
		}
		return filepath.Join(dir, path)
	}
	out := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: t.ServerName}
	if t.CA != "" {
		pem, err := os.ReadFile(under(t.CA))
		if err != nil {
			return nil, fmt.Errorf("tls.ca: %w", err)
		}
		out.RootCAs = x509.NewCertPool()
		if !out.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("tls.ca: %s holds no PEM certificate", t.CA)
		}
	}
	if t.Cert != "" {
		load := func() (*tls.Certificate, error) {
			pair, err := tls.LoadX509KeyPair(under(t.Cert), under(t.Key))
			if err != nil {
				return nil, fmt.Errorf("tls.cert and tls.key: %w", err)
			}
			return &pair, nil
		}
		if _, err := load(); err != nil {
			return nil, err
		}
		out.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return load() }
	}
	return out, nil
}
