package cond

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/expr-lang/expr/file"
)

// compileError turns an error of expr into one of ours: with a position, and without Go's type names.
func compileError(source string, err error) *Error {
	out := &Error{length: runes(source)}
	raw := err.Error()
	if fe, ok := errors.AsType[*file.Error](err); ok {
		raw, out.offset, out.length = fe.Message, fe.From, fe.To-fe.From
	}
	out.message, out.hint = reword(raw)
	if out.message == messageEnd {
		out.offset, out.length = runes(source), 1
	}
	return out
}

func wrongType(source string, got reflect.Type, want reflect.Kind) *Error {
	out := &Error{length: runes(source), message: "the expression gives " + typeWords(got.String())}
	if want == reflect.Bool {
		out.message += ", not true or false"
		out.hint = "compare it with something"
	} else {
		out.message += ", not text"
		out.hint = "write string(…) around it"
	}
	return out
}

const messageEnd = "the expression ends too early"

type rewording struct{ pattern, message, hint string }

// rewordings are tried in turn; T$n stands for a Go type in words, $n for the text as it is.
func rewordings() []rewording {
	return []rewording{
		{`^unexpected token EOF$|^unexpected end of expression$`, messageEnd, ""},
		{`^unexpected token Operator\("="\)$`, `unexpected "="`, "compare with =="},
		{`^unexpected token Operator\("&"\)$`, `unexpected "&"`, "write and, or &&"},
		{`^unexpected token String\(.*$`, "unexpected quoted text", ""},
		{`^unexpected token \w+\("(.*)"\)$`, `unexpected "$1"`, ""},
		{`^unrecognized character: U\+\w+ ('.+')$`, "unexpected character $1", ""},
		{`^literal not terminated$`, "the quoted text has no end", ""},
		{`^invalid char escape$|^unable to unescape`, "invalid escape in quoted text", "write \\\\ for a backslash"},
		{`^bad number syntax: (.+)$`, "invalid number $1", ""},
		{`exceeds maximum allowed nodes$`, fmt.Sprintf("the expression has more than %d parts", maxNodes), "split it into several rules"},
		{`^Operator \(.*\) and coalesce expressions`, "?? cannot be mixed with other operators", "put one of them into parentheses"},
		{`^invalid operation: (and|or|&&|\|\|) \(mismatched types (.+) and (.+)\)$`, "$1 needs true or false on both sides, not T$2 and T$3", ""},
		{`^invalid operation: (\S+) \(mismatched types (.+) and (.+)\)$`, "$1 cannot be used on T$2 and T$3", ""},
		{`^invalid operation: (\S+) \(mismatched type (.+)\)$`, "$1 cannot be used on T$2", ""},
		{`^cannot use (.+) as argument \(type (.+)\) to call (\w+) ?$`, "$3 needs T$2 here, not T$1", ""},
		{`^not enough arguments to call (\w+)$`, "$1 has too few arguments", ""},
		{`^too many arguments to call (\w+)$`, "$1 has too many arguments", ""},
		{`^invalid number of arguments.*\(expected (.+), got (\d+)\)$`, "needs $1 arguments, not $2", ""},
		{`^invalid argument for (\w+) \(type (.+)\)$`, "$1 cannot be used on T$2", ""},
		{`^cannot get (\w+) element from (.+)$`, "$1 cannot be used on T$2", ""},
		{`^type (.+) does not support indexing$`, "T$1 has no elements", ""},
		{`^type (.+) has no (?:field|method) (\w+)$`, "T$1 has no $2", ""},
		{`^type (.+)\[.+\] is undefined$`, "T$1 has no elements", ""},
		{`^cannot slice (.+)$`, "T$1 cannot be sliced", ""},
		{`^non-integer slice index (.+)$`, "a position is a whole number, not T$1", ""},
		{`^array elements can only be selected using an integer \(got (.+)\)$`, "a list's position is a whole number, not T$1", ""},
		{`^cannot use (.+) to get an element from (.+)$`, "T$2 has no element under T$1", ""},
		{`^cannot use (.+) as type (.+) in (?:array|map key)$`, "in cannot find T$1 among T$2", ""},
		{`^non-bool expression \(type (.+)\) used as condition$`, "what is asked must be true or false, not T$1", ""},
		{`^(.+) is not callable$`, "T$1 is no function", ""},
		{`^(?:integer|float) literal is too large$`, "the number is too large", ""},
		{`^integer divide by zero$`, "division by zero", ""},
		{`^expected name$`, "a name must follow the dot", ""},
		{`^unclosed comment$`, "the comment has no end", ""},
		{`^expected at least (\d+) arguments$`, "this function is not available in expressions", "expressions have no loops"},
	}
}

// reword runs only for errors, so it compiles its patterns each time.
func reword(raw string) (message, hint string) {
	for _, r := range rewordings() {
		m := regexp.MustCompile(r.pattern).FindStringSubmatch(raw)
		if m == nil {
			continue
		}
		message = r.message
		for i := 1; i < len(m); i++ {
			message = strings.ReplaceAll(message, fmt.Sprintf("T$%d", i), typeWords(m[i]))
			message = strings.ReplaceAll(message, fmt.Sprintf("$%d", i), m[i])
		}
		return message, r.hint
	}
	return "the expression is not valid", ""
}

// typeWords says a Go type, as expr prints it, in the words of this language.
func typeWords(t string) string {
	switch {
	case t == "string":
		return "text"
	case t == "bool":
		return "true or false"
	case t == "time.Duration":
		return "a duration"
	case t == "nil" || t == "<nil>":
		return "nil"
	case strings.HasPrefix(t, "int") && !strings.HasPrefix(t, "interface"), strings.HasPrefix(t, "uint"), strings.HasPrefix(t, "float"):
		return "a number"
	case strings.HasPrefix(t, "[]"):
		return "a list"
	case strings.HasPrefix(t, "map["):
		return "an object"
	case strings.HasPrefix(t, "func("):
		return "a function"
	}
	return "another kind of value"
}

// kindOf says what v is without saying v.
func kindOf(v any) string {
	if v == nil {
		return "null"
	}
	if _, ok := v.(time.Duration); ok {
		return "a duration"
	}
	return typeWords(reflect.TypeOf(v).String())
}

// runError turns a failure of the virtual machine into an Error. expr's texts hold the values at fault, so only what kind
// of failure it was is kept.
func runError(err error) *Error {
	out := &Error{message: "the expression failed: a value is not of the type that it is used as",
		hint: "ask first: type(x) == \"string\", x != nil, or write x?.name and x ?? \"\""}
	var fe *file.Error
	if !errors.As(err, &fe) {
		return out
	}
	out.offset, out.length = fe.From, fe.To-fe.From
	switch m := fe.Message; {
	case errors.Is(err, errSubject):
		out.message, out.hint = fmt.Sprintf("the expression failed: matches looks at no more than %d KiB of text", maxSubject>>10), ""
	case strings.HasPrefix(m, "cannot fetch"), strings.HasPrefix(m, "cannot get"):
		out.message = "the expression failed: it names a part of something that is not there"
		out.hint = "write ?. where a part can be missing, and ?? for what to take then"
	case strings.HasPrefix(m, "index out of range"):
		out.message, out.hint = "the expression failed: the position is out of range", "ask len(…) first"
	case strings.HasPrefix(m, "memory budget"):
		out.message, out.hint = "the expression failed: it needs too much memory", ""
	case strings.HasPrefix(m, "invalid operation: int("), strings.HasPrefix(m, "invalid operation: float("):
		out.message, out.hint = "the expression failed: the text is no number", "check it with matches first"
	case strings.Contains(m, "divide by zero"):
		out.message, out.hint = "the expression failed: division by zero", ""
	case strings.HasPrefix(m, "time: "):
		out.message, out.hint = "the expression failed: the text is no duration", "a duration looks like \"1m30s\""
	}
	return out
}

func runes(s string) int { return utf8.RuneCountInString(s) }
