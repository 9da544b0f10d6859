package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
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
	Message string
}

// Error returns "file:line:column: message".
func (e Error) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Message)
}

// Errors is everything that is wrong in a file, at most 20 of it, in the order of the file.
type Errors []Error

// Error returns the errors, one a line.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, one := range e {
		lines[i] = one.Error()
	}
	return strings.Join(lines, "\n")
}

// reporter collects the errors of one file.
type reporter struct {
	file  string
	noted []Error
	count int
}

// at notes an error at a position.
func (r *reporter) at(line, column int, format string, args ...any) {
	r.count++
	if len(r.noted) >= maxNoted {
		return
	}
	r.noted = append(r.noted, Error{File: r.file, Line: max(line, 1), Column: max(column, 1), Message: fmt.Sprintf(format, args...)})
}

// fail notes an error where the node begins.
func (r *reporter) fail(n *yaml.Node, format string, args ...any) {
	r.at(n.Line, n.Column, format, args...)
}

// failWith notes an error whose words take a search, which a file full of errors is spared.
func (r *reporter) failWith(n *yaml.Node, words func() string) {
	if len(r.noted) >= maxNoted {
		r.count++
		return
	}
	r.fail(n, "%s", words())
}

// err returns the first errors of the file as Errors, or nil where there are none. An anchor that is used several times
// yields the same error at the same place each time; it is said once.
func (r *reporter) err() error {
	if len(r.noted) == 0 {
		return nil
	}
	slices.SortStableFunc(r.noted, func(a, b Error) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), strings.Compare(a.Message, b.Message))
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
