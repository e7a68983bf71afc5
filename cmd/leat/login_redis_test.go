//go:build unix

package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/leatdev/leat/pipeline/credential/redisstore/redistest"
)

func TestLogin_spends_no_token_where_redis_would_not_keep_another(t *testing.T) {
	redis := redistest.Start(t)
	var requests atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		requests.Add(1)
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"access_token":"a-canary","token_type":"Bearer","expires_in":3600,"refresh_token":"r-canary"}`))
	}))
	defer server.Close()
	file := filepath.Join(t.TempDir(), "pipelines.toml")
	text := strings.NewReplacer("REDIS", redis.Addr, "API", server.URL).Replace(`version = 1

[stores.fleet]
type     = "redis"
url      = "redis://REDIS"
username = "leat"
password = { env = "LEAT_TEST_STORE_PASSWORD" }

[credentials.api]
type      = "oauth2"
origins   = ["API"]
store     = "fleet"
grant     = "refresh_token"
token_url = "API/token"
client_id = "leat"
client_secret = { env = "LEAT_TEST_STORE_PASSWORD" }
`)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("LEAT_TEST_STORE_PASSWORD", "hunter3")
	login := func(rights ...string) (int, string) {
		redis.CLI(append([]string{"acl", "setuser", "leat", "reset", "on", ">hunter3", "~leat:*", "&leat:changes", "+@all"}, rights...)...)
		var out, errs bytes.Buffer
		args := []string{"login", "api", "-c", file, "--refresh-token-stdin"}
		code := shipped().run(t.Context(), args, stdio{strings.NewReader("given"), &out, &errs})
		return code, errs.String()
	}
	for _, right := range []string{"-hset", "-evalsha", "-persist"} {
		if code, said := login(right); code != exitStore || !strings.Contains(said, "docs/fleet.md") || requests.Load() != 0 {
			t.Errorf("%s: exit %d after %d requests, want %d after none: %s", right, code, requests.Load(), exitStore, said)
		}
	}
	if code, said := login(); code != 0 || requests.Load() != 1 {
		t.Errorf("with all rights: exit %d after %d requests: %s", code, requests.Load(), said)
	}

	redis.CLI("hset", strings.TrimSpace(redis.CLI("keys", "leat:*:record")), "d", "damaged")
	if code, said := login(); code != exitStore || !strings.Contains(said, "logout -c "+file+" api --force removes it") || requests.Load() != 1 {
		t.Errorf("over a damaged record: exit %d after %d requests: %s", code, requests.Load(), said)
	}
	var out, errs bytes.Buffer
	if code := shipped().run(t.Context(), []string{"logout", "api", "-c", file, "--force"}, stdio{strings.NewReader(""), &out, &errs}); code != 0 {
		t.Errorf("logout --force: exit %d: %s", code, errs.String())
	}
	if code, said := login(); code != 0 || requests.Load() != 2 {
		t.Errorf("afterwards: exit %d after %d requests: %s", code, requests.Load(), said)
	}
}
