package promotion

import (
	"maps"
	"slices"

	"ferry/promotion/config"
)

// Scope is what is planned to see what a proposed configuration does: the apps that it means otherwise, and with each of them those with which it
// travels, or would.
type Scope struct {
	Apps    []string
	Groups  []string
	Renamed int // apps that only go on under another name, or in an environment of one
	Left    int // apps beyond the most that are planned
}

// ScopeOf returns what is to be planned, of at most so many apps, which stand with the paths of their manifests. Those of living have a promotion open,
// and come first; those of waiting, apps and groups, wait for a place that others may leave, and come along as far as there are not too many.
func ScopeOf(was, will *config.Config, apps map[string][]string, living, waiting []string, most int) Scope {
	c := comparison{was: was, will: will, apps: apps}
	b := scoping{company: c.company(), renamed: c.renamed(), most: most, done: map[string]bool{}}
	for _, app := range slices.Concat(slices.Sorted(slices.Values(living)), slices.Sorted(maps.Keys(apps))) {
		if paths, known := apps[app]; known && !b.done[app] && (b.renamed[app] || !SameSettings(was, will, app, paths)) {
			b.add(app)
		}
	}
	touched := b.Scope
	if len(touched.Apps) > 0 {
		for _, name := range waiting {
			for _, app := range append(slices.Clone(b.company.apps[name]), name) {
				if _, known := apps[app]; known && !b.done[app] {
					b.add(app)
				}
			}
		}
	}
	slices.Sort(b.Apps)
	slices.Sort(b.Groups)
	b.Left, b.Renamed = touched.Left, touched.Renamed
	return b.Scope
}

// scoping collects a scope.
type scoping struct {
	Scope
	company company
	renamed map[string]bool
	most    int
	done    map[string]bool
}

// add adds the app with those it travels with.
func (b *scoping) add(app string) {
	reached, groups := b.company.reach(app)
	for _, one := range reached {
		b.done[one] = true
	}
	switch {
	case slices.ContainsFunc(reached, func(one string) bool { return b.renamed[one] }):
		b.Renamed += len(reached)
	case len(b.Apps)+len(reached) > b.most:
		b.Left += len(reached)
	default:
		b.Apps, b.Groups = append(b.Apps, reached...), append(b.Groups, groups...)
	}
}

// company is who travels with whom, in either configuration.
type company struct {
	groups map[string][]string // of each app
	apps   map[string][]string // of each group
}

func (c *comparison) company() company {
	out := company{groups: map[string][]string{}, apps: map[string][]string{}}
	for _, app := range slices.Sorted(maps.Keys(c.apps)) {
		for _, of := range []*config.Config{c.was, c.will} {
			a, ok := of.App(app, c.apps[app]...)
			if ok && a.Group != "" && !slices.Contains(out.groups[app], a.Group) {
				out.groups[app], out.apps[a.Group] = append(out.groups[app], a.Group), append(out.apps[a.Group], app)
			}
		}
	}
	return out
}

// reach returns the app with all that it travels with, and all that those travel with; and their groups.
func (c company) reach(app string) (apps, groups []string) {
	apps = []string{app}
	for i := 0; i < len(apps); i++ {
		for _, group := range c.groups[apps[i]] {
			if slices.Contains(groups, group) {
				continue
			}
			groups = append(groups, group)
			for _, other := range c.apps[group] {
				if !slices.Contains(apps, other) {
					apps = append(apps, other)
				}
			}
		}
	}
	return apps, groups
}

// renamed returns the apps that are called otherwise, and those that stand in an environment that is.
func (c *comparison) renamed() map[string]bool {
	out := map[string]bool{}
	for app, paths := range c.apps {
		now := c.appNow(app)
		out[app] = now != "" && now != app || slices.ContainsFunc(paths, func(path string) bool {
			return slices.ContainsFunc(c.was.Places(path), func(p config.Place) bool {
				env := c.environmentNow(p.Environment)
				return p.App == app && env != "" && env != p.Environment
			})
		})
	}
	return out
}
