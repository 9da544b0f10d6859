package config

import (
	"fmt"
	"slices"
	"strings"
)

// checkEnvironments notes what does not fit between environments.
func (r *reporter) checkEnvironments(all []environment) {
	byName := make(map[string]int, len(all))
	dirs := make(map[string]*environment, len(all))
	for i := range all {
		e := &all[i]
		if e.Name != "" {
			if first, twice := byName[e.Name]; twice {
				r.note(ruleDuplicateName, e.named, "the name %q is taken by the environment in line %d", e.Name, all[first].entry.line)
				continue
			}
			byName[e.Name] = i
		}
		if other, twice := dirs[e.Dir]; twice && e.Dir != "" {
			r.note(ruleDuplicateName, e.dirred, "%q is the dir of %q already (line %d); two environments can't share their files", e.Dir, other.Name, other.entry.line)
		}
		dirs[e.Dir] = e
		r.checkFirst(e)
	}
	graph := make([]upstream, len(all))
	for i, e := range all {
		graph[i] = e.from.value
		r.checkUpstream(e.from.value, all, byName)
	}
	starts := make([]int, len(all))
	for i := range all {
		starts[i] = i
	}
	r.checkCircles(graph, starts, all, byName)
}

// checkUpstream notes environments that are not there.
func (r *reporter) checkUpstream(up upstream, all []environment, byName map[string]int) {
	for i, from := range up.names {
		if _, known := byName[from]; !known && nameProblem(from) == "" {
			r.noteWith(ruleUnknownEnv, up.at[i], func() string { return noEnvironment(from, all) })
		}
	}
}

// noEnvironment words the error about an environment that is not there.
func noEnvironment(name string, all []environment) string {
	names := make([]string, 0, len(all))
	for _, e := range all {
		if e.Name != "" {
			names = append(names, e.Name)
		}
	}
	if len(names) == 0 {
		return "there is no environment " + quoted(name)
	}
	return fmt.Sprintf("there is no environment %s; did you mean %q?", quoted(name), Nearest(name, names))
}

// checkFirst notes settings that can't do anything where they stand. Silently ignored, each would promise a wait or a way
// in that is not there.
func (r *reporter) checkFirst(e *environment) {
	first := !e.from.set || e.from.value.none
	if first && e.soak.value > 0 {
		r.note(ruleUseless, e.soak.at, "soak counts in the environments of from, and here is none; put it on the environment that is promoted into")
	}
	r.checkUpdate(e.settings)
	r.checkWindow(e.settings)
}

// checkUpdate notes an update beside a from.
func (r *reporter) checkUpdate(s settings) {
	if len(s.from.value.names) > 0 && s.update.value != UpdateNone && s.update.value != "" {
		r.note(ruleUseless, s.update.at, "update is for an environment without from; into this one a release comes by promotion")
	}
}

// checkWindow notes what says how releases that come by promotion follow each other, where none comes so or nothing is collected.
func (r *reporter) checkWindow(s settings) {
	first := len(s.from.value.names) == 0
	switch {
	case first && s.window.value > 0:
		r.note(ruleUseless, s.window.at, "window is how long Ferry collects releases from the environments of from, and here is none")
	case first && s.supersede.value != "" && s.supersede.value != SupersedeLatest:
		r.note(ruleUseless, s.supersede.at, "supersede is about releases from the environments of from, and here is none")
	case s.window.value > 0 && s.supersede.value == SupersedeQueue:
		r.note(ruleUseless, s.window.at, "window is how long Ferry collects, and supersede: queue lets each release go by itself")
	}
}

// checkCircles notes every from that closes a circle which can be reached from some environments. The upstream of each
// environment stands beside it.
func (r *reporter) checkCircles(graph []upstream, starts []int, all []environment, byName map[string]int) {
	const unseen, open, done = 0, 1, 2
	state := make([]int, len(all))
	var path []string
	var visit func(i int)
	visit = func(i int) {
		state[i] = open
		path = append(path, all[i].Name)
		for j, from := range graph[i].names {
			at, known := byName[from]
			switch {
			case !known:
			case state[at] == open:
				r.note(ruleCircle, graph[i].at[j], "promotions go in a circle: %s", circle(path, from))
			case state[at] == unseen:
				visit(at)
			}
		}
		path = path[:len(path)-1]
		state[i] = done
	}
	for _, i := range starts {
		if state[i] == unseen {
			visit(i)
		}
	}
}

// circle words a circle of from in the direction in which releases would go.
func circle(path []string, closing string) string {
	names := slices.Clone(path[slices.Index(path, closing):])
	slices.Reverse(names)
	names = append([]string{closing}, names...)
	if len(names) > 8 {
		names = append(append(names[:4:4], "…"), names[len(names)-3:]...)
	}
	return strings.Join(names, " → ")
}

// order returns the environments' places so that upstream stands first, otherwise as in the file.
func order(all []Environment, byName map[string]int) []int {
	out := make([]int, 0, len(all))
	placed := make([]bool, len(all))
	ready := func(i int) bool {
		return !placed[i] && !slices.ContainsFunc(all[i].From, func(from string) bool { return !placed[byName[from]] })
	}
	for len(out) < len(all) {
		for i := range all {
			if ready(i) {
				placed[i] = true
				out = append(out, i)
				break // from the beginning again: what stands first in the file comes first as soon as it can
			}
		}
	}
	return out
}
