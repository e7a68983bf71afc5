package host

import (
	"testing"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/plugins/internal/wire"
)

// What would fail again is not for an outer retry; a stage that could not be made for other reasons may be.
func TestFailure_that_lasts_is_terminal(t *testing.T) {
	for name, c := range map[string]struct {
		opened *wire.Opened
		reason string
		want   pipeline.Class
	}{
		"config_refused": {&wire.Opened{Mistakes: []*wire.Mistake{{Path: "key", Message: "too short"}}}, classStart, pipeline.ClassTerminal},
		"no_sense":       {&wire.Opened{Needs: &wire.Needs{Request: &wire.RequestNeeds{Headers: []string{"a b"}}}}, classInvalid, pipeline.ClassTerminal},
		"not_made":       {&wire.Opened{Failure: "the key server does not answer"}, classStart, pipeline.ClassNotSent},
	} {
		t.Run(name, func(t *testing.T) {
			sc := newScene(t, signs(), answering, nil)
			sc.script.opened = func(*wire.Open) *wire.Opened { return c.opened }
			for range 2 {
				_, _, err := sc.get(sc.simple())
				if e := sc.failure(err); e.Reason != c.reason || e.Class != c.want {
					t.Errorf("got %v: %s, %s; want %s, %s", e, e.Reason, e.Class, c.reason, c.want)
				}
			}
		})
	}
}
