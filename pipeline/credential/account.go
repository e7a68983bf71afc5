package credential

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/leatdev/leat/pipeline/redact"
)

// Set stores a token that the program got elsewhere. Its lifetime counts from now. It takes effect at once, wins over a flight
// that runs, and revives a session that is dead or logged out. That the store fails is no error of Set: the token serves,
// State says so, and the write is tried again.
func (s *Session) Set(ctx context.Context, t Token) error {
	if t.Access.IsZero() {
		return fmt.Errorf("credential %q: the token to set holds no access token", s.config.Name)
	}
	if t.Lifetime < 0 {
		return fmt.Errorf("credential %q: the token to set has a negative lifetime", s.config.Name)
	}
	s.learn(t)
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return s.view.Load().err
	}
	n := newSnapshot(s.generation+1, t, s.config.Place, time.Now(), s.early)
	s.install(&view{snap: n, unsaved: true, byHand: true})
	s.mu.Unlock()
	_ = s.saveNow(ctx)
	return nil
}

// Login logs in with fields (user, password, …, as the credential's type names them) and revives a session that is dead or
// logged out. It waits for a flight that runs; a login that fails changes nothing. If ctx ends first, the request goes on in
// the background and its token still counts. A logout or another token that comes while it runs wins.
func (s *Session) Login(ctx context.Context, fields map[string]redact.Secret) error {
	source, ok := s.config.Source.(Loginer)
	if !ok {
		return s.errorf(s.State().Status, errors.New("this type of credential has no login"))
	}
	fields = maps.Clone(fields)
	for name, secret := range fields {
		if !secret.IsZero() && name != "user" && name != "username" && name != "email" {
			s.config.Learn(secret)
		}
	}
	if err := s.request.take(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		s.request.give()
		return s.view.Load().err
	}
	began := s.generation
	s.loggingIn = true
	s.running.Add(1)
	s.mu.Unlock()

	done := make(chan error, 1)
	go func() {
		defer s.running.Done()
		defer s.loggedIn()
		err := errors.New("the login ended early")
		defer func() { done <- err }() // deferred, because a source may end its goroutine
		defer s.request.give()
		err = s.login(detached(ctx), source, fields, began)
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (s *Session) login(ctx context.Context, source Loginer, fields map[string]redact.Secret, began uint64) error {
	ctx, cancel := context.WithTimeout(ctx, s.config.FlightTimeout)
	defer cancel()
	got, sent, err := s.attempts(ctx, &resends{random: s.config.Random}, always, func(ctx context.Context) (Token, error) { return source.Login(ctx, fields) })
	if err != nil {
		return s.errorf(s.State().Status, err)
	}
	s.learn(got)
	next := &view{snap: newSnapshot(began+1, got, s.config.Place, sent, s.early), byHand: true}
	if !s.deliver(context.WithoutCancel(ctx), began, next, func(Record) bool { return false }) {
		return s.errorf(s.State().Status, errors.New("a logout or another token came while logging in, and counts"))
	}
	return nil
}

// loggedIn has the session listen to its store again.
func (s *Session) loggedIn() {
	s.mu.Lock()
	missed := s.missed
	s.loggingIn, s.missed = false, false
	s.mu.Unlock()
	if missed {
		s.looker.add(s)
	}
}

// Logout forgets the token here and in the store. A flight that runs brings nothing any more; its waiters fail at once. Login
// and Set open the session again. An error means that the store still holds the token; deleting it is tried again behind.
func (s *Session) Logout(ctx context.Context) error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return s.view.Load().err
	}
	s.generation++
	s.failures, s.storms, s.refusals = 0, 0, nil
	out := s.errorf(StatusClosed, fmt.Errorf("logged out: %w", ErrLoginRequired))
	s.settle(&view{ended: StatusClosed, err: out, unsaved: true, byHand: true, left: time.Now()}, nil, out)
	s.mu.Unlock()
	if err := s.saveNow(ctx); err != nil {
		return s.errorf(StatusClosed, fmt.Errorf("deleting the stored token: %w", err))
	}
	return nil
}

func (s *Session) learn(t Token) {
	for _, secret := range []redact.Secret{t.Access, t.Refresh} {
		if !secret.IsZero() {
			s.config.Learn(secret)
		}
	}
}
