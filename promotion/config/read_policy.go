package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"ferry/promotion/policy"
)

// Policy is a rule of the team's own: where it does not hold, nothing is promoted.
type Policy struct {
	Name   string
	Rule   policy.Policy
	Reason string // shown where the rule does not hold
}

// policies reads one rule, or a list of named ones.
func (r *reporter) policies(f field) []Policy {
	if f.value.Kind == yaml.ScalarNode {
		rule, ok := r.rule(f.value, "policy")
		if !ok {
			return nil
		}
		return []Policy{{Name: "policy", Rule: rule}}
	}
	items, _ := r.list(f.value, "policy")
	var out []Policy
	for _, item := range bounded(r, f, items, maxListed) {
		var p Policy
		r.mapping(atPolicy, item, func(f field) {
			switch f.key {
			case "name":
				p.Name, _ = r.name(f.value)
			case "rule":
				p.Rule, _ = r.rule(f.value, "rule")
			case "reason":
				p.Reason, _ = r.text(f.value, "reason")
			}
		})
		if slices.ContainsFunc(out, func(other Policy) bool { return p.Name != "" && other.Name == p.Name }) {
			r.failAs(ruleDuplicate, item, "the policy %q stands here already", p.Name)
		}
		out = append(out, p)
	}
	return out
}

// rule reads an expression. Spaces and line breaks around it are no part of it: YAML's blocks have them.
func (r *reporter) rule(n *yaml.Node, what string) (policy.Policy, bool) {
	trimmed := *deref(n)
	trimmed.Value = strings.TrimSpace(trimmed.Value)
	text, ok := r.text(&trimmed, what)
	if !ok {
		return policy.Policy{}, false
	}
	if r.policyLanguage == nil {
		language, err := policy.NewLanguage()
		if err != nil {
			r.fail(n, "%v", err)
			return policy.Policy{}, false
		}
		r.policyLanguage = language // made for the few files that need it
	}
	p, err := r.policyLanguage.Compile(text)
	var wrong *policy.Error
	if errors.As(err, &wrong) {
		at, where := r.inside(n, text, wrong.Line, wrong.Column)
		r.note(ruleInvalidPolicy, at, "%s: %s%s", what, firstLine(wrong.Reason), where)
		return p, false
	}
	for _, c := range p.Comparisons() {
		at, _ := r.inside(n, text, c.Line, c.Column)
		r.remarks.compared = append(r.remarks.compared, compared{at, c})
	}
	return p, true
}

// firstLine returns the first line of what the language says, cut where it is long: it may repeat the expression.
func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	if utf8.RuneCountInString(line) > 300 {
		line = string([]rune(line)[:300]) + "…"
	}
	return line
}

// inside returns where in the file a place in a text stands, both counted from 1. Where YAML writes the text otherwise, folded or with escapes, that is
// where the text begins; then it also returns words that name the place. The text is the node's without the spaces around it.
func (r *reporter) inside(n *yaml.Node, text string, line, column int) (position, string) {
	at := r.pos(n)
	values := strings.Split(text, "\n")
	sources := strings.Split(strings.TrimPrefix(string(r.bytes), "\ufeff"), "\n")
	row, from := n.Line, n.Column-1
	if n.Style&yaml.LiteralStyle != 0 {
		leading, _, _ := strings.Cut(n.Value, text)
		row, from = n.Line+line+strings.Count(leading, "\n"), 0
	}
	if line <= len(values) && row <= len(sources) && (line == 1 || n.Style&yaml.LiteralStyle != 0) {
		source := []rune(strings.TrimSuffix(sources[row-1], "\r"))
		if before, _, ok := strings.Cut(string(source[min(from, len(source)):]), values[line-1]); ok {
			at.line, at.column = row, from+utf8.RuneCountInString(before)+column
			return at, ""
		}
	}
	return at, fmt.Sprintf(" (in line %d, column %d of the expression)", line, column)
}
