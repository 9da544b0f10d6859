package config

import "go.yaml.in/yaml/v4"

// Parse reads a configuration. Where anything is wrong with it, the error is Errors, with a position for each, and there
// is no configuration: a setting that is not understood must not be taken for one that is absent. It fails on more than
// MaxSize bytes, anything but UTF-8, more than one YAML document, keys that are unknown or that this version does not act
// on, and names, patterns and settings that contradict each other.
func Parse(file string, data []byte) (*Config, error) {
	r := &reporter{file: file}
	c := r.config(data)
	if err := r.err(); err != nil {
		return nil, err
	}
	return c, nil
}

// config reads the top level; what it returns is complete only where nothing was noted.
func (r *reporter) config(data []byte) *Config {
	root := r.document(data)
	if root == nil {
		return nil
	}
	root = deref(root)
	if !r.version(root) {
		return nil
	}
	fields, _ := r.fields(atTop, root)
	c := &Config{}
	var environments []environment
	var apps []entry
	for _, f := range fields {
		switch f.key {
		case "mode":
			c.fileMode = r.mode(f)
		case "environments":
			environments = r.environments(f)
		case "apps":
			apps = r.apps(f)
		}
	}
	if !has(fields, "environments") {
		r.fail(root, "environments is missing; list at least one")
	}
	r.checkEnvironments(environments)
	r.checkApps(apps, environments)
	if r.count > 0 {
		return nil
	}
	c.fill(environments, apps)
	c.index = r.makeIndex(c)
	c.forget()
	return c
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
	r.fail(root, "apiVersion is missing; write \"apiVersion: %s\"", apiVersion)
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
func (c *Config) fill(environments []environment, apps []entry) {
	c.Mode = strictest(c.fileMode)
	c.byName = make(map[string]int, len(environments))
	c.envModes = make(map[string]Mode, len(environments))
	c.namedIndex = make(map[string]int, len(apps))
	for i, e := range environments {
		c.byName[e.Name] = i
		c.envModes[e.Name] = e.Mode
		e.Mode = strictest(c.fileMode, e.Mode)
		c.Environments = append(c.Environments, e.Environment)
	}
	for _, a := range apps {
		if a.discover != nil {
			c.discoveries = append(c.discoveries, a)
			continue
		}
		c.namedIndex[a.name] = len(c.named)
		c.named = append(c.named, a)
	}
	c.order = order(c.Environments, c.byName)
}

// forget lets go of the parsed file, which is many times larger than what it says.
func (c *Config) forget() {
	for _, list := range [][]entry{c.named, c.discoveries} {
		for i := range list {
			list[i].at, list[i].named = nil, nil
			for j := range list[i].images {
				list[i].images[j].at = nil
			}
			for _, p := range list[i].manifests {
				p.at = nil
			}
			if list[i].discover != nil {
				list[i].discover.at = nil
			}
		}
	}
}
