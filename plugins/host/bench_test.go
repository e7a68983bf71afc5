package host

import (
	"os"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"
)

// What an exchange with a plugin costs: a request of ten headers, of which the stage needs no response, with a plugin in a process of its own. What
// is measured is the host's stage alone, its next answers at once. Beside it, in the same run and in turns, one unary call of the same
// data by go-plugin as its users write it: generated messages, grpc's own codec, a connection to a process of its own.
//
//	go test -run '^$' -bench Plugin ./plugins/host

// doer is one of those who use a plugin at the same time.
type doer interface{ do() error }

// burst is a number of exchanges, by all doers together.
type burst struct {
	elapsed time.Duration
	each    []time.Duration // sorted
	cpu     time.Duration   // of both processes
	mallocs uint64          // of this process
	bytes   uint64
}

func (u *burst) perSecond() float64 { return float64(len(u.each)) / u.elapsed.Seconds() }

// at returns the latency below which that part of them is, in microseconds.
func (u *burst) at(part float64) float64 {
	return float64(u.each[min(len(u.each)-1, int(part*float64(len(u.each))))]) / float64(time.Microsecond)
}

// run has each of the doers do some exchanges with the process of that number.
func run[D doer](b *testing.B, pid int, doers []D, each int) burst {
	b.Helper()
	all := make([]time.Duration, each*len(doers))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	var wg sync.WaitGroup
	cpu := cpuOf(os.Getpid()) + cpuOf(pid)
	began := time.Now()
	for i, d := range doers {
		mine := all[i*each : (i+1)*each]
		wg.Go(func() {
			for j := range mine {
				t := time.Now()
				if err := d.do(); err != nil {
					b.Error(err)
					return
				}
				mine[j] = time.Since(t)
			}
		})
	}
	wg.Wait()
	u := burst{elapsed: time.Since(began), each: all}
	u.cpu = cpuOf(os.Getpid()) + cpuOf(pid) - cpu
	runtime.ReadMemStats(&after)
	u.mallocs, u.bytes = after.Mallocs-before.Mallocs, after.TotalAlloc-before.TotalAlloc
	slices.Sort(all)
	return u
}

// median of what f says of each.
func median(list []burst, f func(*burst) float64) float64 {
	of := make([]float64, len(list))
	for i := range list {
		of[i] = f(&list[i])
	}
	slices.Sort(of)
	return of[len(of)/2]
}

// ratio is the median of the ratios of neighbours.
func ratio(a, b []burst, f func(*burst) float64) float64 {
	of := make([]float64, len(a))
	for i := range a {
		of[i] = f(&a[i]) / f(&b[i])
	}
	slices.Sort(of)
	return of[len(of)/2]
}

func cpuEach(u *burst) float64    { return float64(u.cpu.Microseconds()) / float64(len(u.each)) }
func allocs(u *burst) float64     { return float64(u.mallocs) / float64(len(u.each)) }
func allocBytes(u *burst) float64 { return float64(u.bytes) / float64(len(u.each)) }
func p50(u *burst) float64        { return u.at(0.5) }
func p99(u *burst) float64        { return u.at(0.99) }

var benchLoads = []struct {
	name        string
	doers, each int
}{{"inflight=64", 64, 300}, {"inflight=8", 8, 2000}, {"alone", 1, 4000}}

// BenchmarkPlugin is against the unary call that does the same, and against a bare one that does nothing with its data, with 64 exchanges
// in flight and alone.
func BenchmarkPlugin(b *testing.B) {
	for _, c := range benchLoads {
		b.Run(c.name, func(b *testing.B) {
			n := startBench(b, nil, "sign")
			conn, pid := startUnary(b)
			ours, theirs, least := n.callers(b, "sign", c.doers), unaryCallers(b, conn, "Do", c.doers), unaryCallers(b, conn, "Bare", c.doers)
			run(b, n.pid(), ours, c.each)
			run(b, pid, theirs, c.each)
			var plugin, unary, bare []burst
			for b.Loop() {
				unary = append(unary, run(b, pid, theirs, c.each))
				plugin = append(plugin, run(b, n.pid(), ours, c.each))
				bare = append(bare, run(b, pid, least, c.each))
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(median(unary, (*burst).perSecond), "unary/s")
			b.ReportMetric(median(plugin, (*burst).perSecond), "plugin/s")
			b.ReportMetric(ratio(plugin, unary, (*burst).perSecond), "rate-ratio")
			b.ReportMetric(median(bare, (*burst).perSecond), "bare/s")
			b.ReportMetric(ratio(plugin, bare, (*burst).perSecond), "rate-ratio-to-bare")
			b.ReportMetric(ratio(plugin, bare, p50), "p50-ratio-to-bare")
			b.ReportMetric(median(unary, p50), "unary-p50-µs")
			b.ReportMetric(median(plugin, p50), "plugin-p50-µs")
			b.ReportMetric(ratio(plugin, unary, p50), "p50-ratio")
			b.ReportMetric(median(unary, cpuEach), "unary-cpu-µs")
			b.ReportMetric(median(plugin, cpuEach), "plugin-cpu-µs")
			b.ReportMetric(ratio(plugin, unary, cpuEach), "cpu-ratio")
			b.ReportMetric(median(unary, allocs), "unary-allocs")
			b.ReportMetric(median(plugin, allocs), "plugin-allocs")
			b.ReportMetric(median(plugin, allocBytes), "plugin-B")
		})
	}
}

// BenchmarkPluginOnly is the plugin's alone, for profiles.
func BenchmarkPluginOnly(b *testing.B) {
	for _, c := range benchLoads {
		b.Run(c.name, func(b *testing.B) {
			n := startBench(b, nil, "sign")
			only(b, n, n.callers(b, "sign", c.doers), c.each)
		})
	}
}

// only measures exchanges of one sort, with the processor time that they take on both sides.
func only(b *testing.B, n *bench, doers []*caller, each int) {
	b.Helper()
	run(b, n.pid(), doers, each)
	far := n.pid()
	host, plugin, count := cpuOf(os.Getpid()), cpuOf(far), 0
	var list []burst
	for b.Loop() {
		list = append(list, run(b, n.pid(), doers, each))
		count += each * len(doers)
	}
	host, plugin = cpuOf(os.Getpid())-host, cpuOf(far)-plugin
	b.ReportMetric(float64(host.Microseconds())/float64(count), "host-cpu-µs")
	b.ReportMetric(float64(plugin.Microseconds())/float64(count), "plugin-cpu-µs")
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(median(list, (*burst).perSecond), "plugin/s")
	b.ReportMetric(median(list, p50), "plugin-p50-µs")
	b.ReportMetric(median(list, allocs), "plugin-allocs")
	b.ReportMetric(median(list, allocBytes), "plugin-B")
}
