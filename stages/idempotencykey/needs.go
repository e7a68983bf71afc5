package idempotencykey

import (
	"net/http"

	"github.com/leatdev/leat/pipeline"
)

// Needs are those of a stage of this config in another process: the call's key, and the headers that carry one.
func (c *Config) Needs() pipeline.Needs {
	names := []string{byOption}
	if name := http.CanonicalHeaderKey(c.Header); name != byOption {
		names = append(names, name)
	}
	return pipeline.Needs{Request: pipeline.RequestNeeds{Headers: names, Edit: names, Call: []string{"idempotency_key"}}}
}

// mostNeeds are the most that any config asks for.
func mostNeeds() pipeline.Needs {
	return pipeline.Needs{Request: pipeline.RequestNeeds{Headers: []string{"*"}, Edit: []string{"*"}, Call: []string{"idempotency_key"}}}
}
