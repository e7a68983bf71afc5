package pipeline_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/stages"
)

// What a credential asks a server for goes through the transport that the credential names, whatever its type and grant.
func TestCredential_transport_carries_every_token_request(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	text := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	const oauth, ask = "type = \"oauth2\"\nclient_id = \"c\"\n", "token_url = \"https://id.example.com/token\"\n"
	for name, tc := range map[string]struct {
		lines string
		want  []string
	}{
		"login":              {"type = \"login\"\nlogin = { path = \"/login\", send = { password = { env = \"S\" } } }\n", []string{"POST /login"}},
		"client_credentials": {oauth + ask + "client_secret = { env = \"S\" }\n", []string{"POST /token"}},
		"refresh_token":      {oauth + ask + "client_auth = \"none\"\ngrant = \"refresh_token\"\nrefresh_token = { env = \"S\" }\n", []string{"POST /token"}},
		"private_key_jwt":    {oauth + ask + "client_auth = \"private_key_jwt\"\nclient_key = { env = \"KEY\" }\n", []string{"POST /token"}},
		"jwt_bearer":         {oauth + ask + "grant = \"jwt_bearer\"\nassertion = { key = { env = \"KEY\" }, issuer = \"i\" }\n", []string{"POST /token"}},
		"issuer": {oauth + "issuer = \"https://id.example.com\"\nclient_secret = { env = \"S\" }\n",
			[]string{"GET /.well-known/openid-configuration", "POST /token"}},
	} {
		t.Run(name, func(t *testing.T) {
			var asked []string
			ids := roundTripper(func(req *http.Request) (*http.Response, error) {
				asked = append(asked, req.Method+" "+req.URL.Path)
				body := `{"access_token":"A1","issuer":"https://id.example.com","token_endpoint":"https://id.example.com/token"}`
				return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: req}, nil
			})
			var carried string
			api := roundTripper(func(req *http.Request) (*http.Response, error) {
				carried = req.URL.Path + " " + req.Header.Get("Authorization")
				return &http.Response{StatusCode: 200, Header: http.Header{}, Body: http.NoBody, Request: req}, nil
			})
			src := "version = 1\n[transports.ids]\n[credentials.c]\ntransport = \"ids\"\norigins = [\"https://api.example.com\"]\n" + tc.lines +
				"[pipelines.p]\nbase_url = \"https://api.example.com\"\ncredential = \"c\"\nstages = [\"auth\"]\n"
			r, err := pipeline.OpenBytes(t.Context(), "t.toml", []byte(src), pipeline.WithEnviron(nil), pipeline.WithStages(stages.All()...),
				pipeline.WithTransport("ids", ids), pipeline.WithTransport("default", api), pipeline.WithSecrets(map[string]string{"S": "secret-1", "KEY": text}))
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := r.Close(); err != nil {
					t.Error(err)
				}
			}()
			p, err := r.Pipeline("p")
			if err != nil {
				t.Fatal(err)
			}
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://api.example.com/x", nil)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := p.RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			if carried != "/x Bearer A1" {
				t.Errorf("the API got %q", carried)
			}
			if !slices.Equal(asked, tc.want) {
				t.Errorf("the credential's transport carried %q, want %q", asked, tc.want)
			}
		})
	}
}
