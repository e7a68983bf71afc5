package pipeline

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/leatdev/leat/pipeline/config"
)

// Error is what every failed call unwraps to. A program branches on Kind (errors.Is with a [Kind], or [KindOf]) and shows
// Error(); neither holds a secret. An Error belongs to one call; nobody changes it after RoundTrip has returned.
type Error struct {
	Kind    Kind
	Class   Class
	Reason  string // why nothing more was tried, in a word: "max_attempts", "unsafe_method", "deadline", …; "" if nothing applies
	Message string // for people: what happened, without secrets

	Pipeline string // where it happened; stamped by the framework
	Stage    string // the stage's name in the file, or "send"

	Status    int         // the answer's status, 0 if there was none
	Header    http.Header // the answer's headers, nil if there was none
	Body      []byte      // the answer's body, at most 64 KiB of it
	Truncated bool        // Body is only the beginning

	ProblemType string   // the `type` of an RFC 9457 answer, else ""
	Violations  []string // what validate found, each with its path

	Attempts   int           // passes through the stages inside retry
	Sends      int           // physical requests
	RetryAfter time.Duration // how long the server, or a cooling session, asked to wait; 0 if nobody did

	Err error // the cause, or nil

	call *Call
}

// Errorf makes an error of a kind for a stage to return, where a program might branch on it. A %w verb keeps its cause.
// The framework adds the names of pipeline and stage; the text should not.
func Errorf(kind Kind, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Kind: kind, Class: ClassTerminal, Message: err.Error(), Err: errors.Unwrap(err)}
}

// Error returns one line without secrets: pipeline, stage, kind, what happened, and how often it was tried.
func (e *Error) Error() string {
	var b strings.Builder
	if e.Pipeline != "" {
		b.WriteString(e.Pipeline)
		if e.Stage != "" {
			b.WriteString("/" + e.Stage)
		}
		b.WriteString(": ")
	}
	b.WriteString(e.Kind.Error())
	if e.Status != 0 {
		fmt.Fprintf(&b, " (%d)", e.Status)
	}
	if e.Message != "" {
		b.WriteString(": " + e.Message)
	}
	if e.Attempts > 1 {
		fmt.Fprintf(&b, " (after %d attempts)", e.Attempts)
	}
	if e.Reason != "" {
		b.WriteString(" [" + e.Reason + "]")
	}
	return b.String()
}

// Format prints what Error returns, whatever the verb: a dump of the struct would show headers and body.
func (e *Error) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(e.Error())) }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is reports whether target is this error's kind or a parent of it.
func (e *Error) Is(target error) bool {
	k, ok := target.(Kind)
	return ok && e.Kind.Within(k)
}

// Call returns the call that failed, or nil where the error never passed a pipeline's door.
func (e *Error) Call() *Call { return e.call }

// Timeout reports whether a deadline passed (net.Error's convention).
func (e *Error) Timeout() bool { return e.Kind.Within(KindTimeout) }

// Temporary reports whether the same call may succeed later: it failed in passing, and nothing says that it was processed.
func (e *Error) Temporary() bool {
	return e.Class == ClassNotSent || e.Class == ClassRefused || e.Class == ClassUnknown
}

// KindOf returns the kind of any error: that of the [Error] it wraps, also inside a *url.Error; for others timeout, canceled or
// network where net and context say so, else internal. For nil it returns "".
func KindOf(err error) Kind {
	if err == nil {
		return ""
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	if errors.Is(err, context.Canceled) {
		return KindCanceled
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return KindTimeout
	}
	if n, ok := errors.AsType[net.Error](err); ok {
		if n.Timeout() {
			return KindTimeout
		}
		if _, ok := errors.AsType[*net.OpError](err); ok {
			return KindNetwork
		}
	}
	return KindInternal
}

// ConfigError is what a Config's Validate returns for a value that is wrong: the diagnostic is placed at Path.
type ConfigError struct {
	Path    string // relative to the config: "rules[0].kind"
	Message string
	Advice  string // what to write instead, or ""
	Err     error  // the cause, or nil; Message holds its text already

	secret bool // the value may hold one: no diagnostic may show it
}

// Invalid makes a ConfigError; join several with errors.Join.
func Invalid(path, format string, args ...any) error {
	return &ConfigError{Path: path, Message: fmt.Sprintf(format, args...)}
}

// Error returns path and message.
func (e *ConfigError) Error() string { return e.Message }

// Unwrap returns the cause.
func (e *ConfigError) Unwrap() error { return e.Err }

// ConfigPath tells the loader where in the table the mistake is.
func (e *ConfigError) ConfigPath() string { return e.Path }

// Secret tells the loader whether the value at Path may hold a secret, so that it must not print the line.
func (e *ConfigError) Secret() bool { return e.secret }

// Hint tells the loader what to print below the caret.
func (e *ConfigError) Hint() string { return e.Advice }

func unknownWord(what, got string, known []string) error {
	advice := "one of " + strings.Join(known, ", ")
	if near, ok := config.Nearest(got, known); ok {
		advice = fmt.Sprintf("did you mean %s? %s", near, advice)
	}
	return &ConfigError{Message: fmt.Sprintf("unknown %s %q", what, got), Advice: advice}
}

// errorOf returns the *Error that err is or wraps; the door has made sure that there is one.
func errorOf(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return &Error{Kind: KindOf(err), Class: ClassTerminal, Message: err.Error(), Err: err}
}
