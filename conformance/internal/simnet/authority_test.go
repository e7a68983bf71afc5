package simnet_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leatdev/leat/conformance/internal/simnet"
)

// shake makes the TLS handshake of a client that trusts the authority with a server that has the certificate.
func shake(authority *simnet.Authority, name string, cert tls.Certificate) error {
	near, far := pipe()
	server := tls.Server(far, &tls.Config{Certificates: []tls.Certificate{cert}})
	client := tls.Client(near, &tls.Config{RootCAs: authority.Pool(), ServerName: name})
	served := make(chan error)
	go func() { served <- server.Handshake() }()
	err := client.Handshake()
	client.Close()
	<-served
	server.Close()
	return err
}

func TestAuthority(t *testing.T) {
	for _, tc := range []struct {
		name  string
		after time.Duration
		host  string
		cert  func(*simnet.Authority) tls.Certificate
		fits  func(error) bool
	}{
		{"good", 0, host, func(a *simnet.Authority) tls.Certificate { return a.Certificate(host) }, isNil},
		{"good_for_an_address", 0, "192.0.2.1", func(a *simnet.Authority) tls.Certificate { return a.Certificate("192.0.2.1") }, isNil},
		{"still_good_next_year", 365 * 24 * time.Hour, host, func(a *simnet.Authority) tls.Certificate { return a.Certificate(host) }, isNil},
		{
			"wrong_host", 0, host, func(a *simnet.Authority) tls.Certificate { return a.Certificate("wrong.example") },
			func(err error) bool { _, ok := errors.AsType[x509.HostnameError](err); return ok },
		},
		{
			"expired", 0, host, func(a *simnet.Authority) tls.Certificate { return a.Expired(host) },
			func(err error) bool {
				invalid, ok := errors.AsType[x509.CertificateInvalidError](err)
				return ok && invalid.Reason == x509.Expired
			},
		},
		{
			"self_signed", 0, host, func(a *simnet.Authority) tls.Certificate { return a.SelfSigned(host) },
			func(err error) bool { _, ok := errors.AsType[x509.UnknownAuthorityError](err); return ok },
		},
		{
			"of_another_authority", 0, host, func(*simnet.Authority) tls.Certificate { return simnet.NewAuthority().Certificate(host) },
			func(err error) bool { _, ok := errors.AsType[x509.UnknownAuthorityError](err); return ok },
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				authority := simnet.NewAuthority()
				cert := tc.cert(authority)
				<-time.After(tc.after)
				began := time.Now()
				if err := shake(authority, tc.host, cert); !tc.fits(err) {
					t.Errorf("got %T: %v", err, err)
				}
				if got := time.Since(began); got != 0 {
					t.Errorf("the handshake took %v", got)
				}
			})
		})
	}
}

func isNil(err error) bool { return err == nil }

func TestAuthority_makes_one_certificate_per_host(t *testing.T) {
	authority := simnet.NewAuthority()
	if a, b := authority.Certificate(host), authority.Certificate(host); a.Leaf != b.Leaf {
		t.Error("the second is another one")
	}
	if a, b := authority.Certificate(host), authority.Certificate("other.test"); a.Leaf.SerialNumber.Cmp(b.Leaf.SerialNumber) == 0 {
		t.Error("two hosts have one serial number")
	}
}
