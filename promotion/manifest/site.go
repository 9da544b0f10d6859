package manifest

import (
	"fmt"

	"go.yaml.in/yaml/v4"
)

// site is one place where an image stands, whatever the format. Either ref is the scalar with the whole reference, or
// tag and digest are the scalars with each of them.
type site struct {
	Image
	written     string // the name as it stands in ref
	ref         *yaml.Node
	tag, digest *yaml.Node // nil where the key is absent; also a null
	insert      insertion  // where a tag goes that is absent
	stand       stand      // where a loader meets it
	refusal     *Refusal   // why it can be neither read nor edited; counts only for who asks for this image
}

// insertion says where a key is added to a mapping: behind the value entry.Content[after], where that is not 0.
type insertion struct {
	entry *yaml.Node
	after int
	key   string
}

// stand is where a loader meets an image: under keys of item, which is a member of list. Both are as they are written,
// so possibly aliases; list is nil where it is merged into its mapping.
type stand struct {
	list, item *yaml.Node
	keys       []string
}

// recogniser returns the images in one document of the format it knows by its content; none where it is another format.
type recogniser func(path string, root *yaml.Node) []site

// recognisers lists the formats. A document is at most one of them.
func recognisers() []recogniser {
	return []recogniser{kustomizeSites, workloadSites}
}

// sitesOf returns the places of the targets. An image that is looked for by name carries the name by which it was asked for: an entry goes by the one it
// replaces, and by the one it is pulled under only where the first was not asked for.
func (f *file) sitesOf(targets []Target) ([]site, *Refusal) {
	var found []site
	asked := map[string]bool{}
	for _, t := range targets {
		if len(t.Keys) == 0 {
			asked[t.Name] = true
			continue
		}
		sites, refusal := f.keyedSites(t)
		if refusal != nil {
			return nil, refusal
		}
		found = append(found, sites...)
	}
	if len(asked) == 0 {
		return found, nil
	}
	for _, s := range f.sites() {
		switch {
		case asked[s.Name]:
		case s.Pulled != "" && asked[s.Pulled]:
			s.Name = s.Pulled
		default:
			continue
		}
		found = append(found, s)
	}
	return found, nil
}

// sites returns every image in the file.
func (f *file) sites() []site {
	var all []site
	for _, doc := range f.docs {
		if len(doc.Content) == 0 {
			continue
		}
		root := resolve(doc.Content[0])
		for _, recognise := range recognisers() {
			if sites := recognise(f.path, root); len(sites) > 0 {
				all = append(all, sites...)
				break
			}
		}
	}
	return all
}

// referenceSite returns the place of an image written as one reference.
func referenceSite(n *yaml.Node) site {
	value := text(n)
	s := site{ref: n}
	s.Name, s.Tag, s.Digest = splitReference(value)
	s.written = s.Name
	s.Line, s.Column = n.Line, n.Column
	s.refusal = checkText(n)
	return s
}

// pairSite returns the place of an image whose tag and digest stand apart.
func pairSite(name, tag, digest *yaml.Node) site {
	s := site{tag: tag, digest: digest}
	s.Name, s.Tag, s.Digest = text(name), text(tag), text(digest)
	at := name
	switch {
	case s.Tag != "":
		at = tag
	case s.Digest != "":
		at = digest
	}
	s.Line, s.Column = at.Line, at.Column
	for _, n := range []*yaml.Node{tag, digest} {
		switch {
		case n == nil || s.refusal != nil:
		case n.Kind != yaml.ScalarNode:
			s.refusal = refuse(n, KindNotScalar, "a mapping or list stands where the tag or digest of %s belongs", s.Name)
		default:
			s.refusal = checkText(n)
		}
	}
	return s
}

// checkText refuses a text that is no reference, nor a part of one.
func checkText(n *yaml.Node) *Refusal {
	switch value := text(n); {
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
	case s.Digest == "":
		return e.Tag, "", nil
	}
	return e.Tag, e.Digest, nil
}

// holds tells whether the release stands here already: tags are equal, and digests are equal or one is missing.
func (s site) holds(e Edit) bool {
	return e.Tag == s.Tag && (e.Digest == s.Digest || e.Tag != "" && (e.Digest == "" || s.Digest == ""))
}

// String names the site in messages.
func (s site) String() string {
	return fmt.Sprintf("%s (line %d)", s.Name, s.Line)
}
