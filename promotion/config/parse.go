package config

import (
	"maps"

	"go.yaml.in/yaml/v4"
)

// Parse reads a configuration, with the files that it includes: Includes says which those are. Where anything is wrong, the
// error is Errors, with a position for each, and there is no configuration: a setting that is not understood must not be
// taken for one that is absent. It fails on more than MaxSize bytes, anything but UTF-8, more than one YAML document, keys
// that are unknown or that this version does not act on, names, patterns and settings that contradict each other, and
// included files that make anything looser. Included files that no pattern of the configuration matches are left out.
func Parse(file string, data []byte, included ...Included) (*Config, error) {
	return parse(actsOn, file, data, included)
}

// parse is Parse for a version that acts on other keys.
func parse(acts func(key) bool, file string, data []byte, included []Included) (*Config, error) {
	r := newReporter(acts)
	c := r.config(file, data, included)
	if err := r.err(); err != nil {
		return nil, err
	}
	return c, nil
}

// newReporter returns one that has nothing to report yet.
func newReporter(acts func(key) bool) *reporter {
	return &reporter{keys: allPlaces, acts: acts, rank: map[string]int{}}
}

// begin says which file is being read.
func (r *reporter) begin(name string) {
	r.file = name
	if _, ok := r.rank[name]; !ok {
		r.rank[name] = len(r.rank)
	}
}

// file is a configuration as it is written.
type file struct {
	mode         optional[Mode]
	environments []environment
	apps         []entry
	include      Inclusion
	all          settings // of every environment
	roles        map[string]Role
	prefix       string
}

// config reads the top level; what it returns is complete only where nothing was noted.
func (r *reporter) config(name string, data []byte, included []Included) *Config {
	r.begin(name)
	root := r.document(data)
	if root == nil {
		return nil
	}
	root = deref(root)
	if !r.version(root) {
		return nil
	}
	var f file
	r.mapping(atTop, root, func(one field) { r.topField(&f, one) })
	r.checkEnvironments(f.environments)
	if len(included) > 0 {
		f.apps = r.included(&f, included)
	}
	r.checkApps(f.apps, f.environments)
	if r.count > 0 {
		return nil
	}
	c := &Config{teams: r.teams, includedPaths: make(map[string]bool, len(included))}
	for _, one := range included {
		c.includedPaths[one.Path] = true
	}
	c.fill(f)
	c.remarks = r.remarks
	c.index = r.makeIndex(c)
	return c
}

// topField reads one key of the top level.
func (r *reporter) topField(f *file, one field) {
	switch one.key {
	case "mode":
		f.mode = given(r.mode(one), r.pos(one.value))
	case "environments":
		f.environments = r.environments(one)
	case "apps":
		f.apps = r.apps(one)
	case "include":
		f.include.patterns = r.inclusions(one)
	case "roles":
		f.roles = r.roles(one.value)
	case "commands":
		r.mapping(atCommands, one.value, func(prefix field) { f.prefix = choice(r, prefix, "ferry") })
	default:
		r.setting(&f.all, one)
	}
}

// version says whether the file is of the version that is read. Of any other nothing else is read: every word in it may
// mean something else.
func (r *reporter) version(root *yaml.Node) bool {
	if !r.is(root, yaml.MappingNode, "!!map", "the file", `keys with values, beginning with "apiVersion: `+apiVersion+`"`) {
		return false
	}
	for i := 0; i+1 < len(root.Content); i += 2 {
		if root.Content[i].Value != "apiVersion" {
			continue
		}
		if v := deref(root.Content[i+1]); v.Kind != yaml.ScalarNode || v.Value != apiVersion {
			r.fail(v, "apiVersion must be %s, the only one this version of Ferry reads", apiVersion)
			return false
		}
		return true
	}
	r.failAs(ruleMissingKey, root, "apiVersion is missing; write \"apiVersion: %s\"", apiVersion)
	return true
}

// mode reads a mode.
func (r *reporter) mode(f field) Mode { return choice(r, f, modes...) }

// has says whether a key is given.
func has(fields []field, key string) bool {
	for _, f := range fields {
		if f.key == key {
			return true
		}
	}
	return false
}

// fill puts together what the look-ups need.
func (c *Config) fill(f file) {
	c.fileMode, c.Mode = f.mode.value, strictest(f.mode.value)
	c.include, c.CommandPrefix = f.include, f.prefix
	c.byName = make(map[string]int, len(f.environments))
	c.envModes = make(map[string]Mode, len(f.environments))
	c.namedIndex = make(map[string]int, len(f.apps))
	c.renamed, c.renamedEnv = map[string]string{}, map[string]string{}
	for i, e := range f.environments {
		c.byName[e.Name] = i
		c.envModes[e.Name] = e.mode.value
		f.all.into(&e.Environment)
		e.settings.into(&e.Environment)
		e.Environment.Mode = strictest(f.mode.value, e.mode.value)
		e.Environment.Roles = merged(f.roles, e.roles)
		c.Environments = append(c.Environments, e.Environment)
		c.envAt = append(c.envAt, e.entry)
		c.envSaid = append(c.envSaid, e.over(f.all))
		for _, was := range e.Was {
			c.renamedEnv[was] = e.Name
		}
	}
	for _, a := range f.apps {
		if a.discover != nil {
			c.discoveries = append(c.discoveries, a)
			continue
		}
		c.namedIndex[a.name] = len(c.named)
		c.named = append(c.named, a)
		for _, was := range a.was {
			c.renamed[was] = a.name
		}
	}
	c.order = order(c.Environments, c.byName)
}

// merged returns the roles of base with those that are said anew; nil where there are none.
func merged(base, anew map[string]Role) map[string]Role {
	if len(base)+len(anew) == 0 {
		return nil
	}
	out := make(map[string]Role, len(base)+len(anew))
	maps.Copy(out, base)
	maps.Copy(out, anew)
	return out
}
