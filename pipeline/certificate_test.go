package pipeline_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/stages"
)

func writePEM(t *testing.T, path, typ string, der []byte) {
	t.Helper()
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: typ, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}

// writeClient writes a self-signed client certificate and its key.
func writeClient(t *testing.T, dir, name string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	cert := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, cert, cert, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	writePEM(t, filepath.Join(dir, "crt.pem"), "CERTIFICATE", der)
	writePEM(t, filepath.Join(dir, "key.pem"), "EC PRIVATE KEY", private)
}

func TestTransport_client_certificate_follows_its_files(t *testing.T) {
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close")
		_, _ = io.WriteString(w, r.TLS.PeerCertificates[0].Subject.CommonName)
	}))
	srv.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert}
	srv.StartTLS()
	defer srv.Close()
	dir := t.TempDir()
	writePEM(t, filepath.Join(dir, "ca.pem"), "CERTIFICATE", srv.Certificate().Raw)
	writeClient(t, dir, "first")
	src := fmt.Sprintf("version = 1\n[transports.default]\nproxy = \"none\"\nca = \"ca.pem\"\ncert = \"crt.pem\"\nkey = \"key.pem\"\n[pipelines.p]\nbase_url = %q\n", srv.URL)
	file := filepath.Join(dir, "t.toml")
	r, err := pipeline.OpenBytes(t.Context(), file, []byte(src), pipeline.WithEnviron(nil))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	p, _ := r.Pipeline("p")
	who := func() string {
		resp, err := get(t, t.Context(), p, "/")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, _ := io.ReadAll(resp.Body)
		return string(b)
	}
	if got := who(); got != "first" {
		t.Errorf("got %q", got)
	}
	writeClient(t, dir, "the second")
	if got := who(); got != "the second" {
		t.Errorf("got %q after the files changed", got)
	}
	_ = os.WriteFile(filepath.Join(dir, "crt.pem"), []byte("half a certi"), 0o600)
	if got := who(); got != "the second" {
		t.Errorf("got %q while the file was half written", got)
	}
	_, err = pipeline.OpenBytes(t.Context(), file, []byte(src), pipeline.WithEnviron(nil))
	if err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("opened with half a certificate: %v", err)
	}
	_, err = pipeline.OpenBytes(t.Context(), file, []byte(strings.Replace(src, "ca.pem", "crt.pem", 1)), pipeline.WithEnviron(nil))
	if err == nil || !strings.Contains(err.Error(), "crt.pem holds no PEM certificate") {
		t.Errorf("opened with a bad ca file: %v", err)
	}
}

func TestTransport_certificate_of_a_token_endpoint(t *testing.T) {
	srv := httptest.NewUnstartedServer(http.NotFoundHandler())
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.StartTLS() // nobody trusts its certificate
	defer srv.Close()
	src := fmt.Sprintf("version = 1\n[transports.default]\nproxy = \"none\"\n[credentials.c]\ntype = \"login\"\norigins = [%q]\n"+
		"login = { path = \"/login\", send = { password = { env = \"P\" } } }\n[pipelines.p]\nbase_url = %q\ncredential = \"c\"\nstages = [\"auth\"]\n", srv.URL, srv.URL)
	r, err := pipeline.OpenBytes(t.Context(), "t.toml", []byte(src), pipeline.WithEnviron(nil), pipeline.WithStages(stages.All()...),
		pipeline.WithSecrets(map[string]string{"P": "secret"}), pipeline.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	p, _ := r.Pipeline("p")
	_, err = get(t, t.Context(), p, "/")
	if e := kindOf(t, err, pipeline.KindTLS); e.Class != pipeline.ClassNotSent || e.Reason != "no_credential" {
		t.Errorf("got class %q, reason %q, want not_sent and no_credential", e.Class, e.Reason)
	}
}
