package cond

import (
	"fmt"
	"net/textproto"
	"reflect"
	"regexp/syntax"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/expr-lang/expr/ast"
)

// rules walks a parsed expression and keeps the first thing that this package does not allow. expr's own checker follows
// and judges the types; what is refused here are unknown names, credentials, and everything that could run long.
type rules struct {
	env     reflect.Type
	err     *Error
	program int // regexp instructions so far
	reads   Reads
}

// use is what a node stands for where it stands.
type use int

const (
	asValue use = iota
	asBase      // something follows: x.name, x[i]
	asCallee
)

// visit returns n's type if n is, or leads into, the environment; else nil.
func (r *rules) visit(n ast.Node, as use) reflect.Type {
	if r.err != nil || n == nil {
		return nil
	}
	switch n := n.(type) {
	case *ast.IdentifierNode:
		return r.identifier(n, as)
	case *ast.MemberNode:
		return r.member(n, as)
	case *ast.ChainNode:
		return r.visit(n.Node, as)
	case *ast.CallNode:
		r.call(n)
	case *ast.BuiltinNode:
		r.builtin(n)
	case *ast.BinaryNode:
		r.binary(n)
	case *ast.UnaryNode:
		r.visit(n.Node, asValue)
	case *ast.SliceNode:
		r.all(n.Node, n.From, n.To)
	case *ast.ConditionalNode:
		r.all(n.Cond, n.Exp1, n.Exp2)
	case *ast.ArrayNode:
		r.all(n.Nodes...)
	case *ast.MapNode:
		r.all(n.Pairs...)
	case *ast.PairNode:
		r.all(n.Key, n.Value)
	case *ast.NilNode, *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.StringNode, *ast.ConstantNode:
	case *ast.VariableDeclaratorNode:
		r.fail(n, "variables (let) are not available in expressions", "write the value where it is used")
	case *ast.SequenceNode:
		r.fail(n, "more than one expression", "join conditions with and, or")
	case *ast.PredicateNode, *ast.PointerNode:
		r.fail(n, "loops are not available in expressions", "")
	default:
		r.fail(n, "this form is not available in expressions", "")
	}
	return nil
}

func (r *rules) all(nodes ...ast.Node) {
	for _, n := range nodes {
		r.visit(n, asValue)
	}
}

func (r *rules) identifier(n *ast.IdentifierNode, as use) reflect.Type {
	f, ok := field(r.env, n.Value)
	if !ok && available(n.Value) {
		r.fail(n, n.Value+" is a function", "call it: "+n.Value+"(…)")
		return nil
	}
	if !ok {
		r.unknown(n, r.env, "", n.Value)
		return nil
	}
	if as == asValue && f.Type.Kind() == reflect.Struct {
		r.fail(n, n.Value+" is no value by itself", "name one of its fields: "+list(f.Type, n.Value+"."))
	}
	return f.Type
}

func (r *rules) member(n *ast.MemberNode, as use) reflect.Type {
	base := r.visit(n.Node, asBase)
	name, named := n.Property.(*ast.StringNode)
	if !named {
		r.visit(n.Property, asValue)
	}
	if r.err != nil || base == nil || base.Kind() != reflect.Struct {
		return nil
	}
	prefix := pathOf(n.Node)
	if !named {
		r.fail(n, fmt.Sprintf("the fields of %s are written out, not computed", prefix), "write "+list(base, prefix+"."))
		return nil
	}
	f, ok := field(base, name.Value)
	if !ok {
		r.unknown(n.Property, base, prefix+".", name.Value)
		return nil
	}
	if f.Type.Kind() == reflect.Func && as != asCallee {
		r.fail(n.Property, fmt.Sprintf("%s.%s is a function", prefix, name.Value),
			fmt.Sprintf(`call it with a name: %s.%s("…")`, prefix, name.Value))
	}
	r.reads.field(base, name.Value)
	return f.Type
}

func (r *rules) call(n *ast.CallNode) {
	switch callee := n.Callee.(type) {
	case *ast.IdentifierNode:
		if _, ok := field(r.env, callee.Value); ok {
			r.fail(callee, callee.Value+" is no function", "")
			return
		}
		r.unknown(callee, r.env, "", callee.Value)
		return
	case *ast.MemberNode:
		if r.duration(callee) {
			break
		}
		t := r.visit(callee, asCallee)
		if r.err != nil {
			return
		}
		if t == nil || t.Kind() != reflect.Func {
			r.fail(callee.Property, "this is no function", "")
			return
		}
		r.credential(callee, n.Arguments)
		r.header(callee, n.Arguments)
	default:
		r.fail(n, "this is no function", "")
		return
	}
	r.all(n.Arguments...)
}

// duration reports whether callee is a method of a duration, such as call.elapsed.Seconds.
func (r *rules) duration(callee *ast.MemberNode) bool {
	inner, ok := callee.Node.(*ast.MemberNode)
	return ok && r.visit(inner, asBase) == reflect.TypeFor[time.Duration]()
}

// credential refuses to name a header or parameter that always reads as "".
func (r *rules) credential(callee *ast.MemberNode, args []ast.Node) {
	name, ok := callee.Property.(*ast.StringNode)
	if !ok || len(args) == 0 {
		return
	}
	arg, ok := args[0].(*ast.StringNode)
	if !ok {
		return
	}
	secret := name.Value == "header" && hiddenHeader(textproto.CanonicalMIMEHeaderKey(arg.Value)) ||
		name.Value == "query" && hiddenParam(arg.Value)
	if secret {
		r.fail(arg, fmt.Sprintf("%s(%q) is never visible", pathOf(callee), arg.Value),
			"expressions never see credentials; to tell callers apart use call.subject or call.label(\"…\")")
	}
}

// header notes which header is read, if callee is the header function of the request or the response.
func (r *rules) header(callee *ast.MemberNode, args []ast.Node) {
	if name, ok := callee.Property.(*ast.StringNode); ok && name.Value == "header" {
		r.reads.header(r.visit(callee.Node, asBase), args)
	}
}

func (r *rules) builtin(n *ast.BuiltinNode) {
	if !available(n.Name) {
		r.fail(n, n.Name+" is not available in expressions", unavailableHint(n.Name))
		return
	}
	r.all(n.Arguments...)
	if n.Name != "duration" || len(n.Arguments) != 1 {
		return
	}
	if arg, ok := n.Arguments[0].(*ast.StringNode); ok {
		if _, err := time.ParseDuration(arg.Value); err != nil {
			r.fail(arg, fmt.Sprintf("%q is no duration", arg.Value), "a duration looks like \"1m30s\"")
		}
	}
}

func (r *rules) binary(n *ast.BinaryNode) {
	if n.Operator == ".." {
		r.fail(n, "a range stands only behind in", "write response.status in 500..599")
		return
	}
	r.visit(n.Left, asValue)
	if rng, ok := n.Right.(*ast.BinaryNode); ok && n.Operator == "in" && rng.Operator == ".." {
		r.bounds(rng)
		return
	}
	r.visit(n.Right, asValue)
	if n.Operator == "matches" {
		r.pattern(n.Right)
	}
}

func (r *rules) bounds(n *ast.BinaryNode) {
	from, ok1 := n.Left.(*ast.IntegerNode)
	to, ok2 := n.Right.(*ast.IntegerNode)
	switch {
	case !ok1 || !ok2:
		r.fail(n, "a range goes from one whole number to another, both written out", "compare with >= and <=")
	case to.Value < from.Value || to.Value-from.Value > maxRange:
		r.fail(n, fmt.Sprintf("a range rises, by %d at most", maxRange), "compare with >= and <=")
	}
}

func (r *rules) pattern(n ast.Node) {
	if r.err != nil {
		return
	}
	s, ok := n.(*ast.StringNode)
	if !ok {
		r.fail(n, "the pattern of matches must be written out", "use == or contains to compare two values")
		return
	}
	if utf8.RuneCountInString(s.Value) > maxPattern {
		r.fail(n, fmt.Sprintf("the pattern is longer than %d characters", maxPattern), "")
		return
	}
	re, err := syntax.Parse(s.Value, syntax.Perl)
	if err != nil {
		r.fail(n, "invalid pattern: "+strings.TrimPrefix(err.Error(), "error parsing regexp: "), "patterns are RE2: no look-around and no back-references")
		return
	}
	prog, err := syntax.Compile(re.Simplify())
	if err != nil {
		r.fail(n, "invalid pattern", "")
		return
	}
	if r.program += len(prog.Inst); r.program > maxProgram {
		r.fail(n, "the pattern is too complex", "use fewer or smaller counted repetitions")
	}
}

func (r *rules) fail(n ast.Node, message, hint string) {
	if r.err == nil {
		loc := n.Location()
		r.err = &Error{message: message, hint: hint, offset: loc.From, length: loc.To - loc.From}
	}
}
