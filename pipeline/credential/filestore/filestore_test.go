package filestore

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/leatdev/leat/pipeline/credential"
	"github.com/leatdev/leat/pipeline/credential/storetest"
	"github.com/leatdev/leat/pipeline/redact"
)

func TestMain(m *testing.M) {
	if name := os.Getenv("FILESTORE_CHILD"); name != "" {
		os.Exit(child(name))
	}
	goleak.VerifyTestMain(m)
}

// sealing returns a codec with the given keys.
func sealing(keys ...string) *credential.Codec {
	given, refs := map[string]string{}, []credential.Ref{}
	for _, key := range keys {
		given["KEY_"+key] = key + " is a key of many bytes"
		refs = append(refs, credential.Env("KEY_"+key))
	}
	return credential.NewCodec(credential.NewSecrets("", nil, func(_, name string) (string, bool) { v, ok := given[name]; return v, ok }, nil), refs...)
}

func open(t *testing.T, dir string, codec *credential.Codec) *Store {
	t.Helper()
	s, err := New(Config{Dir: dir}, credential.StoreSettings{Name: "tokens", Codec: codec})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

const canary = "filestore-canary"

func record(generation uint64) credential.Record {
	return credential.Record{Generation: generation, Obtained: time.Unix(1e9, 0), Token: credential.Token{Access: redact.NewSecret(canary)}}
}

func save(t *testing.T, s *Store, prev uint64) {
	t.Helper()
	if err := s.Save(t.Context(), demo, prev, record(prev+1)); err != nil {
		t.Fatal(err)
	}
}

func wantGeneration(t *testing.T, s *Store, want uint64) {
	t.Helper()
	if r, err := s.Load(t.Context(), demo); err != nil || r.Generation != want {
		t.Errorf("got generation %d and %v, want %d", r.Generation, err, want)
	}
}

func wantError(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("got no error, want one with %q", parts)
	}
	for _, part := range append(parts, "store tokens: ") {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("got %q, want it to say %q", err, part)
		}
	}
	if strings.Contains(err.Error(), canary) {
		t.Errorf("the error holds a secret: %v", err)
	}
}

func TestStore(t *testing.T) {
	for name, codec := range map[string]*credential.Codec{"plain": nil, "sealed": sealing("a", "b")} {
		t.Run(name, func(t *testing.T) {
			storetest.Test(t, func(t *testing.T) func() credential.Store {
				dir := filepath.Join(t.TempDir(), "a", "folder")
				return func() credential.Store { return open(t, dir, codec) }
			})
		})
	}
}
