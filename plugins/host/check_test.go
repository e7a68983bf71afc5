//go:build linux || darwin

package host

import (
	"errors"
	"os"
	"testing"
	"time"

	"github.com/leatdev/leat/pipeline"
)

func TestCheck_of_a_plugin_that_takes_its_time(t *testing.T) {
	stages := []StageToCheck{{Type: "pass", Config: &StageConfig{typ: "pass"}}, {Type: "pass", Config: &StageConfig{typ: "pass"}}}
	t.Run("waits", func(t *testing.T) {
		wrong, err := newHost(t).Check(within(t), planOf(t, "ponders", "200ms"), stages)
		if err := errors.Join(append(wrong, err)...); err != nil {
			t.Error(err)
		}
	})
	t.Run("waits_no_longer_than_start_timeout", func(t *testing.T) {
		p := planOf(t, "ponders", "1h")
		p.Config.StartTimeout = 5 * time.Second // its start has as long
		_, err := newHost(t).Check(within(t), p, stages)
		want := `plugin raw does not answer: it did not judge the config of pass within 5s; start_timeout allows more; its last words: "asking the licence server"`
		if e, ok := errors.AsType[*pipeline.Error](err); !ok || e.Kind != pipeline.KindPlugin || e.Reason != "deadline" || e.Message != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
		for _, pid := range childrenOf(os.Getpid()) {
			t.Errorf("process %d is left", pid)
		}
	})
}
