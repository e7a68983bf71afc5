package plugins

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"reflect"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"
	"google.golang.org/grpc"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/plugins/internal/served"
	"github.com/leatdev/leat/plugins/internal/wire"
)

// Options are what [Run] is given. Without more than Stages it is what [Serve] does.
type Options struct {
	// Stages makes the stages of each type that is served. Required.
	Stages []pipeline.Factory
	// Name is the program's, for people. Default: its file's.
	Name string
	// Version is the program's, for people. Default: its module's.
	Version string
	// Random draws jitter for the stages, from [0, 1), by any goroutine. Default: math/rand/v2.
	Random func() float64
	// Around is called with the life of each host's session and must call it; everything that stages do happens in run or in goroutines
	// that descend from it. A test runs it in virtual time, which then follows the host's. Default: run is called.
	Around func(run func())
}

// Serve is the whole main of a plugin: it serves stages of the given types to the host that has started the program, and does not return.
// Run by hand the program says what it is and how a file uses it. It ends when its host does, whatever became of that; SIGTERM lets what is
// under way end first, and an interrupt from the terminal is the host's business.
//
// With LEAT_PLUGIN_DEV=/path/of/a/socket in its environment a program that no host has started serves on that socket, for development: under
// a debugger, say. `leat plugin dev` prints the path, and `leat send --attach` uses the program. It ends by an interrupt or SIGTERM.
//
// Since the process is the plugin's alone, Serve sets OpenTelemetry's global tracer provider and propagator, unless the program has:
// what instrumented libraries record within an exchange then goes to the host, without an exporter here.
func Serve(factories ...pipeline.Factory) {
	if err := Run(Options{Stages: factories}); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", os.Args[0], err)
		os.Exit(exitInternal)
	}
	os.Exit(0)
}

// Run is [Serve] with options. It returns with an error where they are wrong, with nil once a program under development was interrupted, and else not at
// all: it ends the process.
func Run(o Options) error {
	p := program{options: o, factories: o.Stages, stdout: os.Stdout, stderr: os.Stderr}
	p.name = cmp.Or(o.Name, strings.TrimSuffix(filepath.Base(os.Args[0]), ".exe"))
	p.version = cmp.Or(o.Version, mainVersion())
	if err := p.check(); err != nil {
		return err
	}
	if os.Getenv(wire.CookieKey) != wire.CookieValue {
		if socket := os.Getenv(wire.DevEnv); socket != "" {
			return p.develop(socket)
		}
		os.Exit(p.byHand(os.Args[1:]))
	}
	p.serve()
	p.leave(0)
	return nil
}

// program is a plugin as its main sees it.
type program struct {
	options        Options
	factories      []pipeline.Factory
	name, version  string
	stdout, stderr io.Writer
}

// check refuses what is the author's mistake.
func (p *program) check() error {
	seen := map[string]bool{}
	for _, f := range p.factories {
		switch {
		case f.IsZero():
			return errors.New("plugins.Serve: a factory is the zero value: make it with pipeline.Define")
		case f.Type() == "" || strings.Trim(f.Type(), typeLetters) != "":
			return fmt.Errorf("plugins.Serve: type %q: a name is made of letters, digits, hyphens and underscores", f.Type())
		case seen[f.Type()]:
			return fmt.Errorf("plugins.Serve: type %q is there twice", f.Type())
		}
		seen[f.Type()] = true
	}
	if len(p.factories) == 0 {
		return errors.New("plugins.Serve: no stage types are given")
	}
	return nil
}

const typeLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"

func (p *program) server() *served.Server {
	return served.New(served.Options{Name: p.name, Version: p.version, Around: p.options.Around, Random: p.options.Random, Stages: p.factories})
}

// serve returns once the host has asked for that.
func (p *program) serve() {
	p.followHost()
	collectLess()
	installTracing()
	server := p.server()
	p.drainOnTerm(server)
	plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig:  plugin.HandshakeConfig{MagicCookieKey: wire.CookieKey, MagicCookieValue: wire.CookieValue},
		VersionedPlugins: map[int]plugin.PluginSet{wire.ProtocolVersion: {wire.DispenseName: &service{server: server}}},
		GRPCServer: func(opts []grpc.ServerOption) *grpc.Server {
			return grpc.NewServer(append(opts, served.ServerOptions()...)...)
		},
		Logger: hclog.New(&hclog.LoggerOptions{Level: hclog.Error, Output: os.Stderr, JSONFormat: true}),
	})
}

// followHost ends the process with its host: that holds the other end of standard input for as long as it lives.
func (p *program) followHost() {
	info, err := os.Stdin.Stat()
	if err != nil || info.Mode()&(os.ModeNamedPipe|os.ModeSocket) == 0 {
		return
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		p.leave(0)
	}()
}

// drainTime is how long a plugin that was told to end waits for its hosts to leave.
const drainTime = 10 * time.Second

func (p *program) drainOnTerm(server *served.Server) {
	signal.Notify(make(chan os.Signal, 1), os.Interrupt) // nobody reads it: go-plugin begins to ignore them later than a host can send one
	term := make(chan os.Signal, 2)
	signal.Notify(term, syscall.SIGTERM)
	go func() {
		<-term
		select {
		case <-server.Drain():
		case <-term:
		case <-time.After(drainTime):
		}
		p.leave(0)
	}()
}

// leave ends the process, and takes along the folder that the host has made for its socket.
func (p *program) leave(code int) {
	dir := os.Getenv(wire.SocketDirEnv)
	entries, err := os.ReadDir(dir)
	if dir != "" && err == nil {
		for _, e := range entries {
			if e.Type()&os.ModeSocket != 0 {
				_ = os.Remove(filepath.Join(dir, e.Name())) //nolint:gosec // the folder is from who started the program
			}
		}
		_ = os.Remove(dir) //nolint:gosec // likewise; and only if that was all
	}
	os.Exit(code)
}

// gcPercent has the collector begin at 16 MiB in place of 4: exchanges leave a few KiB each, and at Go's own setting a busy plugin spends a
// third of its time on collections of a heap that holds next to nothing.
const gcPercent = 400

// collectLess sets that, unless the environment says something about it: a plugin's table can, by env = ["GOGC=100"].
func collectLess() {
	if os.Getenv("GOGC") == "" && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetGCPercent(gcPercent)
	}
}

// installTracing sets what instrumented libraries look for, unless the program has set it.
func installTracing() {
	if reflect.TypeOf(otel.GetTracerProvider()).String() != "*global.tracerProvider" {
		return
	}
	otel.SetTracerProvider(served.TracerProvider{})
	otel.SetTextMapPropagator(propagation.TraceContext{})
}

// service tells go-plugin what to serve.
type service struct {
	plugin.NetRPCUnsupportedPlugin
	server *served.Server
}
