package redisstore

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

// pauses stand between the tries of one question: enough for a Redis that restarts. The scripts are written so that a resend does no harm.
var pauses = [...]time.Duration{50 * time.Millisecond, 150 * time.Millisecond, 350 * time.Millisecond}

// do asks Redis, within the store's timeout. It returns as soon as ctx ends: go-redis notices a deadline, but no cancellation. What then
// still comes of the question goes to each lost.
func do[T any](ctx context.Context, s *store, doing string, ask func(context.Context, redis.UniversalClient) (T, error), lost ...func(T, error)) (T, error) {
	type answer struct {
		got T
		err error
	}
	var none T
	if ctx.Err() != nil {
		return none, context.Cause(ctx)
	}
	limited, cancel := context.WithTimeout(ctx, s.config.Timeout)
	answers := make(chan answer)
	var before atomic.Pointer[error] // why earlier tries failed tells more than that the last one took too long
	ok := s.start(func() {
		defer cancel()
		got, err := again(limited, s, ask, &before)
		select {
		case answers <- answer{got, err}:
		case <-limited.Done():
			for _, f := range lost {
				f(got, err)
			}
		}
	})
	if !ok {
		cancel()
		return none, s.fault(doing, errClosed)
	}
	var a answer
	select {
	case a = <-answers:
	case <-limited.Done():
		a.err = limited.Err()
	}
	why := before.Load()
	switch {
	case a.err == nil:
		return a.got, nil
	case ctx.Err() != nil:
		return none, context.Cause(ctx)
	case why != nil && limited.Err() != nil:
		return none, s.fault(doing, *why)
	}
	return none, s.fault(doing, a.err)
}

// again asks until there is an answer, a failure that another try does not mend, or no try left.
func again[T any](ctx context.Context, s *store, ask func(context.Context, redis.UniversalClient) (T, error), before *atomic.Pointer[error]) (T, error) {
	for i := 0; ; i++ {
		var got T
		client, err := s.connect(ctx)
		if err == nil {
			got, err = ask(ctx, client)
		}
		if err == nil || i == len(pauses) || !passing(err) || ctx.Err() != nil {
			return got, err
		}
		before.Store(&err)
		timer := time.NewTimer(pauses[i])
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return got, err
		}
	}
}

// passing reports whether a failure may be over soon.
func passing(err error) bool {
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return false
	}
	if _, ok := errors.AsType[net.Error](err); ok || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return true
	}
	signs := []string{"LOADING ", "READONLY ", "MASTERDOWN ", "CLUSTERDOWN ", "TRYAGAIN ", "max number of clients reached", "use of closed network connection"}
	return slices.ContainsFunc(signs, func(sign string) bool { return strings.Contains(err.Error(), sign) })
}
