package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/leatdev/leat/conformance/demo"
)

// tokenServer is the demo API, for scripts of several commands, and knows each secret that it gave or took.
type tokenServer struct {
	api     *demo.API
	refuses atomic.Bool // refresh tokens

	mu      sync.Mutex
	secrets []string
}

type tokenServerKey struct{}

var givenToken = regexp.MustCompile(`"(?:access|refresh)_token":\s*"([^"]+)"`)

// serveTokens starts a server and names it in the script's files, where they say http://API, and in $API.
func serveTokens(env *testscript.Env) error {
	s := &tokenServer{api: demo.New(demo.Options{TokenLifetime: time.Hour}), secrets: []string{demo.DefaultPassword, demo.ClientSecret}}
	server := httptest.NewServer(s)
	env.Defer(server.Close)
	env.Values[tokenServerKey{}] = s
	env.Setenv("API", server.URL)
	env.Setenv("PASSWORD", demo.DefaultPassword)
	return filepath.WalkDir(env.WorkDir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		text = bytes.ReplaceAll(text, []byte("http://API"), []byte(server.URL))
		return os.WriteFile(path, bytes.ReplaceAll(text, []byte("$PASSWORD"), []byte(demo.DefaultPassword)), 0o600)
	})
}

func (s *tokenServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.refuses.Load() && r.URL.Path == "/refresh" {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(`{"error":"invalid_grant"}`))
		return
	}
	answer := httptest.NewRecorder()
	s.api.ServeHTTP(answer, r)
	s.mu.Lock()
	for _, m := range givenToken.FindAllStringSubmatch(answer.Body.String(), -1) {
		s.secrets = append(s.secrets, m[1])
	}
	s.mu.Unlock()
	maps.Copy(w.Header(), answer.Header())
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes())
}

// safe is exits, and wants none of the server's secrets in what the command writes: safe 0 leat credential list
func safe(ts *testscript.TestScript, neg bool, args []string) {
	exits(ts, neg, args)
	s := ts.Value(tokenServerKey{}).(*tokenServer)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, out := range []string{"stdout", "stderr"} {
		text := ts.ReadFile(out)
		if i := slices.IndexFunc(s.secrets, func(secret string) bool { return strings.Contains(text, secret) }); i >= 0 {
			ts.Fatalf("%s shows a secret of the server", out)
		}
	}
}

// server changes the token server, or says what it must have counted: server logins=1 refreshes=0; server refuse; server revoke; server grant FILE
func server(ts *testscript.TestScript, _ bool, args []string) {
	s := ts.Value(tokenServerKey{}).(*tokenServer)
	switch args[0] {
	case "refuse":
		s.refuses.Store(true)
		return
	case "accept":
		s.refuses.Store(false)
		return
	case "grant":
		s.grant(ts, args[1])
		return
	}
	stats := s.api.Stats()
	got := fmt.Sprintf("logins=%d refreshes=%d", stats.Logins, stats.Refreshes)
	if want := strings.Join(args, " "); got != want {
		ts.Fatalf("the server counted %s, want %s", got, want)
	}
}

// grant has the server begin a session, and writes its refresh token into a file.
func (s *tokenServer) grant(ts *testscript.TestScript, file string) {
	w := httptest.NewRecorder()
	body := strings.NewReader(`{"user":"ada","password":"` + demo.DefaultPassword + `"}`)
	s.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/login", body))
	m := regexp.MustCompile(`"refresh_token":\s*"([^"]+)"`).FindStringSubmatch(w.Body.String())
	if m == nil {
		ts.Fatalf("no refresh token: %d", w.Code)
	}
	ts.Check(os.WriteFile(ts.MkAbs(file), []byte(m[1]+"\n"), 0o600))
}
