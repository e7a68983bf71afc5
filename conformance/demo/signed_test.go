package demo_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/leatdev/leat/conformance/demo"
)

func TestSigned_takes_a_signature_of_the_very_request(t *testing.T) {
	server := httptest.NewServer(demo.New(demo.Options{}))
	defer server.Close()
	c := newCaller(t, server.URL, server.Client())
	c.login("")
	host := strings.TrimPrefix(server.URL, "http://")
	// signed returns the headers of a signature over these parts.
	signed := func(key, method, target, body string, at time.Time) []string {
		sum := sha256.Sum256([]byte(body))
		digest, date := "sha-256=:"+base64.StdEncoding.EncodeToString(sum[:])+":", at.UTC().Format(http.TimeFormat)
		mac := hmac.New(sha256.New, []byte(key))
		mac.Write([]byte(method + "\n" + host + "\n" + target + "\n" + date + "\n" + digest + "\n"))
		return []string{
			"Content-Digest", digest, "X-Signature-Date", date, "X-Signature", base64.StdEncoding.EncodeToString(mac.Sum(nil)), "X-Signature-Key", "k1",
		}
	}
	now := time.Now()
	for _, tc := range []struct {
		name    string
		headers []string
		status  int
		detail  string
	}{
		{"right", signed(demo.SignerKey, "POST", "/signed?a=b", "hello", now), 200, ""},
		{"none", nil, 403, "this route needs a signature in X-Signature"},
		{"another_key", signed("another", "POST", "/signed?a=b", "hello", now), 403, "the signature is not that of this request"},
		{"another_method", signed(demo.SignerKey, "PUT", "/signed?a=b", "hello", now), 403, "the signature is not that of this request"},
		{"another_query", signed(demo.SignerKey, "POST", "/signed?a=c", "hello", now), 403, "the signature is not that of this request"},
		{"another_body", signed(demo.SignerKey, "POST", "/signed?a=b", "hallo", now), 403, "Content-Digest is not that of the body"},
		{"old", signed(demo.SignerKey, "POST", "/signed?a=b", "hello", now.Add(-time.Hour)), 403, "the signature is too old, or from the future"},
		{"early", signed(demo.SignerKey, "POST", "/signed?a=b", "hello", now.Add(time.Hour)), 403, "the signature is too old, or from the future"},
		{"no_base64", append(signed(demo.SignerKey, "POST", "/signed?a=b", "hello", now)[:4], "X-Signature", "%"), 403, "the signature is not that of this request"},
		{"no_date", append(signed(demo.SignerKey, "POST", "/signed?a=b", "hello", now)[:2], "X-Signature-Date", "soon", "X-Signature", "aaaa"), 403, "X-Signature-Date is no date"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := c.do("POST", "/signed?a=b", "hello", tc.headers...)
			wantStatus(t, r, tc.status)
			if detail, _ := r.json(t)["detail"].(string); detail != tc.detail {
				t.Errorf("got %q, want %q", detail, tc.detail)
			}
		})
	}
}
