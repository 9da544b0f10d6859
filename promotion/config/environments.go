package config

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// maxEnvironments bounds what one look-up of a path has to try.
const maxEnvironments = 500

// environment is an environment as it is written, with where its parts stand. Its Mode is "" where it is not set.
type environment struct {
	Environment
	entry   *yaml.Node
	named   *yaml.Node
	dirred  *yaml.Node
	first   bool         // nothing is given to be promoted from, which is not the same as something wrong
	fromAt  []*yaml.Node // beside From
	soakAt  *yaml.Node
	updated *yaml.Node
}

// environments reads the list of environments.
func (r *reporter) environments(f field) []environment {
	items, ok := r.list(f.value, "environments")
	if ok && len(items) == 0 {
		r.fail(f.value, "environments is empty; list at least one")
	}
	if len(items) > maxEnvironments {
		r.fail(items[maxEnvironments], "more than %d environments", maxEnvironments)
		return nil
	}
	out := make([]environment, 0, len(items))
	for _, item := range items {
		if fields, ok := r.fields(atEnvironment, item); ok {
			out = append(out, r.environment(item, fields))
		}
	}
	return out
}

// environment reads one environment and fills in its defaults.
func (r *reporter) environment(n *yaml.Node, fields []field) environment {
	e := environment{entry: n, named: n, dirred: n, first: !has(fields, "from")}
	e.Clusters = []string{DefaultCluster}
	e.Update, e.Converge, e.ReportTimeout = UpdateNone, ConvergeReport, DefaultReportTimeout
	for _, f := range fields {
		r.environmentField(&e, f)
	}
	if !has(fields, "name") {
		r.fail(n, "name is missing: every environment has one")
	}
	if !has(fields, "dir") {
		e.Dir, e.dirred = e.Name, e.named
	}
	return e
}

// environmentField reads one key of an environment.
func (r *reporter) environmentField(e *environment, f field) {
	switch f.key {
	case "name":
		e.named = f.value
		e.Name, _ = r.name(f.value)
	case "dir":
		e.dirred = f.value
		e.Dir = r.dir(f.value)
	case "mode":
		e.Mode = r.mode(f)
	case "from":
		r.from(e, f)
	case "soak":
		e.soakAt = f.value
		e.Soak, _ = r.duration(f)
	case "clusters":
		e.Clusters = r.clusters(f)
	case "merge":
		e.AutoMerge = choice(r, f, "manual", "auto") == "auto"
	case "unprotected":
		e.AllowUnprotected = choice(r, f, "allow") == "allow"
	case "update":
		e.updated = f.value
		e.Update = choice(r, f, UpdateNone, UpdatePR, UpdateCommit)
	case "converge":
		e.Converge = choice(r, f, ConvergeReport, ConvergeMerge)
	case "report_timeout":
		var ok bool
		if e.ReportTimeout, ok = r.duration(f); ok && e.ReportTimeout == 0 {
			r.fail(f.value, "report_timeout must be more than 0: it is how long an environment may stay silent")
		}
	}
}

// dir reads what {env} stands for: a path below the root of the repository.
func (r *reporter) dir(n *yaml.Node) string {
	s, ok := r.text(n, "dir")
	if !ok {
		return ""
	}
	if problem := pathProblem(s); problem != "" {
		r.fail(n, "%s can't be a dir: %s", quoted(s), problem)
		return ""
	}
	if strings.ContainsAny(s, "*{}") {
		r.fail(n, "%s can't be a dir: it is one path, without * and {}", quoted(s))
		return ""
	}
	return s
}

// from reads the environments it is promoted into from: a list, or {any: list}.
func (r *reporter) from(e *environment, f field) {
	list := f.value
	if list.Kind == yaml.MappingNode {
		fields, ok := r.fields(atFrom, list)
		if !ok {
			return
		}
		if len(fields) == 0 {
			r.fail(list, "from must be a list of environments, or {any: [a, b]}")
			return
		}
		e.FromAny, list = true, fields[0].value
		if list.Kind == yaml.SequenceNode && len(list.Content) == 0 {
			r.fail(list, "any is empty: nothing could ever be promoted into this environment")
		}
	} else if list.Kind == yaml.ScalarNode && list.Tag == "!!str" {
		r.fail(list, "from must be a list of environments: write [%s]", list.Value)
		return
	}
	e.first = list.Kind == yaml.SequenceNode && len(list.Content) == 0
	e.From, e.fromAt = r.texts(list, "from")
}

// clusters reads the names of the clusters that have to converge.
func (r *reporter) clusters(f field) []string {
	names, nodes := r.texts(f.value, "clusters")
	if f.value.Kind == yaml.SequenceNode && len(f.value.Content) == 0 {
		r.fail(f.value, "clusters is empty; remove it and there is one, %s", DefaultCluster)
	}
	for i, name := range names {
		if !clusterForm.MatchString(name) {
			r.fail(nodes[i], "%s can't be a cluster: 1 to 63 letters, digits, dots, underscores and dashes", quoted(name))
		}
	}
	return names
}

// checkEnvironments notes what does not fit between environments.
func (r *reporter) checkEnvironments(all []environment) {
	byName := make(map[string]int, len(all))
	dirs := make(map[string]*environment, len(all))
	for i := range all {
		e := &all[i]
		if e.Name != "" {
			if first, twice := byName[e.Name]; twice {
				r.fail(e.named, "the name %q is taken by the environment in line %d", e.Name, all[first].entry.Line)
				continue
			}
			byName[e.Name] = i
		}
		if other, twice := dirs[e.Dir]; twice && e.Dir != "" {
			r.fail(e.dirred, "%q is the dir of %q already (line %d); two environments can't share their files", e.Dir, other.Name, other.entry.Line)
		}
		dirs[e.Dir] = e
		r.checkFirst(e)
	}
	for _, e := range all {
		for i, from := range e.From {
			if _, known := byName[from]; !known {
				r.failWith(e.fromAt[i], func() string { return noEnvironment(from, all) })
			}
		}
	}
	r.checkCircles(all, byName)
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
	if e.first && e.Soak > 0 {
		r.fail(e.soakAt, "soak counts in the environments of from, and here is none; put it on the environment that is promoted into")
	}
	if len(e.From) > 0 && e.Update != UpdateNone && e.Update != "" {
		r.fail(e.updated, "update is for an environment without from; into this one a release comes by promotion")
	}
}

// checkCircles notes every from that closes a circle.
func (r *reporter) checkCircles(all []environment, byName map[string]int) {
	const unseen, open, done = 0, 1, 2
	state := make([]int, len(all))
	var path []string
	var visit func(i int)
	visit = func(i int) {
		state[i] = open
		path = append(path, all[i].Name)
		for j, from := range all[i].From {
			at, known := byName[from]
			switch {
			case !known:
			case state[at] == open:
				r.fail(all[i].fromAt[j], "promotions go in a circle: %s", circle(path, from))
			case state[at] == unseen:
				visit(at)
			}
		}
		path = path[:len(path)-1]
		state[i] = done
	}
	for i := range all {
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
