package manifest

import (
	"slices"

	"go.yaml.in/yaml/v4"
)

// verify parses what was edited and refuses it unless it differs from the file in exactly the changes. It parses the whole
// file only where the lines around the changes do not prove it.
func (f *file) verify(edited []byte, splices []splice) *Refusal {
	if f.verifyFragments(splices) {
		return nil
	}
	docs, refusal := load(edited)
	if refusal != nil {
		return &Refusal{Kind: KindAmbiguous, Reason: "the edited file would not be valid: " + refusal.Reason}
	}
	v := newVerifier(splices)
	if !v.sameAll(f.docs, docs) {
		return &Refusal{Kind: KindAmbiguous, Reason: "the edit would change more than tag and digest; write the image in a simpler form"}
	}
	return nil
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

// sameButFor tells whether new is old with one more pair.
func (v *verifier) sameButFor(c change, old, new *yaml.Node) bool {
	at := c.insert.after + 1
	if len(new.Content) != len(old.Content)+2 {
		return false
	}
	key, value := new.Content[at], new.Content[at+1]
	v.compareComments(&yaml.Node{}, key)
	v.compareComments(&yaml.Node{}, value)
	return isString(key, c.insert.key) && isString(value, c.value) &&
		v.sameList(old.Content[:at], new.Content[:at]) && v.sameList(old.Content[at:], new.Content[at+2:])
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
