package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCheck(t *testing.T) {
	for _, tc := range []struct{ name, stages, want string }{
		{"its own stage", `["retry", "tenant"]`, ""},
		{"a mistake", `["retry", "tenat"]`, "did you mean tenant?"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "pipelines.toml")
			text := "version = 1\n[pipelines.api]\nbase_url = \"https://api.example.com\"\nstages = " + tc.stages + "\n"
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			err := check(path)
			if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
	if err := check("none.toml"); err == nil {
		t.Error("a file that is not there passes")
	}
}
