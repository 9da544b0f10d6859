package manifest

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// claims are the places at which changes are meant.
type claims struct {
	names  names // of images: wherever one of them stands, what its edit writes is meant
	edits  []Edit
	sites  []site
	routes [][]*yaml.Node // the ways on which settings were found
}

// checkShared refuses changes that an anchor carries to a place at which they are not meant: a label that follows a tag by accident selects other
// objects than before. It goes every way on which a loader comes to what changes. A way is fine if the same change is meant at its end; or if it only
// leads to where the anchor is kept, at a place from which nothing is read.
func (f *file) checkShared(allowed *claims, changes []change) *Refusal {
	if len(changes) == 0 || !slices.ContainsFunc(f.docs, hasAlias) {
		return nil
	}
	s := &sharing{
		claims: allowed, targets: make(map[*yaml.Node]change, len(changes)),
		reaching: map[*yaml.Node]bool{}, places: map[*yaml.Node]*yaml.Node{},
	}
	for _, c := range changes {
		s.targets[c.target()] = c
	}
	for _, doc := range f.docs {
		if len(doc.Content) == 0 || !s.reaches(doc.Content[0]) {
			continue
		}
		s.reading = f.newReading(doc.Content[0], allowed.names)
		s.visit(resolve(doc.Content[0]))
	}
	return s.refusal()
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

// sharing goes the ways to what changes in one document.
type sharing struct {
	*reading
	claims   *claims
	targets  map[*yaml.Node]change
	reaching map[*yaml.Node]bool       // nodes that are targets, hold some, or repeat what does
	places   map[*yaml.Node]*yaml.Node // by target, the first place at which its change is meant
	allowed  []*yaml.Node              // by the sites on the way: where their tags, digests and references are written
	taken    []*yaml.Node              // the same of other images
	wrong    *wrongPlace               // the first one
}

// wrongPlace is where a change is not meant.
type wrongPlace struct {
	target, at *yaml.Node
	what       string
}

// reaches tells whether a way leads from n to a target. An anchor stands before its aliases, so what these repeat is known.
func (s *sharing) reaches(n *yaml.Node) bool {
	if n.Kind == yaml.AliasNode {
		return s.reaching[n.Alias]
	}
	_, found := s.targets[n]
	for _, child := range n.Content {
		found = s.reaches(child) || found
	}
	if found {
		s.reaching[n] = true
	}
	return found
}

// visit goes on from n, which stands at the end of the trail.
func (s *sharing) visit(n *yaml.Node) {
	before, taken := len(s.allowed), len(s.taken)
	s.readHere(n)
	s.checkKeys(n)
	eachChild(n, func(c crumb) {
		child := resolve(c.written)
		if !s.reaching[child] {
			return
		}
		s.trail = append(s.trail, c)
		if child.Kind == yaml.ScalarNode {
			s.meet(child, slices.Contains(s.allowed, c.written) || s.isRoute())
		} else {
			s.visit(child)
		}
		s.trail = s.trail[:len(s.trail)-1]
	})
	s.allowed, s.taken = s.allowed[:before], s.taken[:taken]
}

// readHere notes which changes are meant by the images that are read at n, and what belongs to other images.
func (s *sharing) readHere(n *yaml.Node) {
	asked := s.reading.names
	gains := false
	for _, at := range s.readAs(n, everyName()) {
		s.taken = append(s.taken, at.stands...)
	}
	for _, at := range s.readAs(n, asked) {
		gains = s.allow(at, n) || gains
	}
	if c, isTarget := s.targets[n]; isTarget && c.scalar == nil {
		s.meet(n, gains)
	}
}

// readAs returns the images of these names that are read at n.
func (s *sharing) readAs(n *yaml.Node, names names) []site {
	defer func(before map[string]string) { s.reading.names = before }(s.reading.names)
	s.found, s.seen, s.reading.names = nil, nil, names
	s.format.read(s.reading, n)
	return s.found
}

// allow notes what is meant at one site, and tells whether n is to gain a pair there.
func (s *sharing) allow(at site, n *yaml.Node) (gains bool) {
	i := slices.IndexFunc(s.claims.edits, func(e Edit) bool { return e.Name == at.Name })
	if i < 0 {
		return false
	}
	tag, digest, refusal := at.after(s.claims.edits[i])
	if refusal != nil {
		return false
	}
	if at.block != nil {
		s.allowed = append(s.allowed, at.block)
		return false
	}
	for _, says := range at.sayings(tag, digest) {
		c, isTarget := s.targets[says.scalar]
		if !isTarget || c.value != says.value {
			continue
		}
		for _, written := range at.stands {
			if resolve(written) == says.scalar {
				s.allowed = append(s.allowed, written)
			}
		}
	}
	return at.insert.entry == n && slices.Equal(s.targets[n].insert.pairs, at.missing(tag, digest))
}

// isRoute tells whether the trail is the way on which a key was followed.
func (s *sharing) isRoute() bool {
	isTrail := func(route []*yaml.Node) bool {
		return slices.EqualFunc(route, s.trail, func(n *yaml.Node, c crumb) bool { return n == c.written })
	}
	return slices.ContainsFunc(s.claims.routes, isTrail) || slices.ContainsFunc(s.claims.sites, func(at site) bool { return slices.ContainsFunc(at.routes, isTrail) })
}

// meet notes whether the target at the end of the trail changes there as it is meant.
func (s *sharing) meet(target *yaml.Node, meant bool) {
	switch {
	case meant:
		if s.places[target] == nil {
			s.places[target] = repeated(s.trail)
		}
	case s.isInert() || s.wrong != nil:
	default:
		last := s.trail[len(s.trail)-1]
		what := "`" + last.name + "`"
		if last.isItem() {
			what = "an item of a list"
		}
		s.wrong = &wrongPlace{target, repeated(s.trail), what}
	}
}

// checkKeys refuses a target that is a key of n, and a pair that n would gain by a merge.
func (s *sharing) checkKeys(n *yaml.Node) {
	if n.Kind != yaml.MappingNode || s.wrong != nil {
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if _, isTarget := s.targets[resolve(n.Content[i])]; isTarget {
			s.wrong = &wrongPlace{resolve(n.Content[i]), n.Content[i], "a key"}
		}
		if !isMerge(n.Content[i]) {
			continue
		}
		for _, source := range mergeSources(n.Content[i+1]) {
			if entry := s.gainedFrom(resolve(source)); entry != nil && !hasAll(n, s.targets[entry].insert.pairs) {
				s.wrong = &wrongPlace{entry, source, "`<<`"}
			}
		}
	}
}

func hasAll(n *yaml.Node, pairs []pair) bool {
	return !slices.ContainsFunc(pairs, func(p pair) bool { return lookup(n, p.key) == nil })
}

// gainedFrom returns the mapping that is to gain a pair, which source is or merges; nil where there is none.
func (s *sharing) gainedFrom(source *yaml.Node) *yaml.Node {
	if c, isTarget := s.targets[source]; isTarget && c.scalar == nil {
		return source
	}
	for i := 0; i+1 < len(source.Content); i += 2 {
		if source.Kind != yaml.MappingNode || !isMerge(source.Content[i]) {
			continue
		}
		for _, inner := range mergeSources(source.Content[i+1]) {
			if entry := s.gainedFrom(resolve(inner)); entry != nil {
				return entry
			}
		}
	}
	return nil
}

// isInert tells whether nothing is read at the end of the trail: it lies below a key at the top that is there to keep anchors, which no format reads
// (`x-…`, as Compose has it, `.…` and `_…`); or within what is
// defined with an anchor at the top of Helm values, for all that uses it to be an alias, unless that is another image.
func (s *sharing) isInert() bool {
	first := s.trail[0]
	if strings.HasPrefix(first.name, "x-") || strings.HasPrefix(first.name, ".") || strings.HasPrefix(first.name, "_") {
		return true
	}
	last := s.trail[len(s.trail)-1].written
	if first.name == "global" || isImageKey(first.name) { // Helm hands the one to every subchart, and a chart reads the other
		return false
	}
	return s.format.isFree && first.written.Anchor != "" && first.via == nil && !slices.Contains(s.taken, last)
}

// refusal says where the first change is not meant, and where it is.
func (s *sharing) refusal() *Refusal {
	if s.wrong == nil {
		return nil
	}
	c, place := s.targets[s.wrong.target], s.wrong.target
	if at := s.places[s.wrong.target]; at != nil {
		place = at
	}
	here, _ := s.file.outside(place.Line, place.Column)
	there, _ := s.file.outside(s.wrong.at.Line, s.wrong.at.Column)
	return refuse(s.wrong.at, KindSharedAnchor,
		"what stands for %s in line %d stands in line %d (%s) too, through an anchor, and would change there; write each by itself",
		c.name, here, there, s.wrong.what)
}
