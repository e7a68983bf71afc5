package pipeline

import (
	"io"
	"log/slog"
	"net/http"
	"slices"

	"github.com/leatdev/leat/pipeline/config"
)

// Probe builds the transports and stages of a plan as [New] would, and throws them away: for programs that judge a file where it is not
// going to run. What can't be built is returned with its place in the file, all of it, sorted: a schema that is missing, a certificate
// that is none, a plugin's program that is not the one its lock was written for. Probe reads the files that the plan names; it makes no
// connection, runs no program and reads no secret.
func Probe(plan *Plan) config.Diagnostics {
	var diags config.Diagnostics
	note := func(s config.Section, err error) {
		for _, d := range s.DiagnoseError(err) {
			if !slices.Contains(diags, d) { // pipelines that share a stage share its mistakes
				diags = append(diags, d)
			}
		}
	}
	dir := plan.file.Dir()
	for _, name := range sortedKeys(plan.Transports) {
		t := plan.Transports[name]
		if built, err := t.Config.build(dir, nil); err != nil {
			note(t.Section, err)
		} else {
			built.CloseIdleConnections()
		}
	}
	if host, ok := plan.registry.plugins.(interface{ Probe(p PluginPlan) error }); ok {
		for _, p := range plan.Plugins {
			note(p.Section, host.Probe(p))
		}
	}
	for _, p := range plan.Pipelines {
		if p.Template {
			continue
		}
		for _, s := range p.Stages {
			if s.Remote != nil {
				continue // its process would have to say
			}
			stage, err := s.factory.Build(s.Config, Settings{
				Pipeline: p.Name, Stage: s.Name, Credential: p.Config.Credential, Dir: dir,
				Logger: slog.New(slog.DiscardHandler), Transport: unreachable{},
			})
			if err != nil {
				note(s.Section, err)
			} else if c, ok := stage.(io.Closer); ok {
				_ = c.Close()
			}
		}
	}
	return diags.Sort()
}

// unreachable is the transport of stages that are never to send.
type unreachable struct{}

// RoundTrip refuses.
func (unreachable) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, Errorf(KindPolicy, "nothing is sent while a file is checked")
}
