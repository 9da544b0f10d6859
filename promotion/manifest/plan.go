package manifest

import (
	"fmt"

	"go.yaml.in/yaml/v4"
)

// change is what one edit does at one place: the value of scalar becomes value, of which the first keep bytes stand there
// already; or, where insert.after is not 0, the pair insert.key: value is added.
type change struct {
	name   string
	scalar *yaml.Node
	keep   int
	value  string
	insert insertion
}

// moves tells whether the scalar does not say its value yet.
func (c change) moves() bool { return text(c.scalar) != c.value }

// planner collects changes. Several places may share one scalar through an anchor; then they must agree.
type planner struct {
	wanted  map[*yaml.Node]change // by scalar, also where it stands as wanted already
	added   map[*yaml.Node]change // by entry
	order   []*yaml.Node
	refusal *Refusal
}

// plan returns the changes that the edits need, none where everything stands as asked.
func (f *file) plan(edits []Edit) ([]change, *Refusal) {
	p := &planner{wanted: map[*yaml.Node]change{}, added: map[*yaml.Node]change{}}
	targets := make([]Target, len(edits))
	for i, e := range edits {
		targets[i] = e.Target
	}
	sites, refusal := f.sitesOf(targets)
	if refusal != nil {
		return nil, refusal
	}
	for _, e := range edits {
		if !p.planEdit(e, sites) {
			return nil, &Refusal{Kind: KindNotFound, Reason: fmt.Sprintf("the image %s does not stand in this file", e.Name)}
		}
	}
	changes := p.changes()
	if p.refusal == nil {
		p.refusal = f.checkShared(sites, changes)
	}
	if p.refusal != nil {
		return nil, p.refusal
	}
	return changes, nil
}

// planSettings returns the changes that the settings need.
func (f *file) planSettings(settings []Setting) ([]change, *Refusal) {
	p := &planner{wanted: map[*yaml.Node]change{}, added: map[*yaml.Node]change{}}
	for _, s := range settings {
		at, refusal := f.scalar(s.Key)
		if refusal != nil {
			return nil, refusal
		}
		p.want(at.value(), change{name: s.Key.String(), value: s.Value})
	}
	changes := p.changes()
	if p.refusal == nil {
		p.refusal = f.checkShared(nil, changes)
	}
	return changes, p.refusal
}

// scalar returns where a key leads, which has to be a single value.
func (f *file) scalar(key Key) (spot, *Refusal) {
	s, refusal := f.spot(key)
	if refusal == nil && s.value().Kind != yaml.ScalarNode {
		refusal = refuse(s.value(), KindNotScalar, "%s is a mapping or list, not a value; name a key in it", key)
	}
	return s, refusal
}

// planEdit plans one edit at every place of its image, and tells whether there was one.
func (p *planner) planEdit(e Edit, sites []site) (found bool) {
	for _, s := range sites {
		if s.Name != e.Name {
			continue
		}
		found = true
		tag, digest, refusal := s.after(e)
		if refusal != nil {
			p.refuse(refusal)
			continue
		}
		p.planSite(s, tag, digest)
	}
	return found
}

func (p *planner) planSite(s site, tag, digest string) {
	if s.ref != nil {
		p.want(s.ref, change{name: s.Name, keep: len(s.written), value: s.written + joinReference(tag, digest)})
		return
	}
	if digest != "" {
		p.want(s.digest, change{name: s.Name, value: digest})
	}
	switch {
	case s.tag != nil:
		p.want(s.tag, change{name: s.Name, value: tag})
	case tag != "":
		p.add(s, tag)
	}
}

// want plans that scalar says c.value.
func (p *planner) want(scalar *yaml.Node, c change) {
	c.scalar = scalar
	other, known := p.wanted[scalar]
	switch {
	case !known:
		p.order = append(p.order, scalar)
		p.wanted[scalar] = c
	case other.value != c.value:
		p.refuse(refuse(scalar, KindSharedAnchor, "%s and %s share this text through an anchor, and are to differ", other.name, c.name))
	}
}

// add plans that the tag is added to the entry of s.
func (p *planner) add(s site, tag string) {
	entry := s.insert.entry
	switch _, known := p.added[entry]; {
	case known:
	case s.insert.after == 0:
		p.refuse(refuse(entry, KindAmbiguous, "the name of %s comes from a merged mapping; give the entry a %s of its own first", s.Name, s.insert.key))
	default:
		p.order = append(p.order, entry)
		p.added[entry] = change{name: s.Name, value: tag, insert: s.insert}
	}
}

func (p *planner) refuse(r *Refusal) {
	if p.refusal == nil {
		p.refusal = r
	}
}

// changes returns what is not as wanted already.
func (p *planner) changes() []change {
	var changes []change
	for _, n := range p.order {
		if c, ok := p.wanted[n]; ok && c.moves() {
			changes = append(changes, c)
		}
		if c, ok := p.added[n]; ok {
			changes = append(changes, c)
		}
	}
	return changes
}
