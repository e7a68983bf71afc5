package scenario_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leatdev/leat/conformance/scenario"
	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/stages"
)

// crowded is a test that fails in many ways at once, with as much as possible in each moment.
const crowded = `version = 1
[credentials.shop]
type    = "login"
origins = ["https://api.example.com", "https://b.example.com"]
login   = { path = "/login", send = { user = "ada", password = { env = "PASSWORD" } } }
refresh = { path = "/refresh" }
[credentials.till]
type          = "oauth2"
origins       = ["https://c.example.com"]
token_url     = "https://login.example.com/token"
client_id     = "till"
client_secret = { env = "TILL" }
[pipelines.api]
base_url   = "https://api.example.com"
credential = "shop"
stages     = ["auth", "refresh", "retry", "log", "error-map"]
[pipelines.till]
extends    = "api"
base_url   = "https://c.example.com"
credential = "till"
[[test]]
name     = "a crowd"
pipeline = "api"
random   = [0.1, 0.7, 0.3]
answers  = [{ times = 7, status = 503 }, { times = 3, status = 429 }, { to = "/b*", body = "for b" }, { times = 60 }, { status = 201, to = "GET /never" }]
[[test.call]]
request = "GET /a"
count   = 20
expect  = { status = 299, elapsed = "1h", attached = 7, header = { X-A = "1", X-B = "2", X-C = "3" } }
[[test.call]]
request = "GET /b"
count   = 20
expect  = { status = 298, sends = 9, json = { a = 1 } }
[[test.call]]
request  = "GET /c"
pipeline = "till"
count    = 10
expect   = { status = 297 }
[[test.call]]
request      = "GET /left"
count        = 5
cancel_after = "1s"
[[test.event]]
at     = "2s"
expire = "shop"
[[test.event]]
at     = "2s"
revoke = "till"
[[test.call]]
at      = "2s"
request = "GET /again"
count   = 30
expect  = { status = 200, sends = 2 }
[[test.call]]
at      = "2s"
request = "GET https://b.example.com/x"
count   = 5
expect  = { status = 200, sends = 3 }
[[test.call]]
at      = "2s"
request = "GET https://unknown.example.com/x"
count   = 2
expect  = { status = 200 }
[[test.upstream]]
origin  = "https://b.example.com"
connect = ["refused", "reset", "ok", "dns_down"]
answers = [{ times = 4 }]
[[test.upstream]]
origin  = "https://c.example.com"
expect  = { sends = 1 }
http2   = true
answers = [{ times = 4 }, { times = 3, status = 503 }, { times = 4, status = 404 }]
[test.expect]
tokens = { shop = 1, till = 7 }
sent   = [{ to = "GET /a" }, { to = "GET /b" }]
logs   = [{ level = "error" }, { message = "nothing" }]
spans  = [{ name = "nothing" }]
sessions = { shop = { generation = 9 }, till = { state = "dead" } }
`

// TestRun_comes_out_alike runs tests again and again, and compares all that is told of them. A record that was kept for a failure would
// hide in a test that passes, so each is also run with an expectation that can't be true.
func TestRun_comes_out_alike(t *testing.T) {
	suites := []*scenario.Suite{open(t, crowded)}
	files, err := filepath.Glob("testdata/*.test.toml")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		s, err := scenario.Load(file, pipeline.WithStages(stages.All()...))
		if err != nil {
			t.Fatal(err)
		}
		suites = append(suites, s)
	}
	for _, s := range suites {
		for i, name := range s.Tests() {
			t.Run(fmt.Sprintf("%s/%s", strings.TrimSuffix(filepath.Base(s.Name), scenario.Suffix), name), func(t *testing.T) {
				times := 4
				if s == suites[0] && !testing.Short() {
					times = 20
				}
				first := s.Run(t, i)
				for range times - 1 {
					if diff := cmp.Diff(asJSON(t, first), asJSON(t, s.Run(t, i))); diff != "" {
						t.Fatal(diff)
					}
				}
			})
		}
	}
}
