// Package idempotencykey is the stage that gives writes a key, one for each call, so that the server knows a resend when it sees one.
package idempotencykey

import (
	"net/http"
	"slices"

	"github.com/leatdev/leat/pipeline"
)

// byOption is the header that carries a key of the option pipeline.IdempotencyKey where no stage says otherwise.
const byOption = "Idempotency-Key"

// Factory makes stages of type "idempotency-key".
func Factory() pipeline.Factory {
	return pipeline.Define("idempotency-key", Defaults(), New).WithNeeds(mostNeeds())
}

// Stage gives requests a key. It is safe for concurrent use.
type Stage struct {
	header  string // canonical
	format  Format
	methods []string
}

// New makes the stage; a Go program may use it without a file. It fails where the config is wrong.
func New(c Config, _ pipeline.Settings) (*Stage, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	return &Stage{header: http.CanonicalHeaderKey(c.Header), format: c.Format, methods: slices.Clone(c.Methods)}, nil
}

// Do gives the request the call's key. An option's key that the header can't carry is an error of kind policy.
func (s *Stage) Do(req *http.Request, next http.RoundTripper) (*http.Response, error) {
	if !slices.Contains(s.methods, req.Method) {
		return next.RoundTrip(req)
	}
	call := pipeline.CallFrom(req.Context())
	key := call.IdempotencyKey()
	byDoor := key != "" && req.Header.Get(byOption) == key // the option's, sent as if no stage were there
	if req.Header.Get(s.header) != "" && (!byDoor || s.header != byOption) {
		call.MarkIdempotent()
		return next.RoundTrip(req)
	}
	if key == "" {
		key = newKey()
	}
	value, err := s.format.write(key)
	if err != nil {
		return nil, err
	}
	if req.Header == nil {
		req.Header = make(http.Header, 1)
	}
	if byDoor {
		delete(req.Header, byOption)
	}
	req.Header[s.header] = []string{value}
	call.UseIdempotencyKey(key)
	return next.RoundTrip(req)
}
