package policy

import (
	"fmt"
	"regexp"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/overloads"
)

// checkLiterals fails with an *Error at the first regular expression, duration or timestamp that is written out and is none: its evaluation would fail
// on every release. CEL's own validators do not say what is wrong with it, and miss the pattern of matches(text, pattern).
func checkLiterals(checked *cel.Ast) error {
	native := checked.NativeRep()
	for _, e := range ast.MatchDescendants(ast.NavigateAST(native), ast.KindMatcher(ast.CallKind)) {
		args := e.AsCall().Args()
		if len(args) == 0 || args[len(args)-1].Kind() != ast.LiteralKind {
			continue
		}
		last := args[len(args)-1]
		text, ok := last.AsLiteral().Value().(string)
		if !ok {
			continue
		}
		if reason := wrongLiteral(e.AsCall().FunctionName(), text); reason != "" {
			return errorAt(native, last, reason)
		}
	}
	return nil
}

// wrongLiteral says what is wrong with a text as the last argument of a function; "" where nothing is.
func wrongLiteral(function, text string) string {
	switch function {
	case overloads.Matches:
		if _, err := regexp.Compile(text); err != nil {
			return fmt.Sprintf("%q is no regular expression: %v", text, err)
		}
	case overloads.TypeConvertDuration:
		if _, err := time.ParseDuration(text); err != nil {
			return fmt.Sprintf("%q is no duration: CEL's have h, m and s, but no d for days; three days are 72h", text)
		}
	case overloads.TypeConvertTimestamp:
		if _, err := time.Parse(time.RFC3339, text); err != nil {
			return fmt.Sprintf("%q is no timestamp: write it as in 2026-12-24T18:00:00Z", text)
		}
	}
	return ""
}

func errorAt(native *ast.AST, e ast.Expr, reason string) *Error {
	at := native.SourceInfo().GetStartLocation(e.ID())
	return &Error{Line: max(at.Line(), 1), Column: max(at.Column()+1, 1), Reason: reason}
}
