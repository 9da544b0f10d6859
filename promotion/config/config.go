// Package config reads .ferry.yaml, the configuration at the root of an environment repository, and says which app and environment a file belongs to.
package config

import (
	"maps"
	"slices"
	"strings"
)

// File is where the configuration stands in an environment repository.
const File = ".ferry.yaml"

// apiVersion is the version of the configuration that is read.
const apiVersion = "ferry/v1"

// Config is a configuration without errors. It does not change and may be used from several goroutines. Only Parse makes one.
type Config struct {
	Mode          Mode
	Environments  []Environment // in the order of the file
	CommandPrefix string        // obey only commands behind it, as in "/ferry hold"; empty where none is needed

	fileMode    Mode // as written; "" where it is not
	envModes    map[string]Mode
	byName      map[string]int // of Environments
	order       []int
	named       []entry
	namedIndex  map[string]int
	discoveries []entry
	renamed     map[string]string // apps by the names they had
	renamedEnv  map[string]string
	include     Inclusion
	// includedPaths are the files whose settings are in.
	includedPaths map[string]bool
	envAt         []position // beside Environments
	teams         []teamAt   // that roles name
	envSaid       []settings // beside Environments: what is said of each
	remarks       remarks
	index         *index
}

// Teams returns the teams that roles name, each once.
func (c *Config) Teams() (names []string) {
	for _, t := range c.teams {
		if !slices.Contains(names, t.name) {
			names = append(names, t.name)
		}
	}
	return names
}

// Environment returns an environment, and false where the file has none of that name.
func (c *Config) Environment(name string) (Environment, bool) {
	i, ok := c.byName[name]
	if !ok {
		return Environment{}, false
	}
	return c.Environments[i], true
}

// Order returns the environments so that each stands after those it is promoted into from; otherwise as in the file.
func (c *Config) Order() []Environment {
	out := make([]Environment, len(c.order))
	for i, at := range c.order {
		out[i] = c.Environments[at]
	}
	return out
}

// Downstream returns the names of the environments that are promoted into from env, in the order of the file.
func (c *Config) Downstream(env string) []string {
	var out []string
	for _, e := range c.Environments {
		if slices.Contains(e.From, env) {
			out = append(out, e.Name)
		}
	}
	return out
}

// NamedApps returns the names of the apps that the file names, in its order. Apps that are discovered are known only from
// the paths of the repository: see Places.
func (c *Config) NamedApps() []string {
	out := make([]string, len(c.named))
	for i, e := range c.named {
		out[i] = e.name
	}
	return out
}

// App returns the app of a name: one that the file names, or one that an entry with discover can find. Each setting is
// the named entry's where it has it, else the discover entry's with {app} filled in; a named entry with manifests and
// images of its own takes nothing from any other. It returns false where no entry allows the name.
//
// Where several entries discover, paths are manifests of the app and choose the first entry that finds one of them.
// Without paths the first entry stands in for all, except that the mode is the strictest of theirs.
func (c *Config) App(name string, paths ...string) (App, bool) {
	s, ok := c.settings(name, paths)
	if !ok {
		return App{}, false
	}
	app := App{Name: name, Was: s.was, Source: strings.ReplaceAll(s.source, appMark, name), SourceTags: s.sourceTags, Group: s.group}
	app.Mode = strictest(c.fileMode, s.own.get().all.mode.value)
	if s.added != nil {
		app.Mode = strictest(app.Mode, s.added.get().all.mode.value)
	}
	for _, image := range s.images {
		app.Images = append(app.Images, image.filledIn(name))
	}
	return app, true
}

// RenamedApp returns the app that had a name before, and false where none has said so.
func (c *Config) RenamedApp(was string) (name string, ok bool) {
	name, ok = c.renamed[was]
	return name, ok
}

// RenamedEnvironment returns the environment that had a name before, and false where none has said so.
func (c *Config) RenamedEnvironment(was string) (name string, ok bool) {
	name, ok = c.renamedEnv[was]
	return name, ok
}

// FormerApps returns the names that apps had before, with those they have now.
func (c *Config) FormerApps() map[string]string { return maps.Clone(c.renamed) }

// FormerEnvironments returns the names that environments had before, with those they have now.
func (c *Config) FormerEnvironments() map[string]string { return maps.Clone(c.renamedEnv) }

// Current returns the place of that name, or of a name that its app or its environment had before, as it is called now.
func (c *Config) Current(p Place) Place {
	if name, ok := c.renamed[p.App]; ok {
		p.App = name
	}
	if name, ok := c.renamedEnv[p.Environment]; ok {
		p.Environment = name
	}
	return p
}

// settings merges the entries that speak about an app.
func (c *Config) settings(name string, paths []string) (entry, bool) {
	i, isNamed := c.namedIndex[name]
	if isNamed && c.named[i].complete() {
		return c.named[i], true
	}
	found := c.discoveriesOf(name, paths)
	if !isNamed && (len(found) == 0 || c.nameTaken(name)) {
		return entry{}, false
	}
	var base entry
	if len(found) > 0 {
		base = found[0]
		for _, other := range found[1:] {
			own := base.own.get()
			own.all.mode = given(strictestSet(own.all.mode.value, other.own.get().all.mode.value), position{})
			base.own = &own
		}
	}
	if isNamed {
		return c.named[i].over(base), true
	}
	return base, true
}

// discoveriesOf returns the entries that may find an app, the deciding one alone where the paths tell.
func (c *Config) discoveriesOf(name string, paths []string) []entry {
	for i, e := range c.discoveries {
		if len(c.discoveries) > 1 && !e.excepted(name) && slices.ContainsFunc(paths, func(p string) bool { return c.finds(i, name, p) }) {
			return []entry{e}
		}
	}
	return slices.DeleteFunc(slices.Clone(c.discoveries), func(e entry) bool { return e.excepted(name) })
}

// nameTaken says whether a name can't be that of a discovered app.
func (c *Config) nameTaken(name string) bool {
	_, isEnvironment := c.byName[name]
	return isEnvironment || nameProblem(name) != ""
}

// Team splits a team of a role into the organization, which is owner's where it names none, and its slug.
func Team(team, owner string) (org, slug string) {
	if i := strings.LastIndexByte(team, '/'); i >= 0 {
		return team[:i], team[i+1:]
	}
	return owner, team
}
