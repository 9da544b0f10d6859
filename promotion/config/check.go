package config

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

const (
	// maxNamed is how many names one finding lists.
	maxNamed = 5
	// maxOfRule is how many findings of one rule are worth reading.
	maxOfRule = 50
)

// Tree is what a configuration is checked against: the files of one revision of the repository.
type Tree struct {
	Paths []string // of all files
	// Images are the names of the images found in each manifest, by path. A manifest that could not be read has no entry,
	// and then nothing is said about the images of its app; where the map is nil, nothing is said about any.
	Images map[string][]string
	// NoTeams are the teams that roles name and that the forge does not show.
	NoTeams []string
}

// Check returns what is wrong, or looks wrong, between a configuration and the files of the repository, in the order of the
// configuration; none where all is well. It does not repeat what Parse finds.
func (c *Config) Check(t Tree) []Finding {
	k := &checker{config: c, tree: t, used: map[position]bool{}, files: map[string][]appFile{}, inUse: map[string]bool{}, overlaps: map[[2]string]bool{}}
	for _, path := range t.Paths {
		k.path(path)
	}
	k.teams()
	k.environments()
	k.merges()
	k.apps()
	k.discoveries()
	k.images()
	k.remarks()
	k.includes()
	slices.SortStableFunc(k.found, func(a, b Finding) int {
		return cmp.Or(strings.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return slices.Clip(bound(k.found))
}

// bound leaves out what is too much of one rule to be read.
func bound(all []Finding) []Finding {
	count := map[string]int{}
	return slices.DeleteFunc(all, func(f Finding) bool {
		count[f.Rule]++
		return count[f.Rule] > maxOfRule
	})
}

// checker collects what one look at all paths finds.
type checker struct {
	config   *Config
	tree     Tree
	found    []Finding
	used     map[position]bool    // patterns that match something
	files    map[string][]appFile // by app
	inUse    map[string]bool      // environments that have a manifest
	misnamed []string
	overlaps map[[2]string]bool
	included []string
}

// appFile is one manifest of an app.
type appFile struct {
	path string
	env  string
}

// add adds a finding.
func (k *checker) add(rule string, at position, format string, args ...any) {
	about := ruleOf(rule)
	k.found = append(k.found, Finding{File: at.file, Line: max(at.line, 1), Column: max(at.column, 1), Severity: about.Severity, Rule: rule,
		Message: fmt.Sprintf(format, args...), Do: about.Do})
}

// path looks at one file of the repository.
func (k *checker) path(path string) {
	if k.config.include.Match(path) {
		k.included = append(k.included, path)
	}
	matches := k.config.matches(path)
	manifests := matches[:0:0]
	for _, m := range matches {
		switch {
		case !k.config.counts(m):
			k.misname(m)
			continue
		case m.claim.also == nil:
			manifests = append(manifests, m)
			k.files[m.app] = append(k.files[m.app], appFile{path: path, env: k.config.Environments[m.env].Name})
			k.inUse[k.config.Environments[m.env].Name] = true
		}
		k.used[m.claim.at.at] = true
	}
	k.overlap(path, manifests)
}

// misname notes a folder whose name can't be an app's, once for each name.
func (k *checker) misname(m match) {
	if m.discovery < 0 || m.claim.also != nil || !k.config.nameTaken(m.app) || slices.Contains(k.misnamed, m.app) || len(k.misnamed) > maxOfRule {
		return
	}
	k.misnamed = append(k.misnamed, m.app)
	k.used[m.claim.at.at] = true
	k.add(ruleMisnamed, m.claim.at.at, "%s can't be the name of an app: %s", quoted(m.app), cmp.Or(nameProblem(m.app), "an environment has that name"))
}

// overlap notes two apps that a file can't be told apart for, once for each two.
func (k *checker) overlap(path string, matches []match) {
	for i, m := range matches {
		for _, other := range matches[:i] {
			pair := [2]string{min(m.app, other.app), max(m.app, other.app)}
			if m.app == other.app || k.overlaps[pair] || !k.config.shared(m, other) {
				continue
			}
			k.overlaps[pair] = true
			last := m.claim.at.at
			if before(last, other.claim.at.at) {
				last = other.claim.at.at
			}
			k.add(ruleOverlap, last, "the apps %q and %q both claim %s", pair[0], pair[1], path)
		}
	}
}

// before says whether a position stands before another.
func before(a, b position) bool {
	return cmp.Or(strings.Compare(a.file, b.file), cmp.Compare(a.line, b.line), cmp.Compare(a.column, b.column)) < 0
}

// shared says whether two matches of one file claim the same part of it: only keys that differ tell them apart.
func (c *Config) shared(a, b match) bool {
	if len(a.claim.manifest.keys) == 0 || len(b.claim.manifest.keys) == 0 {
		return true
	}
	_, keys := c.keysOf(a, a.claim.manifest)
	_, others := c.keysOf(b, b.claim.manifest)
	return slices.ContainsFunc(keys, func(key string) bool { return slices.Contains(others, key) })
}

// Overlap returns the apps that claim the same part of a file, sorted; none for a file of one app, or where each has keys of
// its own. Nothing in such a file may be edited.
func (c *Config) Overlap(path string) []string {
	matches := slices.DeleteFunc(c.matches(path), func(m match) bool { return m.claim.also != nil || !c.counts(m) })
	apps := map[string]bool{}
	for i, m := range matches {
		for _, other := range matches[:i] {
			if m.app != other.app && c.shared(m, other) {
				apps[m.app], apps[other.app] = true, true
			}
		}
	}
	return sortedKeys(apps)
}

// environments notes environments that nothing is promoted into or from, and those that no app is in.
func (k *checker) environments() {
	c := k.config
	upstream := map[string]bool{}
	for _, e := range c.Environments {
		for _, from := range e.From {
			upstream[from], upstream[e.Name] = true, true
		}
	}
	for _, a := range slices.Concat(c.named, c.discoveries) {
		for env, s := range a.own.get().in {
			for _, from := range s.from.value.names {
				upstream[from], upstream[env] = true, true
			}
		}
	}
	for i, e := range c.Environments {
		if !upstream[e.Name] && len(c.Environments) > 1 {
			k.add(ruleUnconnected, c.envAt[i], "nothing is promoted into %q, and nothing from it", e.Name)
		}
		if !k.inUse[e.Name] && len(k.inUse) > 0 {
			k.add(ruleEmptyEnv, c.envAt[i], "no app has a manifest in %q, whose dir is %s", e.Name, quoted(e.Dir))
		}
	}
}

// apps notes named apps without a manifest, and patterns of the others that match nothing.
func (k *checker) apps() {
	for _, a := range k.config.named {
		if len(k.files[a.name]) == 0 {
			k.add(ruleEmptyApp, a.named, "the app %q has no manifest in any environment", a.name)
			continue
		}
		for _, m := range a.manifests {
			k.unused(m.pattern)
		}
		for _, m := range a.also {
			k.unused(m.pattern)
		}
	}
}

// discoveries notes entries that discover nothing.
func (k *checker) discoveries() {
	for _, d := range k.config.discoveries {
		k.unused(d.discover)
		for _, m := range d.also {
			k.unused(m.pattern)
		}
	}
}

// unused notes a pattern that matches nothing.
func (k *checker) unused(p *pattern) {
	if !k.used[p.at] {
		k.used[p.at] = true // an anchor that is used twice is said once
		k.add(ruleNoMatch, p.at, "the pattern %s matches no file", quoted(p.text))
	}
}

// images notes images that stand in no manifest of their app.
func (k *checker) images() {
	if k.tree.Images == nil {
		return
	}
	missing := map[position][]string{}
	wanted := map[position]string{}
	for _, app := range slices.Sorted(maps.Keys(k.files)) {
		files := k.files[app]
		paths := make([]string, len(files))
		for i, f := range files {
			paths[i] = f.path
		}
		e, ok := k.config.settings(app, paths)
		if !ok || slices.ContainsFunc(paths, func(p string) bool { _, read := k.tree.Images[p]; return !read }) {
			continue
		}
		for _, i := range e.images {
			if !k.stands(i.filledIn(app), files) {
				missing[i.at] = append(missing[i.at], app)
				wanted[i.at] = i.Name
			}
		}
	}
	for at, apps := range missing {
		k.add(ruleNoImage, at, "the image %s stands in no manifest of %s", quoted(wanted[at]), someOf(apps))
	}
}

// stands says whether an image stands in one of the files.
func (k *checker) stands(i Image, files []appFile) bool {
	return slices.ContainsFunc(files, func(f appFile) bool {
		found := k.tree.Images[f.path]
		return slices.Contains(found, i.Name) || slices.Contains(found, i.NameIn(f.env))
	})
}

// someOf words a list of apps, of which there may be thousands.
func someOf(apps []string) string {
	if len(apps) <= maxNamed {
		return strings.Join(apps, ", ")
	}
	return fmt.Sprintf("%s and %d more apps", strings.Join(apps[:maxNamed], ", "), len(apps)-maxNamed)
}

// includes notes include patterns that match nothing, and included files that were not read.
func (k *checker) includes() {
	for _, p := range k.config.include.patterns {
		one := Inclusion{patterns: []*pattern{p}}
		if !slices.ContainsFunc(k.included, one.Match) {
			k.add(ruleIncludeMissing, p.at, "include: %s matches no file", quoted(p.text))
		}
	}
	for _, path := range k.included {
		if !k.config.includedPaths[path] {
			k.add(ruleIncludeUnread, k.config.include.at(), "%s is included, and its settings are not known", path)
		}
	}
}

// teams finds those that the forge does not show, once each.
func (k *checker) teams() {
	var said []string
	for _, t := range k.config.teams {
		if slices.Contains(k.tree.NoTeams, t.name) && !slices.Contains(said, t.name) {
			said = append(said, t.name)
			k.add(ruleNoTeam, t.at, "a role names the team %s, and the forge shows Ferry none of that name", quoted(t.name))
		}
	}
}
