package config

import (
	"cmp"
	"slices"
	"strings"
)

// maxSegments is how deep a path may lie to be looked up, far beyond what people lay out.
const maxSegments = 64

// Places returns the apps and environments whose manifest the path is by the patterns of the file, sorted, each once;
// none for most paths of a repository. More than one app means that entries claim the same file, which the caller has to
// report. Where the dir of one environment begins with that of another ("eu" and "eu/north"), the longer one counts.
// The path is relative to the root of the repository, with "/".
func (c *Config) Places(path string) []Place {
	var out []Place
	for _, m := range c.matches(path) {
		if m.claim.also != nil || !c.counts(m) {
			continue
		}
		out = append(out, c.place(m))
	}
	slices.SortFunc(out, comparePlaces)
	return slices.Compact(out)
}

// counts says whether a match is of an app that there is, and of a file that is its own.
func (c *Config) counts(m match) bool {
	switch {
	case m.discovery < 0:
		return true
	case c.nameTaken(m.app):
		return false
	case m.claim.also != nil:
		return !c.hasOwn("also", m.app)
	}
	return !c.hasOwn("manifests", m.app)
}

// comparePlaces orders places by app and environment.
func comparePlaces(a, b Place) int {
	return cmp.Or(strings.Compare(a.App, b.App), strings.Compare(a.Environment, b.Environment))
}

// Misnamed is a part of a path that an entry with discover takes for an app, and that can't be the name of one.
type Misnamed struct {
	Name   string
	Reason string // why it can't, and what to do
}

// Misnamed returns what the entries with discover find in a path but Places leaves out because of the name; none for
// nearly every path. The caller has to report it: nothing of such an app is promoted.
func (c *Config) Misnamed(path string) []Misnamed {
	var out []Misnamed
	for _, m := range c.matches(path) {
		if m.discovery < 0 || m.claim.also != nil || !c.nameTaken(m.app) {
			continue
		}
		reason := nameProblem(m.app)
		if reason == "" {
			reason = "an environment has that name"
		}
		out = append(out, Misnamed{Name: m.app, Reason: reason + `; rename it, or leave it out with "except"`})
	}
	slices.SortFunc(out, func(a, b Misnamed) int { return strings.Compare(a.Name, b.Name) })
	return slices.Compact(out)
}

// hasOwn says whether a named app lists its files under a key, which then are all it has.
func (c *Config) hasOwn(key, app string) bool {
	i, ok := c.namedIndex[app]
	if ok {
		_, ok = c.named[i].has[key]
	}
	return ok
}

// finds says whether a discover entry finds the app in the path.
func (c *Config) finds(discovery int, app, path string) bool {
	return slices.ContainsFunc(c.matches(path), func(m match) bool { return m.discovery == discovery && m.app == app })
}

// match is one way to read a path.
type match struct {
	claim     *claim
	discovery int // of Config.discoveries; -1 for a named app
	app       string
	env       int
	cluster   string
}

// matches returns the ways to read a path, of each pattern only those with the longest dir.
func (c *Config) matches(path string) []match {
	if c.index == nil || strings.Count(path, "/") >= maxSegments {
		return nil
	}
	s := search{index: c.index, config: c}
	s.walk(&s.index.root, strings.Split(path, "/"), binding{env: -1})
	if len(s.found) < 2 {
		return s.found
	}
	longest := make(map[*claim]int, len(s.found))
	for _, m := range s.found {
		longest[m.claim] = max(longest[m.claim], len(c.Environments[m.env].Dir))
	}
	return slices.DeleteFunc(s.found, func(m match) bool {
		return !m.claim.at.noEnv && len(c.Environments[m.env].Dir) < longest[m.claim]
	})
}

// search is one look-up.
type search struct {
	index  *index
	config *Config
	found  []match
}

// binding is what the marks of a pattern stand for so far. env is -1, app and cluster are "" where they are still open.
type binding struct {
	env     int
	app     string
	cluster string
}

// walk follows every edge that fits the rest of a path.
func (s *search) walk(n *node, rest []string, b binding) {
	if n.deep != nil {
		for i := range len(rest) + 1 {
			s.walk(n.deep, rest[i:], b)
		}
	}
	if len(rest) == 0 {
		s.arrive(n, b)
		return
	}
	if next := n.literal[rest[0]]; next != nil {
		s.walk(next, rest[1:], b)
	}
	for i := range n.wild {
		w := &n.wild[i]
		if !w.hasEnv && !w.hasCluster {
			s.walkForms(w.to, rest, b, w.form)
			continue
		}
		for env := range s.environments(b) {
			s.walkFilled(w, rest, binding{env: env, app: b.app, cluster: b.cluster})
		}
	}
	if n.dirs == nil {
		return
	}
	for env := range s.environments(b) {
		dir := s.index.dirs[env]
		for a := range dir.affixes(rest) {
			if next := n.dirs[a]; next != nil {
				s.walk(next, rest[len(dir):], binding{env: env, app: b.app, cluster: b.cluster})
			}
		}
	}
}

// environments yields what {env} may stand for.
func (s *search) environments(b binding) func(func(int) bool) {
	return func(yield func(int) bool) {
		if b.env >= 0 {
			yield(b.env)
			return
		}
		for env := range s.index.dirs {
			if !yield(env) {
				return
			}
		}
	}
}

// walkFilled follows an edge for one environment, with each of its clusters where {cluster} stands in it.
func (s *search) walkFilled(w *wildEdge, rest []string, b binding) {
	if !w.hasCluster || b.cluster != "" {
		s.walkForms(w.to, rest, b, w.forms(s.index.dirs[b.env], b.cluster)...)
		return
	}
	for _, b.cluster = range s.config.Environments[b.env].Clusters {
		s.walkForms(w.to, rest, b, w.forms(s.index.dirs[b.env], b.cluster)...)
	}
}

// forms returns the segments of an edge for one environment and cluster.
func (w *wildEdge) forms(d dir, cluster string) []flat {
	texts := strings.Split(strings.NewReplacer(envMark, strings.Join(d, "/"), clusterMark, cluster).Replace(w.text), "/")
	out := make([]flat, len(texts))
	for i, text := range texts {
		out[i] = flatSegment(text)
	}
	return out
}

// walkForms goes on where the path has these forms next, and what {app} stands for agrees with what it stood for before.
func (s *search) walkForms(to *node, rest []string, b binding, forms ...flat) {
	if len(forms) > len(rest) {
		return
	}
	for i, form := range forms {
		app, ok := form.match(rest[i])
		if !ok || app != "" && b.app != "" && app != b.app {
			return
		}
		b.app = cmp.Or(app, b.app)
	}
	s.walk(to, rest[len(forms):], b)
}

// arrive notes the patterns that end here. Where no part of the path says the environment, the file is that of each.
func (s *search) arrive(n *node, b binding) {
	for i := range n.claims {
		m := match{claim: &n.claims[i], discovery: n.claims[i].discovery, app: n.claims[i].app, cluster: b.cluster}
		if m.discovery >= 0 {
			m.app = b.app
			if s.config.discoveries[m.discovery].excepted(m.app) {
				continue
			}
		}
		for m.env = range s.environments(b) {
			s.found = append(s.found, m)
		}
	}
}
