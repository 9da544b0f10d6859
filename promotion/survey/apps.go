package survey

import (
	"cmp"
	"maps"
	"path"
	"slices"
	"strings"
)

// app is one app on its way into the configuration.
type app struct {
	found   string // as the paths have it
	name    string // in the configuration
	scope   string
	units   []*unit
	tags    []tag
	images  []image
	spoiled string // why it is left out; "" where it is kept
}

// tag is an image in one file of an environment.
type tag struct {
	image string
	tag   string
	env   string // the spot's value
	unit  *unit
	keys  string // where the name does not stand beside it
	path  string
}

// findApps puts the units of one app together and finds its images.
func (w *work) findApps(files []File) {
	byKey := map[string]*app{}
	names := newNamer(files)
	for _, u := range w.units {
		name := u.app.name
		if name == "" {
			name = w.unnamed(u)
		}
		key := u.scope() + "\x00" + name
		a := byKey[key]
		if a == nil {
			a = &app{found: name, scope: u.scope()}
			byKey[key] = a
			w.apps = append(w.apps, a)
		}
		a.units = append(a.units, u)
		a.tags = append(a.tags, u.tags(name, names, w)...)
	}
	w.joinApps()
}

// unnamed names the app of a unit whose path does not: after its chart, else its only image, else the repository.
func (w *work) unnamed(u *unit) string {
	if chart := w.charts[path.Dir(u.template)]; chart != "" {
		return chart
	}
	names := map[string]bool{}
	for _, f := range u.files {
		for _, i := range f.listing.Images {
			if !isThirdParty(i.Name) {
				names[path.Base(nameOf(i.Name, i.Pulled))] = true
			}
		}
	}
	if len(names) == 1 {
		for name := range names {
			return name
		}
	}
	if slug(w.name) != "" {
		return slug(w.name)
	}
	return "app"
}

// tags returns the images in all files of the unit.
func (u *unit) tags(app string, names *namer, w *work) []tag {
	var list []tag
	for _, env := range slices.Sorted(maps.Keys(u.files)) {
		f := u.files[env]
		paired := map[string]bool{}
		for _, i := range f.listing.Images {
			if i.Tag == "" && i.Digest == "" && i.Pulled == "" {
				continue // nothing that could be bumped yet
			}
			paired[i.Name] = true
			list = append(list, tag{image: nameOf(i.Name, i.Pulled), tag: cmp.Or(i.Tag, i.Digest), env: env, unit: u, path: f.Path})
		}
		for _, v := range f.listing.Values {
			switch {
			case v.TagKey == "" || paired[v.Repository]:
			case v.Repository != "":
				list = append(list, tag{image: v.Repository, tag: v.Tag, env: env, unit: u, keys: joinKeys(v.Keys, v.TagKey), path: f.Path})
			default:
				if image, ok := names.find(f.Path, app, v); ok {
					list = append(list, tag{image: image, tag: v.Tag, env: env, unit: u, keys: joinKeys(v.Keys, v.TagKey), path: f.Path})
				} else if looksLikeImage(v.Keys, v.TagKey) {
					w.leave(u.template+" at "+joinKeys(v.Keys, v.TagKey), "a tag stands there, and no file says of which image: write its name in images and its place in keys")
				}
			}
		}
	}
	return list
}

// nameOf returns the name to go by where an entry replaces one name by another: the pulled one where the first is only a stand-in.
func nameOf(name, pulled string) string {
	if pulled != "" && (hostOf(name) == "" || hostOf(pulled) != "" && path.Base(name) != path.Base(pulled)) {
		return pulled
	}
	return name
}

func hostOf(image string) string {
	first, _, ok := strings.Cut(image, "/")
	if ok && strings.ContainsAny(first, ".:") || first == "localhost" {
		return first
	}
	return ""
}

// joinApps makes one app of those of one name that share an image or have one in common, and tells the others apart by their folders.
func (w *work) joinApps() {
	slices.SortStableFunc(w.apps, func(a, b *app) int {
		return cmp.Or(strings.Compare(a.found, b.found), cmp.Compare(len(b.tags), len(a.tags)), strings.Compare(a.scope, b.scope))
	})
	var out []*app
	for _, a := range w.apps {
		same := slices.IndexFunc(out, func(b *app) bool { return b.found == a.found && b.shares(a) })
		if same >= 0 {
			out[same].units = append(out[same].units, a.units...)
			out[same].tags = append(out[same].tags, a.tags...)
			continue
		}
		out = append(out, a)
	}
	w.apps = out
}

// shares tells whether two apps have an image of their own in common and no environment's file twice.
func (a *app) shares(b *app) bool {
	for _, x := range a.tags {
		for _, y := range b.tags {
			if x.image == y.image && !isThirdParty(x.image) {
				return true
			}
		}
	}
	return false
}

// keepApps decides of each app whether there is something to promote, and names those that are kept.
func (w *work) keepApps() {
	var kept []*app
	for _, a := range w.apps {
		a.chooseImages(w)
		if a.spoiled != "" {
			if len(a.tags) > 0 {
				w.leave("app "+a.found, a.spoiled)
			}
			continue
		}
		kept = append(kept, a)
	}
	w.apps = kept
	taken := map[string]int{}
	for _, a := range kept {
		a.name = cmp.Or(slug(a.found), slug(path.Base(a.images[0].name)), "app")
		if a.name == "all" {
			a.name = "all-apps"
		}
		taken[a.name]++
	}
	used := map[string]bool{}
	for _, a := range kept {
		if taken[a.name] > 1 && slug(a.scopeName()) != "" && used[a.name] {
			a.name = slug(a.scopeName() + "-" + a.name)
		}
		for base, n := a.name, 2; used[a.name]; n++ {
			a.name = base[:min(len(base), 60)] + "-" + string(rune('0'+n%10))
		}
		used[a.name] = true
	}
}

// scopeName returns the folder that tells the app from another of the same name.
func (a *app) scopeName() string {
	segments := strings.Split(a.scope, "/")
	for i := len(segments) - 1; i >= 0; i-- {
		if s := segments[i]; !strings.ContainsAny(s, "{}") && !isGeneric(s) {
			return s
		}
	}
	return segments[0]
}

// environments returns the spots' values in which the app's own images stand.
func (a *app) environments() []string {
	set := map[string]bool{}
	for _, t := range a.tags {
		if a.owns(t) {
			set[t.env] = true
		}
	}
	return slices.Sorted(maps.Keys(set))
}

// manifests returns the units in which the app's own images stand.
func (a *app) manifests() []*unit {
	var list []*unit
	for _, t := range a.tags {
		if a.owns(t) && !slices.Contains(list, t.unit) {
			list = append(list, t.unit)
		}
	}
	slices.SortFunc(list, func(x, y *unit) int { return strings.Compare(x.template, y.template) })
	return list
}
