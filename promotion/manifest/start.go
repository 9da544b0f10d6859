package manifest

import (
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// start is a place from which keys count. Its node is nil where there is no such place.
type start struct {
	node         *yaml.Node
	route        []*yaml.Node // the way there, see spot
	isParameters bool         // node is a list of Helm parameters, of which a whole key names one
	intoTexts    *file        // the file, where keys lead on into the text of Helm values
	home         *file        // see spot
	block        *yaml.Node
}

// rank orders starts: Helm's parameters win over the values.
func (from start) rank() int {
	if from.isParameters {
		return 0
	}
	return 1
}

// down returns the value under name.
func (from start) down(name string) start {
	v := written(from.node, name)
	if v == nil {
		return start{}
	}
	return start{node: resolve(v), route: append(slices.Clone(from.route), v)}
}

// items returns the items of a list.
func (from start) items() (items []start) {
	if from.node == nil || from.node.Kind != yaml.SequenceNode {
		return nil
	}
	for _, item := range from.node.Content {
		items = append(items, start{node: resolve(item), route: append(slices.Clone(from.route), item)})
	}
	return items
}

func (from start) asParameters() start {
	from.isParameters = true
	return from
}

// asText returns the documents in the text of a scalar. A text that is no literal block, or that cannot be read, has none.
func (from start) asText(f *file) (starts []start) {
	if from.node == nil || from.node.Kind != yaml.ScalarNode || from.node.Style&yaml.LiteralStyle == 0 {
		return nil
	}
	inner, refusal := f.textIn(from.node)
	if refusal != nil {
		return nil
	}
	for _, doc := range inner.docs {
		if len(doc.Content) > 0 {
			starts = append(starts, start{node: resolve(doc.Content[0]), home: inner, block: from.route[len(from.route)-1]})
		}
	}
	return starts
}

// follow goes down by the steps of key.
func (from start) follow(key Key, steps []step) (spot, *miss) {
	if from.isParameters {
		return from.parameter(key, steps)
	}
	at := spot{written: from.node, route: slices.Clone(from.route), home: from.home, block: from.block}
	for depth, s := range steps {
		owner := at.value()
		if from.intoTexts != nil && at.name == "values" && owner.Kind == yaml.ScalarNode {
			return from.followText(at, key, steps[depth:])
		}
		fits := children(owner, s)
		if len(fits) != 1 {
			return spot{}, &miss{depth: depth, at: owner, home: from.home, steps: steps, twice: len(fits) > 1}
		}
		at.owner, at.name, at.written = owner, s.name, fits[0]
		at.route = append(at.route, fits[0])
	}
	return at, nil
}

// followText goes on in the text of Helm values.
func (from start) followText(at spot, key Key, steps []step) (spot, *miss) {
	missed := &miss{at: at.value(), steps: steps}
	for _, inner := range (start{node: at.value(), route: at.route}).asText(from.intoTexts) {
		found, m := inner.follow(key, steps)
		if m == nil {
			return found, nil
		}
		missed = m
	}
	return spot{}, missed
}

// parameter finds the parameter that the whole key names. Its owner is the mapping of the parameters that differ only in their last key.
func (from start) parameter(key Key, steps []step) (spot, *miss) {
	var plain []string
	for _, s := range steps {
		plain = append(plain, s.name)
	}
	var fits []spot
	missed := &miss{at: from.node, steps: steps, names: []string{}}
	for _, item := range from.items() {
		name := text(lookup(item.node, "name"))
		if value := item.down("value"); value.node != nil && (name == key.source || name == strings.Join(plain, ".")) {
			last := value.route[len(value.route)-1]
			fits = append(fits, spot{owner: from.groupOf(name), name: name[strings.LastIndexByte(name, '.')+1:], written: last, route: value.route})
		}
		missed.names = append(missed.names, name)
	}
	if len(fits) != 1 {
		missed.twice = len(fits) > 1
		return spot{}, missed
	}
	return fits[0], nil
}

// groupOf returns the parameters beside name, as a mapping.
func (from start) groupOf(name string) *yaml.Node {
	prefix := name[:max(strings.LastIndexByte(name, '.'), 0)]
	for _, g := range parameterGroups(from.node) {
		if g.prefix == prefix {
			return g.values
		}
	}
	return nil
}

// children returns the values of n that a step leads to, as they are written.
func children(n *yaml.Node, s step) []*yaml.Node {
	switch {
	case n.Kind == yaml.MappingNode && s.name != "":
		if v := written(n, s.name); v != nil {
			return []*yaml.Node{v}
		}
	case n.Kind == yaml.SequenceNode && s.field != "":
		var fits []*yaml.Node
		for _, item := range n.Content {
			if v := lookup(resolve(item), s.field); v != nil && v.Kind == yaml.ScalarNode && v.Value == s.value {
				fits = append(fits, item)
			}
		}
		return fits
	case n.Kind == yaml.SequenceNode:
		index := s.index
		if s.name != "" { // `sidecars.1.image`, as other tools write it
			var err error
			if index, err = strconv.Atoi(s.name); err != nil {
				return nil
			}
		}
		if index >= 0 && index < len(n.Content) {
			return n.Content[index : index+1]
		}
	}
	return nil
}
