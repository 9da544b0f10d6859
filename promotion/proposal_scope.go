package promotion

import (
	"maps"
	"slices"

	"ferry/promotion/config"
)

// Scope is what is planned to see what a pull request does: the apps whose manifests it changes or that its configuration means otherwise, by the names
// that they have now, and with each of them those with which it travels, or would.
type Scope struct {
	Apps   []string
	Groups []string
	Left   int // apps beyond the most that are planned
}

// Involved are the apps that are not touched by a configuration alone.
type Involved struct {
	Changed []string // their manifests change
	Living  []string // they have a promotion open, and come before others
	Waiting []string // apps and groups that wait for a place which others may leave: they come along as far as there are not too many
}

// ScopeOf returns what is to be planned, of at most so many apps, which stand with the paths of their manifests.
func ScopeOf(was, will *config.Config, apps map[string][]string, involved Involved, most int) Scope {
	c := comparison{was: was, will: will, apps: apps}
	b := scoping{company: c.company(), most: most, done: map[string]bool{}}
	for _, app := range slices.Concat(slices.Sorted(slices.Values(involved.Changed)), slices.Sorted(slices.Values(involved.Living)), slices.Sorted(maps.Keys(apps))) {
		if paths, known := apps[app]; known && !b.done[app] && (slices.Contains(involved.Changed, app) || was != will && !SameSettings(was, will, app, paths)) {
			b.add(app)
		}
	}
	touched := b.Scope
	if len(touched.Apps) > 0 {
		for _, name := range involved.Waiting {
			for _, app := range append(slices.Clone(b.company.apps[name]), name) {
				if _, known := apps[app]; known && !b.done[app] {
					b.add(app)
				}
			}
		}
	}
	slices.Sort(b.Apps)
	slices.Sort(b.Groups)
	b.Left = touched.Left
	return b.Scope
}

// scoping collects a scope.
type scoping struct {
	Scope
	company company
	most    int
	done    map[string]bool
}

// add adds the app with those it travels with.
func (b *scoping) add(app string) {
	reached, groups := b.company.reach(app)
	for _, one := range reached {
		b.done[one] = true
	}
	if len(b.Apps)+len(reached) > b.most {
		b.Left += len(reached)
		return
	}
	b.Apps, b.Groups = append(b.Apps, reached...), append(b.Groups, groups...)
}

// company is who travels with whom, in either configuration.
type company struct {
	groups map[string][]string // of each app
	apps   map[string][]string // of each group
}

func (c *comparison) company() company {
	out := company{groups: map[string][]string{}, apps: map[string][]string{}}
	for _, app := range slices.Sorted(maps.Keys(c.apps)) {
		before, _ := c.was.App(app, c.apps[app]...)
		after, _ := c.will.App(c.appNow(app), c.apps[app]...)
		for _, group := range []string{before.Group, after.Group} {
			if group != "" && !slices.Contains(out.groups[app], group) {
				out.groups[app], out.apps[group] = append(out.groups[app], group), append(out.apps[group], app)
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
