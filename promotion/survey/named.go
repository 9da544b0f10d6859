package survey

import (
	"path"
	"slices"
	"strings"
)

// namedEntry returns the entry of one app by its name.
func (w *work) namedEntry(a *app, files []File) entry {
	e := entry{name: a.name, images: a.images, overrides: w.overrides(a), source: sourceOf(a.images)}
	keys := map[string][]keyed{}
	var paths []string
	for _, u := range a.manifests() {
		paths = append(paths, u.template)
		for _, t := range a.tags {
			if k := (keyed{t.image, t.keys}); t.unit == u && a.owns(t) && t.keys != "" && !slices.Contains(keys[u.template], k) {
				keys[u.template] = append(keys[u.template], k)
			}
		}
	}
	if len(keys) == 0 && len(paths) > maxNamed && !slices.ContainsFunc(paths, func(p string) bool { return path.Dir(p) != path.Dir(paths[0]) }) {
		if wide := path.Dir(paths[0]) + "/*" + commonExt(paths); strings.Contains(path.Dir(wide), envMark) && !anyUnreadable(wide, files) {
			paths = []string{wide}
		}
	}
	for _, p := range paths {
		e.manifests = append(e.manifests, manifestEntries(p, keys[p], len(a.images))...)
	}
	return e
}

// keyed is where the tag of an image stands.
type keyed struct{ image, keys string }

// manifestEntries returns the path, or one entry with keys for each image.
func manifestEntries(path string, keys []keyed, images int) []manifestEntry {
	if len(keys) == 0 {
		return []manifestEntry{{path: path}}
	}
	var list []manifestEntry
	for _, k := range keys {
		image := k.image
		if images == 1 {
			image = ""
		}
		at := slices.IndexFunc(list, func(m manifestEntry) bool { return m.image == image })
		if at < 0 {
			list = append(list, manifestEntry{path: path, image: image})
			at = len(list) - 1
		}
		list[at].keys = append(list[at].keys, k.keys)
	}
	return list
}

// sourceOf guesses where the images are built: only a registry that belongs to a forge says it.
func sourceOf(images []image) string {
	if len(images) != 1 {
		return ""
	}
	if rest, ok := strings.CutPrefix(images[0].name, "ghcr.io/"); ok && strings.Count(rest, "/") == 1 {
		return rest
	}
	return ""
}
