package cond

import (
	"fmt"
	"reflect"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/vm"
)

// When is a condition on the request, asked before anything was sent.
type When = Bool[RequestEnv]

// OnOutcome is a condition on a response or an error.
type OnOutcome = Bool[OutcomeEnv]

// OnBody is a condition on a response whose body was read.
type OnBody = Bool[BodyEnv]

// RequestText is a text computed from the request.
type RequestText = Text[RequestEnv]

// Bool is an expression over E that gives true or false. The zero value is "not set". It is immutable, cheap to copy and
// safe for concurrent use.
type Bool[E Env] struct{ p *program }

// Text is an expression over E that gives a string. The zero value is "not set". It is immutable, cheap to copy and safe
// for concurrent use.
type Text[E Env] struct{ p *program }

type program struct {
	source string
	code   *vm.Program
	reads  Reads
}

// ParseBool compiles and type-checks text; its errors are *Error.
func ParseBool[E Env](text string) (Bool[E], error) {
	p, err := compile[E](text, reflect.Bool)
	if err != nil {
		return Bool[E]{}, err
	}
	return Bool[E]{p}, nil
}

// ParseText compiles and type-checks text; its errors are *Error. The text is an expression: a constant stands in quotes.
func ParseText[E Env](text string) (Text[E], error) {
	p, err := compile[E](text, reflect.String)
	if err != nil {
		return Text[E]{}, err
	}
	return Text[E]{p}, nil
}

// UnmarshalText sets c to the condition in text, as [ParseBool] does; on an error c stays as it was.
func (c *Bool[E]) UnmarshalText(text []byte) error {
	parsed, err := ParseBool[E](string(text))
	if err == nil {
		*c = parsed
	}
	return err
}

// UnmarshalText sets t to the expression in text, as [ParseText] does; on an error t stays as it was.
func (t *Text[E]) UnmarshalText(text []byte) error {
	parsed, err := ParseText[E](string(text))
	if err == nil {
		*t = parsed
	}
	return err
}

// MarshalText returns the source text, empty if not set.
func (c Bool[E]) MarshalText() ([]byte, error) { return []byte(c.p.text()), nil }

// MarshalText returns the source text, empty if not set.
func (t Text[E]) MarshalText() ([]byte, error) { return []byte(t.p.text()), nil }

// String returns the source text, "" if not set.
func (c Bool[E]) String() string { return c.p.text() }

// String returns the source text, "" if not set.
func (t Text[E]) String() string { return t.p.text() }

// IsZero reports whether no condition is set.
func (c Bool[E]) IsZero() bool { return c.p == nil }

// IsZero reports whether no expression is set.
func (t Text[E]) IsZero() bool { return t.p == nil }

// Equal reports whether both have the same source text.
func (c Bool[E]) Equal(other Bool[E]) bool { return c.p.text() == other.p.text() }

// Equal reports whether both have the same source text.
func (t Text[E]) Equal(other Text[E]) bool { return t.p.text() == other.p.text() }

// Eval asks the condition about env. A condition that is not set is an error: what its absence means is the asker's to
// say, so ask IsZero first. Errors are *Error and hold no data of env.
func (c Bool[E]) Eval(env E) (bool, error) {
	v, err := run(c.p, env)
	if err != nil {
		return false, err
	}
	b, ok := v.(bool)
	if !ok {
		return false, c.p.wrongResult(v, "true or false")
	}
	return b, nil
}

// Eval computes the text for env. An expression that is not set is an error, as is a result that is no string: write
// string(…) around a number. Errors are *Error and hold no data of env.
func (t Text[E]) Eval(env E) (string, error) {
	v, err := run(t.p, env)
	if err != nil {
		return "", err
	}
	s, ok := v.(string)
	if !ok {
		return "", t.p.wrongResult(v, "text")
	}
	return s, nil
}

func run[E Env](p *program, env E) (v any, err error) {
	if p == nil {
		return nil, &Error{message: "no expression is set"}
	}
	defer func() {
		if recover() != nil { // the machine recovers itself; this is for what it misses
			v, err = nil, &Error{message: "the expression could not be evaluated"}
		}
	}()
	// A fresh machine each time: a pooled one keeps the last environment, and its body, alive.
	v, err = expr.Run(p.code, env.boxed())
	if err != nil {
		return nil, runError(err)
	}
	return v, nil
}

func (p *program) text() string {
	if p == nil {
		return ""
	}
	return p.source
}

func (p *program) wrongResult(v any, want string) *Error {
	return &Error{message: fmt.Sprintf("the expression gave %s, not %s", kindOf(v), want), length: runes(p.source)}
}
