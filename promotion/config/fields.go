package config

import (
	"errors"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

// field is one key of a mapping with its value.
type field struct {
	key   string
	known key
	name  *yaml.Node
	value *yaml.Node // an alias is followed
}

// fields returns the keys of a mapping that may stand there, each once, in the order of the file. Everything else it notes.
// ok is false where the node is no mapping.
func (r *reporter) fields(at place, n *yaml.Node) (out []field, ok bool) {
	if !r.is(n, yaml.MappingNode, "!!map", string(at), "keys with values") {
		return nil, false
	}
	for f := range r.pairs(n) {
		if f.known, ok = r.known(at, f.name); ok {
			out = append(out, f)
		}
	}
	return out, true
}

// read reads each of the fields. One that is not acted on is noted then, unless its value is none that it can have.
func (r *reporter) read(fields []field, one func(field)) {
	for _, f := range fields {
		before := len(r.noted)
		one(f)
		if !slices.ContainsFunc(r.noted[before:], func(e Error) bool { return ruleOf(e.Rule).InSchema }) {
			r.ignored(f)
		}
	}
}

// mapping reads the keys of a mapping, and notes the required ones that are not there.
func (r *reporter) mapping(at place, n *yaml.Node, one func(field)) bool {
	fields, ok := r.fields(at, n)
	if !ok {
		return false
	}
	r.read(fields, one)
	for _, k := range r.keys[at].required {
		if !has(fields, k.name) {
			r.failAs(ruleMissingKey, n, "%s is missing: %s", k.name, plain(k.effect))
		}
	}
	return true
}

// pairs walks the keys of a mapping. A key that is no text, or that stands twice, is noted and left out.
func (r *reporter) pairs(n *yaml.Node) func(func(field) bool) {
	return func(yield func(field) bool) {
		lines := make(map[string]int, len(n.Content)/2)
		for i := 0; i+1 < len(n.Content); i += 2 {
			name, value := n.Content[i], deref(n.Content[i+1])
			if name.Kind != yaml.ScalarNode || name.Tag != "!!str" && name.Tag != "!!merge" {
				r.failAs(ruleUnknownKey, name, "a key must be text")
				continue
			}
			if line, twice := lines[name.Value]; twice {
				r.failAs(ruleDuplicateKey, name, "%s stands here already in line %d", quoted(name.Value), line)
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
	case strings.HasPrefix(n.Tag, "!") && !strings.HasPrefix(n.Tag, "!!"):
		r.failAs(ruleNotReadable, n, "%s must be %s, without the tag %s", what, form, quoted(n.Tag))
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
			r.failAs(ruleDuplicate, item, "%s stands twice in %s", quoted(s), what)
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
	if isZero(f.value) {
		return 0, true
	}
	d, err := ParseDuration(f.value.Value)
	switch {
	case errors.Is(err, errTooLong):
		r.failAs(ruleLimit, f.value, "%s: %v", f.key, err)
	case err != nil:
		r.fail(f.value, "%s: %v", f.key, err)
	}
	return d, err == nil
}

// number returns a value that is a whole number within bounds.
func (r *reporter) number(f field, least, most int) int {
	var n int
	if f.value.Kind != yaml.ScalarNode || f.value.Tag != "!!int" || f.value.Decode(&n) != nil || n < least || n > most {
		r.fail(f.value, "%s must be a number from %d to %d", f.key, least, most)
		return least
	}
	return n
}

// flag returns a value that is true or false.
func (r *reporter) flag(f field) bool {
	var b bool
	if f.value.Kind != yaml.ScalarNode || f.value.Tag != "!!bool" || f.value.Decode(&b) != nil {
		r.fail(f.value, "%s must be true or false", f.key)
	}
	return b
}

// bounded notes a list with more values than are read, and returns those that are.
func bounded[T any](r *reporter, f field, values []T, most int) []T {
	if len(values) > most {
		r.fail(f.value, "%s has %d values; at most %d are read", f.key, len(values), most)
		return values[:most]
	}
	return values
}
