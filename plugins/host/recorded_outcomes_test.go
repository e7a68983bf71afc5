//go:build linux || darwin

package host

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/leatdev/leat/pipeline"
)

// check has the plugin judge configs, one of them wrong, and tells what it serves.
func (c *conversation) check(h *Host, command []string) {
	plan := pipeline.PluginPlan{Name: "p", Config: pipeline.PluginConfig{
		Command: command, Env: []string{"PATH", "GORACE=atexit_sleep_ms=0"}, StartTimeout: 30 * time.Second, MaxInFlight: 8,
	}}
	config := func(values map[string]any) *StageConfig {
		out := &StageConfig{typ: "edit"}
		if err := out.UnmarshalConfig(values); err != nil {
			c.t.Fatal(err)
		}
		return out
	}
	wrong, err := h.Check(c.t.Context(), plan, []StageToCheck{
		{"edit", config(map[string]any{"mark": "x"})}, {"edit", config(map[string]any{"mark": "a\nb"})}, {"edit", config(map[string]any{"merk": 5})},
	})
	if err != nil {
		c.t.Fatal(err)
	}
	for i, err := range wrong {
		place, ok := errors.AsType[*mistake](err)
		if !ok {
			c.note("check %d: %v", i, err)
		} else {
			c.note("check %d: a mistake at %s", i, place.Path)
		}
	}
	iface, err := h.Describe(c.t.Context(), plan)
	if err != nil {
		c.t.Fatal(err)
	}
	for _, typ := range iface.Types {
		needs, err := json.Marshal(typ.Needs)
		if err != nil {
			c.t.Fatal(err)
		}
		c.note("type %s: %s", typ.Name, needs)
	}
}

// shownHeaders are those that tests set.
func shownHeaders(h http.Header) (out string) {
	for _, name := range slices.Sorted(maps.Keys(h)) {
		if strings.HasPrefix(name, "X-") {
			out += fmt.Sprintf(" %s=%s", name, strings.Join(h[name], ","))
		}
	}
	return out
}

// brief shows a body.
func brief(data []byte) string {
	if len(data) < 100 {
		return fmt.Sprintf("%q", data)
	}
	return fmt.Sprintf("%d bytes %x", len(data), sha256.Sum256(data))
}

// spans notes those that the plugin has made, and what it has noted on its own.
func (c *conversation) spans(all []sdktrace.ReadOnlySpan) {
	names := map[string]string{}
	for _, s := range all {
		names[s.SpanContext().SpanID().String()] = s.Name()
	}
	var lines []string
	for _, s := range all {
		if s.Name() == "work" {
			lines = append(lines, fmt.Sprintf("span %s in %q: %v", s.Name(), names[s.Parent().SpanID().String()], s.Attributes()))
		}
	}
	slices.Sort(lines)
	c.note("%s", strings.Join(lines, "\n"))
}
