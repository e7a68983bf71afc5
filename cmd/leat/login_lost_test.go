//go:build unix

package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLogin_says_that_the_refresh_token_is_spent_where_the_store_breaks_meanwhile(t *testing.T) {
	dir := t.TempDir()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if err := os.Chmod(filepath.Join(dir, "tokens"), 0o755); err != nil {
			t.Error(err)
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"access_token":"a-canary","token_type":"Bearer","expires_in":3600,"refresh_token":"r-canary"}`))
	}))
	defer server.Close()
	t.Setenv("LEAT_TEST_SECRET", "client-canary")
	file := filepath.Join(dir, "pipelines.toml")
	text := strings.ReplaceAll(`version = 1

[stores.tokens]
type = "file"
dir  = "tokens"

[credentials.api]
type          = "oauth2"
origins       = ["API"]
store         = "tokens"
grant         = "refresh_token"
token_url     = "API/token"
client_id     = "leat"
client_secret = { env = "LEAT_TEST_SECRET" }
`, "API", server.URL)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	args := []string{"login", "api", "-c", file, "--refresh-token-stdin"}
	code := shipped().run(t.Context(), args, stdio{strings.NewReader("given-canary"), &out, &errs})
	said := errs.String()
	for _, want := range []string{"could not be stored", "has mode 0755", "the given refresh token is spent"} {
		if code != exitStore || !strings.Contains(said, want) {
			t.Errorf("exit %d, want %d and %q: %s", code, exitStore, want, said)
		}
	}
	if strings.Contains(said, "canary") {
		t.Errorf("it shows a secret: %s", said)
	}
}
