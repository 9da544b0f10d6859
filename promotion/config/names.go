package config

import "go.yaml.in/yaml/v4"

// checkApps notes what does not fit between apps, and between apps and environments, which share one space of names:
// comments name either of them.
func (r *reporter) checkApps(apps []entry, environments []environment) {
	known := make(map[string]*environment, len(environments))
	for i := range environments {
		known[environments[i].Name] = &environments[i]
	}
	lines := make(map[string]int, len(apps))
	for _, a := range apps {
		r.checkImages(a, environments, known)
		if a.name == "" {
			continue
		}
		if line, twice := lines[a.name]; twice {
			r.fail(a.named, "the name %q is taken by the app in line %d", a.name, line)
			continue
		}
		lines[a.name] = a.at.Line
		if e := known[a.name]; e != nil {
			r.fail(a.named, "the name %q is taken by the environment in line %d; comments could not tell them apart", a.name, e.entry.Line)
		}
		r.checkNamed(a, apps)
	}
}

// checkNamed notes what a named app lacks and no discover entry can give it.
func (r *reporter) checkNamed(a entry, apps []entry) {
	if a.complete() {
		return
	}
	for _, d := range apps {
		if d.discover != nil && !d.excepted(a.name) {
			return
		}
	}
	if !hasKey(a.at, "manifests") {
		r.fail(a.named, "the app %q has no manifests, and no entry with discover finds it; list the files in which its images stand", a.name)
	}
	if !hasKey(a.at, "images") {
		r.fail(a.named, "the app %q has no images; list what is promoted", a.name)
	}
}

// hasKey says whether a key stands in a mapping, right or wrong: what is wrong with it is noted where it stands.
func hasKey(n *yaml.Node, key string) bool {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return true
		}
	}
	return false
}

// checkImages notes environments that are not there, and two images that an environment could not tell apart.
func (r *reporter) checkImages(a entry, environments []environment, known map[string]*environment) {
	type pull struct{ env, name string }
	plain := make(map[string]image, len(a.images))
	for _, i := range a.images {
		plain[i.Name] = i
	}
	taken := map[pull]string{}
	for _, i := range a.images {
		for env, name := range i.In {
			if known[env] == nil {
				r.failWith(i.keyOf(env), func() string { return noEnvironment(env, environments) })
				continue
			}
			other, twice := taken[pull{env, name}]
			if p, ok := plain[name]; ok && p.Name != i.Name && p.In[env] == "" {
				other, twice = p.Name, true
			}
			if twice {
				r.fail(i.keyOf(env), "in %s the image %s has this name too; no manifest could tell them apart", env, quoted(other))
			}
			taken[pull{env, name}] = i.Name
		}
	}
}

// keyOf returns where an environment stands under in.
func (i image) keyOf(env string) *yaml.Node {
	for j := 0; j+1 < len(i.at.Content); j += 2 {
		if i.at.Content[j].Value != "in" {
			continue
		}
		in := deref(i.at.Content[j+1])
		for k := 0; k+1 < len(in.Content); k += 2 {
			if in.Content[k].Value == env {
				return in.Content[k]
			}
		}
	}
	return i.at
}
