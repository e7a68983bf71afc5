package plugins_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/plugins"
	"github.com/leatdev/leat/plugins/internal/wire"
)

// asPlugin has the test binary be a plugin.
const asPlugin = "LEAT_TEST_PLUGIN"

func TestMain(m *testing.M) {
	if os.Getenv(asPlugin) != "" {
		err := plugins.Run(plugins.Options{Name: "leat-plugin-mine", Version: "1.2.3", Stages: factories(os.Getenv(asPlugin))})
		_, _ = io.WriteString(os.Stderr, err.Error()+"\n") // it returns with an error only
		os.Exit(70)
	}
	goleak.VerifyTestMain(m)
}

type config struct {
	Timeout time.Duration `toml:"timeout"`
}

func (*config) Doc() string { return "does as it is told" }

func factories(which string) []pipeline.Factory {
	f := pipeline.Define("obey", config{Timeout: time.Second}, func(config, pipeline.Settings) (pipeline.StageFunc, error) {
		return func(req *http.Request, next http.RoundTripper) (*http.Response, error) { return next.RoundTrip(req) }, nil
	})
	switch which {
	case "twice":
		return []pipeline.Factory{f, f}
	case "none":
		return nil
	case "zero":
		return []pipeline.Factory{{}}
	}
	return []pipeline.Factory{f}
}

// byHand runs the plugin as a person does.
func byHand(t *testing.T, which string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Env = []string{asPlugin + "=" + which, wire.DevEnv + "=" + os.Getenv(wire.DevEnv)}
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode(), out.String(), errs.String()
	}
	if err != nil {
		t.Fatal(err)
	}
	return 0, out.String(), errs.String()
}

func TestByHand(t *testing.T) {
	t.Run("says_what_it_is_and_how_a_file_uses_it", func(t *testing.T) {
		for _, args := range [][]string{nil, {"--help"}} {
			code, out, errs := byHand(t, "one", args...)
			if code != 0 || errs != "" {
				t.Errorf("got %d, %q", code, errs)
			}
			for _, want := range []string{"leat-plugin-mine 1.2.3", "obey  does as it is told", "[plugins.mine]", `use = "mine/obey"`, "command = [\"", "describe"} {
				if !strings.Contains(out, want) {
					t.Errorf("no %q in %s", want, out)
				}
			}
		}
	})
	t.Run("the_file_that_it_proposes_is_a_good_one", func(t *testing.T) {
		_, out, _ := byHand(t, "one")
		var file strings.Builder
		for line := range strings.Lines(out) {
			if l, ok := strings.CutPrefix(line, "  "); ok && (strings.HasPrefix(l, "[") || strings.Contains(l, " = ")) && !strings.Contains(l, "  ") {
				file.WriteString(l)
			}
		}
		text := "version = 1\n" + file.String() + "[pipelines.api]\nbase_url = \"https://api.example.com\"\nstages = [\"obey\"]\n"
		r, err := pipeline.OpenBytes(t.Context(), "pipelines.toml", []byte(text), pipeline.WithPlugins(anyPlugins{}))
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		_ = r.Close()
	})
	t.Run("describes_itself_as_JSON", func(t *testing.T) {
		code, out, errs := byHand(t, "one", "describe")
		var got struct {
			Name, Version, SDK string
			Protocol           int
			Types              []struct {
				Name, Doc string
				Schema    map[string]any
				Needs     map[string]any
				Defaults  map[string]any
			}
		}
		if err := json.Unmarshal([]byte(out), &got); err != nil || code != 0 {
			t.Fatalf("got %d, %v, %s", code, err, errs)
		}
		if got.Name != "leat-plugin-mine" || got.Version != "1.2.3" || got.Protocol != wire.ProtocolVersion || len(got.Types) != 1 {
			t.Fatalf("got %+v", got)
		}
		if one := got.Types[0]; one.Name != "obey" || one.Doc == "" || one.Schema["type"] != "object" || one.Needs["request"] == nil || one.Defaults["timeout"] != "1s" {
			t.Errorf("got %+v", one)
		}
	})
	t.Run("tells_its_version", func(t *testing.T) {
		if code, out, _ := byHand(t, "one", "--version"); code != 0 || !strings.HasPrefix(out, "leat-plugin-mine 1.2.3, leat ") {
			t.Errorf("got %d, %q", code, out)
		}
	})
	for _, tc := range []struct {
		name, which string
		args        []string
		code        int
		want        string
	}{
		{"an_unknown_argument_is_an_error", "one", []string{"serve"}, 2, `unknown argument "serve"`},
		{"one_argument_is_the_most", "one", []string{"describe", "--json"}, 2, `unknown argument "--json"`},
		{"a_type_that_is_there_twice_is_the_authors_mistake", "twice", nil, 70, `type "obey" is there twice`},
		{"so_is_no_type", "none", nil, 70, "no stage types"},
		{"so_is_a_factory_that_makes_nothing", "zero", nil, 70, "the zero value"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if code, _, errs := byHand(t, tc.which, tc.args...); code != tc.code || !strings.Contains(errs, tc.want) {
				t.Errorf("got %d, %q", code, errs)
			}
		})
	}
}

// anyPlugins takes any stage of any plugin.
type anyPlugins struct{}

func (anyPlugins) Factory(p pipeline.PluginPlan, typ string) (pipeline.Factory, error) {
	if len(p.Config.Command) != 1 || !filepath.IsAbs(p.Config.Command[0]) {
		return pipeline.Factory{}, errors.New("the command is no path")
	}
	return pipeline.Define(p.Name+"/"+typ, struct{}{}, func(struct{}, pipeline.Settings) (pipeline.StageFunc, error) { return nil, nil }), nil
}

// started is a plugin that a host has started.
type started struct {
	cmd      *exec.Cmd
	lifeline io.WriteCloser
	dir      string
	socket   string
	ended    chan error
}

func start(t *testing.T) *started {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("plugins run on Linux and macOS")
	}
	dir, err := os.MkdirTemp("", "leat-serve-") //nolint:usetesting // the path of a socket must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	s := &started{dir: filepath.Join(dir, "s"), ended: make(chan error, 1)}
	if err := os.Mkdir(s.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	s.cmd = exec.Command(os.Args[0])
	s.cmd.Env = []string{asPlugin + "=one", wire.CookieKey + "=" + wire.CookieValue, wire.SocketDirEnv + "=" + s.dir, "PLUGIN_PROTOCOL_VERSIONS=1"}
	s.cmd.Stderr = os.Stderr
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if s.lifeline, err = s.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.cmd.Process.Kill() })
	line, err := bufio.NewReader(out).ReadString('\n')
	parts := strings.Split(strings.TrimSpace(line), "|")
	if err != nil || len(parts) < 5 || parts[1] != "1" || parts[4] != "grpc" {
		t.Fatalf("got handshake %q, %v", line, err)
	}
	s.socket = parts[3]
	go func() { s.ended <- s.cmd.Wait() }()
	return s
}

func (s *started) wait(t *testing.T) {
	t.Helper()
	select {
	case err := <-s.ended:
		if err != nil {
			t.Errorf("it ended with %v", err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("it did not end")
	}
	if _, err := os.Stat(s.dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("its folder is still there: %v", err)
	}
}

func TestServe(t *testing.T) {
	t.Run("ends_with_its_host", func(t *testing.T) {
		s := start(t)
		_ = s.lifeline.Close()
		s.wait(t)
	})
	t.Run("ends_when_it_is_told_to", func(t *testing.T) {
		s := start(t)
		if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		s.wait(t)
	})
	t.Run("leaves_an_interrupt_to_its_host", func(t *testing.T) {
		s := start(t)
		if err := s.cmd.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
		conn, err := net.Dial("unix", s.socket)
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
		if _, err := conn.Read(make([]byte, 1)); err != nil { // gRPC greets with its settings
			t.Errorf("it does not serve any more: %v", err)
		}
		_ = conn.Close()
		_ = s.lifeline.Close()
		s.wait(t)
	})
}

// The example of docs/plugins.md: every line counts that is neither empty nor a comment.
func TestHelloWorld(t *testing.T) {
	t.Run("has_at_most_15_lines", func(t *testing.T) {
		src, err := os.ReadFile("examples/hello/main.go")
		if err != nil {
			t.Fatal(err)
		}
		lines := 0
		for line := range strings.Lines(string(src)) {
			if text := strings.TrimSpace(line); text != "" && !strings.HasPrefix(text, "//") {
				lines++
			}
		}
		if lines > 15 {
			t.Errorf("it has %d lines", lines)
		}
	})
}
