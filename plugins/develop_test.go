package plugins_test

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/leatdev/leat/plugins/internal/wire"
)

func TestDevelop_refuses(t *testing.T) {
	taken := filepath.Join(t.TempDir(), "s")
	listener, err := net.Listen("unix", taken)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	file := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(file, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct{ path, want string }{
		"a_socket_where_somebody_serves":         {taken, "another process serves there: end it first"},
		"a_file":                                 {file, "there is a file that is no socket"},
		"a_socket_in_a_folder_that_is_not_there": {filepath.Join(t.TempDir(), "none", "s"), "no such file or directory"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(wire.DevEnv, tc.path)
			code, _, errs := byHand(t, "one", "any", "argument")
			if code == 0 || !strings.Contains(errs, wire.DevEnv+"="+tc.path+": ") || !strings.Contains(errs, tc.want) {
				t.Errorf("got exit code %d, %q, want %q", code, errs, tc.want)
			}
		})
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != "precious" {
		t.Errorf("the file holds %q, %v", text, err)
	}
}
