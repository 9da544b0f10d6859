package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

const (
	appMark = "{app}"
	envMark = "{env}"
	// maxDeep is how many ** one pattern may have: each multiplies what a look-up has to try.
	maxDeep = 2
	// maxPattern is the length of the longest pattern, in bytes.
	maxPattern = 1024
)

// pattern is a path in which {env} stands for an environment's dir, {app} for a part of one segment, "*" for any letters
// of one segment, and "**" for any number of segments.
type pattern struct {
	text     string
	segments []string
	noEnv    bool // {env} stands in the keys only: the file is every environment's
	at       position
}

// filledIn returns the pattern with the name of an app for {app}.
func (p *pattern) filledIn(app string) *pattern {
	if !p.names(appMark) {
		return p
	}
	out := *p
	out.segments = strings.Split(strings.ReplaceAll(strings.Join(p.segments, "/"), appMark, app), "/")
	return &out
}

// names says whether a mark stands in the pattern.
func (p *pattern) names(mark string) bool { return strings.Contains(p.text, mark) }

// pattern reads a pattern. It returns nil after noting what is wrong with it. {env} may be missing where each of some keys
// has it.
func (r *reporter) pattern(n *yaml.Node, s string, discover bool, keys []keyPath) *pattern {
	rule, problem := ruleInvalidPattern, patternProblem(s)
	keyed := len(keys) > 0 && !slices.ContainsFunc(keys, func(k keyPath) bool { return !k.has(envMark) })
	if marks := markProblem(s, envMark, appMark, clusterMark); marks != "" {
		rule, problem = rulePlaceholder, marks
	}
	switch {
	case problem != "":
	case discover && !(strings.Contains(s, appMark) && strings.Contains(s, envMark)):
		problem = "discover needs {app} and {env}: they say which part of a path is the name, and which the environment's dir"
	case !strings.Contains(s, envMark) && !keyed:
		problem = "{env} is missing: it says which part of the path is the environment's dir"
	case discover:
		problem = ambiguity(s)
	}
	if problem != "" {
		r.failAs(rule, n, "the pattern %s: %s", quoted(s), problem)
		return nil
	}
	segments := strings.Split(s, "/")
	if segments[len(segments)-1] == "**" {
		segments = append(segments, "*") // what stands below, not the path itself
	}
	return &pattern{text: s, segments: segments, noEnv: !strings.Contains(s, envMark), at: r.pos(n)}
}

// braces is anything in braces.
var braces = regexp.MustCompile(`\{[^{}]*\}`)

// patternProblem says why a text can't be a pattern, or "".
func patternProblem(s string) string {
	if problem := pathProblem(s); problem != "" {
		return problem
	}
	if strings.ContainsAny(s, `?[]`) {
		return "only * and ** are globs"
	}
	deep := 0
	for segment := range strings.SplitSeq(s, "/") {
		if segment == "**" {
			deep++
		} else if strings.Contains(segment, "**") {
			return "** stands alone between slashes"
		}
	}
	if deep > maxDeep {
		return fmt.Sprintf("at most %d of ** in one pattern", maxDeep)
	}
	return ""
}

// markProblem says what is wrong with what stands in braces, or "": only some marks are filled in.
func markProblem(s string, known ...string) string {
	for _, mark := range braces.FindAllString(s, -1) {
		if !slices.Contains(known, mark) {
			return fmt.Sprintf("%s is not filled in; did you mean %q?", quoted(mark), Nearest(mark, known))
		}
	}
	if strings.ContainsAny(braces.ReplaceAllString(s, ""), "{}") {
		return "a brace stands alone; filled in are " + strings.Join(known, ", ")
	}
	return ""
}

// pathProblem says why a text can't be a path below the root of the repository, or "".
func pathProblem(s string) string {
	segments := strings.Split(s, "/")
	switch {
	case len(s) > maxPattern:
		return fmt.Sprintf("it is longer than %d bytes", maxPattern)
	case strings.Contains(s, `\`):
		return `paths are written with "/"`
	case strings.HasPrefix(s, "/"):
		return `paths begin at the root of the repository; leave out the "/" at the front`
	case slices.Contains(segments, ".."):
		return `it leaves the repository; write it without ".."`
	case slices.Contains(segments, "."):
		return `leave out the "." between slashes`
	case slices.Contains(segments, ""):
		return `it has a "/" too many`
	case strings.ContainsFunc(s, func(c rune) bool { return c == '\t' || c == '\n' || c == '\r' || unprintable(c) }):
		return "it has a character that no path has"
	}
	return ""
}

// ambiguity says why the name of a discovered app could not be told from a path, or "".
func ambiguity(s string) string {
	for segment := range strings.SplitSeq(s, "/") {
		if apps := strings.Count(segment, appMark); apps > 1 || apps == 1 && strings.Contains(segment, "*") {
			return "{app} stands once between two slashes and without *, so that there is one way to read a name"
		}
	}
	return ""
}

// flat is one segment without {env}: text with gaps. All gaps are "*", or there is just one and it is {app}.
type flat struct {
	pieces []string
	app    bool
}

// flatSegment takes a segment apart.
func flatSegment(s string) flat {
	if before, after, ok := strings.Cut(s, appMark); ok {
		return flat{pieces: []string{before, after}, app: true}
	}
	return flat{pieces: strings.Split(s, "*")}
}

// match says whether a segment of a path has this form, and returns what {app} stands for there.
func (f flat) match(s string) (app string, ok bool) {
	first, last := f.pieces[0], f.pieces[len(f.pieces)-1]
	if len(f.pieces) == 1 {
		return "", s == first
	}
	if len(s) < len(first)+len(last) || !strings.HasPrefix(s, first) || !strings.HasSuffix(s, last) {
		return "", false
	}
	middle := s[len(first) : len(s)-len(last)]
	if f.app {
		return middle, middle != ""
	}
	for _, piece := range f.pieces[1 : len(f.pieces)-1] {
		_, after, found := strings.Cut(middle, piece)
		if !found {
			return "", false
		}
		middle = after
	}
	return "", true
}
