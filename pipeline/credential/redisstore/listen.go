package redisstore

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	minPause = 100 * time.Millisecond
	maxPause = 5 * time.Second
)

// listen starts the one subscription of the store, once.
func (s *store) listen() {
	s.hub.mu.Lock()
	started := s.hub.started
	s.hub.started = true
	s.hub.mu.Unlock()
	if !started {
		s.start(s.subscribe)
	}
}

// subscribe keeps the subscription up until the store is closed.
func (s *store) subscribe() {
	pause, complained := minPause, false
	for s.life.Err() == nil {
		stood, err := s.hear()
		s.stands(false)
		if s.life.Err() != nil {
			return
		}
		if stood {
			pause, complained = minPause, false
		}
		if !complained {
			s.log.Warn("changes that other processes make are not heard at once; the store tries to subscribe again", "error", s.fault("subscribing", err))
			complained = true
		}
		timer := time.NewTimer(pause/2 + rand.N(pause))
		select {
		case <-timer.C:
		case <-s.life.Done():
			timer.Stop()
		}
		pause = min(2*pause, maxPause)
	}
}

var errSilent = errors.New("the subscription does not answer")

// hear is one subscription. It reports whether it ever stood.
func (s *store) hear() (stood bool, err error) {
	client, err := s.connect(s.life)
	if err != nil {
		return false, err
	}
	sub := client.Subscribe(s.life, s.channel())
	defer func() { _ = sub.Close() }()
	defer context.AfterFunc(s.life, func() { _ = sub.Close() })() // wakes a Receive
	asked := false
	for {
		got, err := sub.ReceiveTimeout(s.life, s.config.Lease)
		if e, ok := errors.AsType[net.Error](err); ok && e.Timeout() && s.life.Err() == nil {
			// A link that is half open says nothing, as a healthy one does where nothing changes.
			if asked {
				return stood, errSilent
			}
			asked = true
			err = sub.Ping(s.life)
		}
		if err != nil {
			return stood, err
		}
		switch m := got.(type) {
		case *redis.Subscription:
			stood = true
			s.stands(true)
		case *redis.Message:
			s.heard(m.Payload)
		case nil:
			continue
		}
		asked = false
	}
}
