package manifest

import (
	"strings"

	"go.yaml.in/yaml/v4"
)

// site is one place where an image stands, whatever the format. Either ref is the scalar with the whole reference, or
// tag and digest are the scalars with each of them, or block holds text in which images stand.
type site struct {
	Image
	ref         *yaml.Node
	prefix      string         // of ref, what stands before the tag
	tag, digest *yaml.Node     // nil where the key is absent; also a null
	isJoined    bool           // tag is "tag@digest"
	isBare      bool           // digest stands without its algorithm
	insert      insertion      // where a tag goes that is absent
	digestKey   string         // of a digest that is absent; "" where it goes behind the tag
	stands      []*yaml.Node   // ref, tag and digest as they are written, possibly as aliases
	block       *yaml.Node     // the scalar in whose text the image stands, as it is written; nil where it stands in the file itself
	home        *file          // the text of block
	routes      [][]*yaml.Node // the ways on which keys led here
	refusal     *Refusal       // why it can be neither read nor edited
}

// insertion says where pairs are added to a mapping: behind the value entry.Content[after], where that is not 0.
type insertion struct {
	entry *yaml.Node
	after int
	key   string // of the tag
	pairs []pair
}

// pair is what is added.
type pair struct{ key, value string }

// missing returns the pairs that the site needs for this tag and digest.
func (s site) missing(tag, digest string) (pairs []pair) {
	if s.ref != nil {
		return nil
	}
	if s.tag == nil && tag != "" {
		pairs = append(pairs, pair{s.insert.key, tag})
	}
	if s.digest == nil && digest != "" && s.digestKey != "" {
		pairs = append(pairs, pair{s.digestKey, digest})
	}
	return pairs
}

// referenceSite returns the place of an image written as one reference behind a prefix.
func referenceSite(asked, prefix string, at *yaml.Node) site {
	n := resolve(at)
	s := site{ref: n, stands: []*yaml.Node{at}}
	var name string
	name, s.Tag, s.Digest = splitReference(strings.TrimPrefix(text(n), prefix))
	s.prefix, s.Name = prefix+name, asked
	s.Line, s.Column = n.Line, n.Column
	s.refusal = checkText(n, strings.TrimPrefix(text(n), prefix))
	return s
}

// pairSite returns the place of an image whose name, tag and digest stand apart. Each is as it is written, or nil.
func pairSite(asked string, name, tag, digest *yaml.Node) site {
	s := site{stands: []*yaml.Node{}}
	at := name
	for _, part := range []struct {
		written *yaml.Node
		node    **yaml.Node
		text    *string
	}{{digest, &s.digest, &s.Digest}, {tag, &s.tag, &s.Tag}} {
		if part.written == nil {
			continue
		}
		n := resolve(part.written)
		*part.node, *part.text = n, text(n)
		s.stands = append(s.stands, part.written)
		if *part.text != "" || at == nil {
			at = n
		}
	}
	s.IsNumber = isNumber(s.tag)
	s.Name, s.refusal = asked, checkPair(asked, s.tag, s.digest)
	if tag, digest, joined := strings.Cut(s.Tag, "@"); joined {
		s.Tag, s.Digest, s.isJoined = tag, digest, true
	}
	at = resolve(at)
	s.Line, s.Column = at.Line, at.Column
	return s
}

func checkPair(asked string, parts ...*yaml.Node) *Refusal {
	for _, n := range parts {
		switch {
		case n == nil:
		case isBareTemplate(n):
			return refuseTemplate(n)
		case n.Kind != yaml.ScalarNode:
			return refuse(n, KindNotScalar, "a mapping or list stands where the tag or digest of %s belongs", asked)
		default:
			if refusal := checkText(n, text(n)); refusal != nil {
				return refusal
			}
		}
	}
	return nil
}

// isBareTemplate tells whether n is `{{ .x }}` without quotes: to YAML a mapping with a mapping as its key.
func isBareTemplate(n *yaml.Node) bool {
	return n.Kind == yaml.MappingNode && n.Style&yaml.FlowStyle != 0 && len(n.Content) == 2 && n.Content[0].Kind == yaml.MappingNode
}

func refuseTemplate(n *yaml.Node) *Refusal {
	return refuse(n, KindTemplated, "a template in braces stands here; name the file it takes its values from")
}

// checkText refuses a value that is no reference, nor a part of one.
func checkText(n *yaml.Node, value string) *Refusal {
	switch {
	case isTemplated(value):
		return refuse(n, KindTemplated, "%q is a template; name the file it takes its values from", value)
	case !isReferenceText(value):
		return refuse(n, KindInvalid, "%q is not an image reference: it has characters that no name, tag or digest has; correct it", value)
	}
	return nil
}

// after returns the tag and the digest that stand at the site once e is made, or why e cannot be made there.
func (s site) after(e Edit) (tag, digest string, refusal *Refusal) {
	at := &yaml.Node{Line: s.Line, Column: s.Column}
	switch {
	case s.refusal != nil:
		return "", "", s.refusal
	case s.holds(e):
		return s.Tag, s.Digest, nil
	case s.Digest != "" && e.Digest == "":
		return "", "", refuse(at, KindDigestPinned,
			"%s is pinned to a digest, and that of tag %s is not known; give it, or the old image would go on running", s.Name, e.Tag)
	case e.Tag == "" && s.Tag != "":
		return "", "", refuse(at, KindAmbiguous, "%s stands here with tag %s, and which tag belongs to the new digest is not known", s.Name, s.Tag)
	case e.Tag == "" && s.Digest == "":
		return "", "", refuse(at, KindAmbiguous, "%s stands here without a digest, and the release has no tag", s.Name)
	case s.Digest == "" && !e.Pin:
		return e.Tag, "", nil
	}
	return e.Tag, e.Digest, nil
}

// holds tells whether the release stands here already: tags are equal, and digests are equal or one is missing.
func (s site) holds(e Edit) bool {
	return e.Tag == s.Tag && (e.Digest == s.Digest || e.Tag != "" && (e.Digest == "" || s.Digest == "" && !e.Pin))
}

// saying is what a scalar has to say.
type saying struct {
	scalar *yaml.Node
	keep   int // so many bytes of value stand there already, and stay
	value  string
}

// sayings returns what the site's scalars say once it has this tag and digest.
func (s site) sayings(tag, digest string) []saying {
	switch {
	case s.ref != nil:
		return []saying{{s.ref, len(s.prefix), s.prefix + joinReference(tag, digest)}}
	case s.isJoined, digest != "" && s.digest == nil && s.tag != nil && s.digestKey == "":
		return []saying{{s.tag, 0, strings.TrimPrefix(joinReference(tag, digest), ":")}}
	}
	var all []saying
	if digest != "" && s.digest != nil {
		if s.isBare {
			digest = strings.TrimPrefix(digest, "sha256:")
		}
		all = append(all, saying{s.digest, 0, digest})
	}
	if s.tag != nil {
		all = append(all, saying{s.tag, 0, tag})
	}
	return all
}
