package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"ferry/promotion/policy"
)

const (
	// maxErrors is how many errors one file is answered with: enough to mend it in one go, few enough to read.
	maxErrors = 20
	// maxNoted bounds what a hostile file can make Parse word and remember before the first maxErrors are chosen.
	maxNoted = 200
	// maxQuoted is how many characters of the file a message repeats.
	maxQuoted = 60
)

// Error is one thing that is wrong in the file. Line and Column count from 1, Column in characters, as editors do.
type Error struct {
	File    string
	Line    int
	Column  int
	Rule    string // the id of one of Rules
	Message string
}

// Error returns "file:line:column: message".
func (e Error) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Message)
}

// Errors is everything that is wrong in a configuration, at most 20 of it: the file first, then what it includes, each in
// the order of its lines.
type Errors []Error

// Error returns the errors, one a line.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, one := range e {
		lines[i] = one.Error()
	}
	return strings.Join(lines, "\n")
}

// Findings returns the errors as findings.
func (e Errors) Findings() []Finding {
	out := make([]Finding, len(e))
	for i, one := range e {
		out[i] = findingOf(one)
	}
	return out
}

// position is where something stands, for when the parsed file is gone.
type position struct {
	file   string
	line   int
	column int
}

// reporter collects the errors of a configuration.
type reporter struct {
	keys           keyring
	acts           func(key) bool   // says which keys are acted on
	file           string           // the file being read
	bytes          []byte           // what it holds
	policyLanguage *policy.Language // nil until a policy is read
	teams          []teamAt
	remarks        remarks
	rank           map[string]int // of the files, in the order in which they were read
	noted          []Error
	count          int
}

// pos returns where a node of the file being read begins.
func (r *reporter) pos(n *yaml.Node) position {
	return position{file: r.file, line: n.Line, column: n.Column}
}

// note notes an error against a rule.
func (r *reporter) note(rule string, p position, format string, args ...any) {
	r.count++
	if len(r.noted) >= maxNoted {
		return
	}
	r.noted = append(r.noted, Error{File: p.file, Line: max(p.line, 1), Column: max(p.column, 1), Rule: rule, Message: fmt.Sprintf(format, args...)})
}

// noteWith notes an error whose words take a search, which a file full of errors is spared.
func (r *reporter) noteWith(rule string, p position, words func() string) {
	if len(r.noted) >= maxNoted {
		r.count++
		return
	}
	r.note(rule, p, "%s", words())
}

// at notes an error that leaves the rest of the file unread.
func (r *reporter) at(line, column int, format string, args ...any) {
	r.note(ruleNotReadable, position{r.file, line, column}, format, args...)
}

// fail notes an invalid value where the node begins.
func (r *reporter) fail(n *yaml.Node, format string, args ...any) {
	r.note(ruleInvalidValue, r.pos(n), format, args...)
}

// failAs notes an error against a rule where the node begins.
func (r *reporter) failAs(rule string, n *yaml.Node, format string, args ...any) {
	r.note(rule, r.pos(n), format, args...)
}

// err returns the first errors as Errors, or nil where there are none. An anchor that is used several times
// yields the same error at the same place each time; it is said once.
func (r *reporter) err() error {
	if len(r.noted) == 0 {
		return nil
	}
	slices.SortStableFunc(r.noted, func(a, b Error) int {
		return cmp.Or(cmp.Compare(r.rank[a.File], r.rank[b.File]), strings.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), strings.Compare(a.Message, b.Message))
	})
	unique := slices.Compact(r.noted)
	left := r.count - len(r.noted) + max(len(unique)-maxErrors, 0)
	unique = unique[:min(len(unique), maxErrors)]
	if left > 0 {
		unique[len(unique)-1].Message += fmt.Sprintf(" (and %d more errors)", left)
	}
	return Errors(slices.Clone(unique))
}

// quoted returns a piece of the file for a message: quoted, and cut where it is long.
func quoted(s string) string {
	if len(s) > maxQuoted {
		short := []rune(s[:min(len(s), 4*maxQuoted)])
		if len(short) > maxQuoted {
			s = string(short[:maxQuoted]) + "…"
		}
	}
	return fmt.Sprintf("%q", s)
}
