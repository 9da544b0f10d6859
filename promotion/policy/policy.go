// Package policy decides by expressions of the Common Expression Language (cel.dev) whether a release may enter an environment.
package policy

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/ext"
)

// Policy is one expression that is true where a release may pass. It does not change, and may be used from several goroutines. Only Language.Compile makes one.
type Policy struct {
	text     string
	lengths  []time.Duration
	ahead    bool // see NeedsNoHistory
	compares []Comparison
	approved bool // see AsksApprovals
	program  cel.Program
}

// Language knows the names and types of the facts.
type Language struct{ env *cel.Env }

// NewLanguage returns the language of policies: CEL with the facts as variables, and CEL's extensions for strings and sets.
func NewLanguage() (*Language, error) {
	facts := reflect.TypeFor[Facts]()
	options := []cel.EnvOption{ext.NativeTypes(ext.ParseStructTags(true), facts), ext.Strings(), ext.Sets(), cel.DefaultUTCTimeZone(true)}
	for i := range facts.NumField() {
		field := facts.Field(i)
		options = append(options, cel.Variable(field.Tag.Get("cel"), typeOf(field.Type)))
	}
	env, err := cel.NewEnv(options...)
	if err != nil {
		return nil, fmt.Errorf("the language of policies: %w", err)
	}
	return &Language{env: env}, nil
}

// typeOf returns the type by which CEL knows a fact.
func typeOf(t reflect.Type) *cel.Type {
	switch t.Kind() {
	case reflect.Slice:
		return cel.ListType(typeOf(t.Elem()))
	case reflect.Struct:
		return cel.ObjectType(t.String())
	}
	return cel.StringType
}

// Error is what is wrong with an expression, and where in its text.
type Error struct {
	Line, Column int // both from 1, Column in characters
	Reason       string
}

func (e *Error) Error() string {
	return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Reason)
}

// Compile returns the policy of an expression. It fails with an *Error where the expression is longer than MaxLength, is not CEL, uses a name or a type
// wrongly, has no truth value as its result, holds a regular expression, duration or timestamp that is none, might cost more than a decision may take, or
// asks for a soak other than by comparing it with a length.
func (l *Language) Compile(text string) (Policy, error) {
	if len(text) > MaxLength {
		return Policy{}, &Error{1, 1, fmt.Sprintf("the expression has %d bytes; at most %d are read", len(text), MaxLength)}
	}
	ast, issues := l.env.Compile(text)
	if issues.Err() != nil {
		return Policy{}, first(issues)
	}
	if ast.OutputType() != cel.BoolType {
		return Policy{}, &Error{1, 1, fmt.Sprintf("the expression results in %s; it must be true or false", ast.OutputType())}
	}
	if err := checkLiterals(ast); err != nil {
		return Policy{}, err
	}
	lengths, err := soakLengths(ast)
	if err != nil {
		return Policy{}, err
	}
	cost, failed := l.env.EstimateCost(ast, largest{})
	if failed != nil {
		return Policy{}, &Error{1, 1, failed.Error()}
	}
	if cost.Max > maxEstimate {
		return Policy{}, &Error{1, 1, "the expression may take too long: lists within lists within lists, or text made from text, grow beyond what a decision may cost"}
	}
	program, failed := l.env.Program(ast, cel.CostLimit(maxEvaluated))
	if failed != nil {
		return Policy{}, &Error{1, 1, failed.Error()}
	}
	return Policy{text: text, lengths: lengths, ahead: asksNoHistory(ast), compares: comparisonsOf(ast), approved: asksApprovals(ast), program: program}, nil
}

// first returns the first of the issues in the text's order, which is the one that people correct first.
func first(issues *cel.Issues) *Error {
	all := issues.Errors()
	if len(all) == 0 {
		return &Error{1, 1, issues.Err().Error()}
	}
	e := all[0]
	return &Error{Line: max(e.Location.Line(), 1), Column: max(e.Location.Column()+1, 1), Reason: strings.TrimSpace(e.Message)}
}

// Allows says whether the release may pass. It fails where the expression cannot be evaluated on these facts, or costs too much; then nothing passes.
func (p Policy) Allows(f Facts) (bool, error) {
	if p.program == nil {
		return false, fmt.Errorf("there is no policy")
	}
	vars := map[string]any{}
	v := reflect.ValueOf(f)
	for i := range v.NumField() {
		vars[v.Type().Field(i).Tag.Get("cel")] = v.Field(i).Interface()
	}
	out, _, err := p.program.Eval(vars)
	if err != nil {
		return false, err
	}
	allowed, ok := out.(types.Bool)
	if !ok {
		return false, fmt.Errorf("it is neither true nor false")
	}
	return bool(allowed), nil
}

// SoakLengths returns the lengths with which the expression compares a soak, the shortest first: only when a soak reaches one of them may time alone
// change what the policy says.
func (p Policy) SoakLengths() []time.Duration { return slices.Clone(p.lengths) }

// NeedsNoHistory says whether the expression asks only for what is known as soon as a release is named: neither for how it fares upstream nor for the
// commits of which it was built.
func (p Policy) NeedsNoHistory() bool { return p.ahead }

// AsksApprovals says whether the expression asks who has approved, which nobody can before there is a pull request.
func (p Policy) AsksApprovals() bool { return p.approved }

// Comparisons returns the facts that the expression compares with texts that are written out, in its order.
func (p Policy) Comparisons() []Comparison { return slices.Clone(p.compares) }

// String returns the expression.
func (p Policy) String() string { return p.text }

// Equal says whether both are the same expression.
func (p Policy) Equal(other Policy) bool { return p.text == other.text }
