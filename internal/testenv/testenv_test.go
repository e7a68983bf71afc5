package testenv_test

import (
	"fmt"
	"testing"

	"github.com/leatdev/leat/internal/testenv"
)

// ended is a test that notes how it was ended first.
type ended struct {
	testing.TB

	how string
}

func (t *ended) Helper()           {}
func (t *ended) Skip(args ...any)  { t.note("skipped: ", args) }
func (t *ended) Fatal(args ...any) { t.note("failed: ", args) }

func (t *ended) note(how string, args []any) {
	if t.how == "" {
		t.how = how + fmt.Sprint(args...)
	}
}

func TestMissing(t *testing.T) {
	for _, c := range []struct{ name, ci, want string }{
		{"skips", "", "skipped: no cobol"},
		{"skips_where_LEAT_CI_promises_nothing", "0", "skipped: no cobol"},
		{"fails_where_LEAT_CI_promises_all", "1", "failed: no cobol"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("LEAT_CI", c.ci)
			got := ended{TB: t}
			testenv.Missing(&got, "no cobol")
			if got.how != c.want {
				t.Errorf("got %q, want %q", got.how, c.want)
			}
		})
	}
}
