package pipeline

import (
	"context"
	"maps"
	"net/http"
	"time"
)

// CallOption changes one call. The set is closed, so that what a call can ask for is known to conditions, logs and plugins.
type CallOption func(*callOptions)

// callOptions is immutable once it is in a context.
type callOptions struct {
	subject        string
	operation      string
	idempotencyKey string
	idempotent     bool
	noRetry        bool
	skipAuth       bool
	timeout        time.Duration
	labels         map[string]string
	serving        map[string]struct{} // names of the headers of the request that is being served
}

type optionsKey struct{}

var noOptions = &callOptions{}

// With returns a context whose calls carry the options, added to those that ctx has already.
func With(ctx context.Context, opts ...CallOption) context.Context {
	o := *optionsOf(ctx)
	for _, opt := range opts {
		opt(&o)
	}
	return context.WithValue(ctx, optionsKey{}, &o)
}

// Subject says on whose behalf the call is made (a tenant, a user): it chooses the session of a credential that is per subject.
func Subject(id string) CallOption { return func(o *callOptions) { o.subject = id } }

// Operation names what the call does ("charge.create"), for logs, spans and conditions. Keep it free of ids.
func Operation(name string) CallOption { return func(o *callOptions) { o.operation = name } }

// IdempotencyKey sends the key as Idempotency-Key, the same on each resend, and so makes a resend safe.
func IdempotencyKey(key string) CallOption {
	return func(o *callOptions) { o.idempotencyKey, o.idempotent = key, true }
}

// Idempotent says that sending the request twice does no more than sending it once.
func Idempotent() CallOption { return func(o *callOptions) { o.idempotent = true } }

// NoRetry keeps retry from sending the call again. Refresh's one replay after a 401 still happens.
func NoRetry() CallOption { return func(o *callOptions) { o.noRetry = true } }

// SkipAuth keeps auth from attaching a credential, and refresh from acting on a 401.
func SkipAuth() CallOption { return func(o *callOptions) { o.skipAuth = true } }

// Timeout bounds the call in place of the file's `timeout`. A duration that is not positive is ignored.
func Timeout(d time.Duration) CallOption {
	return func(o *callOptions) {
		if d > 0 {
			o.timeout = d
		}
	}
}

// Serving says that the call is made to serve in, a request that came to this program. Of it no more is kept than the names of its
// headers: by one of them a service that calls this one may say that it sends the request again itself; see `nested_header` of retry.
func Serving(in *http.Request) CallOption {
	names := make(map[string]struct{}, len(in.Header))
	for name := range in.Header {
		names[name] = struct{}{}
	}
	return func(o *callOptions) { o.serving = names }
}

// Label attaches a value to the call that conditions see as call.label("key").
func Label(key, value string) CallOption {
	return func(o *callOptions) {
		o.labels = maps.Clone(o.labels)
		if o.labels == nil {
			o.labels = map[string]string{}
		}
		o.labels[key] = value
	}
}

func optionsOf(ctx context.Context) *callOptions {
	if o, ok := ctx.Value(optionsKey{}).(*callOptions); ok {
		return o
	}
	return noOptions
}

// Serves reports whether the call is made to serve a request that came with a header of that name, in canonical form; see [Serving].
func (c *Call) Serves(header string) bool {
	if c == nil {
		return false
	}
	_, ok := c.opts.serving[header]
	return ok
}
