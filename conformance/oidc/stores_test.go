//go:build unix

package oidc

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/leatdev/leat/pipeline/credential/redisstore/redistest"
)

// stores are the ways in which the processes share: each opens a fresh one and returns the table of the file that names it.
var stores = []struct {
	name string
	open func(t *testing.T) string
}{
	{"file", func(t *testing.T) string {
		t.Helper()
		return fmt.Sprintf("type = \"file\"\ndir = %q", filepath.Join(t.TempDir(), "tokens"))
	}},
	{"redis", func(t *testing.T) string {
		t.Helper()
		return fmt.Sprintf("type = \"redis\"\nurl = %q", "redis://"+redistest.Start(t).Addr)
	}},
}
