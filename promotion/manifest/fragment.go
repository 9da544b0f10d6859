package manifest

import (
	"cmp"
	"slices"

	"go.yaml.in/yaml/v4"
)

// fragment is one pair of a block mapping with the lines it takes, raw[start:end]. Where the key is the first thing on its
// line, the parser is there in the same state as at the start of a file; and the next pair begins whatever came before at
// the same depth. So the lines can be parsed without the rest of the file, and an edit inside of them says nothing about it.
type fragment struct {
	mapping    *yaml.Node
	pair       int // the index of the key in mapping.Content
	start, end int
}

// maxFragments is how many splices are verified by their fragments; for more, the whole file is as cheap.
const maxFragments = 16

// verifyFragments tells whether the splices are proven by parsing only the fragments around them. Where it returns false
// nothing is known, for instance because a fragment repeats an anchor from outside of it.
func (f *file) verifyFragments(splices []splice) bool {
	if len(splices) > maxFragments {
		return false
	}
	var fragments []fragment
	for _, s := range splices {
		part, ok := f.fragmentOf(s)
		if !ok {
			return false
		}
		fragments = append(fragments, part)
	}
	for _, part := range outermost(fragments) {
		if !f.verifyFragment(part, splices) {
			return false
		}
	}
	return true
}

// outermost leaves out the fragments that lie inside of another.
func outermost(all []fragment) []fragment {
	slices.SortFunc(all, func(a, b fragment) int {
		return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(b.end, a.end))
	})
	var outer []fragment
	for _, part := range all {
		if len(outer) == 0 || part.start >= outer[len(outer)-1].end {
			outer = append(outer, part)
		}
	}
	return outer
}

func (f *file) verifyFragment(part fragment, splices []splice) bool {
	var inside []splice
	for _, s := range splices {
		if f.holds(part, s) {
			s.start, s.end = s.start-part.start, s.end-part.start
			inside = append(inside, s)
		}
	}
	docs, refusal := load(join(f.raw[part.start:part.end], inside))
	if refusal != nil || len(docs) != 1 || len(docs[0].Content) != 1 {
		return false
	}
	root := docs[0].Content[0]
	if root.Kind != yaml.MappingNode || root.Anchor != "" {
		return false
	}
	v := newVerifier(inside)
	return v.sameList(part.mapping.Content[part.pair:part.pair+2], root.Content)
}

// fragmentOf returns the smallest fragment that holds all that s changes.
func (f *file) fragmentOf(s splice) (fragment, bool) {
	target := s.change.scalar
	if target == nil {
		target = s.change.insert.entry
	}
	n, end := f.documentOf(target)
	var best fragment
	for n != nil && n != target && n.Style&yaml.FlowStyle == 0 && len(n.Content) > 0 {
		i, step := lastBefore(n, target)
		if i < 0 {
			break
		}
		if i+step < len(n.Content) {
			end = f.offset(n.Content[i+step].Line, 1)
		}
		if n.Kind == yaml.MappingNode && f.isFirstOnLine(n.Content[i]) {
			best = fragment{n, i, f.offset(n.Content[i].Line, 1), end}
		}
		n = n.Content[i+step-1]
	}
	return best, best.mapping != nil && f.holds(best, s)
}

// holds tells whether s lies inside of the fragment, and not at the start of the line behind it.
func (f *file) holds(part fragment, s splice) bool {
	return part.start <= s.start && (s.end < part.end || part.end == len(f.raw))
}

// documentOf returns the root of the document in which target stands, and where the document ends.
func (f *file) documentOf(target *yaml.Node) (root *yaml.Node, end int) {
	end = len(f.raw)
	for i := len(f.docs) - 1; i >= 0; i-- {
		if content := f.docs[i].Content; len(content) > 0 && !isBefore(target, content[0]) {
			return content[0], end
		}
		if at := f.offset(f.docs[i].Line, 1); at >= 0 {
			end = at
		}
	}
	return nil, end
}

// lastBefore returns the index of the last key or item of n that does not stand behind target, -1 where there is none, and
// by how many nodes keys or items are apart.
func lastBefore(n, target *yaml.Node) (index, step int) {
	step = 1
	if n.Kind == yaml.MappingNode {
		step = 2
	}
	index = -step
	for i := 0; i < len(n.Content) && !isBefore(target, n.Content[i]); i += step {
		index = i
	}
	return index, step
}

func isBefore(a, b *yaml.Node) bool {
	return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column)) < 0
}

func (f *file) isFirstOnLine(n *yaml.Node) bool {
	at := f.offset(n.Line, n.Column)
	if at < 0 {
		return false
	}
	for _, b := range f.raw[f.offset(n.Line, 1):at] {
		if b != ' ' {
			return false
		}
	}
	return true
}
