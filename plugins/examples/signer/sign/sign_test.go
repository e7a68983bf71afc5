package sign_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/plugins/examples/signer/sign"
	"github.com/leatdev/leat/plugins/plugintest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// served are the two ways in which the stage can stand in a pipeline: what it does must be the same.
func served(t *testing.T) map[string]pipeline.Factory {
	t.Helper()
	return map[string]pipeline.Factory{"built_in": sign.Factory(), "over_the_wire": plugintest.Factory(t, sign.Factory())}
}

// verify is a server that knows the key.
func verify(t *testing.T, key string) *httptest.Server {
	t.Helper()
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		sum := sha256.Sum256(body)
		digest := "sha-256=:" + base64.StdEncoding.EncodeToString(sum[:]) + ":"
		want := sign.Signature([]byte(key), sign.Text(r, r.Header.Get(sign.HeaderDate), digest))
		switch {
		case r.Header.Get(sign.HeaderDigest) != digest:
			http.Error(w, "digest", http.StatusBadRequest)
		case !hmac.Equal([]byte(want), []byte(r.Header.Get(sign.HeaderSignature))):
			http.Error(w, "signature", http.StatusForbidden)
		default:
			fmt.Fprint(w, r.Header.Get(sign.HeaderKeyID), " ", len(body))
		}
	}))
	t.Cleanup(up.Close)
	return up
}

func open(t *testing.T, url, table string, f pipeline.Factory) (*pipeline.Runner, error) {
	t.Helper()
	r, err := pipeline.OpenBytes(t.Context(), "pipelines.toml", []byte("version = 1\n[pipelines.api]\nbase_url = \""+url+
		"\"\nstages = [\"sign\"]\n[stages.sign]\nuse = \"hmac\"\n"+table), pipeline.WithStages(f))
	if err == nil {
		t.Cleanup(func() { _ = r.Close() })
	}
	return r, err
}

func call(t *testing.T, r *pipeline.Runner, method, ref string, body io.Reader) (int, string, error) {
	t.Helper()
	p, err := r.Pipeline("api")
	if err != nil {
		t.Fatal(err)
	}
	req, err := p.NewRequest(t.Context(), method, ref, body)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := p.RoundTrip(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(data), err
}

func TestSign(t *testing.T) {
	t.Setenv("SIGNER_KEY", "correct horse")
	up := verify(t, "correct horse")
	for _, tc := range []struct {
		name, method, ref string
		body              io.Reader
		want              string
	}{
		{"a_request_without_a_body", "GET", "/posts?page=2&q=a%20b", nil, "k1 0"},
		{"a_request_with_one", "POST", "/posts", strings.NewReader("hello"), "k1 5"},
		{"a_body_that_can_be_read_once", "POST", "/posts", io.MultiReader(strings.NewReader("hello")), "k1 5"},
		{"a_body_that_does_not_fit_into_a_frame", "PUT", "/posts/1", strings.NewReader(strings.Repeat("x", 3<<20)), "k1 3145728"},
	} {
		for way, f := range served(t) {
			t.Run(tc.name+"/"+way, func(t *testing.T) {
				if r, ok := tc.body.(*strings.Reader); ok {
					r.Seek(0, io.SeekStart)
				} else if tc.body != nil {
					tc.body = io.MultiReader(strings.NewReader("hello"))
				}
				r, err := open(t, up.URL, "key = { env = \"SIGNER_KEY\" }\nkey_id = \"k1\"\n", f)
				if err != nil {
					t.Fatal(err)
				}
				status, got, err := call(t, r, tc.method, tc.ref, tc.body)
				if err != nil || status != 200 || got != tc.want {
					t.Errorf("got %d %q, %v, want %q", status, got, err, tc.want)
				}
			})
		}
	}
}

func TestSignRefuses(t *testing.T) {
	for way, f := range served(t) {
		for name, tc := range map[string]struct{ table, want string }{
			"no_key":         {"", "a signature needs a key"},
			"a_literal_key":  {"key = \"hunter2\"\n", "a secret is never written into the file"},
			"a_shared_key":   {"key = { secret = \"k\" }\n", "stay with the program"},
			"an_unknown_key": {"key = { env = \"K\" }\nkeyid = \"x\"\n", "did you mean key_id"},
		} {
			t.Run(name+"/"+way, func(t *testing.T) {
				_, err := open(t, "http://127.0.0.1:1", tc.table, f)
				if err == nil || !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "hunter2") {
					t.Errorf("got %v, want %q and no secret", err, tc.want)
				}
			})
		}
		t.Run("a_key_that_is_not_there/"+way, func(t *testing.T) {
			if err := os.Unsetenv("SIGNER_NONE"); err != nil {
				t.Fatal(err)
			}
			r, err := open(t, "http://127.0.0.1:1", "key = { env = \"SIGNER_NONE\" }\n", f)
			if err != nil {
				t.Fatal(err)
			}
			if _, _, err := call(t, r, "GET", "/", nil); pipeline.KindOf(err) != pipeline.KindUnauthorized || !strings.Contains(err.Error(), "SIGNER_NONE") {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestText(t *testing.T) {
	req := httptest.NewRequest("POST", "https://API.example.com/a%2Fb?c=d", nil)
	got := sign.Text(req, "Sun, 06 Nov 1994 08:49:37 GMT", "sha-256=:x:")
	want := "POST\napi.example.com\n/a%2Fb?c=d\nSun, 06 Nov 1994 08:49:37 GMT\nsha-256=:x:\n"
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := sign.Signature([]byte("key"), "The quick brown fox jumps over the lazy dog"); got != "97yD9DBThCSxMpjmqm+xQ+9NWaFJRhdZl0edvC0aPNg=" {
		t.Errorf("got %q", got) // the well-known vector of HMAC_SHA256
	}
}
