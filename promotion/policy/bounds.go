package policy

import (
	"slices"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/cost"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/overloads"
	"cel.dev/cel-go/common/types"
)

// The sizes that facts are taken to have at most when a cost is estimated. What is longer after all is still bounded by the cost of its evaluation.
const (
	longestText = 512
	longestList = 50
)

// largest estimates the costs of an expression by the largest facts.
type largest struct{}

// EstimateSize returns the size of a fact; nil leaves CEL's own estimate, as for what the expression makes itself.
func (largest) EstimateSize(element cost.AstNode) *cost.SizeEstimate {
	if len(element.Path()) == 0 {
		return nil
	}
	switch element.Type().Kind() {
	case types.ListKind:
		return &cost.SizeEstimate{Max: longestList}
	case types.StringKind:
		return &cost.SizeEstimate{Max: longestText}
	}
	return nil
}

// EstimateCallCost leaves the costs of functions to CEL's own estimates.
func (largest) EstimateCallCost(string, string, *cost.AstNode, []cost.AstNode) *cost.CallEstimate {
	return nil
}

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
			at := native.SourceInfo().GetStartLocation(e.ID())
			return nil, &Error{Line: max(at.Line(), 1), Column: max(at.Column()+1, 1), Reason: `soaked can only be compared with a length that is written out, as in u.soaked >= duration("24h")`}
		}
		out = append(out, length)
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
