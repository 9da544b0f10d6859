package manifest

import (
	"slices"

	"go.yaml.in/yaml/v4"
)

// verify parses what was edited and refuses it unless it differs from the file in exactly the changes. It parses the whole
// file only where neither the lines around the changes nor the changes themselves prove it.
func (f *file) verify(edited []byte, splices []splice) *Refusal {
	if f.verifyFragments(splices) || len(f.raw) > largeFile && !slices.ContainsFunc(splices, func(s splice) bool { return !f.isSameToken(s) }) {
		return nil
	}
	docs, refusal := load(edited)
	if refusal != nil {
		return refuse(splices[0].change.target(), KindAmbiguous, "the edited file would not be valid (%s); write the image in a simpler form", refusal.Reason)
	}
	v := newVerifier(splices)
	if !v.sameAll(f.docs, docs) {
		return refuse(splices[0].change.target(), KindAmbiguous, "the edit would change more than what was asked for; write the image in a simpler form")
	}
	return nil
}

// largeFile is the size from which on a second parse is worth a proof by letters, which is harder to read than a parse.
const largeFile = 64 << 10

// isSameToken tells whether the splice replaces one token by one that only says something else. So it is where the text of a value on one line becomes
// another one in the same quotes, or without any, of letters that mean nothing to a parser: it ends where the old one did, at the same character, and
// what precedes and follows is the same to the parser. A key is different: how long it may be is limited.
func (f *file) isSameToken(s splice) bool {
	c := s.change
	if c.scalar == nil || c.inside != nil || c.isSetting || !isPlainText(c.value) || !f.isValue(c.scalar) {
		return false
	}
	at, refusal := f.locate(c.scalar)
	if refusal != nil || s.end != at.end || s.start != at.start+c.keep && s.start != at.start {
		return false
	}
	switch at.style {
	case '\'', '"':
		return s.text == c.value[s.start-at.start:]
	case 'p':
		return c.scalar.ShortTag() == "!!str" && !needsQuotes(c.value) && s.text == c.value[s.start-at.start:]
	}
	return false
}

// isValue tells whether a scalar stands in no key, as far as mappings go that lie around it.
func (f *file) isValue(scalar *yaml.Node) bool {
	n, _ := f.documentOf(scalar)
	for n != nil && n != scalar {
		i, step := lastBefore(n, scalar)
		if i < 0 || step == 2 && isBefore(scalar, n.Content[i+1]) {
			return false
		}
		n = n.Content[i+step-1]
	}
	return n == scalar
}

// verifier compares two trees node by node.
type verifier struct {
	scalars  map[*yaml.Node]change // what these say afterwards
	inserts  map[*yaml.Node]change // what these mappings gain
	old, new []string              // comments that are not on the same node: filling in a value moves them
}

func newVerifier(splices []splice) *verifier {
	v := &verifier{scalars: map[*yaml.Node]change{}, inserts: map[*yaml.Node]change{}}
	for _, s := range splices {
		if c := s.change; c.scalar == nil {
			v.inserts[c.insert.entry] = c
		} else {
			v.scalars[c.scalar] = c
		}
	}
	return v
}

func (v *verifier) sameAll(old, new []*yaml.Node) bool {
	if !v.sameList(old, new) {
		return false
	}
	slices.Sort(v.old)
	slices.Sort(v.new)
	return slices.Equal(v.old, v.new)
}

func (v *verifier) sameList(old, new []*yaml.Node) bool {
	if len(old) != len(new) {
		return false
	}
	for i := range old {
		if !v.same(old[i], new[i]) {
			return false
		}
	}
	return true
}

// same tells whether new is what old has to become.
func (v *verifier) same(old, new *yaml.Node) bool {
	v.compareComments(old, new)
	if old.Kind != new.Kind || old.Anchor != new.Anchor {
		return false
	}
	if c, changed := v.scalars[old]; changed {
		return isString(new, c.value) || c.keepsType() && new.ShortTag() == old.ShortTag() && new.Value == c.value
	}
	if old.Value != new.Value || old.Style != new.Style || old.ShortTag() != new.ShortTag() {
		return false
	}
	if c, gains := v.inserts[old]; gains {
		return v.sameButFor(c, old, new)
	}
	return v.sameList(old.Content, new.Content)
}

// sameButFor tells whether new is old with the pairs of c.
func (v *verifier) sameButFor(c change, old, new *yaml.Node) bool {
	at, pairs := c.insert.after+1, c.insert.pairs
	end := at + 2*len(pairs)
	if len(new.Content) != len(old.Content)+2*len(pairs) {
		return false
	}
	for i, p := range pairs {
		key, value := new.Content[at+2*i], new.Content[at+2*i+1]
		v.compareComments(&yaml.Node{}, key)
		v.compareComments(&yaml.Node{}, value)
		if !isString(key, p.key) || !isString(value, p.value) {
			return false
		}
	}
	return v.sameList(old.Content[:at], new.Content[:at]) && v.sameList(old.Content[at:], new.Content[end:])
}

func isString(n *yaml.Node, value string) bool {
	return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!str" && text(n) == value
}

func (v *verifier) compareComments(old, new *yaml.Node) {
	if old.HeadComment == new.HeadComment && old.LineComment == new.LineComment && old.FootComment == new.FootComment {
		return
	}
	v.old = appendFilled(v.old, old.HeadComment, old.LineComment, old.FootComment)
	v.new = appendFilled(v.new, new.HeadComment, new.LineComment, new.FootComment)
}

func appendFilled(list []string, comments ...string) []string {
	for _, c := range comments {
		if c != "" {
			list = append(list, c)
		}
	}
	return list
}
