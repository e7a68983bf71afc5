package config

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// bigFile has n pipelines of six stages, each with two overrides.
func bigFile(n int) []byte {
	var b strings.Builder
	b.WriteString("version = 1\n[stages.retry]\nmax_attempts = 4\nbase = \"1s\"\n[stages.log]\nprofile = \"production\"\n")
	b.WriteString("[pipelines.base]\nstages = [\"auth\", \"refresh\", \"retry\", \"log\", \"error-map\"]\ntimeout = \"30s\"\n")
	for i := range n {
		fmt.Fprintf(&b, "[pipelines.api-%d]\nextends = \"base\"\nbase_url = \"https://api-%d.example.com\"\nstages = [\"...\", \"validate\"]\n", i, i)
		fmt.Fprintf(&b, "[pipelines.api-%d.override.retry]\nmax_attempts = %d\n[pipelines.api-%d.override.log]\nlevel = \"debug\"\n", i, i%7, i)
	}
	return []byte(b.String())
}

func BenchmarkRead(b *testing.B) {
	for _, n := range []int{100, 1000, 4000} {
		src := bigFile(n)
		b.Run(fmt.Sprintf("pipelines=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(src)))
			for b.Loop() {
				if _, err := Read("pipelines.toml", src); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*n), "µs/pipeline")
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	f, err := Read("pipelines.toml", bigFile(1))
	if err != nil {
		b.Fatal(err)
	}
	section := f.Pipelines()[1].Stages[2].Section
	b.ReportAllocs()
	for b.Loop() {
		var c struct {
			MaxAttempts int           `toml:"max_attempts"`
			Base        time.Duration `toml:"base"`
		}
		if ds := section.Decode(&c); len(ds) > 0 {
			b.Fatal(ds)
		}
	}
}
