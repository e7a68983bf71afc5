package pipeline_test

import (
	"testing"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/credential"
)

func TestRunner_Store(t *testing.T) {
	runner, err := pipeline.OpenBytes(t.Context(), "pipelines.toml", []byte("version = 1\n[stores.tokens]\ntype = \"memory\"\n[stores.more]\ntype = \"memory\"\n"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = runner.Close() }()
	store, err := runner.Store("tokens")
	if _, ok := store.(credential.Inspector); err != nil || !ok {
		t.Errorf("got %T, %v", store, err)
	}
	want := `no store "token" in pipelines.toml: it has more, tokens`
	if _, err := runner.Store("token"); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
