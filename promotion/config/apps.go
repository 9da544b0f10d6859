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
	name      string
	discover  *pattern
	except    exception
	source    string // may hold {app}
	images    []image
	manifests []*pattern
	mode      Mode

	hasSource bool
	at        *yaml.Node
	named     *yaml.Node
}

// image is an image as it is written, with {app} where it stands.
type image struct {
	Image
	at *yaml.Node
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
	if !e.hasSource {
		e.source = base.source
	}
	if len(e.images) == 0 {
		e.images = base.images
	}
	if e.mode == "" {
		e.mode = base.mode
	}
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
	out := Image{Name: strings.ReplaceAll(i.Name, appMark, app)}
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
				r.fail(item, "more than %d entries with discover; one finds any number of apps", maxDiscoveries)
				return out
			}
		}
	}
	return out
}

// app reads one entry of apps.
func (r *reporter) app(n *yaml.Node, fields []field) entry {
	e := entry{at: n, named: n, hasSource: has(fields, "source")}
	for _, f := range fields {
		r.appField(&e, f)
	}
	switch named, discovers := has(fields, "name"), has(fields, "discover"); {
	case named && discovers:
		r.fail(n, "an app has either a name or discover; the settings of one discovered app are an entry of its own, with its name")
	case !named && !discovers:
		r.fail(n, "name is missing (or discover, where the paths of the repository name the apps)")
	case discovers:
		r.checkDiscovery(fields)
	}
	for _, p := range e.manifests {
		p.fillApp(e.name)
	}
	return e
}

// appField reads one key of an app.
func (r *reporter) appField(e *entry, f field) {
	switch f.key {
	case "name":
		e.named = f.value
		e.name, _ = r.name(f.value)
	case "discover":
		if s, ok := r.text(f.value, "discover"); ok {
			e.discover = r.pattern(f.value, s, true)
		}
	case "except":
		e.except = r.except(f)
	case "mode":
		e.mode = r.mode(f)
	case "source":
		e.source = r.source(f.value)
	case "images":
		e.images = r.images(f)
	case "manifests":
		e.manifests = r.manifests(f)
	}
}

// checkDiscovery notes keys that do not go with discover, and the one that has to.
func (r *reporter) checkDiscovery(fields []field) {
	for _, f := range fields {
		if f.key == "manifests" {
			r.fail(f.name, "manifests does not go with discover: every path that discover finds is a manifest")
		}
	}
	if !has(fields, "images") {
		for _, f := range fields {
			if f.key == "discover" {
				r.fail(f.name, "images is missing beside discover; list the images of its apps, with {app} for the name")
			}
		}
	}
}

// except reads the names that discover leaves out. They may be names that no app can have: such folders are why it is needed.
func (r *reporter) except(f field) exception {
	names, nodes := r.texts(f.value, "except")
	out := exception{names: make(map[string]bool, len(names))}
	for i, name := range names {
		switch {
		case strings.ContainsAny(name, "/{}") || strings.Contains(name, "**"):
			r.fail(nodes[i], "%s can't be excepted: a name is one part of a path, in which * may stand for any letters", quoted(name))
		case !strings.Contains(name, "*"):
			out.names[name] = true
		default:
			out.forms = append(out.forms, flatSegment(name))
			if len(out.forms) == maxWild+1 {
				r.fail(nodes[i], "more than %d names with * to except", maxWild)
			}
		}
	}
	return out
}

// manifests reads the patterns of a named app's files.
func (r *reporter) manifests(f field) []*pattern {
	items, ok := r.list(f.value, "manifests")
	if ok && len(items) == 0 {
		r.fail(f.value, "manifests is empty; list the files in which the images stand")
	}
	seen := make(map[string]bool, len(items))
	out := make([]*pattern, 0, len(items))
	for _, item := range items {
		if item.Kind == yaml.MappingNode {
			r.fail(item, `a manifest with "path" and "keys" %s; write the path alone where the image stands beside its tag`, notYet)
			continue
		}
		s, ok := r.text(item, "a manifest")
		if !ok {
			continue
		}
		if seen[s] {
			r.fail(item, "%s stands twice in manifests", quoted(s))
			continue
		}
		seen[s] = true
		if p := r.pattern(item, s, false); p != nil {
			out = append(out, p)
		}
	}
	return out
}

// sourceForm is owner/name; GitLab has groups within groups before the name.
var sourceForm = regexp.MustCompile(`^[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)+$`)

// source reads the name of a source repository.
func (r *reporter) source(n *yaml.Node) string {
	s, ok := r.text(n, "source")
	if !ok {
		return ""
	}
	plain := strings.ReplaceAll(s, appMark, "app")
	switch {
	case strings.Contains(plain, "{"):
		r.fail(n, "%s: only {app} is filled in in source", quoted(s))
	case strings.Contains(s, "://"), !sourceForm.MatchString(plain), strings.Contains("/"+plain+"/", "/../"):
		r.fail(n, "%s can't be a source: it is a repository of the same forge, written owner/name", quoted(s))
	}
	return s
}

// images reads the images of an app.
func (r *reporter) images(f field) []image {
	items, ok := r.list(f.value, "images")
	if ok && len(items) == 0 {
		r.fail(f.value, "images is empty; list at least one")
	}
	out := make([]image, 0, len(items))
	lines := make(map[string]int, len(items))
	for _, item := range items {
		i, ok := r.image(item)
		if !ok {
			continue
		}
		if line, twice := lines[i.Name]; twice {
			r.fail(item, "the image %s stands here already in line %d", quoted(i.Name), line)
			continue
		}
		lines[i.Name] = item.Line
		out = append(out, i)
	}
	return out
}

// image reads one image: its name, or a mapping with the names other environments know it by.
func (r *reporter) image(n *yaml.Node) (image, bool) {
	i := image{at: n}
	if n.Kind != yaml.MappingNode {
		i.Name = r.imageName(n, "an image")
		return i, i.Name != ""
	}
	fields, _ := r.fields(atImage, n)
	for _, f := range fields {
		switch f.key {
		case "name":
			i.Name = r.imageName(f.value, "name")
		case "in":
			i.In = r.imageIn(f.value)
		}
	}
	if !has(fields, "name") {
		r.fail(n, "name is missing: the image, as registry/repository")
	}
	return i, i.Name != ""
}

// imageIn reads by environment under which other name an image is pulled. Whether the environments exist is checked once all are read.
func (r *reporter) imageIn(n *yaml.Node) map[string]string {
	if !r.is(n, yaml.MappingNode, "!!map", "in", "environments with image names") {
		return nil
	}
	out := make(map[string]string, len(n.Content)/2)
	for f := range r.pairs(n) {
		if s := r.imageName(f.value, "an image"); s != "" {
			out[f.key] = s
		}
	}
	return out
}

// imageForm is the name of a repository as the OCI distribution specification has it, after the registry's host: its first
// part is a host where it has a dot or a port, as for Docker.
var imageForm = regexp.MustCompile(`^([A-Za-z0-9-]+((\.[A-Za-z0-9-]+)+(:[0-9]{1,5})?|:[0-9]{1,5})/)?` + repositoryPart + `(/` + repositoryPart + `)*$`)

const repositoryPart = `[a-z0-9]+(([._]|__|-+)[a-z0-9]+)*`

// imageName reads the name of an image, which is its reference without tag and digest.
func (r *reporter) imageName(n *yaml.Node, what string) string {
	s, ok := r.text(n, what)
	if !ok {
		return ""
	}
	plain := strings.ReplaceAll(s, appMark, "app")
	last := plain[strings.LastIndex(plain, "/")+1:]
	switch {
	case strings.ContainsAny(last, ":@"):
		r.fail(n, "%s: leave out tag and digest, they are what is promoted", quoted(s))
	case strings.Contains(plain, "{"):
		r.fail(n, "%s: only {app} is filled in in images; a name that differs by environment stands under in", quoted(s))
	case len(s) > 255 || !imageForm.MatchString(plain):
		r.fail(n, "%s is not the name of an image: it is written registry/repository, the repository in lower case", quoted(s))
	default:
		return s
	}
	return ""
}
