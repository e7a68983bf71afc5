package host

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"google.golang.org/grpc"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/redact"
	"github.com/leatdev/leat/plugins/internal/wire"
)

// What a stage of Direct has in place of what a file would say.
const (
	directTimeout  = 30 * time.Second // long: a test has a deadline of its own
	directInFlight = 64
)

// Direct makes the factory of a type that a plugin serves at the other end of cc: nothing is started, restarted or pinned, and whatever the
// type asks for is granted. It is for tests, which use it by package plugins/plugintest, and for a plugin that runs in a debugger. name
// stands for the plugin in messages; the factory's type is typ alone, so that a file uses it as it would use a built-in. cc must be made with
// grpc.ForceCodecV2 of the protocol's codec. Each runner opens one session, which ends with the last of its stages.
func Direct(ctx context.Context, cc grpc.ClientConnInterface, name, typ string) (pipeline.Factory, error) {
	client := wire.NewPluginClient(cc)
	answer, err := client.Describe(ctx, &wire.DescribeRequest{HostVersion: version(), Capabilities: wire.HostCapabilities()})
	if err != nil {
		return pipeline.Factory{}, fmt.Errorf("plugin %s: %w", name, err)
	}
	iface, err := interfaceFrom(answer)
	if err != nil {
		return pipeline.Factory{}, fmt.Errorf("plugin %s: what it says about itself can't be used: %w", name, err)
	}
	of, ok := iface.Type(typ)
	if !ok {
		return pipeline.Factory{}, fmt.Errorf("plugin %s serves no type %q", name, typ)
	}
	config := directConfig{typ: typ, client: client}
	return pipeline.Define(typ, config, func(c directConfig, s pipeline.Settings) (pipeline.Stage, error) {
		if s.Remote == nil {
			s.Remote = &pipeline.RemoteConfig{Timeout: directTimeout}
		}
		plugin := s.State("shared:direct:"+name, func() any { return &direct{cc: cc, name: name, logger: s.Log(), redactor: s.Redact()} }).(*direct)
		plugin.join()
		text := c.json
		if text == nil {
			text = []byte("{}")
		}
		stage, err := newStage(stageOptions{plugin: plugin, name: name, typ: typ, config: text, settings: s, start: directTimeout})
		if err != nil {
			return nil, errors.Join(err, plugin.leave())
		}
		return stage, nil
	}).WithNeeds(of.Needs), nil
}

// directConfig is a table that the plugin judges.
type directConfig struct {
	typ    string
	client wire.PluginClient
	json   []byte
}

// UnmarshalConfig reads the table, and asks the plugin what it makes of it.
func (c *directConfig) UnmarshalConfig(value any) error {
	text, err := configJSON(value)
	if err != nil {
		return err
	}
	c.json = text
	ctx, cancel := context.WithTimeout(context.Background(), directTimeout)
	defer cancel()
	answer, err := c.client.Check(ctx, &wire.CheckRequest{Type: c.typ, Config: text})
	if err != nil {
		return err
	}
	return mistakesFrom(answer.GetMistakes(), nil)
}

// direct is what one runner has of a plugin that nobody has to start. It implements plugin.
type direct struct {
	cc       grpc.ClientConnInterface
	name     string
	logger   *slog.Logger
	redactor *redact.Redactor

	mu      sync.Mutex
	stages  int
	session *session
}

func (d *direct) join() {
	d.mu.Lock()
	d.stages++
	d.mu.Unlock()
}

func (d *direct) acquire(context.Context) (*session, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.session != nil && d.session.usable() {
		return d.session, nil
	}
	s, err := newSession(d.cc, sessionOptions{
		plugin: d.name, maxInFlight: directInFlight, spawn: func(f func()) { go f() }, logger: d.logger, redactor: d.redactor,
	})
	if err != nil {
		return nil, failure(d.name, classStart, err)
	}
	if d.session != nil {
		go d.session.close()
	}
	d.session = s
	return s, nil
}

func (d *direct) leave() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.stages--
	if d.stages > 0 || d.session == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), directTimeout)
	defer cancel()
	err := d.session.drain(ctx)
	d.session = nil
	return err
}
