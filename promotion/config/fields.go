package config

import (
	"regexp"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

// field is one key of a mapping with its value.
type field struct {
	key   string
	name  *yaml.Node
	value *yaml.Node // an alias is followed
}

// fields returns the keys of a mapping that are acted on, each once, in the order of the file. Everything else it notes.
// ok is false where the node is no mapping.
func (r *reporter) fields(at place, n *yaml.Node) (out []field, ok bool) {
	if !r.is(n, yaml.MappingNode, "!!map", string(at), "keys with values") {
		return nil, false
	}
	for f := range r.pairs(n) {
		if r.check(at, f.name, f.value) {
			out = append(out, f)
		}
	}
	return out, true
}

// pairs walks the keys of a mapping. A key that is no text, or that stands twice, is noted and left out.
func (r *reporter) pairs(n *yaml.Node) func(func(field) bool) {
	return func(yield func(field) bool) {
		lines := make(map[string]int, len(n.Content)/2)
		for i := 0; i+1 < len(n.Content); i += 2 {
			name, value := n.Content[i], deref(n.Content[i+1])
			if name.Kind != yaml.ScalarNode || name.Tag != "!!str" && name.Tag != "!!merge" {
				r.fail(name, "a key must be text")
				continue
			}
			if line, twice := lines[name.Value]; twice {
				r.fail(name, "%s stands here already in line %d", quoted(name.Value), line)
				continue
			}
			lines[name.Value] = name.Line
			if !yield(field{key: name.Value, name: name, value: value}) {
				return
			}
		}
	}
}

// is notes an error where a node is not of the wanted kind, or carries a tag of its own.
func (r *reporter) is(n *yaml.Node, kind yaml.Kind, tag, what, form string) bool {
	switch {
	case n.Kind == kind && n.Tag == tag:
		return true
	case n.Tag == "!!null":
		r.fail(n, "%s has no value; give it one or remove it", what)
	default:
		r.fail(n, "%s must be %s", what, form)
	}
	return false
}

// text returns a value that is text and not empty.
func (r *reporter) text(n *yaml.Node, what string) (string, bool) {
	n = deref(n)
	if n.Kind == yaml.ScalarNode && plainTags[n.Tag] {
		r.fail(n, "%s must be text; put it in quotes: %s", what, quoted(n.Value))
		return "", false
	}
	if !r.is(n, yaml.ScalarNode, "!!str", what, "text") {
		return "", false
	}
	if strings.TrimSpace(n.Value) != n.Value || n.Value == "" {
		r.fail(n, "%s must not be empty, and not begin or end with a space", what)
		return "", false
	}
	return n.Value, true
}

// plainTags are what YAML takes an unquoted text for when it looks like one.
var plainTags = map[string]bool{"!!int": true, "!!float": true, "!!bool": true, "!!timestamp": true}

// list returns the values of a list.
func (r *reporter) list(n *yaml.Node, what string) ([]*yaml.Node, bool) {
	n = deref(n)
	if !r.is(n, yaml.SequenceNode, "!!seq", what, "a list") {
		return nil, false
	}
	out := make([]*yaml.Node, len(n.Content))
	for i, c := range n.Content {
		out[i] = deref(c)
	}
	return out, true
}

// texts returns the values of a list of texts in which none stands twice, with their nodes.
func (r *reporter) texts(n *yaml.Node, what string) (values []string, nodes []*yaml.Node) {
	items, _ := r.list(n, what)
	seen := make(map[string]bool, len(items))
	for _, item := range items {
		s, ok := r.text(item, "a value of "+what)
		if !ok {
			continue
		}
		if seen[s] {
			r.fail(item, "%s stands twice in %s", quoted(s), what)
			continue
		}
		seen[s] = true
		values, nodes = append(values, s), append(nodes, item)
	}
	return values, nodes
}

// choice returns a value that is one of a few words, or the zero one after noting that it is not.
func choice[T ~string](r *reporter, f field, allowed ...T) T {
	for _, a := range allowed {
		if f.value.Kind == yaml.ScalarNode && f.value.Value == string(a) {
			return a
		}
	}
	words := make([]string, len(allowed))
	for i, a := range allowed {
		words[i] = string(a)
	}
	r.fail(f.value, "%s must be %s", f.key, strings.Join(words, " or "))
	return ""
}

// duration returns a value that is a length of time.
func (r *reporter) duration(f field) (time.Duration, bool) {
	if f.value.Kind != yaml.ScalarNode || f.value.Tag != "!!str" && f.value.Tag != "!!int" {
		r.fail(f.value, "%s: %v", f.key, errDuration)
		return 0, false
	}
	d, err := ParseDuration(f.value.Value)
	if err != nil {
		r.fail(f.value, "%s: %v", f.key, err)
	}
	return d, err == nil
}

var (
	nameForm    = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,62}$`)
	clusterForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)
)

// nameProblem says why a text can't be the name of an app or an environment, or "". Names become parts of branches, so
// what git-check-ref-format refuses is refused; "all" stands for every app in comments.
func nameProblem(name string) string {
	switch {
	case name == "all":
		return `"all" is the word for every app in comments`
	case !nameForm.MatchString(name):
		return "a name has 1 to 63 lower-case letters, digits, dots, underscores and dashes, and begins with a letter or digit"
	case strings.Contains(name, ".."), strings.HasSuffix(name, ".lock"), strings.HasSuffix(name, "."):
		return `a name becomes part of a branch, in which Git allows no "..", and no ".lock" or "." at the end`
	}
	return ""
}

// name returns a value that is the name of an app or an environment.
func (r *reporter) name(n *yaml.Node) (string, bool) {
	s, ok := r.text(n, "name")
	if !ok {
		return "", false
	}
	if problem := nameProblem(s); problem != "" {
		r.fail(n, "%s can't be a name: %s", quoted(s), problem)
		return "", false
	}
	return s, true
}
