package filestore

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/leatdev/leat/pipeline/credential"
)

func TestProbe_leaves_no_record(t *testing.T) {
	s := open(t, t.TempDir()+"/a/tokens", sealing("a"))
	for range 2 {
		if err := s.Probe(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(s.files(probeKey).temp, []byte("half"), 0o600); err != nil { // as one that was killed does
			t.Fatal(err)
		}
	}
	if err := s.Probe(t.Context()); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(s.dir)
	if err != nil || len(entries) != 1 || !strings.HasPrefix(entries[0].Name(), "save-") {
		t.Errorf("the folder holds %v (%v), want one lock", entries, err)
	}
}

func TestProbe_says_what_save_would_say(t *testing.T) {
	base := t.TempDir()
	if err := os.WriteFile(base+"/file", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	wantError(t, open(t, base+"/file/tokens", nil).Probe(t.Context()), "a part of dir is a file")
	unset := credential.NewCodec(credential.NewSecrets("", nil, func(_, _ string) (string, bool) { return "", false }, nil), credential.Env("LEAT_STORE_KEY"))
	wantError(t, open(t, base+"/tokens", unset).Probe(t.Context()), "LEAT_STORE_KEY")
	if _, err := os.Stat(base + "/tokens"); err == nil {
		t.Error("it made the folder although no key is there")
	}
	for _, at := range []step{stepCreate, stepWrite, stepSync, stepRename, stepDurable} {
		s := open(t, filepath.Join(base, string(at)), nil)
		cause := errors.New("no room")
		s.before = func(now step, _ string) error {
			if now == at {
				return cause
			}
			return nil
		}
		if err := s.Probe(t.Context()); !errors.Is(err, cause) {
			t.Errorf("%s: got %v", at, err)
		}
		if left, _ := filepath.Glob(s.dir + "/*probe*"); left != nil {
			t.Errorf("%s: it left %q", at, left)
		}
	}
}

func TestForget_removes_what_it_can_not_read(t *testing.T) {
	dir := t.TempDir() + "/tokens"
	if err := open(t, dir, nil).Forget(t.Context(), demo); err != nil {
		t.Errorf("where there is no folder: %v", err)
	}
	save(t, open(t, dir, sealing("lost")), 0)
	s := open(t, dir, sealing("new"))
	if err := s.Forget(t.Context(), demo); err != nil {
		t.Fatal(err)
	}
	save(t, s, 0)
	wantGeneration(t, s, 1)
}
