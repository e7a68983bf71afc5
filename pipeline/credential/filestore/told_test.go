package filestore

import (
	"io/fs"
	"os"
	"syscall"
	"testing"

	"github.com/leatdev/leat/pipeline/redact"
)

// TestFault_is_not_taken_for_a_secret: files are called api-….token, and a redactor masks what follows "token:".
func TestFault_is_not_taken_for_a_secret(t *testing.T) {
	dir := t.TempDir() + "/tokens"
	save(t, open(t, dir, sealing("lost")), 0)
	s := open(t, dir, sealing("new"))
	f := s.files(demo)
	_, wrongKey := s.Load(t.Context(), demo)
	if err := os.WriteFile(f.record, []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, damaged := s.Load(t.Context(), demo)
	if err := os.WriteFile(f.record, make([]byte, maxRecord+1), 0o600); err != nil {
		t.Fatal(err)
	}
	_, large := s.Load(t.Context(), demo)
	if err := os.Remove(f.record); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(f.record, 0o700); err != nil {
		t.Fatal(err)
	}
	_, folder := s.Load(t.Context(), demo)
	link := s.fault("lock", &os.LinkError{Op: "rename", Old: f.temp, New: f.record, Err: syscall.EACCES})
	file := s.fault("read", &fs.PathError{Op: "open", Path: f.record, Err: syscall.EACCES})
	r := redact.New(redact.Rules{})
	for name, err := range map[string]error{"wrong_key": wrongKey, "damaged": damaged, "large": large, "folder": folder, "link": link, "file": file} {
		t.Run(name, func(t *testing.T) {
			wantError(t, err, f.record)
			for _, text := range []string{err.Error(), `the store "tokens" can't be used: ` + err.Error() + "; calls go on once it works"} {
				if got := r.Text(text); got != text {
					t.Errorf("got %s\nwant %s", got, text)
				}
			}
		})
	}
}
