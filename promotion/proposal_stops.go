package promotion

import (
	"fmt"
	"slices"
	"strings"

	"ferry/promotion/config"
)

// Sites are the manifests by which it is seen what would stand where: those in force with their apps, and those that would be there.
type Sites struct {
	Before map[string][]string // of each app
	After  []string
}

// guard is something by which a person keeps releases out, and what it covers: as the configuration in force has it, and as the proposed one would.
type guard struct {
	words     string
	was, will covering
}

// covering says whether a place, in which the manifest of that path stands, is covered.
type covering func(path string, p config.Place) bool

// StopsChanges says which holds, freezes, blocks and hotfixes would cease to cover something that stands on, or anything at all. Each of that loosens.
func StopsChanges(was, will *config.Config, sites Sites, stops Stops) (out []SettingChange) {
	covered := newCoverage(was, will, sites)
	for _, g := range guardsOf(was, will, stops) {
		if lost := covered.lost(g); lost != "" {
			out = append(out, SettingChange{Loosens, g.words + " would not cover " + lost + " any more"})
		}
	}
	return out
}

// guardsOf returns what stands, in the order in which it is listed.
func guardsOf(was, will *config.Config, stops Stops) (list []guard) {
	renamed := Decisions{Stops: stops}.Renamed(will)
	stop := func(what string, before, after Hold) guard {
		return guard{before.Actor + "'s " + what + " of " + before.what(), before.coverage(was), after.coverage(will)}
	}
	for i, f := range stops.Freezes {
		list = append(list, stop("freeze", Hold(f), Hold(renamed.Freezes[i])))
	}
	for i, h := range stops.Holds {
		list = append(list, stop("hold", h, renamed.Holds[i]))
	}
	for i, b := range stops.Blocks {
		list = append(list, guard{b.Actor + "'s block of " + b.what(), b.coverage(was), renamed.Blocks[i].coverage(will)})
	}
	for _, m := range stops.Mended {
		then := will.Current(m.Place)
		list = append(list, guard{m.Hotfix.Actor + "'s hotfix " + m.Hotfix.Release.Version() + " of " + m.App + " in " + m.Environment,
			func(_ string, p config.Place) bool { return p == m.Place }, func(_ string, p config.Place) bool { return p == then }})
	}
	return list
}

func (h Hold) coverage(c *config.Config) covering {
	return func(path string, p config.Place) bool {
		app, _ := c.App(p.App, path)
		holds, _ := Stops{Holds: []Hold{h}}.On(p.App, p.Environment, app.Group)
		return len(holds) > 0
	}
}

func (b Block) coverage(c *config.Config) covering {
	return func(_ string, p config.Place) bool {
		return len(Stops{Blocks: []Block{b}}.BlocksOn(p.App, p.Environment, FromOf(c, p.App))) > 0
	}
}

// coverage is what stands where, in each configuration, file by file.
type coverage struct {
	before, after map[string]places // by path
	paths         []string          // of before
}

func newCoverage(was, will *config.Config, sites Sites) coverage {
	c := coverage{before: map[string]places{}, after: map[string]places{}}
	for app, paths := range sites.Before {
		for _, path := range paths {
			for _, p := range was.Places(path) {
				if p.App == app {
					c.before[path] = append(c.before[path], p)
				}
			}
		}
	}
	for _, path := range sites.After {
		c.after[path] = will.Places(path)
	}
	c.paths = sortedKeys(c.before)
	return c
}

// lost names what the guard covers now, and would not any more: what goes on under the same file, or else anything.
func (c coverage) lost(g guard) string {
	var lost []string
	some, still := false, false
	for path, places := range c.after {
		still = still || places.any(path, g.will)
	}
	for _, path := range c.paths {
		if !c.before[path].any(path, g.was) {
			continue
		}
		if some = true; c.after[path].any(path, g.will) {
			continue
		}
		for _, p := range c.after[path] {
			lost = append(lost, p.App+" in "+p.Environment)
		}
	}
	slices.Sort(lost)
	lost = slices.Compact(lost)
	switch {
	case some && !still:
		return "anything"
	case len(lost) > mostNamedApps:
		return several(len(lost), "place")
	}
	return strings.Join(lost, ", ")
}

// places are those in which one manifest stands.
type places []config.Place

func (list places) any(path string, is covering) bool {
	return slices.ContainsFunc(list, func(p config.Place) bool { return is(path, p) })
}

// naming tells what is called how by now, for what people have stopped under names of before.
type naming struct {
	environments []string
	views        []View
}

// idle says why a stop of that app, or of the group of those, in that environment covers nothing; "" where it does.
func (n naming) idle(app, environment string, group ...string) string {
	known := func(name string) bool {
		return slices.ContainsFunc(n.views, func(v View) bool { return len(v.Environments) > 0 && (v.App == name || v.Group == name) })
	}
	gone := ""
	switch {
	case environment != "" && !slices.Contains(n.environments, environment):
		gone = environment
	case app != "" && !known(app) && !slices.ContainsFunc(group, known):
		gone = app
	default:
		return ""
	}
	return fmt.Sprintf(". It covers nothing: there is no %s any more (`was: %s` on what that is called now carries it over)", escape(gone), escape(gone))
}
