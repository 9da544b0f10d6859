// Package config reads .ferry.yaml, the configuration at the root of an environment repository, and says which app and environment a file belongs to.
package config

import (
	"slices"
	"strings"
	"time"
)

// File is where the configuration stands in an environment repository.
const File = ".ferry.yaml"

// apiVersion is the version of the configuration that is read.
const apiVersion = "ferry/v1"

// Mode says how far Ferry goes by itself.
type Mode string

// The modes, the strictest first.
const (
	ModeObserve Mode = "observe" // writes nothing but Ferry's issue
	ModePropose Mode = "propose" // opens promotions and never merges
	ModeRelease Mode = "release" // merges too, where the environment says so
)

// modes is every mode, the strictest first; what is not in it counts as stricter than all.
var modes = []Mode{ModeObserve, ModePropose, ModeRelease}

// strictest returns the strictest mode that is set, or ModePropose where none is.
func strictest(set ...Mode) Mode {
	if least := strictestSet(set...); least != "" {
		return least
	}
	return ModePropose
}

// strictestSet is strictest without the default: it returns "" where none is set.
func strictestSet(set ...Mode) Mode {
	var least Mode
	for _, m := range set {
		if m != "" && (least == "" || slices.Index(modes, m) < slices.Index(modes, least)) {
			least = m
		}
	}
	return least
}

// Update says how a new image reaches an environment that is promoted into from nowhere.
type Update string

// The ways of an update. UpdateNone leaves it to somebody else's commits.
const (
	UpdateNone   Update = "none"
	UpdatePR     Update = "pr"
	UpdateCommit Update = "commit"
)

// Converge says what counts as arrived.
type Converge string

// ConvergeReport waits for the agents' reports; ConvergeMerge takes the merge for it, because nobody reports.
const (
	ConvergeReport Converge = "report"
	ConvergeMerge  Converge = "merge"
)

// DefaultCluster is the one cluster of an environment that names none.
const DefaultCluster = "default"

// DefaultReportTimeout is how long silence before convergence is no error yet, where the environment does not say.
const DefaultReportTimeout = 15 * time.Minute

// Environment is one environment with every default filled in.
type Environment struct {
	Name             string
	Dir              string   // what {env} stands for; may contain "/"
	From             []string // the environments it is promoted into from; none for a first environment
	FromAny          bool     // one of From is enough; otherwise all are needed
	Soak             time.Duration
	Clusters         []string // at least one
	AutoMerge        bool
	AllowUnprotected bool // merges also on a branch that nothing guards
	Update           Update
	Mode             Mode // the stricter of the file's and its own
	Converge         Converge
	ReportTimeout    time.Duration // more than 0
}

// Image is one image of an app.
type Image struct {
	Name string
	In   map[string]string // by environment, where that pulls it under another name; nil where none does
}

// NameIn returns the name under which an environment pulls the image.
func (i Image) NameIn(env string) string {
	if other, ok := i.In[env]; ok {
		return other
	}
	return i.Name
}

// App is one app with every default filled in.
type App struct {
	Name   string
	Source string // owner/name of the source repository; empty where none is given
	Images []Image
	Mode   Mode // the stricter of the file's and its own
}

// Config is a configuration without errors. It does not change and may be used from several goroutines. Only Parse makes one.
type Config struct {
	Mode         Mode
	Environments []Environment // in the order of the file

	fileMode    Mode // as written; "" where it is not
	envModes    map[string]Mode
	byName      map[string]int // of Environments
	order       []int
	named       []entry
	namedIndex  map[string]int
	discoveries []entry
	index       *index
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
	app := App{Name: name, Source: strings.ReplaceAll(s.source, appMark, name), Mode: strictest(c.fileMode, s.mode)}
	for _, image := range s.images {
		app.Images = append(app.Images, image.filledIn(name))
	}
	return app, true
}

// ModeOf returns the strictest of the modes of the file, the environment and the app, not counting those that are not
// set, and ModePropose where none is. An app or environment that the file does not know is only observed. Paths are as in App.
func (c *Config) ModeOf(app, env string, paths ...string) Mode {
	s, ok := c.settings(app, paths)
	if _, known := c.byName[env]; !ok || !known {
		return ModeObserve
	}
	return strictest(c.fileMode, c.envModes[env], s.mode)
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
			base.mode = strictestSet(base.mode, other.mode)
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
