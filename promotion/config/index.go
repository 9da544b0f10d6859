package config

import (
	"slices"
	"strings"
)

// maxWild is how many patterns may vary at one point of the tree: a look-up that comes there has to try each of them.
const maxWild = 50

// index is all patterns of a configuration as one tree of segments, so that a look-up tries only those that share the
// path's beginning. {env} stays a mark in it: its size is that of the file, not that times the environments.
type index struct {
	root node
	dirs []dir // beside Config.Environments
}

// node is where some patterns have come to the same point.
type node struct {
	literal map[string]*node
	dirs    map[affix]*node // segments with {env} and nothing else that varies
	wild    []wildEdge
	deep    *node // after "**"
	claims  []claim
}

// affix is what stands before and after {env}.
type affix struct {
	before string
	after  string
}

// wildEdge is a segment with "*", {app} or {cluster}. With {env} in it, it may be several segments of the path.
type wildEdge struct {
	text       string
	form       flat // only without {env} and {cluster}
	hasEnv     bool
	hasCluster bool
	to         *node
}

// claim is a pattern's end: whose file it is, and what for.
type claim struct {
	app       string // of a named app
	discovery int    // of Config.discoveries; -1 for a named app
	manifest  *manifest
	also      *also // instead of manifest
	at        *pattern
}

// dir is an environment's dir, taken apart at "/".
type dir []string

// affixes yields every way in which the first segments of a path are something, the dir, something.
func (d dir) affixes(rest []string) func(func(affix) bool) {
	return func(yield func(affix) bool) {
		if len(d) > 1 {
			if a, ok := d.affixOfMany(rest); ok {
				yield(a)
			}
			return
		}
		for from := 0; ; {
			i := strings.Index(rest[0][from:], d[0])
			if i < 0 || !yield(affix{before: rest[0][:from+i], after: rest[0][from+i+len(d[0]):]}) {
				return
			}
			from += i + 1
		}
	}
}

// affixOfMany is affixes for a dir of several segments, for which there is at most one way.
func (d dir) affixOfMany(rest []string) (a affix, ok bool) {
	last := len(d) - 1
	if len(rest) <= last || !slices.Equal(d[1:last], rest[1:last]) {
		return a, false
	}
	if a.before, ok = strings.CutSuffix(rest[0], d[0]); !ok {
		return a, false
	}
	a.after, ok = strings.CutPrefix(rest[last], d[last])
	return a, ok
}

// makeIndex returns the tree of all patterns. It notes an error where too many of them vary at the same point.
func (r *reporter) makeIndex(c *Config) *index {
	x := &index{}
	for _, e := range c.Environments {
		x.dirs = append(x.dirs, strings.Split(e.Dir, "/"))
	}
	b := builder{reporter: r, edges: map[edge]*node{}}
	for i := range c.discoveries {
		d := &c.discoveries[i]
		b.add(&x.root, d.discover, claim{discovery: i, manifest: &manifest{pattern: d.discover}})
		for j := range d.also {
			b.add(&x.root, d.also[j].pattern, claim{discovery: i, also: &d.also[j]})
		}
	}
	for i := range c.named {
		a := &c.named[i]
		for j := range a.manifests {
			b.add(&x.root, a.manifests[j].filledIn(a.name), claim{app: a.name, discovery: -1, manifest: &a.manifests[j]})
		}
		for j := range a.also {
			b.add(&x.root, a.also[j].filledIn(a.name), claim{app: a.name, discovery: -1, also: &a.also[j]})
		}
	}
	return x
}

// builder knows the edges there are already.
type builder struct {
	*reporter
	edges map[edge]*node
}

// edge is one segment of a pattern, from one point on.
type edge struct {
	from *node
	text string
}

// add hangs a pattern into the tree.
func (b *builder) add(n *node, p *pattern, c claim) {
	for _, segment := range p.segments {
		next := b.edges[edge{n, segment}]
		if next == nil {
			next = &node{}
			b.edges[edge{n, segment}] = next
			n.lead(segment, next)
			if len(n.wild) == maxWild+1 {
				b.note(ruleLimit, p.at, "more than %d patterns have *, {app} or {cluster} at the same point; give them a folder of their own, or use discover", maxWild)
			}
		}
		n = next
	}
	c.at = p
	n.claims = append(n.claims, c)
}

// lead makes a segment lead to a node.
func (n *node) lead(segment string, to *node) {
	before, after, hasEnv := strings.Cut(segment, envMark)
	varies := strings.ContainsAny(before+after, "*{")
	switch {
	case segment == "**":
		n.deep = to
	case varies:
		n.wild = append(n.wild, wildEdge{text: segment, form: flatSegment(segment), hasEnv: hasEnv, hasCluster: strings.Contains(segment, clusterMark), to: to})
	case hasEnv:
		if n.dirs == nil {
			n.dirs = map[affix]*node{}
		}
		n.dirs[affix{before, after}] = to
	default:
		if n.literal == nil {
			n.literal = map[string]*node{}
		}
		n.literal[segment] = to
	}
}
