package policy

import (
	"reflect"
	"slices"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
)

// Comparison is a fact that an expression compares with a text that is written out.
type Comparison struct {
	Fact         string // as docs name it: "change", "environment.name"; "upstream.environment" for one of upstream
	Text         string
	Line, Column int // of the text in the expression, both from 1
}

// Intents are the values of Facts.Intent.
func Intents() []string {
	return []string{"promotion", "update", "rollback", "hotfix", "backfill"}
}

// comparisonsOf returns what the expression compares with a text by ==, !=, or in.
func comparisonsOf(checked *cel.Ast) (out []Comparison) {
	native := checked.NativeRep()
	for _, e := range ast.MatchDescendants(ast.NavigateAST(native), ast.KindMatcher(ast.CallKind)) {
		call := e.AsCall()
		args := call.Args()
		if len(args) != 2 || !slices.Contains([]string{operators.Equals, operators.NotEquals, operators.In}, call.FunctionName()) {
			continue
		}
		for i, fact := range args {
			name := factOf(fact)
			if name == "" {
				continue
			}
			for _, text := range textsIn(args[1-i]) {
				at := native.SourceInfo().GetStartLocation(text.ID())
				out = append(out, Comparison{Fact: name, Text: text.AsLiteral().Value().(string), Line: max(at.Line(), 1), Column: max(at.Column()+1, 1)})
			}
		}
	}
	return out
}

// textsIn returns the texts that an expression is, or that a list is made of.
func textsIn(e ast.Expr) (texts []ast.Expr) {
	elements := []ast.Expr{e}
	if e.Kind() == ast.ListKind {
		elements = e.AsList().Elements()
	}
	for _, x := range elements {
		if x.Kind() != ast.LiteralKind {
			continue
		}
		if _, ok := x.AsLiteral().Value().(string); ok {
			texts = append(texts, x)
		}
	}
	return texts
}

// factOf returns the name of the fact that an expression is; "" where it is none.
func factOf(e ast.Expr) string {
	if e.Kind() == ast.IdentKind {
		return e.AsIdent()
	}
	if e.Kind() != ast.SelectKind {
		return ""
	}
	of, field := e.AsSelect().Operand(), e.AsSelect().FieldName()
	if at, ok := of.(ast.NavigableExpr); ok && at.Type().TypeName() == reflect.TypeFor[Upstream]().String() {
		return "upstream." + field
	}
	if of.Kind() == ast.IdentKind {
		return of.AsIdent() + "." + field
	}
	return ""
}
