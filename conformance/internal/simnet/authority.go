package simnet

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net"
	"sync"
	"time"
)

const (
	day  = 24 * time.Hour
	life = 3650 * day // longer than any bubble runs
)

// An Authority issues certificates for the hosts of one test, in memory, on ECDSA P-256 keys. Make it inside the bubble: what it
// issues is valid around the present of whoever asks. Its methods may be called concurrently.
type Authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey

	mu    sync.Mutex
	good  map[string]tls.Certificate
	count int64
}

// NewAuthority returns an authority with a root certificate of its own. It panics if the system has no randomness.
func NewAuthority() *Authority {
	template := template(1, "simnet test authority", time.Now().Add(-day), time.Now().Add(life))
	template.IsCA, template.BasicConstraintsValid = true, true
	template.KeyUsage = x509.KeyUsageCertSign
	root := issue(template, nil, nil)
	key, ok := root.PrivateKey.(*ecdsa.PrivateKey)
	if !ok {
		panic(fmt.Sprintf("simnet: the authority's key is a %T", root.PrivateKey))
	}
	return &Authority{cert: root.Leaf, key: key, good: map[string]tls.Certificate{}, count: 1}
}

// Pool returns a new pool with the authority's root alone: what a client has to trust.
func (a *Authority) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

// Certificate returns the certificate of a host, a name or an IP address without a port: valid from a day ago for ten years, and the
// same for each call. Served by another host, it is one for the wrong name.
func (a *Authority) Certificate(host string) tls.Certificate {
	a.mu.Lock()
	defer a.mu.Unlock()
	cert, ok := a.good[host]
	if !ok {
		cert = issue(a.leaf(host, time.Now().Add(-day), time.Now().Add(life)), a.cert, a.key)
		a.good[host] = cert
	}
	return cert
}

// Expired returns a new certificate of a host that was valid until an hour ago.
func (a *Authority) Expired(host string) tls.Certificate {
	a.mu.Lock()
	defer a.mu.Unlock()
	return issue(a.leaf(host, time.Now().Add(-30*day), time.Now().Add(-time.Hour)), a.cert, a.key)
}

// SelfSigned returns a new certificate of a host that nobody vouches for: its signature is its own.
func (a *Authority) SelfSigned(host string) tls.Certificate {
	a.mu.Lock()
	defer a.mu.Unlock()
	return issue(a.leaf(host, time.Now().Add(-day), time.Now().Add(life)), nil, nil)
}

// leaf describes a host's certificate, with a serial number that was not used yet.
func (a *Authority) leaf(host string, from, until time.Time) *x509.Certificate {
	a.count++
	cert := template(a.count, host, from, until)
	cert.KeyUsage = x509.KeyUsageDigitalSignature
	cert.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	if ip := net.ParseIP(host); ip != nil {
		cert.IPAddresses = []net.IP{ip}
	} else {
		cert.DNSNames = []string{host}
	}
	return cert
}

func template(serial int64, name string, from, until time.Time) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name}, NotBefore: from, NotAfter: until,
	}
}

// issue makes a key and has its certificate signed by a parent, by itself if there is none.
func issue(template, parent *x509.Certificate, signer *ecdsa.PrivateKey) tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(fmt.Sprintf("simnet: making a key: %v", err))
	}
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		panic(fmt.Sprintf("simnet: signing the certificate of %s: %v", template.Subject.CommonName, err))
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		panic(fmt.Sprintf("simnet: reading the certificate of %s: %v", template.Subject.CommonName, err))
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}
