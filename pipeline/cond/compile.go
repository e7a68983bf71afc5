package cond

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"unicode/utf8"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/parser"
)

// The bounds that keep an expression cheap; doc.go names them for users.
const (
	maxSource   = 4096     // bytes
	maxNodes    = 256      // of the syntax tree
	maxPattern  = 256      // runes of one matches pattern
	maxProgram  = 1000     // regexp instructions of one expression
	maxSubject  = 16 << 10 // bytes that matches looks at
	maxRange    = 1000     // numbers of a range behind in
	subjectFunc = "$subject"
)

var errSubject = errors.New("text longer than 16 KiB")

func compile[E Env](source string, want reflect.Kind) (p *program, err error) {
	defer func() {
		if recover() != nil {
			p, err = nil, &Error{message: "the expression could not be compiled", length: runes(source)}
		}
	}()
	switch {
	case strings.TrimSpace(source) == "":
		return nil, &Error{message: "the expression is empty", hint: "write an expression or leave the key out"}
	case len(source) > maxSource:
		return nil, &Error{message: fmt.Sprintf("the expression is longer than %d bytes", maxSource), length: runes(source)}
	case !utf8.ValidString(source):
		return nil, &Error{message: "the expression is not valid UTF-8", length: runes(source)}
	}

	var env E
	c := conf.New(env)
	c.MaxNodes = maxNodes
	tree, err := parser.ParseWithConfig(source, c)
	if err != nil {
		return nil, compileError(source, err)
	}
	// The rules come before expr's own checks: they give better messages, and its optimizer already computes.
	check := rules{env: reflect.TypeFor[E]()}
	if check.visit(tree.Node, asValue); check.err != nil {
		return nil, check.err
	}

	patch := &patch{}
	code, err := expr.Compile(source,
		expr.Env(env), // by value: by pointer every field is looked up by its name at run time
		expr.MaxNodes(maxNodes),
		expr.Function(subjectFunc, boundSubject, new(func(string) string), new(func(any) any)),
		expr.Patch(patch),
	)
	if err != nil {
		return nil, compileError(source, err)
	}
	// Not expr.AsKind: its error has no position, and it takes a nil found at run time for false.
	if k := patch.result.Kind(); k != want && k != reflect.Interface {
		return nil, wrongType(source, patch.result, want)
	}
	return &program{source: source, code: code, reads: check.reads}, nil
}

// patch puts what stands before matches through boundSubject, and notes the type of the node visited last: the root.
type patch struct{ result reflect.Type }

// Visit is ast.Visitor.
func (p *patch) Visit(node *ast.Node) {
	p.result = (*node).Type()
	b, ok := (*node).(*ast.BinaryNode)
	if !ok || b.Operator != "matches" {
		return
	}
	left := b.Left
	ast.Patch(&b.Left, &ast.CallNode{Callee: &ast.IdentifierNode{Value: subjectFunc}, Arguments: []ast.Node{left}})
}

func boundSubject(args ...any) (any, error) {
	if s, ok := args[0].(string); ok && len(s) > maxSubject {
		return nil, errSubject
	}
	return args[0], nil
}
