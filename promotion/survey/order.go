package survey

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"
)

// nameEnvironments makes the list of environments that kept apps are in.
func (w *work) nameEnvironments() {
	seen := map[string]*Environment{}
	var values []string
	for _, a := range w.apps {
		in := a.environments()
		for _, u := range a.units {
			for value, f := range u.files {
				if seen[value] == nil && slices.Contains(in, value) {
					seen[value] = &Environment{Dir: value, stage: f.spot.stage, spot: f.spot}
					values = append(values, value)
				}
			}
		}
		for _, value := range in {
			seen[value].Apps++
		}
	}
	slices.SortFunc(values, func(a, b string) int {
		return cmp.Or(cmp.Compare(seen[a].stage.orLast(), seen[b].stage.orLast()), strings.Compare(a, b))
	})
	taken := map[string]bool{}
	for i, value := range values {
		e := seen[value]
		e.Name = environmentName(value, taken, i)
		taken[e.Name] = true
		w.survey.Environments = append(w.survey.Environments, *e)
	}
	for _, a := range w.apps {
		if taken[a.name] { // apps and environments share their names
			a.name += "-app"
		}
	}
}

// orLast puts what is not known behind everything else.
func (s stage) orLast() int {
	if s == unknownStage {
		return 100
	}
	return int(s)
}

// environmentName makes a name of a folder's: 01-dev is dev, prod/eu is prod-eu.
func environmentName(value string, taken map[string]bool, i int) string {
	name := slug(value)
	list := tokens(name)
	if len(list) > 1 && isNumber(list[0].text) && !taken[name[list[1].start:]] {
		name = name[list[1].start:]
	}
	if name == "" {
		name = fmt.Sprintf("env-%d", i+1)
	}
	for base, n := name, 2; taken[name] || name == "all"; n++ {
		name = fmt.Sprintf("%s-%d", base[:min(len(base), 58)], n)
	}
	return name
}

// order decides where each environment is promoted into from: the nearest stage before its own among those that it has an app in common with.
func (w *work) order() {
	shared := w.sharedApps()
	for i := range w.survey.Environments {
		e := &w.survey.Environments[i]
		e.From, e.Why, e.Guess = w.from(e, shared)
		if e.Guess {
			w.guess("environment %s: %s", e.Name, e.Why)
		}
	}
	w.sortEnvironments()
	w.sameTwice()
}

func (w *work) guess(format string, args ...any) {
	w.survey.Guesses = append(w.survey.Guesses, fmt.Sprintf(format, args...))
}

// sharedApps counts by two environments' dirs the apps that both have.
func (w *work) sharedApps() map[[2]string]int {
	shared := map[[2]string]int{}
	for _, a := range w.apps {
		envs := a.environments()
		for _, x := range envs {
			for _, y := range envs {
				shared[[2]string{x, y}]++
			}
		}
	}
	return shared
}

// from returns the names of the environments that e is promoted into from, and why.
func (w *work) from(e *Environment, shared map[[2]string]int) (from []string, why string, guess bool) {
	if e.stage == unknownStage {
		return nil, fmt.Sprintf("%q is none of the well-known words, so nothing is promoted into it yet: say with `from` where its releases come from", path.Base(e.Dir)), true
	}
	var nearest stage
	most := 0
	for _, up := range w.survey.Environments { // the nearest stage that has most of the apps
		if n := shared[[2]string{e.Dir, up.Dir}]; n > 0 && up.stage != unknownStage && up.stage < e.stage {
			if 2*n > most || up.stage > nearest && 2*n >= most {
				nearest, most = max(nearest, up.stage), max(most, n)
			}
		}
	}
	if nearest == unknownStage {
		if e.stage > devStage && w.sharesUnknown(e, shared) {
			return nil, "what comes before it is not known: say with `from` where its releases come from, or leave it as the first", true
		}
		return nil, "the first: new images arrive here", false
	}
	var all, near []string
	for _, up := range w.survey.Environments {
		if up.stage != nearest || shared[[2]string{e.Dir, up.Dir}] == 0 {
			continue
		}
		all = append(all, up.Name)
		if len(e.spot.places) > 0 && slices.Equal(up.spot.places, e.spot.places) {
			near = append(near, up.Name)
		}
	}
	guess = nearest.group() == e.stage.group() || len(all) > 1 && len(near) == 0
	from = all
	if len(near) > 0 {
		from = near
	}
	why = "after " + strings.Join(from, " and ")
	switch {
	case nearest.group() == e.stage.group():
		why += ", a guess: the words alone do not say which of the two comes first"
	case guess:
		why += ", a guess: all of them have to converge first ({any: [...]} is one of them)"
	case len(near) > 0:
		why += ": the same region"
	}
	return from, why, guess
}

// sharesUnknown tells whether an environment whose place in the order is not known has the same apps.
func (w *work) sharesUnknown(e *Environment, shared map[[2]string]int) bool {
	return slices.ContainsFunc(w.survey.Environments, func(other Environment) bool {
		return other.stage == unknownStage && shared[[2]string{e.Dir, other.Dir}] > 0
	})
}

// sortEnvironments puts each behind those it is promoted into from, otherwise by stage and name.
func (w *work) sortEnvironments() {
	slices.SortStableFunc(w.survey.Environments, func(a, b Environment) int {
		return cmp.Or(cmp.Compare(a.stage.orLast(), b.stage.orLast()), strings.Compare(a.Name, b.Name))
	})
}

// sameTwice says which environments look like one that is written in two ways.
func (w *work) sameTwice() {
	envs := w.survey.Environments
	shared := w.sharedApps()
	for i, a := range envs {
		for _, b := range envs[i+1:] {
			if a.stage != unknownStage && a.stage == b.stage && len(a.spot.places)+len(b.spot.places) == 0 && shared[[2]string{a.Dir, b.Dir}] == 0 {
				w.guess("environments %s and %s look like one that is written in two ways; Ferry takes them for two until their folders are called alike", a.Name, b.Name)
			}
		}
	}
}

// overrides returns by environment where the app comes from, where that is not what the environment says because the app is not there.
func (w *work) overrides(a *app) map[string][]string {
	in := a.environments()
	var out map[string][]string
	for _, e := range w.survey.Environments {
		if !slices.Contains(in, e.Dir) || len(e.From) == 0 {
			continue
		}
		present := slices.DeleteFunc(slices.Clone(e.From), func(name string) bool { return !slices.Contains(in, w.survey.dirOf(name)) })
		if len(present) == 0 {
			present = w.nearest(e, in)
		}
		if len(present) > 0 && len(present) < len(e.From) || len(present) > 0 && !slices.Contains(e.From, present[0]) {
			if out == nil {
				out = map[string][]string{}
			}
			out[e.Name] = present
		}
	}
	return out
}

// nearest returns the names of the environments of the nearest stage before e's among those of an app.
func (w *work) nearest(e Environment, in []string) []string {
	var names []string
	best := unknownStage
	for _, up := range w.survey.Environments {
		if up.stage == unknownStage || up.stage >= e.stage || !slices.Contains(in, up.Dir) {
			continue
		}
		if up.stage > best {
			best, names = up.stage, nil
		}
		names = append(names, up.Name)
	}
	return names
}

func (s *Survey) dirOf(name string) string {
	for _, e := range s.Environments {
		if e.Name == name {
			return e.Dir
		}
	}
	return ""
}

// nameOf returns the name of the environment of a spot's value.
func (s *Survey) nameOf(dir string) string {
	for _, e := range s.Environments {
		if e.Dir == dir {
			return e.Name
		}
	}
	return ""
}
