//go:build unix

package redisstore

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/leatdev/leat/pipeline/credential"
	"github.com/leatdev/leat/pipeline/credential/redisstore/redistest"
)

// certify writes a CA, and server and client certificates of it, into dir.
func certify(t testing.TB, dir string) {
	t.Helper()
	write := func(name, kind string, der []byte) {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	issue := func(name string, template, parent *x509.Certificate, signer *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey) {
		own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		template.Subject, template.SerialNumber = pkix.Name{CommonName: name}, big.NewInt(time.Now().UnixNano())
		template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
		if parent == nil {
			parent, signer = template, own
		}
		der, err := x509.CreateCertificate(rand.Reader, template, parent, own.Public(), signer)
		if err != nil {
			t.Fatal(err)
		}
		private, err := x509.MarshalPKCS8PrivateKey(own)
		if err != nil {
			t.Fatal(err)
		}
		write(name+".pem", "CERTIFICATE", der)
		write(name+".key", "PRIVATE KEY", private)
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		return cert, own
	}
	ca, signer := issue("ca", &x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}, nil, nil)
	issue("server", &x509.Certificate{DNSNames: []string{"redis.test"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}, ca, signer)
	issue("client", &x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}, ca, signer)
}

func TestTLS(t *testing.T) {
	dir := t.TempDir()
	certify(t, dir)
	at := func(name string) string { return filepath.Join(dir, name) }
	r := redistest.New(t, "--port", "0", "--tls-cert-file", at("server.pem"), "--tls-key-file", at("server.key"), "--tls-ca-cert-file", at("ca.pem"))
	r.Args("--tls-port", r.Port)
	r.Start()
	opens := func(t *testing.T, tls TLS) (*store, error) {
		c := settled(r.Addr, func(c *Config) { c.URL, c.TLS = "rediss://"+r.Addr, &tls })
		if err := c.Validate(); err != nil {
			t.Fatal(err)
		}
		s, err := open(c, credential.StoreSettings{Name: "tokens", Dir: dir})
		if err == nil {
			t.Cleanup(func() { s.Close() })
		}
		return s, err
	}

	t.Run("proves_both_ends", func(t *testing.T) {
		s, err := opens(t, TLS{CA: "ca.pem", Cert: "client.pem", Key: at("client.key")})
		if err != nil {
			t.Fatal(err)
		}
		mustLease(t, s, 0).Release()
		tells(t, s)
		until(t, "it listens", func() bool { return listens(s) })
	})

	for name, tt := range map[string]struct {
		tls  TLS
		want string
	}{
		"refuses_a_server_of_another_CA":      {TLS{Cert: "client.pem", Key: "client.key"}, "check tls.ca"},
		"refuses_a_server_of_another_name":    {TLS{CA: "ca.pem", Cert: "client.pem", Key: "client.key", ServerName: "other.test"}, "check tls.ca and tls.server_name"},
		"is_refused_without_a_certificate":    {TLS{CA: "ca.pem"}, "certificate required"},
		"is_refused_with_another_CAs_at_open": {TLS{CA: "client.key"}, "holds no PEM certificate"},
		"is_refused_without_the_CA_at_open":   {TLS{CA: "none.pem"}, "tls.ca: open"},
		"is_refused_with_half_a_pair_at_open": {TLS{Cert: "client.pem", Key: "server.key"}, "tls.cert and tls.key"},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := opens(t, tt.tls)
			if err == nil {
				_, err = s.Load(soon(t), key)
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}
