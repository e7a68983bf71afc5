package wire

import (
	"strings"
	"testing"
	"unsafe"
)

// TestNames_keeps_no_frame: the name of a header may be part of a frame that holds secrets, and what is remembered is remembered for good.
func TestNames_keeps_no_frame(t *testing.T) {
	frame := strings.Repeat("x-name", 2)
	names := &Names{Of: func(s string) string { return s }}
	if got := names.Get(frame[:6]); got != "x-name" {
		t.Errorf("got %q", got)
	}
	for name, other := range *names.known.Load() {
		if unsafe.StringData(name) == unsafe.StringData(frame) || unsafe.StringData(other) == unsafe.StringData(frame) {
			t.Error("the frame is kept")
		}
	}
}
