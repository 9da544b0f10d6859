package promotion

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"ferry/promotion/config"
)

// SettingChange is what a proposed configuration makes of one setting, in words.
type SettingChange struct {
	Leaning Leaning
	Words   string
}

// newcomer is the name of no app: what becomes of its settings, becomes of those of apps that an entry with discover finds later.
const newcomer = "ferry.app-to-come"

// mostNamedApps is how many apps one change names; of more it says how many.
const mostNamedApps = 3

// SettingsChanges says what becomes of the settings as they count in the end: for each environment, and for each of the apps, which stand with the paths
// of their manifests. What is only written elsewhere is no change, and what becomes of many apps alike is one.
func SettingsChanges(was, will *config.Config, apps map[string][]string) []SettingChange {
	c := comparison{was: was, will: will, apps: apps, places: map[change][]string{}}
	c.file()
	for _, app := range slices.Sorted(maps.Keys(apps)) {
		c.app(app)
	}
	c.newApps()
	c.flush("", nil)
	standing := c.standing()
	for _, env := range will.Order() {
		c.environment(env, standing[env.Name])
	}
	return c.words()
}

// comparison collects what changes, where and for whom.
type comparison struct {
	was, will *config.Config
	apps      map[string][]string

	heirs heirs

	order  []change            // as they are said
	places map[change][]string // the environments of each
	found  []delta             // not flushed yet
	whose  map[delta][]string  // apps
}

// change is a delta with the words for whom it counts.
type change struct {
	delta
	whose string
}

// note notes what becomes of an app, or of the environment or the file where app is empty.
func (c *comparison) note(app string, deltas ...delta) {
	for _, d := range deltas {
		if c.whose == nil {
			c.whose = map[delta][]string{}
		}
		if _, known := c.whose[d]; !known {
			c.found = append(c.found, d)
		}
		c.whose[d] = append(c.whose[d], app)
	}
}

// flush says what was noted of an environment, or of none, in which those apps stand. What becomes of all of them by the environment's own setting, is
// said of the environment.
func (c *comparison) flush(environment string, present []string) {
	for _, d := range c.found {
		apps := c.whose[d]
		whole := slices.Contains(apps, "")
		apps = slices.DeleteFunc(apps, func(app string) bool { return app == "" })
		existing := slices.DeleteFunc(slices.Clone(apps), func(app string) bool { return app == newcomer })
		ch := change{delta: d}
		switch {
		case whole && len(existing) == len(present):
		case len(apps) == 0: // no app's settings become it
			continue
		case len(existing) == 0:
			ch.whose = "apps to come: "
		default:
			ch.whose = appsWords(existing) + ": "
		}
		if _, known := c.places[ch]; !known {
			c.order = append(c.order, ch)
			c.places[ch] = nil
		}
		if environment != "" {
			c.places[ch] = append(c.places[ch], environment)
		}
	}
	c.found, c.whose = nil, nil
}

func appsWords(names []string) string {
	if len(names) > mostNamedApps {
		return several(len(names), "app")
	}
	return strings.Join(names, ", ")
}

func (c *comparison) words() []SettingChange {
	var out []SettingChange
	for _, ch := range c.order {
		words := ch.whose + ch.setting
		if places := c.places[ch]; len(places) > 0 {
			words += " of " + clip(strings.Join(places, ", "), 200)
		}
		out = append(out, SettingChange{Leaning: ch.leaning, Words: words + ch.change})
	}
	return out
}

// file compares what is of no environment and no app.
func (c *comparison) file() {
	if a, b := c.was.CommandPrefix, c.will.CommandPrefix; a != b {
		c.note("", delta{Changes, "the prefix of commands", fromTo(a, b)})
	}
	for _, env := range c.was.Order() {
		switch now := c.environmentNow(env.Name); now {
		case env.Name:
		case "":
			c.note("", delta{Changes, env.Name, " is gone"})
		case c.heir().environments[env.Name]:
			c.note("", delta{Loosens, env.Name, " is gone, and " + now + " has its manifests without its history, holds and freezes (was: " + env.Name + " carries them over)"})
		default:
			c.note("", delta{Changes, env.Name, " is called " + now + " now"})
		}
	}
	for _, env := range c.will.Order() {
		if _, known := c.formerly(env.Name); !known {
			c.note("", delta{Changes, env.Name, " is new"})
		}
	}
}

// standing returns the apps that stand in each environment, as that is called in the proposed configuration.
func (c *comparison) standing() map[string][]string {
	out := map[string][]string{}
	add := func(app, env string) {
		if list := out[env]; env != "" && (len(list) == 0 || list[len(list)-1] != app) {
			out[env] = append(list, app)
		}
	}
	for _, app := range slices.Sorted(maps.Keys(c.apps)) {
		for _, path := range c.apps[app] {
			for _, p := range c.was.Places(path) {
				if p.App == app {
					add(app, c.environmentNow(p.Environment))
				}
			}
			for _, p := range c.will.Places(path) {
				if p.App == c.appNow(app) {
					add(app, p.Environment)
				}
			}
		}
	}
	for env := range out {
		slices.Sort(out[env])
		out[env] = slices.Compact(out[env])
	}
	return out
}

// environment compares an environment as it is for itself, for each app that stands there, and for those to come.
func (c *comparison) environment(after config.Environment, present []string) {
	before, known := c.formerly(after.Name)
	if !known {
		return
	}
	c.note("", deltasOf(c.inNewNames(before), after)...)
	for _, app := range append(slices.Clone(present), newcomer) {
		a, ok := c.was.Settings(app, before.Name, c.apps[app]...)
		now := app
		if app != newcomer {
			now = c.appNow(app)
		}
		if b, still := c.will.Settings(now, after.Name, c.apps[app]...); ok && still {
			c.note(app, deltasOf(c.inNewNames(a), b)...)
		}
	}
	c.flush(after.Name, present)
}

// inNewNames returns the environment with those it comes from as they are called in the proposed configuration.
func (c *comparison) inNewNames(env config.Environment) config.Environment {
	env.From = slices.Clone(env.From)
	for i, name := range env.From {
		if now := c.environmentNow(name); now != "" {
			env.From[i] = now
		}
	}
	return env
}

// app compares what is an app's own, in whatever environment.
func (c *comparison) app(name string) {
	paths := c.apps[name]
	now := c.appNow(name)
	before, ok := c.was.App(name, paths...)
	after, still := c.will.App(now, paths...)
	switch {
	case ok && !still:
		c.note(name, delta{Changes, "not promoted any more", ""})
	case still && !ok:
		c.note(name, delta{Changes, "promoted from now on", ""})
	case ok && still:
		switch now {
		case name:
		case c.heir().apps[name]:
			c.note(name, delta{Loosens, now + " has its manifests without its history, holds and freezes", " (was: " + name + " carries them over)"})
		default:
			c.note(name, delta{Changes, "called " + now + " from now on", ""})
		}
		for _, s := range []struct{ name, was, will string }{
			{"group", before.Group, after.Group},
			{"source", before.Source, after.Source},
			{"images", imagesWords(before), imagesWords(after)},
		} {
			if s.was != s.will {
				c.note(name, delta{Changes, s.name, fromTo(s.was, s.will)})
			}
		}
		if !c.sameFiles(name, now) {
			c.note(name, delta{Changes, "manifests", " are found otherwise"})
		}
		if !c.sameAlso(name, now) {
			c.note(name, delta{Changes, "also", " moves other values"})
		}
	}
}

// newApps notes the apps that only the proposed configuration names.
func (c *comparison) newApps() {
	known := c.was.NamedApps()
	for _, name := range c.will.NamedApps() {
		_, stands := c.apps[name]
		if was := slices.ContainsFunc(slices.Concat(known, slices.Collect(maps.Keys(c.apps))), func(old string) bool { return c.appNow(old) == name }); !was && !stands {
			c.note(name, delta{Changes, "promoted from now on", ""})
		}
	}
}

func imagesWords(app config.App) string {
	var words []string
	for _, i := range app.Images {
		text := i.Name
		for _, env := range slices.Sorted(maps.Keys(i.In)) {
			text += fmt.Sprintf(" (%s in %s)", i.In[env], env)
		}
		words = append(words, text+either(i.Digest, " with its digest", ""))
	}
	return strings.Join(words, ", ")
}

// sameFiles says whether the app's manifests are the same files, with the same keys, in the environments that both configurations have.
func (c *comparison) sameFiles(name, now string) bool {
	stays := func(env string) string {
		if _, known := c.formerly(env); !known {
			return ""
		}
		return env
	}
	return !slices.ContainsFunc(c.apps[name], func(path string) bool {
		return fmt.Sprint(filesOf(c.was, path, name, c.environmentNow)) != fmt.Sprint(filesOf(c.will, path, now, stays))
	})
}

// filesOf returns what the path is to the app in the environments that are called anything.
func filesOf(c *config.Config, path, app string, called func(string) string) (out []config.Manifest) {
	for _, m := range c.Manifests(path) {
		if env := called(m.Environment); m.App == app && env != "" {
			m.App, m.Environment = "", env
			out = append(out, m)
		}
	}
	return out
}

// sameAlso says whether the same values move with the app's releases.
func (c *comparison) sameAlso(name, now string) bool {
	paths := c.apps[name]
	return !slices.ContainsFunc(c.will.Environments, func(env config.Environment) bool {
		before, known := c.formerly(env.Name)
		return known && fmt.Sprint(alsoOf(c.was, name, before.Name, paths)) != fmt.Sprint(alsoOf(c.will, now, env.Name, paths))
	})
}

func alsoOf(c *config.Config, app, env string, paths []string) []config.Also {
	list := slices.Clone(c.AlsoOf(app, env, paths...))
	for i := range list {
		list[i].Place = config.Place{}
	}
	return list
}

// SameSettings says whether two configurations mean the same for an app whose manifests stand at the paths.
func SameSettings(a, b *config.Config, app string, paths []string) bool {
	was, ok := a.App(app, paths...)
	will, still := b.App(app, paths...)
	if ok != still || was.Group != will.Group || was.Source != will.Source || imagesWords(was) != imagesWords(will) {
		return false
	}
	c := comparison{was: a, will: b, apps: map[string][]string{app: paths}}
	same := func(x, y config.Environment) bool { return x.Name == y.Name && len(deltasOf(x, y)) == 0 }
	return slices.EqualFunc(a.EnvironmentsOf(app, paths...), b.EnvironmentsOf(app, paths...), same) && c.sameFiles(app, app) && c.sameAlso(app, app)
}
