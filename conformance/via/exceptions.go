package via

import (
	"path/filepath"
	"strings"
)

// Exception is a test of the corpus that can't come out alike where the stages are in another process.
type Exception struct {
	File   string // below the corpus
	Name   string // of the test
	Reason string
}

// Why a test is an exception.
const (
	bodyRead   = "log shows a response's body as its caller reads it: by then the plugin has no part in the call"
	bodySent   = "a plugin that sees request bodies has them before anything is sent, and log shows what it has seen"
	hidden     = "headers whose names say that they hold a secret are not sent to a plugin: it can't even show that they are there"
	unknown    = "a plugin does not know the tokens in use: it can't mask one before it cuts a text, only the host masks it where it is whole"
	unplaced   = "a plugin is not told which stages stand around one of its own"
	anotherHop = "a stage in another process has a span more, that of the way there"
)

// Exceptions lists them.
func Exceptions() []Exception {
	return []Exception{
		{"error-map/message.test.toml", "what is secret by its form, by its name, or because leat holds it, is masked", unknown},
		{"idempotency-key/place.test.toml", "listed inside retry it is a mistake", unplaced},
		{"log/bodies.test.toml", "the record `request` holds the body, and `response body` the answer's, with its size, its attempt and its time", bodyRead},
		{"log/bodies.test.toml", "the values of secret keys are masked, of any type and at any depth; `keys` adds to them", bodyRead},
		{"log/bodies.test.toml", "a body of exactly body_limit is there as a whole, of one that is longer by a byte the beginning", bodyRead},
		{"log/bodies.test.toml", "JSON is what says so: text/json, and all that ends in +json, whatever the parameters", bodyRead},
		{"log/bodies.test.toml", "what nobody reads is not read for it; of what is read in part, that part shows", bodyRead},
		{"log/bodies.test.toml", "each attempt has the whole body anew, and the answer that retry drops its record too", bodyRead},
		{"log/bodies.test.toml", "of a request that was not sent nothing shows", bodySent},
		{"log/bodies.test.toml", "a body that breaks off shows as far as it came", bodyRead},
		{"log/profile.test.toml", "development: every header shows; the value is masked of those that are secret by their name", hidden},
		{"send/quiet.test.toml", "where the server says the token in the message of a failure", bodyRead},
		{"send/quiet.test.toml", "where it says it in a header", hidden},
		{"stage/body-intact.test.toml", "what log shows of a request goes out whole, on each attempt", bodyRead},
		{"telemetry/error.test.toml", "an answer below 400 marks none, even if error-map gave it a kind", anotherHop},
		{"telemetry/propagate.test.toml", "each send tells the number of its own span: after those of the call and of retry the third, then the fourth", anotherHop},
		{"telemetry/propagate.test.toml", "in the trace of the caller, if there is one", anotherHop},
		{"telemetry/propagate.test.toml", "it takes the place of what a caller wrote there by hand; without propagate that goes as it is", anotherHop},
		{"telemetry/spans.test.toml", "each stage is in the one before it, and the send is innermost", anotherHop},
		{"telemetry/spans.test.toml", "one that `when` skips has a span with leat.stage.skipped, beside the next one", anotherHop},
		{"telemetry/spans.test.toml", "only the CLIENT span has http.* attributes; all know their pipeline", anotherHop},
	}
}

// Excepted tells why the test of that name is an exception, and false if it is none.
func Excepted(file, name string) (reason string, ok bool) {
	for _, e := range Exceptions() {
		if name == e.Name && strings.HasSuffix("/"+filepath.ToSlash(file), "/"+e.File) {
			return e.Reason, true
		}
	}
	return "", false
}
