package python_test

import (
	"context"
	"io/fs"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/leatdev/leat/internal/testenv"
	"github.com/leatdev/leat/plugins/python"
)

func TestSDK(t *testing.T) {
	ran := regexp.MustCompile(`Ran [1-9][0-9]* tests`)
	for _, test := range []struct{ name, dir, path string }{
		{"passes_its_own_tests", ".", "."},
		{"passes_the_tests_of_the_example", "../examples/tenant", "../../python"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if testing.Short() {
				t.Skip("it starts some forty processes")
			}
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
			defer cancel()
			cmd := exec.CommandContext(ctx, testenv.Python(t), "-m", "unittest", "discover", "-t", ".", "-s", "tests")
			cmd.Dir, cmd.WaitDelay = test.dir, time.Second
			cmd.Env = append(os.Environ(), "PYTHONPATH="+test.path, "PYTHONDONTWRITEBYTECODE=1")
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Errorf("python3 -m unittest: %v\n%s", err, out)
			}
			if !ran.Match(out) {
				t.Errorf("no test ran:\n%s", out)
			}
		})
	}
	t.Run("is_embedded_as_a_project_needs_it", func(t *testing.T) {
		for _, path := range []string{"leat_plugin/__init__.py", "leat_plugin/plugin_pb2.py", "leat_plugin/testing.py", "leat_plugin/py.typed"} {
			if _, err := fs.Stat(python.SDK(), path); err != nil {
				t.Error(err)
			}
		}
		err := fs.WalkDir(python.SDK(), ".", func(path string, _ fs.DirEntry, err error) error {
			if path != "." && !strings.HasPrefix(path, "leat_plugin") {
				t.Errorf("%s is no part of the SDK", path)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
}
