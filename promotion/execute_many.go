package promotion

import (
	"fmt"
	"slices"
	"strings"
)

// Bounds of the answer to a command over many apps: up to so many outcomes are said one by one, beyond that each kind of outcome is said once.
const (
	mostTold      = 12
	mostExplained = 30 // of /status, which says several things of each
)

// told is what a command came to for one subject.
type told struct {
	outcome string // what it came to, as "3 OUTCOME: a, b, c" says it of several
	subject string
	words   string // the same of this one alone
}

// tell notes what the command came to for one subject; sumUp says it.
func (e *execution) tell(outcome, subject, format string, args ...any) {
	e.told = append(e.told, told{outcome, subject, fmt.Sprintf(format, args...)})
}

// sumUp says what was told: all of it where that is not more than most, else how many came to what, and the first of them.
func (e *execution) sumUp(most int) {
	list := e.told
	e.told = nil
	if len(list) <= most {
		for _, t := range list {
			e.say("%s", t.words)
		}
		return
	}
	var outcomes []string
	of := map[string][]string{}
	for _, t := range list {
		if !slices.Contains(outcomes, t.outcome) {
			outcomes = append(outcomes, t.outcome)
		}
		of[t.outcome] = append(of[t.outcome], t.subject)
	}
	lines := make([]string, len(outcomes))
	for i, outcome := range outcomes {
		lines[i] = fmt.Sprintf("- %d %s: %s.", len(of[outcome]), outcome, someOf(of[outcome]))
	}
	e.say("%s", strings.Join(lines, "\n"))
}

// someOf names the first of many.
func someOf(names []string) string {
	words := strings.Join(names[:min(len(names), mostTold)], "; ")
	if more := len(names) - mostTold; more > 0 {
		words += fmt.Sprintf(" and %d more", more)
	}
	return words
}

// goes is what /promote comes to for what it lets go into the environment: only so many pull requests are open there at a time.
func (e *execution) goes(environment string) string {
	words := fmt.Sprintf("go into %s as soon as their gates are open", code(environment))
	env, _ := e.Config.Environment(environment)
	if env.MaxOpen == 0 {
		return words
	}
	var open []int
	for _, v := range e.Views {
		if cell := v.Find(environment); cell != nil && cell.Number > 0 && !slices.Contains(open, cell.Number) {
			open = append(open, cell.Number)
		}
	}
	return fmt.Sprintf("%s, at most %d pull requests at a time (%d stand open now), while the others wait for room", words, env.MaxOpen, len(open))
}

// outcome says in short how the cell stands, for many of which each is not explained.
func (v EnvironmentView) outcome() string {
	where := " in " + code(v.Name)
	_, shut := verdict(v.Gates)
	switch {
	case v.Problem != "":
		return "cannot be promoted" + where + " before their manifests are mended"
	case v.State == DeploymentDegraded || v.State == DeploymentFailed:
		return "are " + string(v.State) + where
	case v.Proposed != nil && len(shut) > 0:
		return fmt.Sprintf("wait%s for the gate %s", where, code(shut[0].Name))
	case v.Proposed != nil:
		return "have every gate open" + where
	case v.Stuck:
		return "need a person" + where + " before anything comes"
	}
	return "have nothing on its way" + where
}
