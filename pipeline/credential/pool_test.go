package credential

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leatdev/leat/pipeline/redact"
)

func newTestPool(t *testing.T, perSubject bool, k *tokens, limit int) *Pool {
	p := NewPool("demo", perSubject, func(string) (SessionConfig, error) { return SessionConfig{Source: k}, nil }, PoolOptions{MaxSessions: limit})
	t.Cleanup(func() { _ = p.Close() })
	return p
}

func session(t *testing.T, p *Pool, subject string) *Session {
	t.Helper()
	s, err := p.Session(subject)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestPool(t *testing.T) {
	for name, test := range map[string]func(*testing.T){
		"one_session_per_subject": func(t *testing.T) {
			p := newTestPool(t, true, &tokens{}, 0)
			a := session(t, p, "a")
			if a != session(t, p, "a") || a == session(t, p, "b") || a.Subject() != "a" || a.Name() != "demo" {
				t.Fatal("wrong session")
			}
			if _, err := p.Session(""); err == nil {
				t.Fatal("no subject is no error")
			}
		},
		"one_session_for_all_without_subjects": func(t *testing.T) {
			p := newTestPool(t, false, &tokens{}, 0)
			if s := session(t, p, "a"); s != session(t, p, "") || s.Subject() != "" {
				t.Fatal("wrong session")
			}
		},
		"one_build_for_concurrent_callers": func(t *testing.T) {
			builds := 0
			p := NewPool("demo", true, func(string) (SessionConfig, error) { builds++; return SessionConfig{Source: &tokens{}}, nil }, PoolOptions{})
			var all sync.WaitGroup
			for range 100 {
				all.Go(func() { _, _ = p.Session("a") })
			}
			all.Wait()
			if builds != 1 {
				t.Fatalf("%d builds", builds)
			}
		},
		"a_build_that_fails_is_tried_again": func(t *testing.T) {
			fail := errors.New("no")
			p := NewPool("demo", true, func(string) (SessionConfig, error) { return SessionConfig{Source: &tokens{}}, fail }, PoolOptions{})
			if _, err := p.Session("a"); err != fail {
				t.Fatal(err)
			}
			fail = nil
			session(t, p, "a")
		},
		"evicts_idle_sessions_and_their_tokens_survive": func(t *testing.T) {
			k := &tokens{}
			p := newTestPool(t, true, k, 10)
			busy := session(t, p, "busy")
			acquire(t, busy)
			for i := range 1000 {
				acquire(t, session(t, p, fmt.Sprint("subject-", i)))
				if session(t, p, "busy") != busy {
					t.Fatalf("the busy session was evicted at %d", i)
				}
				if n := len(p.Sessions()); n > 10 || n != len(p.sessions) {
					t.Fatalf("%d sessions, %d in the map", n, len(p.sessions))
				}
			}
			wantCalls(t, k, 1001)
			acquire(t, session(t, p, "subject-0"))
			wantCalls(t, k, 1001)
		},
		"never_evicts_what_only_the_session_knows": func(t *testing.T) {
			k := &tokens{latency: time.Second}
			store := &faultyStore{Store: NewMemoryStore()}
			p := NewPool("demo", true, func(string) (SessionConfig, error) { return SessionConfig{Source: k, Store: store}, nil }, PoolOptions{MaxSessions: 4})
			defer func() { _ = p.Close() }()
			store.set(func(op string) error {
				if op == "save" {
					return errors.New("away")
				}
				return nil
			})
			unsaved := session(t, p, "unsaved")
			acquire(t, unsaved)
			store.set(nil)
			flying := session(t, p, "flying")
			flying.Renew()
			for i := range 20 {
				session(t, p, fmt.Sprint("subject-", i))
			}
			if session(t, p, "unsaved") != unsaved || session(t, p, "flying") != flying {
				t.Fatal("evicted")
			}
		},
		"an_evicted_session_and_its_successor_renew_once": func(t *testing.T) {
			k := &tokens{latency: time.Second}
			p := newTestPool(t, true, k, 1)
			old := session(t, p, "a")
			acquire(t, old)
			synctest.Wait() // the flight has woken its waiters before it is over
			for session(t, p, "b"); session(t, p, "a") == old; {
				t.Fatal("not evicted")
			}
			next := session(t, p, "a")
			acquire(t, next)
			old.Reject(1)
			next.Reject(1)
			var all sync.WaitGroup
			for _, s := range []*Session{old, next} {
				all.Go(func() { _, _ = s.Acquire(t.Context()) })
			}
			all.Wait()
			wantCalls(t, k, 2)
			_ = old.Close()
		},
		"close_closes_all": func(t *testing.T) {
			p := newTestPool(t, true, &tokens{latency: time.Second}, 0)
			began := time.Now()
			for i := range 50 {
				session(t, p, fmt.Sprint(i)).Renew()
			}
			a := session(t, p, "1")
			if err := p.Close(); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(began); took != time.Second {
				t.Fatalf("took %s: the flights were waited for one by one", took)
			}
			wantStatus(t, a, StatusClosed)
			if _, err := p.Session("new"); err == nil {
				t.Fatal("a closed pool builds")
			}
		},
	} {
		t.Run(name, func(t *testing.T) { synctest.Test(t, test) })
	}
}

// No text form of any value shows a token.
func TestNothingPrintsASecret(t *testing.T) {
	const canary = "canary-7f3a"
	secret := redact.NewSecret(canary)
	token := Token{Access: secret, Refresh: secret}
	source := leaky{secret: secret, text: canary}
	config := SessionConfig{Name: "demo", Subject: "acme", Source: source}
	s := NewSession(config)
	if err := s.Set(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	p := NewPool("demo", true, func(string) (SessionConfig, error) { return config, nil }, PoolOptions{})
	ps := session(t, p, "acme")
	defer func() { _, _ = s.Close(), p.Close() }()
	n := s.Peek()
	record, _ := s.config.Store.Load(t.Context(), s.key)
	view := s.view.Load()
	type holder struct {
		s *Session
		n *Snapshot
		c SessionConfig
	}
	for _, v := range []any{
		struct{ n Snapshot }{*n}, struct{ t Token }{token}, token, &token, *n, n, s, config, &config, record, &record, s.State(), p, ps, view, *view, holder{s, n, SessionConfig{}}, &holder{s, n, SessionConfig{}},
		&flight{snap: n}, s.errorf(StatusDead, ErrLoginRequired), s.config.Store, []*Snapshot{n}, map[string]Token{"a": token},
	} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			if text := fmt.Sprintf(verb, v); strings.Contains(text, canary) || strings.Contains(text, fmt.Sprintf("%x", canary)) {
				t.Errorf("%s of %T: %s", verb, v, text)
			}
		}
		if text, err := json.Marshal(v); err == nil && strings.Contains(string(text), canary) {
			t.Errorf("JSON of %T: %s", v, text)
		}
		var log strings.Builder
		slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "v", v)
		slog.New(slog.NewTextHandler(&log, nil)).Info("x", "v", v)
		if strings.Contains(log.String(), canary) {
			t.Errorf("slog of %T: %s", v, log.String())
		}
	}
}

// leaky is a source that fmt would print.
type leaky struct {
	secret redact.Secret
	text   string
}

func (l leaky) Obtain(context.Context) (Token, error)         { return Token{Access: l.secret}, nil }
func (l leaky) Refresh(context.Context, Token) (Token, error) { return Token{Access: l.secret}, nil }
