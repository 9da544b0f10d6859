package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// checks is what checkApps looks names up in.
type checks struct {
	*reporter
	environments []environment
	byName       map[string]int // of environments
	apps         []entry
}

// checkApps notes what does not fit between apps, and between apps, groups and environments, which share one space of
// names: comments name any of them.
func (r *reporter) checkApps(apps []entry, environments []environment) {
	c := checks{reporter: r, environments: environments, byName: make(map[string]int, len(environments)), apps: apps}
	for i, e := range environments {
		c.byName[e.Name] = i
	}
	first := make(map[string]*entry, len(apps))
	for i := range apps {
		a := &apps[i]
		c.images(*a)
		c.overrides(*a)
		c.files(*a)
		if a.name == "" {
			continue
		}
		if other, twice := first[a.name]; twice {
			c.note(ruleDuplicateName, a.named, "the name %q is taken by the app in %s", a.name, c.line(other.at, a.at))
			continue
		}
		first[a.name] = a
		if e := c.environment(a.name); e != nil {
			c.note(ruleDuplicateName, a.named, "the name %q is taken by the environment in line %d; comments could not tell them apart", a.name, e.entry.line)
		}
		c.complete(*a)
	}
	c.groups(first)
	c.formerNames(first)
}

// line words where another entry stands.
func (c checks) line(other, here position) string {
	if other.file != here.file {
		return fmt.Sprintf("%s:%d", other.file, other.line)
	}
	return fmt.Sprintf("line %d", other.line)
}

// environment returns the environment of a name, or nil.
func (c checks) environment(name string) *environment {
	if i, ok := c.byName[name]; ok {
		return &c.environments[i]
	}
	return nil
}

// known notes an environment that is not there.
func (c checks) known(env string, at position) bool {
	if c.environment(env) == nil {
		if nameProblem(env) == "" {
			c.noteWith(ruleUnknownEnv, at, func() string { return noEnvironment(env, c.environments) })
		}
		return false
	}
	return true
}

// complete notes what a named app lacks and no discover entry can give it.
func (c checks) complete(a entry) {
	if a.complete() || slices.ContainsFunc(c.apps, func(d entry) bool { return d.discover != nil && !d.excepted(a.name) }) {
		return
	}
	if _, ok := a.has["manifests"]; !ok {
		c.note(ruleIncomplete, a.named, "the app %q has no manifests, and no entry with discover finds it; list the files in which its images stand", a.name)
	}
	if _, ok := a.has["images"]; !ok {
		c.note(ruleIncomplete, a.named, "the app %q has no images; list what is promoted", a.name)
	}
}

// groups notes groups whose name another thing has.
func (c checks) groups(apps map[string]*entry) {
	for _, a := range c.apps {
		if a.group == "" {
			continue
		}
		if e := c.environment(a.group); e != nil {
			c.note(ruleDuplicateName, a.groupAt, "the name %q is taken by the environment in line %d; comments could not tell them apart", a.group, e.entry.line)
		}
		if other, taken := apps[a.group]; taken {
			c.note(ruleDuplicateName, a.groupAt, "the name %q is taken by the app in %s; comments could not tell them apart", a.group, c.line(other.at, a.at))
		}
	}
}

// formerNames notes names that something has now, or that two things say they had.
func (c checks) formerNames(apps map[string]*entry) {
	owner := map[string]string{}
	check := func(kind, name, was string, at position) {
		_, isApp := apps[was]
		switch other, twice := owner[kind+was]; {
		case isApp || c.environment(was) != nil:
			c.note(ruleDuplicateName, at, "the name %q is in use; was is for a name that nothing has any more", was)
		case twice && other != name:
			c.note(ruleDuplicateName, at, "%q says already that it had the name %q", other, was)
		default:
			owner[kind+was] = name
		}
	}
	for _, e := range c.environments {
		for i, was := range e.Was {
			check("environment ", e.Name, was, e.wasAt[i])
		}
	}
	for _, a := range c.apps {
		for i, was := range a.was {
			check("app ", a.name, was, a.wasAt[i])
		}
	}
}

// images notes environments that are not there, and two images that an environment could not tell apart.
func (c checks) images(a entry) {
	type pull struct{ env, name string }
	plain := make(map[string]image, len(a.images))
	for _, i := range a.images {
		plain[i.Name] = i
	}
	taken := map[pull]string{}
	for _, i := range a.images {
		for env, name := range i.In {
			if !c.known(env, i.inAt[env]) {
				continue
			}
			other, twice := taken[pull{env, name}]
			if p, ok := plain[name]; ok && p.Name != i.Name && p.In[env] == "" {
				other, twice = p.Name, true
			}
			if twice {
				c.note(ruleDuplicate, i.inAt[env], "in %s the image %s has this name too; no manifest could tell them apart", env, quoted(other))
			}
			taken[pull{env, name}] = i.Name
		}
	}
}

// files notes which image is meant by keys where that is not said, or said wrongly.
func (c checks) files(a entry) {
	all := make([]manifest, 0, len(a.manifests)+len(a.also))
	for _, m := range a.manifests {
		if len(m.keys) > 0 || m.image != "" {
			all = append(all, m)
		}
	}
	for _, m := range a.also {
		all = append(all, m.manifest)
	}
	if len(all) == 0 {
		return
	}
	names := c.imagesOf(a)
	for _, m := range all {
		image := strings.ReplaceAll(m.image, appMark, cmp.Or(a.name, appMark))
		switch {
		case len(names) == 0: // which is noted where they should stand
		case image == "" && len(names) > 1:
			c.note(ruleUnclearImage, m.at, "image is missing: the app has %d images, and this says not which of them is meant", len(names))
		case image != "" && !slices.Contains(names, image):
			c.note(ruleUnclearImage, m.at, "the app has no image %s; did you mean %q?", quoted(image), Nearest(image, names))
		}
	}
	c.discovered(a)
}

// imagesOf returns the names of an app's images: its own, or those of the first entry that can discover it.
func (c checks) imagesOf(a entry) (names []string) {
	images := a.images
	for i := 0; len(images) == 0 && i < len(c.apps); i++ {
		if d := c.apps[i]; d.discover != nil && !d.excepted(a.name) {
			images = d.images
		}
	}
	for _, i := range images {
		names = append(names, strings.ReplaceAll(i.Name, appMark, cmp.Or(a.name, appMark)))
	}
	return names
}

// discovered notes files that do not say whose they are.
func (c checks) discovered(a entry) {
	if a.discover == nil {
		return
	}
	for _, m := range a.also {
		if !m.pattern.names(appMark) {
			c.note(ruleInvalidPattern, m.pattern.at, "the pattern %s: {app} is missing: it says whose file this is", quoted(m.pattern.text))
		} else if problem := ambiguity(m.pattern.text); problem != "" {
			c.note(ruleInvalidPattern, m.pattern.at, "the pattern %s: %s", quoted(m.pattern.text), problem)
		}
	}
}

// overrides notes environments that are not there, and what does not fit between an app's settings.
func (c checks) overrides(a entry) {
	own := a.own.get()
	var moved []int
	for _, env := range sortedKeys(own.in) {
		s := own.in[env]
		if !c.known(env, s.at) {
			continue
		}
		base := c.environment(env).settings
		c.checkUpdate(settings{from: s.from.or(base.from), update: s.update})
		if s.window.set || s.supersede.set {
			c.checkWindow(settings{from: s.from.or(base.from), window: s.window, supersede: s.supersede.or(base.supersede)})
		}
		if from := s.from.or(base.from); s.soak.value > 0 && len(from.value.names) == 0 {
			c.note(ruleUseless, s.soak.at, "soak counts in the environments of from, and %s has none", env)
		}
		if s.from.set {
			moved = append(moved, c.byName[env])
			c.checkUpstream(s.from.value, c.environments, c.byName)
		}
	}
	if len(moved) > 0 && c.count == 0 {
		c.circles(own, moved)
	}
}

// circles notes circles in which an app would be promoted. Each goes through an environment that the app has moved.
func (c checks) circles(own overrides, moved []int) {
	graph := make([]upstream, len(c.environments))
	for i, e := range c.environments {
		graph[i] = e.from.value
	}
	for _, at := range moved {
		graph[at] = own.in[c.environments[at].Name].from.value
	}
	c.checkCircles(graph, moved, c.environments, c.byName)
}
