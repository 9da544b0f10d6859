package manifest

import (
	"fmt"

	"go.yaml.in/yaml/v4"
)

// change is what one edit does at one place: scalar says value, of which the first keep bytes stand there
// already; or, where scalar is nil, insert.pairs are added.
type change struct {
	name string
	saying
	isSetting bool // the value may be of another type than a text, where it is of that type already
	insert    insertion
	inside    []splice // how the text of a block scalar becomes value
}

// moves tells whether the scalar does not say its value yet.
func (c change) moves() bool { return text(c.scalar) != c.value }

// planner collects the changes of one file, or of one text in it. Several places may share one scalar through an anchor; then they must agree.
type planner struct {
	file    *file
	block   *yaml.Node            // the scalar that holds the file, nil for the file itself
	wanted  map[*yaml.Node]change // by scalar, also where it stands as wanted already
	added   map[*yaml.Node]change // by entry
	order   []*yaml.Node
	refusal *Refusal
}

func newPlanner(f *file, block *yaml.Node) *planner {
	return &planner{file: f, block: block, wanted: map[*yaml.Node]change{}, added: map[*yaml.Node]change{}}
}

// plan returns the changes that the edits need, none where everything stands as asked.
func (f *file) plan(edits []Edit) ([]change, *Refusal) {
	targets := make([]Target, len(edits))
	for i, e := range edits {
		targets[i] = e.Target
	}
	sites, refusal := f.sitesOf(targets)
	if refusal != nil {
		return nil, refusal
	}
	plan := newPlans(f)
	for _, e := range edits {
		if refusal := plan.edit(e, sites); refusal != nil {
			return nil, refusal
		}
	}
	return plan.changes(&claims{names: newNames(targets), edits: edits, sites: sites})
}

// planSettings returns the changes that the settings need.
func (f *file) planSettings(settings []Setting) ([]change, *Refusal) {
	plan := newPlans(f)
	allowed := &claims{}
	for _, s := range settings {
		at, refusal := f.valueAt(s.Key)
		if refusal != nil {
			return nil, refusal
		}
		if refusal := checkSetting(at.value(), s); refusal != nil {
			return nil, at.translate(refusal)
		}
		plan.of(at.home, at.block).want(s.Key.String(), saying{scalar: at.value(), value: s.Value}, true)
		allowed.routes = append(allowed.routes, at.route)
	}
	return plan.changes(allowed)
}

// plans are the planners of a file and of the texts in it.
type plans struct {
	own    *planner
	texts  []*planner
	byHome map[*file]*planner
}

func newPlans(f *file) *plans {
	return &plans{own: newPlanner(f, nil), byHome: map[*file]*planner{}}
}

// of returns the planner of a text, which is the file's own where home is nil.
func (ps *plans) of(home *file, block *yaml.Node) *planner {
	if home == nil {
		return ps.own
	}
	p := ps.byHome[home]
	if p == nil {
		p = newPlanner(home, block)
		ps.texts, ps.byHome[home] = append(ps.texts, p), p
	}
	return p
}

// edit plans one edit at every place of its image.
func (ps *plans) edit(e Edit, sites []site) *Refusal {
	found := false
	for _, s := range sites {
		if s.Name != e.Name {
			continue
		}
		found = true
		tag, digest, refusal := s.after(e)
		if refusal != nil {
			return refusal
		}
		ps.of(s.home, s.block).site(s, tag, digest)
	}
	if !found {
		return &Refusal{Kind: KindNotFound, Reason: fmt.Sprintf("the image %s does not stand in this file", e.Name)}
	}
	return nil
}

// changes returns what is not as wanted already: that of the texts in the file as changes of the scalars that hold them.
func (ps *plans) changes(allowed *claims) ([]change, *Refusal) {
	own := ps.own
	for _, p := range ps.texts {
		c, refusal := p.asChange(allowed)
		if refusal != nil {
			return nil, p.file.translate(refusal)
		}
		if c.scalar != nil {
			own.order = append(own.order, c.scalar)
			own.wanted[c.scalar] = c
		}
	}
	return own.changes(allowed)
}

// asChange returns what happens to the scalar that holds the text, the zero change where nothing does.
func (p *planner) asChange(allowed *claims) (change, *Refusal) {
	changes, refusal := p.changes(allowed)
	if refusal != nil || len(changes) == 0 {
		return change{}, refusal
	}
	splices, edited, refusal := p.file.edit(changes)
	if refusal != nil {
		return change{}, refusal
	}
	scalar := resolve(p.block)
	value := text(&yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Style: scalar.Style, Value: string(edited)})
	return change{name: changes[0].name, saying: saying{scalar: scalar, value: value}, inside: splices}, nil
}

// site plans that the site has this tag and digest.
func (p *planner) site(s site, tag, digest string) {
	for _, wanted := range s.sayings(tag, digest) {
		p.want(s.Name, wanted, false)
	}
	if pairs := s.missing(tag, digest); len(pairs) > 0 {
		p.add(s, pairs)
	}
}

// want plans what a scalar says.
func (p *planner) want(name string, what saying, isSetting bool) {
	c := change{name: name, saying: what, isSetting: isSetting}
	other, known := p.wanted[c.scalar]
	switch {
	case !known:
		p.order = append(p.order, c.scalar)
		p.wanted[c.scalar] = c
	case other.value != c.value:
		p.refuse(refuse(c.scalar, KindSharedAnchor, "%s and %s share this text through an anchor, and are to differ", other.name, c.name))
	}
}

// add plans that pairs are added to the entry of s.
func (p *planner) add(s site, pairs []pair) {
	entry := s.insert.entry
	switch _, known := p.added[entry]; {
	case entry == nil:
		p.refuse(refuse(s.digest, KindAmbiguous, "of %s only the digest is named here; name the place of its tag too", s.Name))
	case known:
	case s.insert.after == 0:
		p.refuse(refuse(entry, KindAmbiguous, "the name of %s comes from a merged mapping; give the entry a %s of its own first", s.Name, pairs[0].key))
	default:
		p.order = append(p.order, entry)
		c := change{name: s.Name, insert: s.insert}
		c.insert.pairs = pairs
		p.added[entry] = c
	}
}

func (p *planner) refuse(r *Refusal) {
	if p.refusal == nil {
		p.refusal = r
	}
}

// changes returns what is not as wanted already, where no anchor carries it elsewhere.
func (p *planner) changes(allowed *claims) ([]change, *Refusal) {
	var changes []change
	for _, n := range p.order {
		if c, ok := p.wanted[n]; ok && c.moves() {
			changes = append(changes, c)
		}
		if c, ok := p.added[n]; ok {
			changes = append(changes, c)
		}
	}
	if p.refusal == nil {
		p.refusal = p.file.checkShared(allowed, changes)
	}
	return changes, p.refusal
}
