package pipeline

import "strings"

// Kind says in one word how a call failed, for programs to branch on: errors.Is(err, pipeline.KindNotFound), or [KindOf].
// A fine kind has a coarse parent that errors.Is accepts as well: a not_found error is a client error.
type Kind string

// The coarse kinds.
const (
	KindNetwork      Kind = "network"      // the connection failed: dial, DNS, reset, half an answer
	KindTimeout      Kind = "timeout"      // a deadline passed: the call's, an attempt's, the body's, or the server said 408 or 504
	KindCanceled     Kind = "canceled"     // the caller's context was cancelled
	KindUnauthorized Kind = "unauthorized" // 401, or no usable credential
	KindClient       Kind = "client"       // other 4xx: the request is at fault
	KindServer       Kind = "server"       // other 5xx: the server is at fault
	KindParse        Kind = "parse"        // the answer is malformed
	KindPolicy       Kind = "policy"       // leat refused: a limit, a condition that failed, an open breaker
	KindPlugin       Kind = "plugin"       // a stage in another process failed
	KindInternal     Kind = "internal"     // a stage broke its contract
)

// The fine kinds, each below its parent.
const (
	KindTLS         Kind = "tls"          // network: certificate or handshake
	KindForbidden   Kind = "forbidden"    // client: 403
	KindNotFound    Kind = "not_found"    // client: 404, 410
	KindConflict    Kind = "conflict"     // client: 409, 412
	KindRateLimited Kind = "rate_limited" // client: 429
	KindValidation  Kind = "validation"   // parse: well-formed, but not what was declared
)

// Kinds lists every kind, coarse ones first.
func Kinds() []Kind {
	return []Kind{
		KindNetwork, KindTimeout, KindCanceled, KindUnauthorized, KindClient, KindServer, KindParse, KindPolicy, KindPlugin, KindInternal,
		KindTLS, KindForbidden, KindNotFound, KindConflict, KindRateLimited, KindValidation,
	}
}

// Parent returns the coarse kind that k is below, or "" for a coarse kind.
func (k Kind) Parent() Kind {
	switch k {
	case KindTLS:
		return KindNetwork
	case KindForbidden, KindNotFound, KindConflict, KindRateLimited:
		return KindClient
	case KindValidation:
		return KindParse
	}
	return ""
}

// Within reports whether k is other or below it.
func (k Kind) Within(other Kind) bool { return k != "" && (k == other || k.Parent() == other) }

// Error makes a Kind usable as the target of errors.Is.
func (k Kind) Error() string { return strings.ReplaceAll(string(k), "_", " ") }

// UnmarshalText accepts the known kinds only.
func (k *Kind) UnmarshalText(text []byte) error {
	for _, known := range Kinds() {
		if string(text) == string(known) {
			*k = known
			return nil
		}
	}
	return unknownWord("kind", string(text), words(Kinds()))
}

// KindOfStatus returns the kind of an HTTP status without any rule applied: "" below 400.
func KindOfStatus(status int) Kind {
	switch {
	case status < 400:
		return ""
	case status == 401:
		return KindUnauthorized
	case status == 403:
		return KindForbidden
	case status == 404, status == 410:
		return KindNotFound
	case status == 409, status == 412:
		return KindConflict
	case status == 408, status == 504:
		return KindTimeout
	case status == 429:
		return KindRateLimited
	case status < 500:
		return KindClient
	}
	return KindServer
}

// Class says what is known of a failed send, for the decision whether it may be sent again.
type Class string

// The classes. See docs/contract.md for the evidence that each asks for.
const (
	ClassNotSent   Class = "not_sent"  // positive evidence that nothing reached the server
	ClassRefused   Class = "refused"   // the server says that it did not process the request
	ClassUnknown   Class = "unknown"   // it may have been processed
	ClassProcessed Class = "processed" // it was processed
	ClassTerminal  Class = "terminal"  // sending again can't help
)

// UnmarshalText accepts the known classes only.
func (c *Class) UnmarshalText(text []byte) error {
	known := []Class{ClassNotSent, ClassRefused, ClassUnknown, ClassProcessed, ClassTerminal}
	for _, k := range known {
		if string(text) == string(k) {
			*c = k
			return nil
		}
	}
	return unknownWord("class", string(text), words(known))
}

// ClassOfStatus returns the class of an answer with this status without any rule applied.
func ClassOfStatus(status int) Class {
	switch status {
	case 421, 425, 429, 401, 407:
		return ClassRefused
	case 408, 500, 502, 503, 504:
		return ClassUnknown
	}
	return ClassProcessed
}

func words[S ~string](list []S) []string {
	out := make([]string, len(list))
	for i, w := range list {
		out[i] = string(w)
	}
	return out
}
