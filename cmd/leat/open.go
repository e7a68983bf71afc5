package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/leatdev/leat/conformance/demo"
	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/credential/redisstore"
	"github.com/leatdev/leat/stages"
)

// open opens the file with everything that the command links, its demo server included.
func (a *app) open(ctx context.Context, extra ...pipeline.Option) (*pipeline.Runner, *demoServer, error) {
	server := &demoServer{}
	opts := append([]pipeline.Option{
		pipeline.WithStages(stages.All()...),
		pipeline.WithStores(redisstore.Factory()),
		pipeline.WithPlugins(a.pluginHost()),
		pipeline.WithSet(a.sets...),
		pipeline.WithUpstreamDial("demo", server.dial),
		pipeline.WithLogger(slog.New(slog.DiscardHandler)),
	}, extra...)
	if os.Getenv("DEMO_PASSWORD") == "" {
		opts = append(opts, pipeline.WithSecrets(map[string]string{"DEMO_PASSWORD": demo.DefaultPassword}))
	}
	if err := lendSignerKey(); err != nil {
		return nil, nil, err
	}
	r, err := pipeline.Open(ctx, a.file, opts...)
	if ctx.Err() != nil && err != nil {
		return nil, nil, err
	}
	if err != nil {
		return nil, nil, invalid(err)
	}
	return r, server, nil
}

// lendSignerKey sets the key of the plugin of the demo, whose environment is taken from ours.
func lendSignerKey() error {
	if os.Getenv("DEMO_SIGNER_KEY") != "" {
		return nil
	}
	return os.Setenv("DEMO_SIGNER_KEY", demo.SignerKey)
}

// demoServer is the misbehaving API on a loopback port, started by the first connection to it.
type demoServer struct {
	options demo.Options
	revoke  bool // the first token dies at once

	once   sync.Once
	api    *demo.API
	server *http.Server
	addr   string
	err    error
}

func (d *demoServer) dial(ctx context.Context) (net.Conn, error) {
	if d.once.Do(d.start); d.err != nil {
		return nil, d.err
	}
	return (&net.Dialer{}).DialContext(ctx, "tcp", d.addr)
}

func (d *demoServer) start() {
	d.api = demo.New(d.options)
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0") // it outlives the dial that asks for it
	if err != nil {
		d.err = fmt.Errorf("start the demo server: %w", err)
		return
	}
	d.addr = listener.Addr().String()
	d.server = &http.Server{Handler: d.handler(), ReadHeaderTimeout: 10 * time.Second, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
	go func() { _ = d.server.Serve(listener) }()
}

// handler is the API, with the misfortune that the command line asks for.
func (d *demoServer) handler() http.Handler {
	if !d.revoke {
		return d.api
	}
	var first sync.Once
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d.api.ServeHTTP(w, r)
		if r.URL.Path == "/login" || r.URL.Path == "/token" { // the answer is still in net/http's buffer
			first.Do(d.api.Revoke)
		}
	})
}

// stats returns what the server counted, and false if it never ran.
func (d *demoServer) stats() (demo.Stats, bool) {
	if d.server == nil {
		return demo.Stats{}, false
	}
	return d.api.Stats(), true
}

func (d *demoServer) close() {
	if d.server != nil {
		_ = d.server.Close()
	}
}
