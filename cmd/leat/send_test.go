package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// leat runs a command line against the project's own file.
func leat(t *testing.T, ctx context.Context, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	file, e := filepath.Abs("../../pipelines.toml")
	if e != nil {
		t.Fatal(e)
	}
	code = shipped().run(ctx, append(args, "-c", file), stdio{in: strings.NewReader(""), out: &out, err: &err})
	return code, out.String(), err.String()
}

func TestSendJSON(t *testing.T) {
	code, stdout, stderr := leat(t, t.Context(), "send", "demo", "GET", "/posts", "-o", "json")
	if code != 0 || stderr != "" {
		t.Fatalf("exit %d, standard error %q", code, stderr)
	}
	var got sendReport
	if err := json.Unmarshal([]byte(stdout), &got); err != nil {
		t.Fatal(err)
	}
	if got.Response == nil || got.Response.Status != 200 || got.Error != nil || got.Call.Sends != 1 || got.Call.Attempts != 1 || len(got.Call.Events) == 0 {
		t.Errorf("got %+v", got)
	}
	// The call's span holds those of the six stages, one in the other, and the innermost holds the send.
	parent := ""
	for _, want := range []struct{ name, kind string }{
		{"pipeline demo", "INTERNAL"}, {"stage auth", "INTERNAL"}, {"stage refresh", "INTERNAL"}, {"stage retry", "INTERNAL"},
		{"stage log", "INTERNAL"}, {"stage error-map", "INTERNAL"}, {"stage validate", "INTERNAL"}, {"GET", "CLIENT"},
	} {
		var found *spanReport
		for i, s := range got.Spans {
			if s.Name == want.name {
				if found != nil {
					t.Errorf("two spans %q", want.name)
				}
				found = &got.Spans[i]
			}
		}
		if found == nil {
			t.Fatalf("no span %q", want.name)
		}
		if found.Kind != want.kind || found.Parent != parent {
			t.Errorf("span %q: kind %s, parent %q; want %s, %q", want.name, found.Kind, found.Parent, want.kind, parent)
		}
		parent = found.ID
	}
	if len(got.Spans) != 8 {
		t.Errorf("%d spans, want 8", len(got.Spans))
	}
	if strings.Contains(stdout, "access_token") || strings.Contains(stdout, "Bearer ey") {
		t.Error("a token shows")
	}
}

func TestSendJSON_of_a_failure(t *testing.T) {
	code, stdout, _ := leat(t, t.Context(), "send", "demo", "/problem", "-o", "json")
	var got sendReport
	if err := json.Unmarshal([]byte(stdout), &got); err != nil {
		t.Fatal(err)
	}
	if code != exitFailed || got.Error == nil || got.Error.Kind != "conflict" || got.Error.Status != 409 || got.Error.Class != "processed" {
		t.Errorf("exit %d, error %+v", code, got.Error)
	}
}

// TestSendInterrupted ends a send as Ctrl-C does: through the context.
func TestSendInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(300*time.Millisecond, cancel)
	code, _, stderr := leat(t, ctx, "send", "demo", "/slow")
	if code != exitInterrupted || !strings.Contains(stderr, "canceled") {
		t.Errorf("exit %d, want %d; standard error:\n%s", code, exitInterrupted, stderr)
	}
}

func TestSendManyInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(300*time.Millisecond, cancel)
	code, stdout, stderr := leat(t, ctx, "send", "demo", "/slow", "--count", "10", "--parallel", "2")
	if want := "2 of 10 calls began, 2 at a time: 0 succeeded, 2 canceled\n"; !strings.HasPrefix(stdout, want) {
		t.Errorf("got %q, want %q", stdout, want)
	}
	if code != exitInterrupted || stderr != "leat: interrupted\n" {
		t.Errorf("exit %d, standard error %q", code, stderr)
	}
}

// full is a disk without room.
type full struct{}

func (full) Write([]byte) (int, error) {
	return 0, &os.PathError{Op: "write", Path: "/dev/stdout", Err: errors.New("no room")}
}

func TestRun_tells_that_nothing_could_be_written(t *testing.T) {
	for _, line := range []string{
		"send demo /posts -q", "send demo /posts", "send demo /posts -o json", "send demo /posts --count 3", "send demo /posts --count 3 -o json",
		"check", "check -o json", "show demo", "show demo -o json", "stages", "stages retry", "version", "--help", "send --help", "--version",
	} {
		t.Run(line, func(t *testing.T) {
			var errs bytes.Buffer
			args := append(strings.Fields(line), "-c", "../../pipelines.toml")
			code := shipped().run(t.Context(), args, stdio{in: strings.NewReader(""), out: full{}, err: &errs})
			if code != exitFailed || !strings.HasSuffix(errs.String(), "leat: write to standard output: no room\n") || strings.Count(errs.String(), "no room") != 1 {
				t.Errorf("exit %d, standard error %q", code, errs.String())
			}
		})
	}
}

func TestMainFileIsShort(t *testing.T) {
	b, err := os.ReadFile("main.go")
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(b, []byte("\n")); n > 30 {
		t.Errorf("main.go has %d lines; what it does belongs into a verb's file", n)
	}
}
