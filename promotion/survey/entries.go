package survey

import (
	"maps"
	"path"
	"slices"
	"strings"
)

// entry is one entry of apps in the configuration: an app by its name, or what discover finds.
type entry struct {
	name      string
	discover  string
	except    []string
	images    []image
	manifests []manifestEntry
	overrides map[string][]string // by environment: from
	apps      []*app              // what discover finds
	source    string              // a guess, written as a comment
	note      string
}

// manifestEntry is a path, or a path with keys.
type manifestEntry struct {
	path  string
	image string // "" where the app has one only
	keys  []string
}

// minDiscovered is how many apps make a pattern worth it.
const minDiscovered = 2

// compose decides which apps are found by a pattern and which are named.
func (w *work) compose(files []File) {
	var alone []*app
	for _, f := range families(w.apps) {
		if list, ok := w.discovered(f.narrowed(files), f.apps, files); ok {
			w.survey.entries = append(w.survey.entries, list...)
			continue
		}
		alone = append(alone, f.apps...)
	}
	slices.SortFunc(alone, func(a, b *app) int { return strings.Compare(a.name, b.name) })
	for _, a := range alone {
		w.survey.entries = append(w.survey.entries, w.namedEntry(a, files))
	}
}

// family is apps whose manifests lie in the same places, though not every app has one in each.
type family struct {
	apps     []*app
	patterns []string // sorted
}

// families puts apps together that have a pattern in common, or files of other names in the same place.
func families(apps []*app) []*family {
	var list []*family
	byPlace := map[string]*family{}
	for _, a := range apps {
		f := &family{apps: []*app{a}, patterns: a.patterns()}
		if len(f.patterns) == 0 {
			list = append(list, f)
			continue
		}
		for _, p := range f.patterns {
			if other := byPlace[place(p)]; other != nil && other != f {
				other.apps = append(other.apps, f.apps...)
				other.patterns = slices.Compact(slices.Sorted(slices.Values(append(other.patterns, f.patterns...))))
				f = other
			}
		}
		for _, p := range f.patterns {
			byPlace[place(p)] = f
		}
		if !slices.Contains(list, f) {
			list = append(list, f)
		}
	}
	list = slices.DeleteFunc(list, func(f *family) bool { return len(f.patterns) > 0 && byPlace[place(f.patterns[0])] != f })
	slices.SortStableFunc(list, func(a, b *family) int { return slices.Compare(a.patterns, b.patterns) })
	return list
}

// place is the folder of a pattern where that says app and environment, else the pattern.
func place(pattern string) string {
	if dir := path.Dir(pattern); strings.Contains(dir, envMark) && strings.Contains(dir, appMark) {
		return dir
	}
	return pattern
}

// patterns returns the patterns that find all manifests of the app; none where it has to be named.
func (a *app) patterns() []string {
	set := map[string]bool{}
	for _, t := range a.tags {
		if a.owns(t) {
			if t.keys != "" || t.unit.app.name == "" || a.name != a.found {
				return nil
			}
			set[t.unit.pattern(t.unit.app)] = true
		}
	}
	return slices.Sorted(maps.Keys(set))
}

// narrowed returns the family's patterns, one with "*" for files of one folder where no file that it matches besides would do harm.
func (f *family) narrowed(files []File) []string {
	byPlace := map[string][]string{}
	for _, p := range f.patterns {
		byPlace[place(p)] = append(byPlace[place(p)], p)
	}
	var out []string
	for _, at := range slices.Sorted(maps.Keys(byPlace)) {
		wide := at + "/*" + commonExt(byPlace[at])
		if len(byPlace[at]) == 1 || anyUnreadable(wide, files) {
			out = append(out, byPlace[at]...)
		} else {
			out = append(out, wide)
		}
	}
	return out
}

func commonExt(paths []string) string {
	for _, p := range paths {
		if path.Ext(p) != path.Ext(paths[0]) {
			return ""
		}
	}
	return path.Ext(paths[0])
}

// anyUnreadable tells whether the pattern matches a file that is no manifest: an app with such a file could not be promoted.
func anyUnreadable(pattern string, files []File) bool {
	for _, f := range files {
		if f.Problem != "" {
			if _, ok := match(pattern, f.Path); ok {
				return true
			}
		}
	}
	return false
}

// maxPatterns is how many patterns find apps of one family before naming them is simpler.
const maxPatterns = 4

// discovered returns the entries for the apps of a family: one for each pattern that finds them, and one for each app whose images are
// called otherwise. It is false where naming each is simpler.
func (w *work) discovered(patterns []string, apps []*app, files []File) ([]entry, bool) {
	if len(apps) < minDiscovered || len(patterns) == 0 || len(patterns) > maxPatterns {
		return nil, false
	}
	best, count := commonImages(apps)
	if count < minDiscovered || 2*count < len(apps) {
		return nil, false
	}
	slices.SortFunc(apps, func(a, b *app) int { return strings.Compare(a.name, b.name) })
	first := entry{apps: apps}
	var own []entry
	for _, a := range apps {
		e := entry{name: a.name, overrides: w.overrides(a)}
		if images := a.generalImages(); imagesKey(images) == best {
			first.images = images
		} else {
			e.images = a.images
		}
		if e.images != nil || e.overrides != nil {
			own = append(own, e)
		}
	}
	first.source = sourceOf(first.images)
	var list []entry
	for i, pattern := range patterns {
		e, ok := first, false
		if i > 0 {
			e.apps, e.source = nil, ""
		}
		e.discover = pattern
		if e.except, ok = w.except(pattern, apps, files); !ok {
			return nil, false
		}
		e.note = w.exceptNote(e.except)
		list = append(list, e)
	}
	return append(list, own...), true
}

// commonImages returns the key of the images that most apps have when {app} stands for their names, and how many have it.
func commonImages(apps []*app) (key string, count int) {
	counts := map[string]int{}
	for _, a := range apps {
		counts[imagesKey(a.generalImages())]++
	}
	for _, k := range slices.Sorted(maps.Keys(counts)) {
		if strings.Contains(k, appMark) && counts[k] > count {
			key, count = k, counts[k]
		}
	}
	return key, count
}

// exceptNote says why discover leaves names out.
func (w *work) exceptNote(names []string) string {
	kept := 0
	for _, name := range names {
		if slices.ContainsFunc(w.apps, func(a *app) bool { return a.found == name }) {
			kept++
		}
	}
	switch kept {
	case 0:
		return "nothing of it can be promoted; ferry init says why"
	case len(names):
		return "named below"
	}
	return "some are named below; of the others nothing can be promoted, and ferry init says why"
}

// maxExcept is how many names discover may leave out before naming the apps is simpler.
const maxExcept = 40

// except returns what the pattern would find beside the apps.
func (w *work) except(pattern string, apps []*app, files []File) ([]string, bool) {
	wanted := map[string]bool{}
	for _, a := range apps {
		wanted[a.found] = true
	}
	others := map[string]bool{}
	for _, f := range files {
		for _, e := range w.survey.Environments {
			if name, ok := match(strings.ReplaceAll(pattern, envMark, e.Dir), f.Path); ok && !wanted[name] && name != "" {
				others[name] = true
			}
		}
	}
	list := slices.Sorted(maps.Keys(others))
	return list, len(list) <= max(maxExcept, len(apps)/2)
}
