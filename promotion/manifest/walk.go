package manifest

import "go.yaml.in/yaml/v4"

// crumb is one step of a loader's way through a document.
type crumb struct {
	name    string     // of a mapping's key; "" for an item of a list
	written *yaml.Node // what stands there, possibly an alias
	via     *yaml.Node // the alias by which a merge key brings it in, nil where it is not merged
}

// isItem tells whether the step leads to an item of a list.
func (c crumb) isItem() bool { return c.name == "" }

// repeated returns the first node on the way that repeats another place, else what stands at its end.
func repeated(trail []crumb) *yaml.Node {
	for _, c := range trail {
		switch {
		case c.via != nil:
			return c.via
		case c.written.Kind == yaml.AliasNode:
			return c.written
		}
	}
	return trail[len(trail)-1].written
}

// eachChild calls yield with every value of a mapping and every item of a list, as a loader sees them: merged pairs at the end, and of them only
// those that no other wins over.
func eachChild(n *yaml.Node, yield func(c crumb)) {
	switch n.Kind {
	case yaml.SequenceNode:
		for _, item := range n.Content {
			yield(crumb{written: item})
		}
	case yaml.MappingNode:
		merges := false
		for i := 0; i+1 < len(n.Content); i += 2 {
			if isMerge(n.Content[i]) {
				merges = true
				continue
			}
			yield(crumb{name: keyName(n.Content[i]), written: n.Content[i+1]})
		}
		if merges {
			eachMerged(n, nil, map[string]bool{}, yield)
		}
	}
}

// keyName returns what a key says; a key that is no scalar has a name that no format knows.
func keyName(key *yaml.Node) string {
	if key = resolve(key); key.Kind == yaml.ScalarNode && key.Value != "" {
		return key.Value
	}
	return "?"
}

// eachMerged calls yield with the pairs that are merged into n. via is the alias that brought n itself in; then its own pairs count too.
func eachMerged(n, via *yaml.Node, seen map[string]bool, yield func(c crumb)) {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if name := keyName(n.Content[i]); !isMerge(n.Content[i]) && !seen[name] {
			seen[name] = true
			if via != nil {
				yield(crumb{name: name, written: n.Content[i+1], via: via})
			}
		}
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if !isMerge(n.Content[i]) {
			continue
		}
		for _, source := range mergeSources(n.Content[i+1]) {
			by := via
			if by == nil {
				by = source
			}
			if resolve(source).Kind == yaml.MappingNode {
				eachMerged(resolve(source), by, seen, yield)
			}
		}
	}
}

// mergeSources returns the mappings that the value of a merge key names, as they are written.
func mergeSources(value *yaml.Node) []*yaml.Node {
	if value.Kind == yaml.SequenceNode {
		return value.Content
	}
	if n := resolve(value); n.Kind == yaml.SequenceNode {
		return n.Content
	}
	return []*yaml.Node{value}
}

// reading looks for images in one document, on a loader's way through it.
type reading struct {
	file   *file
	root   *yaml.Node
	names  names
	trail  []crumb
	base   int // how many steps lead to the object that is read, which is not the document itself in a list of objects
	format format
	item   listItem
	global *string // see registryOf
	found  []site
	seen   map[siteKey]bool // of found, because aliases can bring the way to one place twice
}

// newReading returns a reading of one document, whose content is root as it is written.
func (f *file) newReading(root *yaml.Node, names names) *reading {
	root = resolve(root)
	return &reading{file: f, root: root, names: names, format: f.formatOf(root)}
}

// maxPlaces bounds in how many places of one document images may stand.
const maxPlaces = 10_000

// isFull tells whether there are more places than are allowed.
func (r *reading) isFull() bool { return len(r.found) > maxPlaces }

// siteKey is what two sites have in common that are one place.
type siteKey struct{ ref, tag, digest, entry, block *yaml.Node }

// add notes an image at the end of the trail.
func (r *reading) add(s site) {
	key := siteKey{s.ref, s.tag, s.digest, s.insert.entry, s.block}
	if r.seen[key] || r.isFull() {
		return
	}
	if r.seen == nil {
		r.seen = map[siteKey]bool{}
	}
	r.seen[key] = true
	r.found = append(r.found, s)
}

// below returns the part of the trail that lies within the object that is read.
func (r *reading) below() []crumb { return r.trail[r.base:] }

// walk reads n and all below it.
func (r *reading) walk(n *yaml.Node) {
	if r.isFull() {
		return
	}
	r.format.read(r, n)
	eachChild(n, func(c crumb) {
		child := resolve(c.written)
		if len(child.Content) == 0 {
			return
		}
		r.trail = append(r.trail, c)
		r.walk(child)
		r.trail = r.trail[:len(r.trail)-1]
	})
}
