package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"ferry/promotion"
	"ferry/promotion/config"
)

// caseField is one key of a mapping in a file of cases: what it may be, and what takes it, which fails with errNotThat where it is something else.
type caseField struct {
	key, words string
	take       func(*yaml.Node) error
}

var errNotThat = errors.New("not what the field may be")

// only returns errNotThat unless the value is what it may be.
func only(is bool) error {
	if !is {
		return errNotThat
	}
	return nil
}

// parsePolicyCases reads a file of cases. It fails where that is no such file, where a case lacks what it needs, and where there is none: a test
// that tries nothing would always pass.
func parsePolicyCases(name string, content []byte) ([]policyCase, error) {
	if len(content) > config.MaxSize {
		return nil, fmt.Errorf("%s: the file has %d bytes; at most %d are read", name, len(content), config.MaxSize)
	}
	var document yaml.Node
	if err := yaml.Load(content, &document); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	var listed []*yaml.Node
	err := takeFields(&document, "the file", []caseField{{"cases", "a list of cases", func(n *yaml.Node) error {
		listed = n.Content
		return only(n.Kind == yaml.SequenceNode)
	}}})
	if err != nil {
		return nil, fmt.Errorf("%s:%w", name, err)
	}
	var out []policyCase
	for i, n := range listed {
		one := policyCase{path: name, line: n.Line}
		err := takeFields(n, "a case", one.fields())
		if err == nil {
			err = one.complete(n)
		}
		if err != nil {
			return nil, fmt.Errorf("%s:%w (case %d)", name, err, i+1)
		}
		out = append(out, one)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%s has no cases", name)
	}
	return out, nil
}

// takeFields hands the values of a mapping to those that take them. It fails, with line and column, at what is no mapping, at a key that nobody takes
// or that stands twice, and at a value that is not what it may be.
func takeFields(n *yaml.Node, what string, fields []caseField) error {
	n = behind(n)
	if n.Kind != yaml.MappingNode {
		return wrongAt(n, "%s must be a mapping with %s", what, keysOf(fields))
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], behind(n.Content[i+1])
		at := slices.IndexFunc(fields, func(f caseField) bool { return f.key == key.Value })
		switch {
		case at < 0:
			return wrongAt(key, "%s has no %q; it has %s", what, key.Value, keysOf(fields))
		case seen[key.Value]:
			return wrongAt(key, "%s stands here already", key.Value)
		}
		if err := fields[at].take(value); errors.Is(err, errNotThat) {
			return wrongAt(n.Content[i+1], "%s must be %s", key.Value, fields[at].words)
		} else if err != nil {
			return err
		}
		seen[key.Value] = true
	}
	return nil
}

// behind returns the value that a document holds or an alias means.
func behind(n *yaml.Node) *yaml.Node {
	for range 2 {
		if n.Kind == yaml.DocumentNode && len(n.Content) > 0 {
			n = n.Content[0]
		}
		if n.Kind == yaml.AliasNode {
			n = n.Alias
		}
	}
	return n
}

func wrongAt(n *yaml.Node, format string, args ...any) error {
	return fmt.Errorf("%d:%d: %s", max(n.Line, 1), max(n.Column, 1), fmt.Sprintf(format, args...))
}

func keysOf(fields []caseField) string {
	keys := make([]string, len(fields))
	for i, f := range fields {
		keys[i] = f.key
	}
	return strings.Join(keys, ", ")
}

// fields returns the keys of a case.
func (c *policyCase) fields() []caseField {
	return []caseField{
		{"name", "text", textInto(&c.Name)},
		{"app", "text", textInto(&c.App)},
		{"environment", "text", textInto(&c.Environment)},
		{"current", "a tag, or a list of image references", c.Current.take},
		{"release", "a tag, or a list of image references", c.Release.take},
		{"commit", "text", textInto(&c.Commit)},
		{"intent", "one of promotion, update, rollback, hotfix, backfill", wordInto(&c.Intent, promotion.IntentPromotion, promotion.IntentUpdate,
			promotion.IntentRollback, promotion.IntentHotfix, promotion.IntentBackfill)},
		{"asker", "text", textInto(&c.Asker)},
		{"approvals", "a list of logins", textsInto(&c.Approvals)},
		{"upstream", "a mapping of environments to how the release fares there", c.takeUpstream},
		{"expect", "open, closed or waiting", wordInto(&c.Expect, promotion.GateOpen, promotion.GateClosed, promotion.GateWaiting)},
		{"because", "text", textInto(&c.Because)},
	}
}

// fields returns the keys of an upstream.
func (u *caseUpstream) fields() []caseField {
	return []caseField{
		{"converged", "true or false", notInto(&u.Unconverged)},
		{"healthy", "true or false", notInto(&u.Unhealthy)},
		{"soaked", "a duration, as 24h or 3d", func(n *yaml.Node) error {
			soaked, err := config.ParseDuration(n.Value)
			u.Soaked = soaked
			return only(n.Kind == yaml.ScalarNode && err == nil)
		}},
	}
}

// textInto takes a text as it is written: also 1.10, which YAML takes for a number.
func textInto(into *string) func(*yaml.Node) error {
	return func(n *yaml.Node) error {
		*into = n.Value
		return only(n.Kind == yaml.ScalarNode)
	}
}

func textsInto(into *[]string) func(*yaml.Node) error {
	return func(n *yaml.Node) error {
		*into = nil
		for _, one := range n.Content {
			if one = behind(one); one.Kind != yaml.ScalarNode {
				return errNotThat
			}
			if slices.ContainsFunc(*into, func(said string) bool { return strings.EqualFold(said, one.Value) }) {
				return wrongAt(one, "%s stands in the list already", one.Value)
			}
			*into = append(*into, one.Value)
		}
		return only(n.Kind == yaml.SequenceNode)
	}
}

func wordInto[T ~string](into *T, words ...T) func(*yaml.Node) error {
	return func(n *yaml.Node) error {
		*into = T(n.Value)
		return only(n.Kind == yaml.ScalarNode && slices.Contains(words, *into))
	}
}

// notInto takes true or false, and keeps the contrary.
func notInto(into *bool) func(*yaml.Node) error {
	return func(n *yaml.Node) error {
		said, err := strconv.ParseBool(n.Value)
		*into = !said
		return only(n.Kind == yaml.ScalarNode && n.Tag == "!!bool" && err == nil)
	}
}

// take reads one text or a list of them.
func (r *caseRelease) take(n *yaml.Node) error {
	refs := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		refs = n.Content
	}
	for _, ref := range refs {
		if ref = behind(ref); ref.Kind != yaml.ScalarNode {
			return errNotThat
		}
		*r = append(*r, ref.Value)
	}
	return nil
}

func (c *policyCase) takeUpstream(n *yaml.Node) error {
	if n.Kind != yaml.MappingNode {
		return errNotThat
	}
	c.Upstream = map[string]caseUpstream{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		var one caseUpstream
		if err := takeFields(n.Content[i+1], "an upstream", one.fields()); err != nil {
			return err
		}
		c.Upstream[n.Content[i].Value] = one
	}
	return nil
}

// complete says what the case lacks.
func (c *policyCase) complete(n *yaml.Node) error {
	switch {
	case c.Name == "":
		return wrongAt(n, "name is missing: what the case shows")
	case c.App == "":
		return wrongAt(n, "app is missing")
	case c.Environment == "":
		return wrongAt(n, "environment is missing")
	case len(c.Release) == 0:
		return wrongAt(n, "release is missing: a tag, or a list of image references")
	case c.Expect == "":
		return wrongAt(n, "expect is missing: open, closed or waiting")
	}
	return nil
}
