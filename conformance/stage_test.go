package conformance_test

import (
	"context"
	"fmt"
	"testing"

	"go.uber.org/goleak"

	"github.com/leatdev/leat/conformance"
	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/credential"
	"github.com/leatdev/leat/pipeline/redact"
	"github.com/leatdev/leat/stages"
	"github.com/leatdev/leat/stages/auth"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const counterTable = `
[credentials.demo]
type    = "counter"
origins = ["https://api.example.com"]
`

// counter gives another token each time.
type counter struct{ n *int }

func (c counter) Obtain(context.Context) (credential.Token, error) {
	*c.n++
	return credential.Token{Access: redact.NewSecret(fmt.Sprintf("fake-%d", *c.n))}, nil
}

func (c counter) Refresh(ctx context.Context, _ credential.Token) (credential.Token, error) {
	return c.Obtain(ctx)
}

// counted is a credential whose token is another one after each refresh.
func counted() []conformance.StageOption {
	return []conformance.StageOption{
		conformance.WithFile(counterTable), conformance.WithPipeline(`credential = "demo"`),
		conformance.WithCredentials(credential.Define("counter", struct{}{}, func(struct{}, credential.Settings) (credential.Source, credential.Placement, error) {
			return counter{new(int)}, credential.Placement{Header: "Authorization", Prefix: "Bearer "}, nil
		})),
	}
}

// TestStage_holds_for_leats_own: every stage that leat ships keeps the contract, with the configs that make it do most.
func TestStage_holds_for_leats_own(t *testing.T) {
	configs := map[string][]string{
		"auth":    {"", `exempt = 'request.method == "HEAD"'`},
		"refresh": {"", `on = 'response.status in [401, 503]'`},
		"retry": {
			"", "max_attempts = 5\nunsafe = true\nattempt_header = \"X-Attempt\"\n" +
				`rules = [{ match = 'response.status in [401, 409]', class = "refused" }]`,
		},
		"log": {
			"", "profile = \"development\"\nrequest_body = true\nresponse_body = true",
			"request_body = true\nresponse_body = true\nsend_level = \"info\"\nbody_limit = \"16B\"",
		},
		"error-map": {"", `rules = [{ match = 'response.status in [404, 429]', kind = "policy", message = "no", retryable = true }]`},
		"validate": {
			"", `streams = "skip"` + "\n" + `max_size = "1KiB"`, `json = "always"`, `required = ["id", "name"]`,
			`content_type = ["application/json"]`, `on = 'response.status in 200..599'`,
		},
		"headers":         {"", `set = { "X-Request-Id" = { uuid = true }, "X-Kit-Many" = "three" }` + "\n" + `remove = ["Accept"]`},
		"idempotency-key": {"", "header = \"X-Request-Key\"\nformat = \"quoted\"\nmethods = [\"POST\", \"PUT\", \"GET\"]"},
	}
	for _, f := range stages.All() {
		var opts []conformance.StageOption
		switch f.Type() {
		case "auth":
			opts = counted()
		case "refresh":
			opts = append(counted(), conformance.Behind(auth.Factory()))
		}
		if len(configs[f.Type()]) == 0 {
			t.Errorf("stage %s is not tested", f.Type())
		}
		for i, config := range configs[f.Type()] {
			t.Run(fmt.Sprint(f.Type(), "/", i), func(t *testing.T) { conformance.Stage(t, f, config, opts...) })
		}
	}
}

var _ = pipeline.Errorf
