package host

import (
	"bytes"
	"crypto/sha256"
	"io"
	"slices"
	"testing"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/leatdev/leat/pipeline"
)

// withBody gives a caller's request a body for each exchange, as http.NewRequest does.
type withBody struct {
	*caller
	data []byte
}

func (c *withBody) do() error {
	c.req.ContentLength = int64(len(c.data))
	c.req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(c.data)), nil }
	c.req.Body, _ = c.req.GetBody()
	return c.caller.do()
}

// hashing is what a digest costs by itself.
type hashing []byte

func (d hashing) do() error {
	h := sha256.New()
	_, err := io.Copy(h, bytes.NewReader(d))
	return err
}

// hashedFirst is an exchange without a body after a digest of one that it has nothing to do with: both processes have then been
// idle for as long.
type hashedFirst struct {
	*caller
	data hashing
}

func (c *hashedFirst) do() error {
	if err := c.data.do(); err != nil {
		return err
	}
	return c.caller.do()
}

// BenchmarkPluginBody has a body of 1 MiB: in mode digest against the same exchange without one, in mode full as somebody
// else's exchange that a small one meets.
func BenchmarkPluginBody(b *testing.B) {
	mib := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	b.Run("digest", func(b *testing.B) {
		n := startBench(b, nil, "digest")
		without := []*hashedFirst{{n.callers(b, "digest", 1)[0], mib}}
		with := []*withBody{{n.callers(b, "digest", 1)[0], mib}}
		var none, digest, hash []burst
		for b.Loop() {
			none, digest, hash = append(none, run(b, 0, without, 500)), append(digest, run(b, 0, with, 500)), append(hash, run(b, 0, []hashing{mib}, 500))
		}
		of := make([]float64, len(none))
		for i := range none {
			of[i] = (p50(&digest[i]) - p50(&hash[i])) / (p50(&none[i]) - p50(&hash[i]))
		}
		slices.Sort(of)
		b.ReportMetric(0, "ns/op")
		b.ReportMetric(median(none, p50), "hash-and-none-p50-µs")
		b.ReportMetric(median(digest, p50), "digest-p50-µs")
		b.ReportMetric(median(hash, p50), "hash-p50-µs")
		b.ReportMetric(of[len(of)/2], "ratio-but-for-hashing")
	})
	b.Run("full", func(b *testing.B) {
		n := startBench(b, nil, "sign", "full")
		small, big := n.callers(b, "sign", 1), &withBody{n.callers(b, "full", 1)[0], mib}
		var alone, beside []burst
		var bigs []time.Duration
		for b.Loop() {
			alone = append(alone, run(b, 0, small, 1000))
			stop, stopped := make(chan struct{}), make(chan struct{})
			go func() {
				defer close(stopped)
				for {
					select {
					case <-stop:
						return
					default:
					}
					began := time.Now()
					if err := big.do(); err != nil {
						b.Error(err)
						return
					}
					bigs = append(bigs, time.Since(began))
				}
			}()
			beside = append(beside, run(b, 0, small, 1000))
			close(stop)
			<-stopped
		}
		slices.Sort(bigs)
		b.ReportMetric(0, "ns/op")
		b.ReportMetric(median(alone, p99), "alone-p99-µs")
		b.ReportMetric(median(beside, p99), "beside-p99-µs")
		b.ReportMetric(median(beside, p50), "beside-p50-µs")
		b.ReportMetric(float64(bigs[len(bigs)/2].Microseconds()), "body-p50-µs")
	})
}

// BenchmarkPluginTraced is an exchange whose stage's span is recorded.
func BenchmarkPluginTraced(b *testing.B) {
	plain := startBench(b, nil, "sign")
	provider := sdktrace.NewTracerProvider()
	traced := startBench(b, provider, "sign")
	without, with := plain.callers(b, "sign", 1), traced.callers(b, "sign", 1)
	var off, on []burst
	for b.Loop() {
		off, on = append(off, run(b, 0, without, 1000)), append(on, run(b, 0, with, 1000))
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(median(off, p50), "off-p50-µs")
	b.ReportMetric(median(on, p50), "on-p50-µs")
	b.ReportMetric(median(off, allocs), "off-allocs")
	b.ReportMetric(median(on, allocs), "on-allocs")
}

// BenchmarkPluginCalls tells a stage of the end of a call, which nothing answers.
func BenchmarkPluginCalls(b *testing.B) {
	n := startBench(b, nil, "calls")
	one := n.callers(b, "calls", 1)[0]
	call := pipeline.CallFrom(one.req.Context())
	observer := one.stage.(pipeline.CallObserver)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		observer.CallEnded(one.req.Context(), call, one.req)
		if i%64 == 63 { // the plugin keeps pace
			if err := one.do(); err != nil {
				b.Fatal(err)
			}
		}
	}
}
