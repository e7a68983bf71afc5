package host

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"testing"
	"time"

	"go.opentelemetry.io/otel/trace/noop"

	"github.com/leatdev/leat/pipeline"
)

// BenchmarkPluginStart is the time from nothing to the first answer, of a built example without TLS; and what a plugin without work adds to its host.
func BenchmarkPluginStart(b *testing.B) {
	program := buildExample(b, "hello")
	var starts []time.Duration
	for b.Loop() {
		o, err := openExample(program)
		if err != nil {
			b.Fatal(err)
		}
		starts = append(starts, o.first)
		o.close()
	}
	slices.Sort(starts)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(starts[len(starts)/2].Microseconds())/1e3, "start-p50-ms")
	b.ReportMetric(float64(starts[len(starts)*9/10].Microseconds())/1e3, "start-p90-ms")
	var heap, rss []float64
	for range 5 {
		out, err := exec.CommandContext(b.Context(), self(b), "as-plugin", "bench", "idle", program).Output()
		if err != nil {
			b.Fatal(err)
		}
		var h, r float64
		if _, err := fmt.Sscan(string(out), &h, &r); err != nil {
			b.Fatal(err)
		}
		heap, rss = append(heap, h), append(rss, r)
	}
	slices.Sort(heap)
	slices.Sort(rss)
	b.ReportMetric(heap[2], "idle-heap-MB")
	b.ReportMetric(rss[2], "idle-rss-MB")
}

// beIdleHost is the main of a process that tells what an idle plugin adds to it, in MB.
func beIdleHost(program string) error {
	before, rssBefore := memory()
	o, err := openExample(program)
	if err != nil {
		return err
	}
	after, rssAfter := memory()
	o.close()
	_, err = fmt.Println(float64(after-before)/1e6, float64(rssAfter-rssBefore)/1e6)
	return err
}

// memory returns what this process holds, of heap and stacks, and of the machine's memory, in bytes.
func memory() (held, resident int64) {
	runtime.GC() // what pools hold goes with the second
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse + m.StackInuse), residentOf()
}

// example is a built example as a pipeline's only stage.
type example struct {
	runner *pipeline.Runner
	host   *Host
	first  time.Duration
}

func (o *example) close() {
	_ = o.runner.Close()
	_ = o.host.Close()
}

func openExample(program string) (*example, error) {
	o := &example{host: New(WithLogger(slog.New(slog.DiscardHandler)))}
	began := time.Now()
	file := fmt.Appendf(nil, "version = 1\n[plugins.hello]\ncommand = [%q]\n[pipelines.api]\nbase_url = \"https://upstream.test\"\nstages = [\"hello/greet\"]\n", program)
	var err error
	o.runner, err = pipeline.OpenBytes(context.Background(), "bench.toml", file, pipeline.WithEnviron(nil), pipeline.WithPlugins(o.host),
		pipeline.WithTransport("*", roundTripper(atOnce)), pipeline.WithTracerProvider(noop.NewTracerProvider()), pipeline.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		return nil, err
	}
	p, err := o.runner.Pipeline("api")
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, "https://upstream.test/", nil)
	if err != nil {
		return nil, err
	}
	resp, err := p.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	o.first = time.Since(began)
	return o, resp.Body.Close()
}

// buildExample builds one of the programs in plugins/examples.
func buildExample(b *testing.B, name string) string {
	b.Helper()
	path := filepath.Join(b.TempDir(), name)
	out, err := exec.CommandContext(b.Context(), "go", "build", "-o", path, "github.com/leatdev/leat/plugins/examples/"+name).CombinedOutput()
	if err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	return path
}

// residentOf returns how much of the machine's memory this process has for itself, beside the program's text, in bytes; 0 where the
// system does not tell as Linux does.
func residentOf() int64 {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	_, after, _ := bytes.Cut(text, []byte("RssAnon:"))
	kb, _ := strconv.ParseInt(string(bytes.Fields(append(after, '0'))[0]), 10, 64)
	return kb << 10
}
