package config

import (
	"slices"
	"strings"
)

// Manifests returns what Places does with the keys where tag and digest stand in the file, every placeholder filled in:
// one entry for each way in which the file is a manifest of an app in an environment.
func (c *Config) Manifests(path string) []Manifest {
	var out []Manifest
	for _, m := range c.matches(path) {
		if m.claim.also != nil || !c.counts(m) {
			continue
		}
		one := Manifest{Place: c.place(m), Cluster: m.cluster}
		one.Image, one.Keys = c.keysOf(m, m.claim.manifest)
		out = append(out, one)
	}
	slices.SortStableFunc(out, func(a, b Manifest) int { return comparePlaces(a.Place, b.Place) })
	return out
}

// Also returns the values in a file that move with the release of an app into an environment, every placeholder filled in
// but "{tag}" and "{digest}". It returns entries for every app that discover could find there; the caller knows which there are.
func (c *Config) Also(path string) []Also {
	var out []Also
	for _, m := range c.matches(path) {
		if m.claim.also != nil && c.counts(m) {
			out = append(out, c.also(m, path))
		}
	}
	slices.SortStableFunc(out, func(a, b Also) int { return comparePlaces(a.Place, b.Place) })
	return out
}

// also returns what a match of also says.
func (c *Config) also(m match, path string) Also {
	a := m.claim.also
	out := Also{Place: c.place(m), Path: path, Cluster: m.cluster, Copy: a.copy, Entry: a.entry}
	e := c.Environments[m.env]
	if m.cluster != "" {
		e.Clusters = []string{m.cluster}
	}
	if a.value != "" {
		out.Value = filledIn(a.value, m.app, e)[0]
	}
	out.Image, out.Keys = c.keysOf(m, &a.manifest)
	return out
}

// AlsoOf returns the values that move with a release of an app into an environment, in the order of the file, one for each
// cluster where {cluster} stands in the path. Whether the files are there is for the caller to see. Paths are as in App.
func (c *Config) AlsoOf(app, env string, paths ...string) []Also {
	e, ok := c.settings(app, paths)
	at, known := c.byName[env]
	if !ok || !known {
		return nil
	}
	var out []Also
	for i := range e.also {
		a := &e.also[i]
		clusters := []string{""}
		if a.names(clusterMark) {
			clusters = c.Environments[at].Clusters
		}
		for _, cluster := range clusters {
			path := strings.NewReplacer(appMark, app, envMark, c.Environments[at].Dir, clusterMark, cluster).Replace(a.text)
			out = append(out, c.also(match{claim: &claim{also: a}, app: app, env: at, cluster: cluster}, path))
		}
	}
	return out
}

// place returns the place of a match.
func (c *Config) place(m match) Place {
	return Place{App: m.app, Environment: c.Environments[m.env].Name}
}

// keysOf returns the image that keys hold for, and the keys with every placeholder filled in.
func (c *Config) keysOf(m match, f *manifest) (image string, keys []string) {
	e := c.Environments[m.env]
	if m.cluster != "" {
		e.Clusters = []string{m.cluster}
	}
	for _, k := range f.keys {
		keys = append(keys, k.filledIn(m.app, e)...)
	}
	image = strings.ReplaceAll(f.image, appMark, m.app)
	if e, ok := c.settings(m.app, nil); image == "" && len(keys) > 0 && ok && len(e.images) == 1 {
		image = e.images[0].filledIn(m.app).Name
	}
	return image, keys
}

// Reads says whether a file of the repository matters: the configuration, a file it includes, a manifest, or one with
// values that move with a release.
func (c *Config) Reads(path string) bool {
	return path == File || c.include.Match(path) || c.Uses(path)
}

// Uses says whether a file is a manifest, or has values that move with a release.
func (c *Config) Uses(path string) bool { return slices.ContainsFunc(c.matches(path), c.counts) }

// Includes returns which files the configuration includes.
func (c *Config) Includes() Inclusion { return c.include }
