//go:build linux || darwin

package host

import (
	"strings"
	"testing"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/plugins/internal/wire"
)

func TestNeeds_beyond_the_type(t *testing.T) {
	t.Run("are_refused_as_the_stage_is_made", func(t *testing.T) {
		sc := newScene(t, signs(), answering, nil)
		sc.plugin.opts.iface = &Interface{Types: []Type{{Name: "hmac", Needs: signs()}}}
		more := signs()
		more.Retry = true
		sc.script.opened = func(*wire.Open) *wire.Opened { return &wire.Opened{Needs: wire.NeedsTo(more)} }
		_, _, err := sc.get(sc.simple())
		e := sc.failure(err)
		if e.Reason != classInvalid || e.Class != pipeline.ClassTerminal || !strings.Contains(e.Message, "asks for retry, which its type hmac does not declare") {
			t.Errorf("got %v", e)
		}
	})
	t.Run("are_a_mistake_to_check", func(t *testing.T) {
		wrong, err := newHost(t).Check(within(t), planOf(t, "greedy"), []StageToCheck{{Type: "pass", Config: &StageConfig{typ: "pass"}}})
		if err != nil || len(wrong) != 1 || wrong[0] == nil || !strings.Contains(wrong[0].Error(), "asks for retry, which its type pass does not declare") {
			t.Errorf("got %v, %v", wrong, err)
		}
	})
	t.Run("are_none_where_they_are_within", func(t *testing.T) {
		wrong, err := newHost(t).Check(within(t), planOf(t, "ok"), []StageToCheck{{Type: "pass", Config: &StageConfig{typ: "pass"}}})
		if err != nil || wrong[0] != nil {
			t.Errorf("got %v, %v", wrong, err)
		}
	})
}
