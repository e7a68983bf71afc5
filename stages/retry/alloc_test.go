//go:build !race

// Under the race detector sync.Pool drops items at random, so allocations can't be counted.

package retry

import (
	"testing"

	"github.com/leatdev/leat/pipeline"
)

// TestHappyPath: a first attempt that succeeds allocates nothing in retry; Replay takes a slot of the call.
func TestHappyPath(t *testing.T) {
	without := testing.AllocsPerRun(200, around(t, pipeline.StageFunc(pass1)))
	with := testing.AllocsPerRun(200, around(t, ready(t)))
	if with > without {
		t.Errorf("retry costs %v allocations", with-without)
	}
}
