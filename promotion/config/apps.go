package config

import (
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// maxDiscoveries is how many entries may have discover: whatever asks for an app by name has to look at each of them.
const maxDiscoveries = 100

// entry is one entry of apps as it is written: a named app, or what discover finds. Unset settings are zero.
type entry struct {
	name       string
	was        []string
	discover   *pattern
	except     exception
	source     string // may hold {app}
	sourceTags []string
	group      string
	images     []image
	manifests  []manifest
	also       []also
	own        *overrides // nil where it says nothing of the kind
	added      *overrides // by an included file, which can only be stricter
	included   string     // the path of the included file that has the app, or adds to it

	has     map[string]position // the keys that stand there, right or wrong
	at      position
	named   position
	groupAt position
	wasAt   []position
}

// image is an image as it is written, with {app} where it stands.
type image struct {
	Image
	at   position
	inAt map[string]position
}

// exception is what a discover entry leaves out.
type exception struct {
	names map[string]bool
	forms []flat // with "*"
}

// complete says that a named app stands by itself, and is not the settings of one that discover finds.
func (e entry) complete() bool {
	return len(e.manifests) > 0 && len(e.images) > 0
}

// over returns the settings of a named app, with those of base where it has none.
func (e entry) over(base entry) entry {
	if _, ok := e.has["source"]; !ok {
		e.source = base.source
	}
	if _, ok := e.has["source_tag"]; !ok {
		e.sourceTags = base.sourceTags
	}
	if _, ok := e.has["also"]; !ok {
		e.also = base.also
	}
	if len(e.images) == 0 {
		e.images = base.images
	}
	if e.group == "" {
		e.group = base.group
	}
	e.own = e.own.over(base.own)
	return e
}

// excepted says whether a discover entry leaves a name out.
func (e entry) excepted(name string) bool {
	return e.except.names[name] || slices.ContainsFunc(e.except.forms, func(form flat) bool {
		_, ok := form.match(name)
		return ok
	})
}

// filledIn returns the image of the app of a name.
func (i image) filledIn(app string) Image {
	out := Image{Name: strings.ReplaceAll(i.Name, appMark, app), Digest: i.Digest}
	for env, other := range i.In {
		if out.In == nil {
			out.In = make(map[string]string, len(i.In))
		}
		out.In[env] = strings.ReplaceAll(other, appMark, app)
	}
	return out
}

// apps reads the list of apps.
func (r *reporter) apps(f field) []entry {
	items, _ := r.list(f.value, "apps")
	out := make([]entry, 0, len(items))
	discoveries := 0
	for _, item := range items {
		fields, ok := r.fields(atApp, item)
		if !ok {
			continue
		}
		out = append(out, r.app(item, fields))
		if has(fields, "discover") {
			if discoveries++; discoveries == maxDiscoveries+1 {
				r.failAs(ruleLimit, item, "more than %d entries with discover; one finds any number of apps", maxDiscoveries)
				return out
			}
		}
	}
	return out
}

// app reads one entry of apps.
func (r *reporter) app(n *yaml.Node, fields []field) entry {
	e := r.entryOf(n, fields)
	switch named, discovers := has(fields, "name"), has(fields, "discover"); {
	case named && discovers:
		r.fail(n, "an app has either a name or discover; the settings of one discovered app are an entry of its own, with its name")
	case !named && !discovers:
		r.failAs(ruleMissingKey, n, "name is missing (or discover, where the paths of the repository name the apps)")
	case discovers:
		r.checkDiscovery(fields)
	case has(fields, "except"):
		r.note(ruleUseless, e.has["except"], "except goes with discover, of which it leaves out names")
	}
	return e
}

// entryOf reads the keys of an app, wherever they stand.
func (r *reporter) entryOf(n *yaml.Node, fields []field) entry {
	var own overrides
	e := entry{at: r.pos(n), named: r.pos(n), has: make(map[string]position, len(fields)), own: &own}
	r.read(fields, func(f field) {
		e.has[f.key] = r.pos(f.name)
		r.appField(&e, f)
	})
	if !own.said {
		e.own = nil
	}
	return e
}

// appField reads one key of an app.
func (r *reporter) appField(e *entry, f field) {
	switch f.key {
	case "name":
		e.named = r.pos(f.value)
		e.name, _ = r.name(f.value)
	case "was":
		e.was, e.wasAt = r.was(f)
	case "discover":
		if s, ok := r.text(f.value, "discover"); ok {
			e.discover = r.pattern(f.value, s, true, nil)
		}
	case "except":
		e.except = r.except(f)
	case "source":
		e.source = r.source(f.value)
	case "source_tag":
		e.sourceTags = r.sourceTags(f)
	case "group":
		e.groupAt = r.pos(f.value)
		e.group, _ = r.name(f.value)
	case "images":
		e.images = r.images(f)
	case "manifests":
		e.manifests = r.manifests(f)
	case "also":
		e.also = r.also(f)
	case "environments":
		e.own.in, e.own.said = r.overrides(f), true
	default:
		e.own.said = r.setting(&e.own.all, f) || e.own.said
	}
}

// overrides reads by environment what is otherwise for the app there. Whether the environments exist is checked once all are read.
func (r *reporter) overrides(f field) map[string]settings {
	if !r.is(f.value, yaml.MappingNode, "!!map", "environments", "environments with what is otherwise there") {
		return nil
	}
	at := atOverride
	if slices.Contains(f.known.at, atIncluded) {
		at = atIncludedOverride
	}
	out := make(map[string]settings, len(f.value.Content)/2)
	for env := range r.pairs(f.value) {
		r.checkName(env.name, env.key)
		var s settings
		fields, _ := r.fields(at, env.value)
		s.at = r.pos(env.name)
		r.read(fields, func(f field) { r.setting(&s, f) })
		out[env.key] = s
	}
	return out
}

// checkName notes a key that can't be the name of an environment.
func (r *reporter) checkName(n *yaml.Node, name string) {
	if problem := nameProblem(name); problem != "" {
		r.failAs(ruleInvalidName, n, "%s can't be an environment: %s", quoted(name), problem)
	}
}

// was reads the names something had before: one, or a list.
func (r *reporter) was(f field) (names []string, at []position) {
	nodes := []*yaml.Node{f.value}
	if f.value.Kind == yaml.SequenceNode {
		_, nodes = r.texts(f.value, "was")
		if len(f.value.Content) == 0 {
			r.fail(f.value, "was is empty; remove it")
		}
	}
	for _, n := range nodes {
		if name, ok := r.name(n); ok {
			names, at = append(names, name), append(at, r.pos(n))
		}
	}
	return names, at
}

// checkDiscovery notes keys that do not go with discover, and the one that has to.
func (r *reporter) checkDiscovery(fields []field) {
	for _, f := range fields {
		switch f.key {
		case "manifests":
			r.fail(f.name, "manifests does not go with discover: every path that discover finds is a manifest")
		case "was":
			r.fail(f.name, "was does not go with discover; an app that was renamed has an entry of its own, with its name")
		}
	}
	if !has(fields, "images") {
		for _, f := range fields {
			if f.key == "discover" {
				r.failAs(ruleMissingKey, f.name, "images is missing beside discover; list the images of its apps, with {app} for the name")
			}
		}
	}
}

var (
	exceptForm    = regexp.MustCompile(`^[^/{}]+$`)
	exceptRefused = regexp.MustCompile(`\*\*|^\s|\s$`)
)

// except reads the names that discover leaves out. They may be names that no app can have: such folders are why it is needed.
func (r *reporter) except(f field) exception {
	names, nodes := r.texts(f.value, "except")
	out := exception{names: make(map[string]bool, len(names))}
	for i, name := range names {
		switch {
		case !exceptForm.MatchString(name) || exceptRefused.MatchString(name):
			r.fail(nodes[i], "%s can't be excepted: a name is one part of a path, in which * may stand for any letters", quoted(name))
		case !strings.Contains(name, "*"):
			out.names[name] = true
		default:
			out.forms = append(out.forms, flatSegment(name))
			if len(out.forms) == maxWild+1 {
				r.failAs(ruleLimit, nodes[i], "more than %d names with * to except", maxWild)
			}
		}
	}
	return out
}

// sourceForm is owner/name; GitLab has groups within groups before the name.
var (
	sourceForm    = regexp.MustCompile(`^([A-Za-z0-9._-]|\{app\})+(/([A-Za-z0-9._-]|\{app\})+)+$`)
	sourceRefused = regexp.MustCompile(`(^|/)\.\.(/|$)`)
)

// sourceTagForm has exactly one of the two marks.
var sourceTagForm = regexp.MustCompile(`^[A-Za-z0-9._*-]*(\{commit\}|\{version\})[A-Za-z0-9._*-]*$`)

// What stands for the commit, and for the Git tag, in a form of tags.
const (
	CommitMark  = "{commit}"
	VersionMark = "{version}"
)

// maxSourceTags bounds the forms of tags of one app.
const maxSourceTags = 10

// sourceTags reads how tags name source commits: one form, or a list.
func (r *reporter) sourceTags(f field) (forms []string) {
	nodes := []*yaml.Node{f.value}
	if f.value.Kind == yaml.SequenceNode {
		_, nodes = r.texts(f.value, "source_tag")
		if n := len(f.value.Content); n == 0 || n > maxSourceTags {
			r.fail(f.value, "source_tag has %d forms; 1 to %d are expected", n, maxSourceTags)
		}
	}
	for _, n := range nodes {
		s, ok := r.text(n, "source_tag")
		if ok && !sourceTagForm.MatchString(s) {
			r.fail(n, "%s can't be the form of a tag: it holds {commit} or {version} once, letters, digits, . _ - and *", quoted(s))
		}
		forms = append(forms, s)
	}
	return forms
}

// source reads the name of a source repository.
func (r *reporter) source(n *yaml.Node) string {
	s, ok := r.text(n, "source")
	switch {
	case !ok:
		return ""
	case strings.Contains(strings.ReplaceAll(s, appMark, ""), "{"):
		r.fail(n, "%s: only {app} is filled in in source: a release has one source in all environments", quoted(s))
	case !sourceForm.MatchString(s), sourceRefused.MatchString(s):
		r.fail(n, "%s can't be a source: it is a repository of the same forge, written owner/name", quoted(s))
	}
	return s
}
