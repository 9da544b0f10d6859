package config

import (
	"strings"

	"go.yaml.in/yaml/v4"
)

// maxEnvironments bounds what one look-up of a path has to try.
const maxEnvironments = 500

// maxClusters bounds the same: {cluster} may stand for each of them.
const maxClusters = 100

// environment is an environment as it is written, with where its parts stand.
type environment struct {
	Environment
	settings
	roles  map[string]Role
	entry  position
	named  position
	dirred position
	wasAt  []position
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
	at := r.pos(n)
	e := environment{entry: at, named: at, dirred: at}
	e.Environment = Environment{
		Clusters: []string{DefaultCluster}, Supersede: SupersedeLatest, MaxOpen: DefaultMaxOpen, Rollback: RollbackManual, Watch: DefaultWatch,
		Settle: DefaultSettle, Update: UpdateNone, Converge: ConvergeReport, ReportTimeout: DefaultReportTimeout,
	}
	r.read(fields, func(f field) { r.environmentField(&e, f) })
	if !has(fields, "name") {
		r.failAs(ruleMissingKey, n, "name is missing: every environment has one")
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
		e.named = r.pos(f.value)
		e.Name = r.environmentName(f.value)
	case "was":
		e.Was, e.wasAt = r.was(f)
	case "dir":
		e.dirred = r.pos(f.value)
		e.Dir = r.dir(f.value)
	case "clusters":
		e.Clusters = r.clusters(f)
	case "max_open":
		e.MaxOpen = r.number(f, 1, 1000)
	case "roles":
		e.roles = r.roles(f.value)
	default:
		r.setting(&e.settings, f)
	}
}

// dir reads what {env} stands for: a path below the root of the repository.
func (r *reporter) dir(n *yaml.Node) string {
	s, ok := r.text(n, "dir")
	if !ok {
		return ""
	}
	if problem := pathProblem(s); problem != "" {
		r.failAs(ruleInvalidPattern, n, "%s can't be a dir: %s", quoted(s), problem)
		return ""
	}
	if strings.ContainsAny(s, "*{}") {
		r.failAs(ruleInvalidPattern, n, "%s can't be a dir: it is one path, without * and {}", quoted(s))
		return ""
	}
	return s
}

// clusters reads the names of the clusters that have to converge.
func (r *reporter) clusters(f field) []string {
	names, nodes := r.texts(f.value, "clusters")
	if f.value.Kind == yaml.SequenceNode && len(f.value.Content) == 0 {
		r.fail(f.value, "clusters is empty; remove it and there is one, %s", DefaultCluster)
	}
	for i, name := range names {
		if !clusterForm.MatchString(name) {
			r.failAs(ruleInvalidName, nodes[i], "%s can't be a cluster: 1 to 63 letters, digits, dots, underscores and dashes", quoted(name))
		}
	}
	return bounded(r, f, names, maxClusters)
}
