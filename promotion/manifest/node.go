package manifest

import (
	"strings"

	"go.yaml.in/yaml/v4"
)

const blockScalar = yaml.LiteralStyle | yaml.FoldedStyle

// resolve returns what an alias repeats, and any other node itself.
func resolve(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

// lookup returns the value of key in a mapping as a loader sees it: its own key wins over those merged into it with
// `<<`, and of these the first. It returns nil where there is none, or where n is no mapping.
func lookup(n *yaml.Node, key string) *yaml.Node {
	if v := written(n, key); v != nil {
		return resolve(v)
	}
	return nil
}

// written is lookup without following the value where it is an alias.
func written(n *yaml.Node, key string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	if i := own(n, key); i >= 0 {
		return n.Content[i]
	}
	for i := 0; i < len(n.Content); i += 2 {
		if !isMerge(n.Content[i]) {
			continue
		}
		if v := writtenMerged(resolve(n.Content[i+1]), key); v != nil {
			return v
		}
	}
	return nil
}

func writtenMerged(source *yaml.Node, key string) *yaml.Node {
	if source.Kind != yaml.SequenceNode {
		return written(source, key)
	}
	for _, item := range source.Content {
		if v := written(resolve(item), key); v != nil {
			return v
		}
	}
	return nil
}

// own returns the index in n.Content of the value that n itself has for key, or -1.
func own(n *yaml.Node, key string) int {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if k := resolve(n.Content[i]); k.Kind == yaml.ScalarNode && k.Value == key {
			return i + 1
		}
	}
	return -1
}

// text returns what a scalar says; "" where n is absent, null, or no scalar. The final line break of a block scalar is
// not part of it.
func text(n *yaml.Node) string {
	if isAbsent(n) || n.Kind != yaml.ScalarNode {
		return ""
	}
	if n.Style&blockScalar != 0 {
		return strings.TrimRight(n.Value, "\n")
	}
	return n.Value
}

// isAbsent tells a key without a value, or with null, which to a loader are as good as no key.
func isAbsent(n *yaml.Node) bool {
	return n == nil || n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null"
}

func isMerge(key *yaml.Node) bool { return key.Value == "<<" && key.ShortTag() == "!!merge" }
