package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leatdev/leat/conformance/scenario"
)

const aTest = `version = 1
[pipelines.api]
base_url = "https://api.example.com"
[[test]]
name = "it is there"
[[test.call]]
request = "GET /"
expect = { status = 200 }
`

// TestTestChild has the tests of a job report themselves as the process does.
func TestTestChild(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a.test.toml")
	if err := os.WriteFile(file, []byte(aTest), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name string
		job  jobTest
		want string
	}{
		{"a test", jobTest{file, 0, "it is there"}, "passed"},
		{"a test that had another name", jobTest{file, 0, "it was there"}, "the file was changed before its tests ran"},
		{"a test that is gone", jobTest{file, 1, "it is there"}, "the file was changed before its tests ran"},
		{"a file that is gone", jobTest{file + "x", 0, "it is there"}, "no such file or directory"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var out bytes.Buffer
			p := shipped()
			c := &testChild{program: p, out: json.NewEncoder(&out), suites: map[string]func() (*scenario.Suite, error){
				tc.job.File: func() (*scenario.Suite, error) { return p.load(tc.job.File) },
			}}
			t.Run("child", func(t *testing.T) { c.test(t, 7, tc.job) })
			t.Cleanup(func() { // when it has ended
				var got []string
				for dec := json.NewDecoder(&out); ; {
					var m testMessage
					switch err := dec.Decode(&m); {
					case errors.Is(err, io.EOF):
						if diff := cmp.Diff([]string{"began", tc.want}, got); diff != "" {
							t.Error(diff)
						}
						return
					case err != nil:
						t.Fatal(err)
					case m.Test != 7:
						t.Errorf("of test %d", m.Test)
					case m.Result != nil:
						got = append(got, string(m.Result.Status))
					case m.Invalid != nil:
						got = append(got, m.Invalid[0].Message)
					default:
						got = append(got, "began")
					}
				}
			})
		})
	}
}

func TestCrashed(t *testing.T) {
	const stack = "goroutine 7 [running]:\npanic({0x1?, 0x2?})\n\t/go/runtime/panic.go:1 +0x1\nmain.(*T).Do(0xc0001, {0x1, 0x2})\n\t/src/t.go:12 +0x3d\n" +
		"sync.(*WaitGroup).Go.func1()\n\t/go/sync/waitgroup.go:258 +0x4a\ncreated by main.start in goroutine 1\n\t/src/t.go:3 +0x1\n"
	const where = "main.(*T).Do at /src/t.go:12"
	for _, tc := range []struct{ name, said, text, where string }{
		{"a panic", "a log line\npanic: boom\n\n" + stack, "boom", where},
		{"one that was passed on", "panic: boom [recovered, repanicked]\n\n" + stack, "boom", where},
		{"of several lines", "panic: one\n\ttwo\n\n" + stack, "one; two", where},
		{"a nil pointer", "panic: runtime error: nil\n[signal SIGSEGV: x]\n\n" + stack, "runtime error: nil", where},
		{"a fatal error", "fatal error: concurrent map writes\n\n" + stack, "concurrent map writes", where},
		{"no word of it", "killed\nby somebody\n", "its process ended: exit status 9", "killed\nby somebody"},
		{"nothing at all", "", "its process ended: exit status 9", ""},
		{"no stack", "panic: boom\n", "boom", ""},
		{"a long text", "panic: " + strings.Repeat("é", 400) + "\n\n" + stack, strings.Repeat("é", 250) + "…", where},
	} {
		t.Run(tc.name, func(t *testing.T) {
			text, where := crashed(tc.said, errors.New("exit status 9"))
			if text != tc.text || where != tc.where {
				t.Errorf("got %q, %q; want %q, %q", text, where, tc.text, tc.where)
			}
		})
	}
}

func TestTail_keeps_the_end(t *testing.T) {
	var got tail
	for range 9 {
		_, _ = got.Write(bytes.Repeat([]byte("x"), tailSize/3))
	}
	_, _ = got.Write([]byte("the end"))
	if n := len(got.text); n > 2*tailSize || n < tailSize || !strings.HasSuffix(got.String(), "xthe end") {
		t.Errorf("kept %d bytes of %d, ending in %q", n, 3*tailSize+7, got.String()[n-10:])
	}
}

func TestBrief(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", 1: "1ns", 100 * time.Millisecond: "100ms", 2250 * time.Millisecond: "2.3s", 10 * time.Second: "10s", 2 * time.Minute: "2m",
		time.Hour: "1h", time.Hour + 3*time.Minute: "1h3m", time.Hour + time.Second: "1h0m1s", 123456789: "123ms",
	} {
		if got := brief(d); got != want {
			t.Errorf("%d: got %s, want %s", d, got, want)
		}
	}
}
