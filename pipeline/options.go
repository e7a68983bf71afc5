package pipeline

import (
	"context"
	"crypto/x509"
	"log/slog"
	"maps"
	"net"
	"net/http"

	"go.opentelemetry.io/otel/trace"

	"github.com/leatdev/leat/pipeline/credential"
	"github.com/leatdev/leat/pipeline/redact"
)

// Option is given to [Open] and [New].
type Option func(*runnerOptions)

type runnerOptions struct {
	stages      []Factory
	credentials []credential.Factory
	stores      []credential.StoreFactory
	given       map[string]credential.Store
	transports  map[string]http.RoundTripper
	handlers    map[string]http.Handler
	dials       map[string]func(context.Context) (net.Conn, error)
	secrets     map[string]redact.Secret
	secretsFrom func(reference string) (string, bool)
	sets        []string
	environ     func() []string
	logger      *slog.Logger
	tracer      trace.TracerProvider
	redaction   redact.Rules
	observe     func(*Call, Event)
	network     *Network
	wrap        func(http.RoundTripper) http.RoundTripper
	random      func() float64
	plugins     PluginHost
}

// WithStages links stage types, as in WithStages(stages.All()...).
func WithStages(f ...Factory) Option {
	return func(o *runnerOptions) { o.stages = append(o.stages, f...) }
}

// WithCredentials links credential types beside leat's own.
func WithCredentials(f ...credential.Factory) Option {
	return func(o *runnerOptions) { o.credentials = append(o.credentials, f...) }
}

// WithPlugins links a host for the file's [plugins.NAME], as in WithPlugins(host.New()). Without one, a pipeline that needs a plugin can't be used.
func WithPlugins(h PluginHost) Option { return func(o *runnerOptions) { o.plugins = h } }

// WithStores links store types beside leat's own, as in WithStores(redisstore.Factory()).
func WithStores(f ...credential.StoreFactory) Option {
	return func(o *runnerOptions) { o.stores = append(o.stores, f...) }
}

// WithStore has s take the place of [stores.NAME]; the name "*" is every store of the file that no other WithStore names, as for tests
// that must touch neither disk nor network. Who gives a store closes it, after the runner.
func WithStore(name string, s credential.Store) Option {
	return func(o *runnerOptions) {
		o.given = maps.Clone(o.given)
		if o.given == nil {
			o.given = map[string]credential.Store{}
		}
		o.given[name] = s
	}
}

// WithTransport has rt take the place of [transports.NAME]; the name "default" is the transport of pipelines that name none. The name "*"
// is every transport and every upstream, whatever else is given: then no request goes anywhere else.
func WithTransport(name string, rt http.RoundTripper) Option {
	return func(o *runnerOptions) { o.transports[name] = rt }
}

// Network takes the place of the machine's own: see [WithNetwork].
type Network struct {
	// Dial makes every connection; address is "host:port", the name not resolved. connect_timeout bounds it.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// RootCAs is what TLS trusts, in place of the system's roots and of the file's `ca`; `cert` and `key` are not read.
	RootCAs *x509.CertPool
}

// WithWrappedTransports has f wrap every transport. What f returns sees each physical request as it goes out, credentials included and
// token requests too, and each answer as it comes: for recordings and for measuring. It must keep the contract of http.RoundTripper.
func WithWrappedTransports(f func(http.RoundTripper) http.RoundTripper) Option {
	return func(o *runnerOptions) { o.wrap = f }
}

// WithNetwork has every transport connect through n, for tests and simulations: pools, TLS, HTTP/2 and timeouts stay those of the file.
// The environment's proxy is not used; symbolic origins that no upstream serves are dialled as "NAME.localhost:80".
func WithNetwork(n Network) Option { return func(o *runnerOptions) { o.network = &n } }

// WithRandom has f draw all jitter, from [0, 1), by any goroutine: for tests that must come out alike each time. Default is math/rand/v2.
func WithRandom(f func() float64) Option { return func(o *runnerOptions) { o.random = f } }

// WithUpstream serves the symbolic origins "NAME:" and "NAME:SUB" of the file by a handler, in memory.
func WithUpstream(name string, h http.Handler) Option {
	return func(o *runnerOptions) { o.handlers[name] = h }
}

// WithUpstreamDial serves the symbolic origins of name by whatever dial connects to.
func WithUpstreamDial(name string, dial func(context.Context) (net.Conn, error)) Option {
	return func(o *runnerOptions) { o.dials[name] = dial }
}

// WithSecrets gives secrets by the name of their environment variable or of their [secrets.NAME] table; they win over both.
func WithSecrets(m map[string]string) Option {
	return func(o *runnerOptions) {
		for k, v := range m {
			o.secrets[k] = redact.NewSecret(v)
		}
	}
}

// WithSecretsFrom asks f for each secret that [WithSecrets] does not give, before the file's own reference is followed. f gets the
// reference as it prints: "env NAME", "secret NAME", "file PATH", "cmd PROGRAM".
func WithSecretsFrom(f func(reference string) (value string, ok bool)) Option {
	return func(o *runnerOptions) { o.secretsFrom = f }
}

func (o *runnerOptions) secret(reference, name string) (string, bool) {
	if v, ok := o.secrets[name]; ok && name != "" {
		return v.Reveal(), true
	}
	if o.secretsFrom == nil {
		return "", false
	}
	return o.secretsFrom(reference)
}

// WithSet sets values over the file's and the environment's, as in WithSet("pipelines.api.timeout=5s"). [Open] and [OpenBytes] read it; [New] does not.
func WithSet(assignments ...string) Option {
	return func(o *runnerOptions) { o.sets = append(o.sets, assignments...) }
}

// WithEnviron has [Open] and [OpenBytes] take LEAT_… overlays from environ in place of os.Environ(); nil means none.
func WithEnviron(environ []string) Option {
	return func(o *runnerOptions) { o.environ = func() []string { return environ } }
}

// WithLogger sets the logger of stages and sessions; default is slog.Default().
func WithLogger(l *slog.Logger) Option { return func(o *runnerOptions) { o.logger = l } }

// WithTracerProvider sets where spans go; default is OpenTelemetry's global provider.
func WithTracerProvider(p trace.TracerProvider) Option {
	return func(o *runnerOptions) { o.tracer = p }
}

// WithRedaction adds to what is redacted, and to what logs may show.
func WithRedaction(rules redact.Rules) Option {
	return func(o *runnerOptions) { o.redaction = rules }
}

// WithObserver has f called for each event of each call, as it happens, on the call's goroutine: f must be quick and safe for
// concurrent use.
func WithObserver(f func(*Call, Event)) Option { return func(o *runnerOptions) { o.observe = f } }
