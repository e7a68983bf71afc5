package pipeline_test

import (
	"errors"
	"io/fs"
	"net/http"
	"strings"
	"testing"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/config"
)

type fileConfig struct {
	Path string `toml:"path"`
}

type fileStage struct{ closed *int }

func (s *fileStage) Do(req *http.Request, next http.RoundTripper) (*http.Response, error) {
	return next.RoundTrip(req)
}

func (s *fileStage) Close() error { *s.closed++; return nil }

func TestProbe(t *testing.T) {
	closed := 0
	factory := pipeline.Define("file", fileConfig{}, func(c fileConfig, s pipeline.Settings) (*fileStage, error) {
		if c.Path != "" {
			return nil, &pipeline.ConfigError{Path: "path", Message: "no " + c.Path + " below " + s.Dir, Err: fs.ErrNotExist}
		}
		return &fileStage{&closed}, nil
	})
	registry, err := pipeline.NewRegistry(factory)
	if err != nil {
		t.Fatal(err)
	}
	f, err := config.Read("folder/t.toml", []byte(`version = 1
[transports.default]
ca = "none.pem"
[stages.good]
use = "file"
[stages.bad]
use = "file"
path = "x.json"
[pipelines.a]
base_url = "https://a.example"
stages = ["good", "bad"]
[pipelines.b]
base_url = "https://b.example"
stages = ["bad"]
`))
	if err != nil {
		t.Fatal(err)
	}
	plan, err := pipeline.Check(f, registry)
	if err != nil {
		t.Fatal(err)
	}
	diags := pipeline.Probe(plan)
	if len(diags) != 2 {
		t.Fatalf("got %d diagnostics, want 2, one for each mistake:\n%v", len(diags), diags)
	}
	if d := diags[0]; d.Line != 3 || !strings.HasPrefix(d.Message, "read ca: ") {
		t.Errorf("got %v, want the missing ca on line 3", d)
	}
	if d := diags[1]; d.Line != 8 || d.Message != "no x.json below folder" {
		t.Errorf("got %v, want the missing file on line 8", d)
	}
	if closed != 1 {
		t.Errorf("got %d stages closed, want the one that was built", closed)
	}
	if _, err := pipeline.New(t.Context(), plan); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("New: got %v, want the cause to be found in it", err)
	}
}

func TestCheckKnowsSharedSecrets(t *testing.T) {
	_, err := pipeline.OpenBytes(t.Context(), "t.toml", []byte(`version = 1
[secrets.api_token]
env = "T"
[credentials.good]
type = "bearer"
origins = ["https://a.example"]
token = { secret = "api_token" }
[credentials.bad]
type = "login"
origins = ["https://a.example"]
login = { path = "/l", send = { who = { password = { secret = "api_tokn" } } } }
`), pipeline.WithEnviron(nil))
	var diags config.Diagnostics
	if !errors.As(err, &diags) || len(diags) != 1 {
		t.Fatalf("got %v, want one diagnostic", err)
	}
	if d := diags[0]; d.Line != 11 || d.Message != `unknown secret "api_tokn"` || d.Hint != "did you mean api_token?" {
		t.Errorf("got %v", d)
	}
}
