package survey

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"ferry/promotion/manifest"
)

// report fills in what was recognised, and what was left out.
func (w *work) report(files, without []File) {
	for _, a := range w.apps {
		w.survey.Apps = append(w.survey.Apps, w.appReport(a))
	}
	slices.SortFunc(w.survey.Apps, func(a, b App) int { return strings.Compare(a.Name, b.Name) })
	w.reportWithout(without)
	w.reportElements(files)
	w.reportGaps()
	for _, what := range slices.Sorted(maps.Keys(w.left)) {
		w.survey.LeftOut = append(w.survey.LeftOut, LeftOut{what, w.left[what]})
	}
}

func (w *work) appReport(a *app) App {
	r := App{Name: a.name}
	for _, i := range a.images {
		r.Images = append(r.Images, i.name)
	}
	in := a.environments()
	for _, e := range w.survey.Environments {
		if slices.Contains(in, e.Dir) {
			r.Environments = append(r.Environments, e.Name)
		}
	}
	for _, u := range a.manifests() {
		r.Manifests = append(r.Manifests, u.template)
	}
	paths := map[string]bool{}
	for _, t := range a.tags {
		if a.owns(t) {
			paths[t.path] = true
			r.Releases = append(r.Releases, Found{w.survey.nameOf(t.env), t.image, t.tag, t.path})
		}
	}
	r.Files = len(paths)
	return r
}

// maxNamed is how many paths one reason names.
const maxNamed = 3

// reportWithout says which images stand in files of no environment: a base's tag is the same for all.
func (w *work) reportWithout(files []File) {
	var shared []string
	promoted := map[string]bool{}
	for _, a := range w.apps {
		for _, i := range a.images {
			promoted[path.Base(i.name)] = true
		}
	}
	for _, f := range files {
		own := slices.ContainsFunc(f.listing.Images, func(i manifest.Image) bool {
			return i.Tag != "" && !isThirdParty(i.Name) && !promoted[path.Base(i.Name)]
		})
		if own {
			shared = append(shared, f.Path)
		}
	}
	switch n := len(shared); {
	case n > maxNamed:
		w.leave(fmt.Sprintf("%s and %d more files", strings.Join(shared[:maxNamed], ", "), n-maxNamed), noEnvironment)
	case n > 0:
		w.leave(strings.Join(shared, ", "), noEnvironment)
	}
}

// reportElements says which files hold the tags of all environments in the elements of an ApplicationSet: which element is which environment, and
// which image its tag belongs to, is for a person to say.
func (w *work) reportElements(files []File) {
	for _, f := range files {
		for _, e := range f.listing.Elements {
			do := fmt.Sprintf("Add the app yourself: `manifests: [{path: %q, keys: [%q]}]`", f.Path, e.KeyOf())
			if e.Field == "" {
				do = "Give each element an `env` of its own, with which keys can name it"
			}
			w.leave(f.Path, fmt.Sprintf("its tags stand in the elements of an ApplicationSet (%s), and which element is which environment only you know. %s", e.Key, do))
		}
	}
}

const noEnvironment = "their tags belong to no environment: nothing can be promoted between environments that share a tag. Give each environment its own (Kustomize: `images:` in each overlay; Helm: a values file each)"

// reportGaps says of apps that skip an environment on their way, which the configuration says for them.
func (w *work) reportGaps() {
	gaps := map[string][]string{}
	for _, a := range w.apps {
		for env, from := range w.overrides(a) {
			key := env + " straight from " + strings.Join(from, " and ")
			gaps[key] = append(gaps[key], a.name)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(gaps)) {
		slices.Sort(gaps[key])
		w.guess("%s promoted into %s: an environment between them has no manifest", plural(gaps[key]), key)
	}
}

// plural names apps, at most maxNamed of them.
func plural(names []string) string {
	switch {
	case len(names) == 1:
		return names[0] + " is"
	case len(names) > maxNamed:
		return fmt.Sprintf("%s and %d more apps are", strings.Join(names[:maxNamed], ", "), len(names)-maxNamed)
	}
	return strings.Join(names, ", ") + " are"
}
