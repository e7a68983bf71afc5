//go:build unix

package partner_test

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/plugins/host"
	"github.com/leatdev/leat/stages"
)

// need says what lacks, and skips; where LEAT_CI=1 promises that it is there, that fails the test.
func need(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("LEAT_CI") == "1" {
		t.Fatal(what)
	}
	t.Skip(what)
}

// example copies the example into a folder of its own, where it has the SDK of this tree.
func example(t *testing.T) string {
	t.Helper()
	if _, err := exec.LookPath("node"); err != nil {
		need(t, "node is not installed: install Node.js 18 or later")
	}
	sdk, err := filepath.Abs("../../node")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(sdk, "node_modules/@grpc/grpc-js")); err != nil {
		need(t, "the packages of the SDK are not installed: run npm ci in plugins/node")
	}
	dir := t.TempDir()
	files, err := filepath.Glob("*.*s*")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append(files, "pipelines.toml") {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(filepath.Join(dir, "node_modules/@leatdev"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(sdk, filepath.Join(dir, "node_modules/@leatdev/plugin")); err != nil {
		t.Fatal(err)
	}
	return dir
}

// upstream starts the example's partner, and has the example's file name its address.
func upstream(t *testing.T, dir string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "node", "upstream.js")
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "PORT=0")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	_, url, ok := strings.Cut(strings.TrimSpace(line), " at ")
	if !ok {
		t.Fatalf("it printed %q", line)
	}
	path := filepath.Join(dir, "pipelines.toml")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(strings.ReplaceAll(string(text), "http://127.0.0.1:8099", url)), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PARTNER_URL", url)
	t.Setenv("PARTNER_KEY", "demo-key")
	t.Setenv("PARTNER_APP", "demo")
}

func TestPartner(t *testing.T) {
	t.Run("passes_its_own_tests", func(t *testing.T) {
		cmd := exec.CommandContext(t.Context(), "node", "--test")
		cmd.Dir, cmd.WaitDelay = example(t), time.Second
		if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "pass 7") {
			t.Errorf("node --test: %v\n%s", err, out)
		}
	})

	t.Run("renews_a_ticket_that_a_200_calls_expired_and_survives_a_kill", func(t *testing.T) {
		dir := example(t)
		upstream(t, dir)
		h := host.New()
		defer h.Close()
		runner, err := pipeline.Open(t.Context(), filepath.Join(dir, "pipelines.toml"), pipeline.WithStages(stages.All()...), pipeline.WithPlugins(h))
		if err != nil {
			t.Fatal(err)
		}
		defer runner.Close()
		api, err := runner.Pipeline("partner")
		if err != nil {
			t.Fatal(err)
		}
		for range 7 { // a ticket is good for three
			if got, want := order(t, api), `{"state":"ok","order":"7"}`; got != want {
				t.Fatalf("got %s, want %s", got, want)
			}
		}
		kill(t, dir)
		if got, want := order(t, api), `{"state":"ok","order":"7"}`; got != want {
			t.Errorf("after a kill: got %s, want %s", got, want)
		}
	})
}

// order sends a request; the stages further out have it sent again where the plugin's process ends beneath it.
func order(t *testing.T, api *pipeline.Pipeline) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	req, err := api.NewRequest(ctx, http.MethodGet, "/orders/7", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := api.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// kill ends the plugin's process by force: the one that runs in the folder and is no partner.
func kill(t *testing.T, dir string) {
	t.Helper()
	entries, _ := filepath.Glob("/proc/[0-9]*/cwd")
	found := false
	for _, cwd := range entries {
		if where, err := os.Readlink(cwd); err != nil || where != dir {
			continue
		}
		line, err := os.ReadFile(filepath.Join(filepath.Dir(cwd), "cmdline"))
		if err != nil || !strings.HasSuffix(strings.TrimRight(string(line), "\x00"), "partner.js") {
			continue
		}
		var pid int
		for _, c := range filepath.Base(filepath.Dir(cwd)) {
			pid = pid*10 + int(c-'0')
		}
		found = true
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
	if !found {
		t.Skip("the process is found by /proc, which this system has not")
	}
}
