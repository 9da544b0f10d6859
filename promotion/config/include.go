package config

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

const (
	// MaxIncluded is how many files may be included.
	MaxIncluded = 5000
	// MaxIncludedSize is the size of the largest file that is included, in bytes.
	MaxIncludedSize = 64 << 10
	// maxInclusions is how many patterns include may have.
	maxInclusions = 20
)

// Included is a file beside an app, with that app's settings.
type Included struct {
	Path    string
	Content []byte
}

// Inclusion says which files a configuration includes.
type Inclusion struct {
	patterns []*pattern
}

// Includes returns which files a configuration includes, so that they can be read before Parse is given all of it. It fails
// as Parse does, but looks at nothing else.
func Includes(file string, data []byte) (Inclusion, error) {
	r := newReporter(actsOn)
	r.begin(file)
	root := r.document(data)
	if err := r.err(); err != nil {
		return Inclusion{}, err
	}
	if root = deref(root); root.Kind != yaml.MappingNode {
		return Inclusion{}, nil // what Parse will complain about
	}
	var in Inclusion
	for i := 0; i+1 < len(root.Content); i += 2 {
		if root.Content[i].Value == "include" {
			in.patterns = r.inclusions(field{key: "include", name: root.Content[i], value: deref(root.Content[i+1])})
		}
	}
	if err := r.err(); err != nil {
		return Inclusion{}, err
	}
	return in, nil
}

// Empty says whether nothing is included.
func (in Inclusion) Empty() bool { return len(in.patterns) == 0 }

// Match says whether a path of the repository is an included file.
func (in Inclusion) Match(path string) bool {
	_, ok := in.app(path)
	return ok
}

// app returns what {app} stands for in the path of an included file, "" where the pattern has none, and whether it is one.
func (in Inclusion) app(path string) (string, bool) {
	if path == File || strings.Count(path, "/") >= maxSegments {
		return "", false
	}
	segments := strings.Split(path, "/")
	for _, p := range in.patterns {
		if app, ok := matchSegments(p.segments, segments, ""); ok {
			return app, true
		}
	}
	return "", false
}

// matchSegments says whether a path has the form of a pattern without {env}, and what {app} stands for in it.
func matchSegments(pattern, path []string, app string) (string, bool) {
	if len(pattern) == 0 {
		return app, len(path) == 0
	}
	if pattern[0] == "**" {
		for i := range len(path) + 1 {
			if found, ok := matchSegments(pattern[1:], path[i:], app); ok {
				return found, true
			}
		}
		return "", false
	}
	if len(path) == 0 {
		return "", false
	}
	found, ok := flatSegment(pattern[0]).match(path[0])
	if !ok || app != "" && found != "" && app != found {
		return "", false
	}
	return matchSegments(pattern[1:], path[1:], cmp.Or(found, app))
}

// inclusions reads include: a pattern, or a list of them.
func (r *reporter) inclusions(f field) []*pattern {
	nodes := []*yaml.Node{f.value}
	if f.value.Kind == yaml.SequenceNode {
		_, nodes = r.texts(f.value, "include")
	}
	var out []*pattern
	for _, n := range bounded(r, f, nodes, maxInclusions) {
		s, ok := r.text(n, "include")
		if !ok {
			continue
		}
		problem := markProblem(s, appMark)
		rule := rulePlaceholder
		if problem == "" {
			rule, problem = ruleInvalidPattern, cmp.Or(patternProblem(s), ambiguity(s))
		}
		if problem != "" {
			r.failAs(rule, n, "the pattern %s: %s", quoted(s), problem)
			continue
		}
		out = append(out, &pattern{text: s, segments: strings.Split(s, "/"), at: r.pos(n)})
	}
	return out
}

// included reads the files that are included, and puts what they say to the apps of the configuration itself.
func (r *reporter) included(f *file, files []Included) []entry {
	in, apps, environments := f.include, f.apps, f.environments
	if len(files) > MaxIncluded {
		r.note(ruleLimit, in.at(), "include matches %d files; at most %d are read", len(files), MaxIncluded)
		return apps
	}
	byName := make(map[string]int, len(apps))
	for i, a := range apps {
		if a.name != "" {
			byName[a.name] = i
		}
	}
	root := r.file
	for _, one := range slices.SortedFunc(slices.Values(files), func(a, b Included) int { return strings.Compare(a.Path, b.Path) }) {
		e, ok := r.includedFile(in, one)
		if !ok {
			continue
		}
		at, known := byName[e.name]
		switch {
		case known && apps[at].included != "":
			r.note(ruleDuplicateName, e.named, "the app %q has its settings in %s already", e.name, apps[at].included)
			continue
		case known:
			apps[at] = r.merged(apps[at], e)
		default:
			apps, at = append(apps, e), len(apps)
			byName[e.name] = at
		}
		r.checkStricter(apps[at], apps, environments, f.mode)
	}
	r.begin(root)
	return apps
}

// at returns where include stands.
func (in Inclusion) at() position {
	if len(in.patterns) == 0 {
		return position{}
	}
	return in.patterns[0].at
}

// includedFile reads one included file.
func (r *reporter) includedFile(in Inclusion, f Included) (entry, bool) {
	r.begin(f.Path)
	app, ok := in.app(f.Path)
	if !ok {
		return entry{}, false
	}
	if len(f.Content) > MaxIncludedSize {
		r.at(1, 1, "the file has %d bytes, more than the %d that are read", len(f.Content), MaxIncludedSize)
		return entry{}, false
	}
	root := r.document(f.Content)
	if root == nil {
		return entry{}, false
	}
	root = deref(root)
	fields, ok := r.fields(atIncluded, root)
	if !ok {
		return entry{}, false
	}
	e := r.entryOf(root, fields)
	e.included = f.Path
	for _, version := range fields {
		if version.key == "apiVersion" && version.value.Value != apiVersion {
			r.fail(version.value, "apiVersion must be %s, the only one this version of Ferry reads", apiVersion)
		}
	}
	r.nameIncluded(&e, root, app)
	e.added, e.own = e.own, nil
	if e.added == nil {
		e.added = &overrides{}
	}
	return e, e.name != ""
}

// nameIncluded gives an included app its name: what stands in the file, or what {app} stands for in its path.
func (r *reporter) nameIncluded(e *entry, root *yaml.Node, app string) {
	_, named := e.has["name"]
	switch {
	case named && app != "" && e.name != "" && e.name != app:
		r.note(ruleInvalidName, e.named, "the name is %q, and the path says %q; remove it", e.name, app)
	case named || app == "":
		if !named {
			r.failAs(ruleIncomplete, root, "name is missing: whose settings these are (or write {app} in include)")
		}
	case nameProblem(app) != "":
		r.failAs(ruleInvalidName, root, "%s can't be a name: %s", quoted(app), nameProblem(app))
	default:
		e.name = app
	}
}

// merged returns the entry of the configuration with what its included file adds. Nothing may stand in both.
func (r *reporter) merged(base, e entry) entry {
	for _, key := range sortedKeys(e.has) {
		switch key {
		case "name", "apiVersion", "environments", "mode", "soak", "checks", "approvals", "freeze":
			continue
		}
		if other, twice := base.has[key]; twice {
			r.note(ruleLooser, e.has[key], "%s of %q is set in %s:%d; only what that leaves open can be set here", key, e.name, other.file, other.line)
		}
	}
	out := e.over(base)
	out.own = base.own
	out.added, out.included, out.was, out.wasAt = e.added, e.included, base.was, base.wasAt
	if len(out.manifests) == 0 {
		out.manifests = base.manifests
	}
	out.has = maps.Clone(base.has)
	maps.Copy(out.has, e.has)
	return out
}

// sortedKeys returns the keys of a map in order.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
