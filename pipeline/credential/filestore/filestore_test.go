package filestore

import (
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"github.com/leatdev/leat/pipeline/credential"
	"github.com/leatdev/leat/pipeline/credential/storetest"
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

func child(string) int { return 1 }
