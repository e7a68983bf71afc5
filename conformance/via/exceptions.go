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
	readWhole  = "pass-bodies reads an answer to its end before it hands it on: it comes as late as its body does, and one that breaks off is an error"
	sentAnew   = "pass-bodies waits for the whole of a request's body before anything is sent, and hands on one of its own, which can be sent again"
)

// Exceptions lists those of a [Plugin].
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

// SDKExceptions lists those of an [SDK].
func SDKExceptions() []Exception {
	return []Exception{
		{"call/body_failure.test.toml", "a reset", readWhole},
		{"call/body_failure.test.toml", "a connection that ends before the announced length, and one that ends within a chunked body", readWhole},
		{"call/body_failure.test.toml", "silence: body_idle_timeout begins anew with each byte", readWhole},
		{"call/body_failure.test.toml", "the shortest limit is the one that ends it", readWhole},
		{"call/body_failure.test.toml", "attempt_timeout, however steadily the bytes come", readWhole},
		{"call/body_failure.test.toml", "the call's timeout", readWhole},
		{"call/body_failure.test.toml", "the caller who leaves", readWhole},
		{"call/deadline.test.toml", "so is the body to its end, however steadily it comes", readWhole},
		{"call/deadline.test.toml", "and the caller's own deadline holds for the body too", readWhole},
		{"call/nothing_left.test.toml", "nor do callers who leave in the middle", readWhole},
		{"call/prompt.test.toml", "while it waits for the program itself, whose body comes slowly", sentAnew},
		{"call/prompt.test.toml", "while the body is read: by a stage, or by the caller", readWhole},
		{"call/status.test.toml", "so it is where the body broke off, and the message says that too", readWhole},
		{"error-map/message.test.toml", "a stream is not read for it, nor is a body that is still compressed, or a very large one", readWhole},
		{"error-map/message.test.toml", "where the body breaks off the message says so, and the caller meets it at the same place", readWhole},
		{"invariants/i5_attempts_alike.test.toml", "a body that can't be had whole is not sent again", sentAnew},
		{"invariants/i5_attempts_alike.test.toml", "nor is one that is larger than max_replay_buffer, by a byte", sentAnew},
		{"log/bodies.test.toml", "what nobody reads is not read for it; of what is read in part, that part shows", readWhole},
		{"log/bodies.test.toml", "a body that breaks off shows as far as it came", readWhole},
		{"log/call.test.toml", "it is written when the answer is there: what comes of its body is no part of it", readWhole},
		{"pipeline/buffer_response.test.toml", "without, the answer is committed at its headers, and the failure is the caller's", readWhole},
		{"pipeline/buffer_response.test.toml", "which is the default", readWhole},
		{"pipeline/buffer_response.test.toml", "one that announces more is a stream from the beginning", readWhole},
		{"pipeline/buffer_response.test.toml", "one that turns out to be longer is handed on with what was read of it, and is the caller's from there", readWhole},
		{"pipeline/buffer_response.test.toml", "an answer that may be sent again by its status is left as it is: what it asks for counts, however its body ends", readWhole},
		{"retry/body.test.toml", "one that is larger by a byte is not", sentAnew},
		{"retry/body.test.toml", "nor is one whose length nobody knows, even if the server refused the request", sentAnew},
		{"retry/body.test.toml", "an error says so too", sentAnew},
		{"retry/last_outcome.test.toml", "its body is the caller's to read, however large it is and however slowly it comes", readWhole},
		{"retry/order.test.toml", "the body is gone, and the server asks for too long a wait: body", sentAnew},
		{"send/attempt_timeout.test.toml", "a body that goes out slowly counts", sentAnew},
		{"send/attempt_timeout.test.toml", "so does one that comes slowly, while the caller reads", readWhole},
		{"send/body_idle_timeout.test.toml", "silence within a body ends it", readWhole},
		{"send/body_idle_timeout.test.toml", "of a stretch that is longer there is no more", readWhole},
		{"send/body_idle_timeout.test.toml", "nor is the silence of a caller who takes his time to read", readWhole},
		{"send/body_idle_timeout.test.toml", "10 s where the file says nothing", readWhole},
		{"send/class_refused.test.toml", "and what it can't, because the body was read, is refused", sentAnew},
		{"send/class_refused.test.toml", "so is a stream behind the last one of a graceful GOAWAY", sentAnew},
		{"stage/body-intact.test.toml", "a body that breaks off behind what was read breaks off for the caller too", readWhole},
		{"stage/closes-dropped.test.toml", "more than 64 KiB are not drained: the connection is closed, and the next attempt takes another", readWhole},
		{"stage/closes-dropped.test.toml", "a body that trickles is waited for 50 ms, which are part of the wait", readWhole},
		{"stage/closes-dropped.test.toml", "without a wait the 50 ms are all that it costs", readWhole},
		{"stage/fresh-attempts.test.toml", "a body that was read and can't be had again ends it: no attempt with half a body", sentAnew},
		{"telemetry/error.test.toml", "an answer below 400 marks none, even if error-map gave it a kind", anotherHop},
		{"telemetry/propagate.test.toml", "each send tells the number of its own span: after those of the call and of retry the third, then the fourth", anotherHop},
		{"telemetry/propagate.test.toml", "in the trace of the caller, if there is one", anotherHop},
		{"telemetry/propagate.test.toml", "it takes the place of what a caller wrote there by hand; without propagate that goes as it is", anotherHop},
		{"telemetry/record.test.toml", "a body that broke off under the caller's hands", readWhole},
		{"telemetry/spans.test.toml", "each stage is in the one before it, and the send is innermost", anotherHop},
		{"telemetry/spans.test.toml", "one that `when` skips has a span with leat.stage.skipped, beside the next one", anotherHop},
		{"telemetry/spans.test.toml", "only the CLIENT span has http.* attributes; all know their pipeline", anotherHop},
		{"validate/broken_body.test.toml", "a body that is not judged is the caller's to read, broken or not", readWhole},
		{"validate/json.test.toml", "never: malformed JSON passes, and is not even read", readWhole},
		{"validate/streams.test.toml", "with skip what was read of it and the rest are one body, and the rest is not waited for", readWhole},
	}
}

// WithoutBodies reports whether it is pass-bodies alone that keeps the test from coming out alike: without that type it passes.
func (e Exception) WithoutBodies() bool { return e.Reason == readWhole || e.Reason == sentAnew }

// Excepted returns the list's exception for the test of that name, and false if it is none.
func Excepted(list []Exception, file, name string) (Exception, bool) {
	for _, e := range list {
		if name == e.Name && strings.HasSuffix("/"+filepath.ToSlash(file), "/"+e.File) {
			return e, true
		}
	}
	return Exception{}, false
}
