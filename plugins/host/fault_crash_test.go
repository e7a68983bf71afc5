//go:build linux || darwin

package host_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/status"

	"github.com/leatdev/leat/plugins/host"
)

// What a caller hears of a crash is how the process ended and what it said, not what gRPC saw of it.
func TestFaultCrash(t *testing.T) {
	t.Parallel()
	quick := host.Shortened{Backoff: time.Millisecond, Most: time.Millisecond, Crashes: 1000}
	for do, want := range map[string]string{
		"exit":       "plugin p ended while it worked: it exited with code 5",
		"last-words": `plugin p ended while it worked: it exited with code 4; its last words: "no licence is left"`,
		"die":        "plugin p ended while it worked: it was ended by signal 9 (killed)",
		"die-after":  "plugin p ended while it worked: it was ended by signal 9 (killed)",
	} {
		t.Run(do, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, setting{command: []string{"as-good"}, times: quick})
			for range 5 {
				a := w.send(do)
				if a.err == nil || a.err.Reason != "crash" || a.err.Message != want {
					t.Errorf("got\n\t%v, want\n\t%s", a, want)
				}
				if _, ok := errors.AsType[interface {
					error
					GRPCStatus() *status.Status
				}](a.err); !ok && !strings.Contains(chain(a.err), "its process has ended") {
					t.Errorf("the cause of %v is lost", a)
				}
			}
		})
	}

	t.Run("with_others_under_way_all_hear_it", func(t *testing.T) {
		t.Parallel()
		const calls = 20
		begun, goOn := make(chan struct{}, calls), make(chan struct{})
		w := newWorld(t, setting{command: []string{"as-good"}, times: quick, handler: func(rw http.ResponseWriter, _ *http.Request) {
			begun <- struct{}{}
			<-goOn
			_, _ = io.WriteString(rw, "up")
		}})
		answers := make(chan answer, calls)
		for range calls {
			go func() { answers <- w.send("") }()
		}
		for range calls {
			<-begun
		}
		w.send("last-words")
		close(goOn)
		for range calls {
			if a := <-answers; a.err == nil || !strings.HasSuffix(a.err.Message, `it exited with code 4; its last words: "no licence is left"`) {
				t.Errorf("got %v", a)
			}
		}
	})
}

// chain writes an error with all that it wraps.
func chain(err error) string {
	var b strings.Builder
	for ; err != nil; err = errors.Unwrap(err) {
		b.WriteString(err.Error() + "\n")
	}
	return b.String()
}
