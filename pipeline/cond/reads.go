package cond

import (
	"net/textproto"
	"reflect"
	"slices"

	"github.com/expr-lang/expr/ast"
)

// Reads is what an expression reads beside method, URL without its query, status, lengths and counts: who evaluates it where that is
// not at hand asks for it by this.
type Reads struct {
	RequestHeaders  []string // canonical and sorted; "*" is one whose name is computed
	ResponseHeaders []string // likewise
	Query           bool
	Subject         bool
	Operation       bool
	Labels          bool
	Message         bool // of the error
}

// Reads returns what the condition reads; nothing if it is not set.
func (c Bool[E]) Reads() Reads { return c.p.read() }

// Reads returns what the expression reads; nothing if it is not set.
func (t Text[E]) Reads() Reads { return t.p.read() }

func (p *program) read() Reads {
	if p == nil {
		return Reads{}
	}
	r := p.reads // a copy; its lists are cloned, for programs are shared
	r.RequestHeaders, r.ResponseHeaders = slices.Clone(r.RequestHeaders), slices.Clone(r.ResponseHeaders)
	return r
}

// field notes that a field of base is read.
func (r *Reads) field(base reflect.Type, name string) {
	switch {
	case base == reflect.TypeFor[Response]() && name == "content_type":
		r.ResponseHeaders = with(r.ResponseHeaders, "Content-Type")
	case base == reflect.TypeFor[Request]() && name == "query":
		r.Query = true
	case base == reflect.TypeFor[Failure]() && name == "message":
		r.Message = true
	case base != reflect.TypeFor[Call]():
	case name == "idempotent":
		r.RequestHeaders = with(with(r.RequestHeaders, "Idempotency-Key"), "X-Idempotency-Key")
	case name == "subject":
		r.Subject = true
	case name == "operation":
		r.Operation = true
	case name == "label":
		r.Labels = true
	}
}

// header notes that the function header of base is called. A request's Host is no header to those who provide it.
func (r *Reads) header(base reflect.Type, args []ast.Node) {
	name := "*"
	if len(args) > 0 {
		if arg, ok := args[0].(*ast.StringNode); ok {
			name = textproto.CanonicalMIMEHeaderKey(arg.Value)
		}
	}
	switch base {
	case reflect.TypeFor[Request]():
		if name != "Host" {
			r.RequestHeaders = with(r.RequestHeaders, name)
		}
	case reflect.TypeFor[Response]():
		r.ResponseHeaders = with(r.ResponseHeaders, name)
	}
}

func with(sorted []string, name string) []string {
	at, found := slices.BinarySearch(sorted, name)
	if found {
		return sorted
	}
	return slices.Insert(sorted, at, name)
}
