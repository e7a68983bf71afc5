package stages_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/config"
	"github.com/leatdev/leat/stages"
)

// TestNeeds: where a stage runs in another process it asks for what its config makes use of.
func TestNeeds(t *testing.T) {
	type (
		request  = pipeline.RequestNeeds
		response = pipeline.ResponseNeeds
	)
	list := func(names ...string) []string { return names }
	keys, all := list("Idempotency-Key", "X-Idempotency-Key"), list("*")
	for _, tt := range []struct {
		typ, table string
		want       pipeline.Needs
	}{
		{"retry", "", pipeline.Needs{
			Request: request{Headers: keys}, Response: &response{Headers: list("Date", "Retry-After")}, Retry: true,
		}},
		{"retry", "hints = []\nattempt_header = \"X-Try\"\nnested_header = \"X-Owner\"", pipeline.Needs{
			Request: request{Headers: append(keys[:2:2], "X-Owner"), Edit: list("X-Try", "X-Owner")}, Response: &response{}, Retry: true,
		}},
		{"retry", "idempotent = 'call.operation == \"read\" or request.query(\"dry\") == \"1\"'\n" +
			"rules = [{ match = 'response.header(\"x-busy\") != \"\" and request.header(\"x-batch\") == \"\"', class = \"refused\" }]", pipeline.Needs{
			Request:  request{Headers: list("Idempotency-Key", "X-Batch", "X-Idempotency-Key"), Query: true, Call: list("operation")},
			Response: &response{Headers: list("Date", "Retry-After", "X-Busy")}, Retry: true,
		}},
		{"retry", "rules = [{ match = 'error.message contains \"busy\"', class = \"refused\" }]", pipeline.Needs{
			Request: request{Headers: keys}, Response: &response{Headers: list("Date", "Retry-After"), Body: pipeline.BodyFull, BodyLimit: 1}, Retry: true,
		}},
		{"log", "", pipeline.Needs{
			Request:  request{Headers: all, Query: true, Call: list("operation")},
			Response: &response{Headers: all, Body: pipeline.BodyFull, BodyLimit: 1}, Calls: true,
		}},
		{"log", "profile = \"development\"\ncalls = false\nrequest_body = true\nresponse_body = true", pipeline.Needs{
			Request:  request{Headers: all, Query: true, Body: pipeline.BodyFull, BodyLimit: 16 << 20, Call: list("operation", "subject")},
			Response: &response{Headers: all},
		}},
		{"error-map", "", pipeline.Needs{
			Response: &response{Headers: list("Content-Encoding", "Content-Type"), Body: pipeline.BodyFull, BodyLimit: 64<<10 + 1},
		}},
		{"error-map", "rules = [{ match = 'response.header(\"x-code\") == call.label(\"code\")', kind = \"conflict\" }]", pipeline.Needs{
			Request:  request{Call: list("labels")},
			Response: &response{Headers: list("Content-Encoding", "Content-Type", "X-Code"), Body: pipeline.BodyFull, BodyLimit: 64<<10 + 1},
		}},
		{"validate", "max_size = \"1KiB\"\non = 'call.subject != \"\"'\nrules = [{ expect = 'response.content_type == request.header(\"Accept\")' }]", pipeline.Needs{
			Request:  request{Headers: list("Accept"), Call: list("subject")},
			Response: &response{Headers: list("Content-Encoding", "Content-Type"), Body: pipeline.BodyFull, BodyLimit: 1<<10 + 1},
		}},
		{"validate", "max_size = \"1KiB\"\ncontent_type = [\"text/*\"]", pipeline.Needs{
			Response: &response{Headers: list("Content-Encoding", "Content-Type"), Body: pipeline.BodyFull, BodyLimit: 64<<10 + 1},
		}},
		{"validate", "json = \"never\"", pipeline.Needs{
			Response: &response{Headers: list("Content-Encoding", "Content-Type"), Body: pipeline.BodyNone},
		}},
		{"headers", "", pipeline.Needs{}},
		{"headers", "remove = [\"x-old\"]\nset.x-fixed = \"1\"\nset.x-id = { uuid = true }\nset.x-op = { expr = 'call.operation' }\nadd.via = { expr = 'request.header(\"x-gate\")' }", pipeline.Needs{
			Request: request{Headers: list("Via", "X-Gate", "X-Old", "X-Op"), Edit: list("X-Fixed", "X-Id", "X-Op", "Via", "X-Old"), Call: list("operation")},
		}},
		{"idempotency-key", "", pipeline.Needs{
			Request: request{Headers: list("Idempotency-Key"), Edit: list("Idempotency-Key"), Call: list("idempotency_key")},
		}},
		{"idempotency-key", "header = \"x-request-key\"", pipeline.Needs{
			Request: request{Headers: list("Idempotency-Key", "X-Request-Key"), Edit: list("Idempotency-Key", "X-Request-Key"), Call: list("idempotency_key")},
		}},
	} {
		t.Run(tt.typ+" "+tt.table, func(t *testing.T) {
			factory, cfg := configOf(t, tt.typ, tt.table)
			got := factory.NeedsOf(cfg)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if err := got.Validate(); err != nil {
				t.Errorf("nobody may ask for that: %v", err)
			}
			if more := got.Beyond(factory.MostNeeds()); more != nil {
				t.Errorf("the type does not announce %v", more)
			}
		})
	}
}

// configOf reads a [stages.TYPE] table.
func configOf(t *testing.T, typ, table string) (pipeline.Factory, any) {
	t.Helper()
	registry, err := pipeline.NewRegistry(stages.All()...)
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf("version = 1\n[pipelines.p]\nbase_url = \"https://api.example.com\"\nstages = [%q]\n[stages.%s]\n%s\n", typ, typ, table)
	file, err := config.Read("pipelines.toml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	plan, err := pipeline.Check(file, registry)
	if err != nil {
		t.Fatal(err)
	}
	factory, _ := registry.Stage(typ)
	return factory, plan.Pipelines[0].Stages[0].Config
}
