package policy

import (
	"reflect"
	"slices"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/overloads"
	"cel.dev/cel-go/common/types"
)

// soakedField is the one fact that grows with time.
const soakedField = "soaked"

// soakLengths returns the lengths with which the expression compares soaks. Any other use of one is refused: it would change at an instant that nobody
// can name, and so nobody would look again then.
func soakLengths(checked *cel.Ast) ([]time.Duration, error) {
	native := checked.NativeRep()
	root := ast.NavigateAST(native)
	var out []time.Duration
	for _, e := range ast.MatchDescendants(root, isSoaked) {
		length, ok := comparedWith(e)
		if !ok {
			return nil, errorAt(native, e, `soaked can only be compared with a length that is written out, as in u.soaked >= duration("24h")`)
		}
		out = append(out, length)
	}
	for _, e := range ast.MatchDescendants(root, ast.AllMatcher()) {
		if reason := hidesSoak(e); reason != "" {
			return nil, errorAt(native, e, reason)
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

func isSoaked(e ast.NavigableExpr) bool {
	return e.Kind() == ast.SelectKind && e.AsSelect().FieldName() == soakedField
}

// comparedWith returns the length with which the soak is compared, and false where it is used in any other way.
func comparedWith(soaked ast.NavigableExpr) (time.Duration, bool) {
	parent, ok := soaked.Parent()
	if !ok || parent.Kind() != ast.CallKind || !slices.Contains([]string{operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals}, parent.AsCall().FunctionName()) {
		return 0, false
	}
	for _, arg := range parent.AsCall().Args() {
		if arg.ID() == soaked.ID() || arg.Kind() != ast.CallKind || arg.AsCall().FunctionName() != overloads.TypeConvertDuration {
			continue
		}
		of := arg.AsCall().Args()
		if len(of) != 1 || of[0].Kind() != ast.LiteralKind {
			continue
		}
		text, ok := of[0].AsLiteral().Value().(string)
		if d, err := time.ParseDuration(text); ok && err == nil {
			return d, true
		}
	}
	return 0, false
}

// hidesSoak says why the expression could use a soak without naming it; "" where it cannot.
func hidesSoak(e ast.NavigableExpr) string {
	switch {
	case e.Kind() == ast.StructKind:
		return "facts are compared with each other or by their fields; an expression makes none of its own"
	case mentions(e.Type(), func(t *types.Type) bool { return t.Kind() == types.DynKind || t.Kind() == types.AnyKind }):
		return "every value has one type, which is known before the release is: there is no dyn, and no list of text and numbers"
	case looksInto(e, Upstream{}):
		return "an upstream is only compared by its fields, as in u.healthy: as a whole it changes with every second that it soaks"
	}
	return ""
}

// looksInto says whether the expression uses such a fact as a whole.
func looksInto(e ast.NavigableExpr, fact any) bool {
	if e.Kind() != ast.CallKind || slices.Contains(keepsWhole(), e.AsCall().FunctionName()) {
		return false
	}
	call := e.AsCall()
	operands := call.Args()
	if call.IsMemberFunction() {
		operands = append(slices.Clone(operands), call.Target())
	}
	name := reflect.TypeOf(fact).String()
	return slices.ContainsFunc(operands, func(operand ast.Expr) bool {
		at, ok := operand.(ast.NavigableExpr)
		return ok && mentions(at.Type(), func(t *types.Type) bool { return t.TypeName() == name })
	})
}

// keepsWhole returns the functions that hand facts on, or look at how many there are, and never at what they hold.
func keepsWhole() []string {
	return []string{operators.Index, operators.Conditional, operators.Add, overloads.Size}
}

// mentions says whether the type or one of which it is made is such a one.
func mentions(t *types.Type, such func(*types.Type) bool) bool {
	return such(t) || slices.ContainsFunc(t.Parameters(), func(of *types.Type) bool { return mentions(of, such) })
}

// asksApprovals says whether the expression asks who has approved.
func asksApprovals(checked *cel.Ast) bool {
	return len(ast.MatchDescendants(ast.NavigateAST(checked.NativeRep()), isApprovals)) > 0
}

func isApprovals(e ast.NavigableExpr) bool {
	return e.Kind() == ast.IdentKind && e.AsIdent() == "approvals"
}

// asksNoHistory says whether the expression asks neither for upstreams, nor for approvals, nor for commits, of which images have one.
func asksNoHistory(checked *cel.Ast) bool {
	return len(ast.MatchDescendants(ast.NavigateAST(checked.NativeRep()), func(e ast.NavigableExpr) bool {
		return e.Kind() == ast.IdentKind && e.AsIdent() == "upstream" || isApprovals(e) || e.Kind() == ast.SelectKind && e.AsSelect().FieldName() == "commit" ||
			looksInto(e, Image{}) || looksInto(e, Release{})
	})) == 0
}
