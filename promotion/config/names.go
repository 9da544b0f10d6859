package config

import (
	"regexp"

	"go.yaml.in/yaml/v4"
)

var (
	nameForm    = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,62}$`)
	nameRefused = regexp.MustCompile(`\.\.|\.lock$|\.$|^all$`)
	statusWords = regexp.MustCompile(`^(gates|config)$`) // what Ferry's own statuses are called after "ferry/"
	clusterForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)
)

// nameProblem says why a text can't be the name of an app, a group or an environment, or "". Names become parts of branches, so
// what git-check-ref-format refuses is refused; "all" stands for every app in comments.
func nameProblem(name string) string {
	switch {
	case name == "all":
		return `"all" is the word for every app in comments`
	case !nameForm.MatchString(name):
		return "a name has 1 to 63 lower-case letters, digits, dots, underscores and dashes, and begins with a letter or digit"
	case nameRefused.MatchString(name):
		return `a name becomes part of a branch, in which Git allows no "..", and no ".lock" or "." at the end`
	}
	return ""
}

// name returns a value that is the name of an app, a group or an environment.
func (r *reporter) name(n *yaml.Node) (string, bool) {
	s, ok := r.text(n, "name")
	if !ok {
		return "", false
	}
	if problem := nameProblem(s); problem != "" {
		r.failAs(ruleInvalidName, n, "%s can't be a name: %s", quoted(s), problem)
		return "", false
	}
	return s, true
}

// environmentName returns a value that is the name of an environment, "" where it can't be one. The environment's status is called after it, and Ferry has
// two of its own.
func (r *reporter) environmentName(n *yaml.Node) string {
	s, ok := r.name(n)
	if ok && statusWords.MatchString(s) {
		r.failAs(ruleInvalidName, n, "%s can't be the name of an environment: its status would be ferry/%s, which Ferry uses itself", quoted(s), s)
		return ""
	}
	return s
}
