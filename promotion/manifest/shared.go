package manifest

import (
	"slices"

	"go.yaml.in/yaml/v4"
)

// checkShared refuses changes that an anchor carries to a place other than a tag, digest or reference of the sites, which are
// those of the images asked for: a label that follows a tag by accident selects other objects than before.
func (f *file) checkShared(sites []site, changes []change) *Refusal {
	if len(changes) == 0 || !slices.ContainsFunc(f.docs, hasAlias) {
		return nil
	}
	s := &sharing{
		targets: make(map[*yaml.Node]change, len(changes)), stands: map[*yaml.Node]bool{}, lists: map[*yaml.Node]bool{},
		places: map[*yaml.Node]*yaml.Node{}, carried: map[*yaml.Node][]*yaml.Node{}, keys: map[string]bool{},
	}
	for _, c := range changes {
		s.targets[c.target()] = c
	}
	for _, at := range sites {
		s.addSite(at)
	}
	for _, doc := range f.docs {
		s.walk(doc)
	}
	return s.refusal
}

// target returns the scalar that changes, or the entry that gains a pair.
func (c change) target() *yaml.Node {
	if c.scalar != nil {
		return c.scalar
	}
	return c.insert.entry
}

func hasAlias(n *yaml.Node) bool {
	return n.Kind == yaml.AliasNode || slices.ContainsFunc(n.Content, hasAlias)
}

// sharing follows what changes through the aliases, in one walk: an anchor stands before its aliases.
type sharing struct {
	targets map[*yaml.Node]change
	stands  map[*yaml.Node]bool         // where images asked for stand: values, and the aliases that lead to them
	lists   map[*yaml.Node]bool         // the lists that hold them
	places  map[*yaml.Node]*yaml.Node   // by target, where its image stands first
	carried map[*yaml.Node][]*yaml.Node // by anchored node, the targets that its aliases repeat
	keys    map[string]bool             // under which images stand
	stack   []*yaml.Node                // the nodes around the one that is visited
	refusal *Refusal
}

// addSite notes where a site stands, up to the first alias: what that repeats is at its own place.
func (s *sharing) addSite(at site) {
	list, item := at.stand.list, at.stand.item
	place, entry := list, item
	switch {
	case list == nil:
		place = item
	case list.Kind == yaml.AliasNode:
		s.stands[list] = true
		entry = list
	case item.Kind == yaml.AliasNode:
		place = item
		s.lists[list], s.stands[item] = true, true
	default:
		place = nil
		s.lists[list], s.stands[item] = true, true
	}
	for _, key := range at.stand.keys {
		s.keys[key] = true
		value := place
		if value == nil {
			value = s.addValue(item, key)
		}
		s.notePlace(lookup(resolve(item), key), value)
	}
	s.notePlace(resolve(item), entry)
}

// notePlace remembers the first place of a target.
func (s *sharing) notePlace(target, place *yaml.Node) {
	if _, known := s.places[target]; !known && target != nil {
		s.places[target] = place
	}
}

// addValue notes where the mapping n has its value for key, and returns that; nil where it has none.
func (s *sharing) addValue(n *yaml.Node, key string) *yaml.Node {
	if i := own(n, key); i >= 0 {
		s.stands[n.Content[i]] = true
		return n.Content[i]
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if !isMerge(n.Content[i]) {
			continue
		}
		sources := n.Content[i+1 : i+2]
		if sources[0].Kind == yaml.SequenceNode {
			sources = sources[0].Content
		}
		for _, source := range sources {
			if writtenMerged(resolve(source), key) == nil {
				continue
			}
			s.stands[source] = true
			if source.Kind == yaml.AliasNode {
				return source
			}
			return s.addValue(source, key)
		}
	}
	return nil
}

// walk visits n and all below it.
func (s *sharing) walk(n *yaml.Node) {
	s.stack = append(s.stack, n)
	for i, child := range n.Content {
		if s.refusal != nil {
			break
		}
		if _, changes := s.targets[child]; changes {
			s.meet(child, child, i)
		}
		if child.Kind == yaml.AliasNode {
			s.meetAlias(child, i)
			continue
		}
		s.walk(child)
	}
	s.stack = s.stack[:len(s.stack)-1]
}

// meetAlias meets what the alias repeats of the targets.
func (s *sharing) meetAlias(alias *yaml.Node, index int) {
	targets := s.carried[alias.Alias]
	if merging := s.merging(index); merging != nil {
		for _, target := range targets {
			if s.gains(merging, target) {
				s.meet(alias, target, index)
			}
		}
		return
	}
	for _, target := range targets {
		s.meet(alias, target, index)
		if s.lists[alias] || s.refusal != nil {
			return
		}
	}
}

// merging returns the mapping into which the child at index is merged, nil where it is no source of a merge.
func (s *sharing) merging(index int) *yaml.Node {
	parent := s.stack[len(s.stack)-1]
	if parent.Kind == yaml.MappingNode && index%2 == 1 && isMerge(parent.Content[index-1]) {
		return parent
	}
	if parent.Kind != yaml.SequenceNode || len(s.stack) < 2 {
		return nil
	}
	around := s.stack[len(s.stack)-2]
	if i := slices.Index(around.Content, parent); around.Kind == yaml.MappingNode && i%2 == 1 && isMerge(around.Content[i-1]) {
		return around
	}
	return nil
}

// gains tells whether the target comes into the mapping by a merge: a key of its own, or another source, may win over it.
func (s *sharing) gains(merging, target *yaml.Node) bool {
	if s.targets[target].scalar == nil {
		return true
	}
	for key := range s.keys {
		if lookup(merging, key) == target {
			return true
		}
	}
	return false
}

// meet notes that target stands at n, the child at index of the innermost node, and refuses it unless n is a stand.
func (s *sharing) meet(n, target *yaml.Node, index int) {
	c := s.targets[target]
	isRepeatedEntry := n != target && n.Kind == yaml.AliasNode && n.Alias == target && c.scalar == nil
	if !s.stands[n] || isRepeatedEntry {
		s.refuse(n, target, index)
		return
	}
	s.carry(n, target)
}

// carry notes that the anchors on n and around it repeat the target, up to the list of images: what lies around that is
// searched for images wherever it is repeated.
func (s *sharing) carry(n, target *yaml.Node) {
	if s.lists[n] {
		return
	}
	s.carryOne(n, target)
	for i := len(s.stack) - 1; i >= 0; i-- {
		s.carryOne(s.stack[i], target)
		if s.lists[s.stack[i]] {
			return
		}
	}
}

func (s *sharing) carryOne(n, target *yaml.Node) {
	if n.Anchor == "" || slices.Contains(s.carried[n], target) {
		return
	}
	if s.lists[n] && len(s.carried[n]) > 0 {
		return // one is enough to tell that it carries
	}
	s.carried[n] = append(s.carried[n], target)
}

func (s *sharing) refuse(n, target *yaml.Node, index int) {
	key := "an item of a list"
	if parent := s.stack[len(s.stack)-1]; parent.Kind == yaml.MappingNode {
		key = "`" + parent.Content[index-index%2].Value + "`"
	}
	c, place := s.targets[target], target
	if at := s.places[target]; at != nil {
		place = at
	}
	s.refusal = refuse(n, KindSharedAnchor,
		"what stands for %s in line %d stands in line %d (%s) too, through an anchor, and would change there; write each by itself",
		c.name, place.Line, n.Line, key)
}
