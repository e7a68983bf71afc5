//go:build linux || darwin

package check

import (
	"context"
	"strings"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/plugins/internal/wire"
)

// rawNeeds are the needs of its types.
func rawNeeds(typ string) pipeline.Needs {
	switch typ {
	case "last":
		return pipeline.Needs{Request: pipeline.RequestNeeds{Edit: []string{"x-raw"}}}
	case "after":
		return pipeline.Needs{Response: &pipeline.ResponseNeeds{Edit: []string{"x-raw"}}}
	}
	return pipeline.Needs{
		Request:  pipeline.RequestNeeds{Headers: []string{"*"}, Query: true, Body: pipeline.BodyFull, Edit: []string{"x-raw", ":body"}, Call: []string{"subject"}},
		Response: &pipeline.ResponseNeeds{Headers: []string{"*"}, Body: pipeline.BodyFull, Edit: []string{"x-raw", ":body"}},
		Answer:   true, Retry: true, Calls: true, Credentials: []string{"raw"},
	}
}

// Describe implements wire.PluginServer.
func (p *raw) Describe(context.Context, *wire.DescribeRequest) (*wire.DescribeResponse, error) {
	out := &wire.DescribeResponse{Name: "raw", Version: "1", Sdk: "none"}
	if p.bad == "capabilities" {
		out.Requires = []string{"time-travel"}
	}
	for _, typ := range []string{"all", "last", "after"} {
		t := &wire.Type{Name: typ, Schema: []byte(`{"type":"object","properties":{"level":{"type":"integer"}},"additionalProperties":false}`), Needs: wire.NeedsTo(rawNeeds(typ))}
		if p.bad == "describe" {
			t.Name += " stage"
		}
		out.Types = append(out.Types, t)
	}
	return out, nil
}

// Check implements wire.PluginServer.
func (p *raw) Check(_ context.Context, r *wire.CheckRequest) (*wire.CheckResponse, error) {
	if p.bad == "check" {
		return &wire.CheckResponse{}, nil
	}
	if m := mistakes(r.GetType(), r.GetConfig()); m != nil {
		return &wire.CheckResponse{Mistakes: m}, nil
	}
	if p.bad == "check needs" {
		return &wire.CheckResponse{}, nil
	}
	return &wire.CheckResponse{Needs: wire.NeedsTo(rawNeeds(r.GetType()))}, nil
}

func mistakes(typ string, config []byte) []*wire.Mistake {
	switch {
	case !strings.Contains("all last after", typ):
		return []*wire.Mistake{{Message: "there is no such type"}}
	case strings.Contains(string(config), "["):
		return []*wire.Mistake{{Path: "level", Message: "it is a whole number"}}
	}
	return nil
}
