package credential

import (
	"context"
)

// Refresh renews now, also a token that is fresh and in cooldown: for a person, or a program, that knows it to be needed. It looks into
// the store first, takes the turn as any renewal does, and joins a flight that runs. Who stored a newer token at this moment is
// followed. A failure leaves a good token in service. Dead and logged out it fails: then only a login helps. If ctx ends first, the
// renewal goes on in the background. The error is an *Error, or the cause of ctx.
func (s *Session) Refresh(ctx context.Context) error {
	if err := s.lookNow(ctx); err != nil {
		return err
	}
	f, err := s.force(ctx)
	if err != nil {
		return err
	}
	select {
	case <-f.done:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if f.err != nil {
		return f.err
	}
	return nil
}

// lookNow has the session know what the store holds; it may have been opened for this call alone.
func (s *Session) lookNow(ctx context.Context) error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return s.view.Load().err
	}
	s.running.Add(1)
	s.mu.Unlock()
	looked := make(chan struct{})
	go func() {
		defer s.running.Done()
		defer close(looked)
		s.look()
	}()
	select {
	case <-looked:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// force returns the flight that runs, or starts one whatever the token's age.
func (s *Session) force(leader context.Context) (*flight, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if v := s.view.Load(); v.ended != "" {
		return nil, v.err
	}
	if s.flight == nil {
		s.takeOff(leader)
	}
	return s.flight, nil
}
