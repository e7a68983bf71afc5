//go:build linux || darwin

package host_test

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/leatdev/leat/pipeline"
)

// A secret that the host itself passes to a plugin is one that the host knows: whatever the plugin does with it, it is not shown.
func TestSecretByEnv(t *testing.T) {
	const secret = "kGb7-Wq2Zt91"
	t.Setenv("LEAKY_KEY", secret)
	recorder := tracetest.NewSpanRecorder()
	tracer := pipeline.WithTracerProvider(sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder)))
	for name, s := range map[string]setting{
		"passed":  {env: `"GORACE=atexit_sleep_ms=0", "LEAKY_KEY"`},
		"fixed":   {env: `"GORACE=atexit_sleep_ms=0", "LEAKY_KEY=` + secret + `"`},
		"refused": {env: `"GORACE=atexit_sleep_ms=0", "LEAKY_KEY", "LEAKY_FAILS=1"`},
	} {
		t.Run(name, func(t *testing.T) {
			s.command, s.typ, s.stage, s.opts = []string{"as-good"}, "leaky", `key = { env = "LEAKY_KEY" }`, []pipeline.Option{tracer}
			w := newWorld(t, s)
			want := map[string]string{"": "returned ***", "panic": "thrown ***", "exit": `last words ***`}
			for do, text := range want {
				if name == "refused" {
					text = "no use for ***"
				}
				a := w.send(do)
				if a.err == nil || strings.Contains(fmt.Sprintf("%+v %q", a.err, a.err.Violations), secret) || !strings.Contains(a.err.Message, text) {
					t.Errorf("%s: got %v, want %q in it", do, a, text)
				}
			}
			w.close()
			all := w.logs.text()
			if strings.Contains(all, secret) || !strings.Contains(all, "made with ***") || name != "refused" && !strings.Contains(all, "logged ***") {
				t.Errorf("the records say\n%s", all)
			}
		})
	}
	var spans strings.Builder
	for _, s := range recorder.Ended() {
		fmt.Fprintln(&spans, s.Name(), s.Attributes(), s.Events(), s.Status())
	}
	if text := spans.String(); strings.Contains(text, secret) || !strings.Contains(text, "noted") || !strings.Contains(text, "happened") {
		t.Errorf("the spans say\n%s", text)
	}
}

// text writes all records.
func (r *records) text() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var b strings.Builder
	for _, one := range r.all {
		b.WriteString(one.Message)
		one.Attrs(func(a slog.Attr) bool {
			fmt.Fprintf(&b, " %v", a)
			return true
		})
		b.WriteByte('\n')
	}
	return b.String()
}

// A variable that the file lets through but nobody has set is named, whatever the plugin says of it.
func TestSecretByEnv_that_is_not_set(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setting{
		command: []string{"as-good"}, typ: "leaky", stage: `key = { env = "LEAT_NOBODY_SETS" }`, env: `"GORACE=atexit_sleep_ms=0", "LEAT_NOBODY_SETS", "LEAKY_FAILS=1"`,
	})
	a := w.send("")
	if want := "(LEAT_NOBODY_SETS is let through by env, and is not set in this program's environment)"; a.err == nil || !strings.HasSuffix(a.err.Message, want) {
		t.Errorf("got %v, want %s at its end", a, want)
	}
}
