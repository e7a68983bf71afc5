//go:build linux || darwin

package host

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/redact"
)

// What a plugin says of itself outside of every pipeline holds none of the secrets that the host's redactor knows, nor does why it failed.
func TestSecretOutsideOfPipelines(t *testing.T) {
	const secret = "kGb7-Wq2Zt91"
	hostOf := func(t *testing.T, mode string, table any) (*Host, pipeline.PluginPlan, *strings.Builder) {
		plan := planOf(t, mode)
		plan.Config.Env = []string{"RAW_KEY=" + secret, "GORACE=atexit_sleep_ms=0"}
		show, said := redact.New(redact.Rules{}), &strings.Builder{}
		Learn(show, plan, table)
		h := New(WithRedactor(show), WithLogger(slog.New(slog.NewTextHandler(said, nil))))
		t.Cleanup(func() { _ = h.Close() })
		return h, plan, said
	}
	table := map[string]any{"use": "raw/pass", "keys": []any{map[string]any{"env": "RAW_KEY"}}}
	t.Run("describe", func(t *testing.T) {
		h, plan, _ := hostOf(t, "tells", table)
		i, err := h.Describe(within(t), plan)
		if err != nil {
			t.Fatal(err)
		}
		if text := fmt.Sprintf("%s, %s, %s, %s", i.Name, i.Version, i.SDK, i.Types[0].Doc); text != "raw with ***, 1+***, none but ***, passes with ***" {
			t.Errorf("got %s", text)
		}
	})
	t.Run("why_it_serves_nothing", func(t *testing.T) {
		h, plan, said := hostOf(t, "refuses", table)
		_, err := h.Describe(within(t), plan)
		if err == nil || !strings.Contains(err.Error(), "nobody with the key *** is served") || strings.Contains(said.String(), secret) {
			t.Errorf("got %v\nand the records\n%s", err, said)
		}
	})
	t.Run("check", func(t *testing.T) {
		h, plan, _ := hostOf(t, "tells", nil)
		_, err := h.Check(within(t), plan, []StageToCheck{{Type: "pass", Config: &StageConfig{typ: "pass", json: []byte(`{"key":{"env":"RAW_KEY"}}`)}}})
		if err == nil || !strings.Contains(err.Error(), "no config is good enough for ***") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("what_no_table_names_is_no_secret", func(t *testing.T) {
		h, plan, _ := hostOf(t, "tells", map[string]any{"key": map[string]any{"env": "RAW_KEY", "more": 1}})
		if i, err := h.Describe(within(t), plan); err != nil || i.Version != "1+"+secret {
			t.Errorf("got %v, %v", i, err)
		}
	})
}

// What the host says of a failure may quote the plugin, such as the name of a header.
func TestSecretInFailure(t *testing.T) {
	r := redact.New(redact.Rules{})
	r.Learn(redact.NewSecret("kGb7-Wq2Zt91"))
	st := &stage{opts: stageOptions{name: "raw", settings: pipeline.Settings{Redactor: r}}}
	if e := (&exchange{st: st}).invalid("changed header %s", "x-kGb7-Wq2Zt91"); e.Message != "plugin raw changed header x-***" {
		t.Errorf("got %s", e.Message)
	}
}
