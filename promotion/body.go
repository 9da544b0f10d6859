package promotion

import (
	"fmt"
	"strings"
	"time"
)

// Bounds of what the body of a promotion lists.
const (
	mostImages = 60
	mostNamed  = 20   // releases
	mostReason = 1000 // characters of a gate's
)

// body returns the part of the pull request's body that is Ferry's, between its marks. What decides whether to merge comes first. It names instants and
// never how long ago they were, so that time alone does not rewrite it.
func (s *Snapshot) body(env *Environment, c choice) string {
	var b strings.Builder
	fmt.Fprintln(&b, bodyBegin)
	s.leadWords(&b, env, c)
	urgentWords(&b, env, c)
	s.imageTable(&b, env, c)
	s.sourceWords(&b, env, c)
	if !isUrgent(c.intent) { // what upstream says of it is of no account
		s.runsWords(&b, env, c.release)
	}
	gatesTable(&b, c.gates)
	b.WriteString(env.disarmedWords())
	if len(c.superseded) > 0 {
		fmt.Fprintf(&b, "\nSupersedes %s.\n", releaseNames(c.superseded))
	}
	if len(c.next) > 0 {
		fmt.Fprintf(&b, "\nNext, %s: %s.\n", c.then, releaseNames(c.next))
	}
	b.WriteString("\nClosing this pull request rejects the release for " + escape(env.Name) + "; reopening lifts that" + s.reopenWords(env, c) + ".\n")
	b.WriteString("\n<details>\n<summary>Commands</summary>\n\n" + commandTable(func(c CommandSpec) string { return roleWords(roleIn(env.Roles, c)) }) + "\n</details>\n")
	return closed(b.String(), maxPart)
}

// leadWords says in a sentence or two what merging does, and who wants it.
func (s *Snapshot) leadWords(b *strings.Builder, env *Environment, c choice) {
	fmt.Fprintf(b, "Merging this moves **%s** in **%s**", escape(s.App.Name), escape(env.Name))
	if current := env.Current(); current != nil && current.Problem == "" {
		fmt.Fprintf(b, " from **%s**", escape(current.Release.Version()))
	}
	fmt.Fprintf(b, " to **%s**.", escape(c.release.Version()))
	if s.olderWords(env, c) != "" {
		b.WriteString(" **That is older than what stands there.**")
	}
	if c.asker != "" {
		fmt.Fprintf(b, " Asked for by %s.", escape(askersWords(c.asker)))
	}
	b.WriteString("\n\n")
}

// imageTable lists each image with what stands and what comes. Those that stay as they are come last.
func (s *Snapshot) imageTable(b *strings.Builder, env *Environment, c choice) {
	b.WriteString("| image | from | to |\n| --- | --- | --- |\n")
	var moving, staying Release
	for _, image := range c.release {
		if s.standingWords(env, image.Name) == imageWords(image) {
			staying = append(staying, image)
		} else {
			moving = append(moving, image)
		}
	}
	for i, image := range append(moving, staying...) {
		switch {
		case i == mostImages:
			fmt.Fprintf(b, "| … and %d more | | |\n", len(c.release)-i)
		case i < len(moving) && i < mostImages:
			fmt.Fprintf(b, "| %s | %s | %s |\n", code(image.Name), s.standingWords(env, image.Name), imageWords(image))
		case i < mostImages:
			fmt.Fprintf(b, "| %s | %s | stays |\n", code(image.Name), imageWords(image))
		}
	}
}

// runsWords says where the release has run, since when, and how it fares there.
func (s *Snapshot) runsWords(b *strings.Builder, env *Environment, release Release) {
	var lines []string
	for i := range s.Environments {
		up := &s.Environments[i]
		if up.Name == env.Name {
			continue
		}
		for j := range up.History {
			if d := &up.History[j]; d.Problem == "" && d.Release.Same(release) {
				lines = append(lines, fmt.Sprintf("- **%s** %s\n", escape(up.Name), up.ranWords(j)))
				break
			}
		}
	}
	if len(lines) > 0 {
		b.WriteString("\n### Where it has run\n\n" + strings.Join(lines, ""))
	}
}

// ranWords says of the deployment at that place in the history when it stood there, and how it fared. It says nothing that changes without anything
// being reported, such as an agent that falls silent: the gates say that, where it matters.
func (e *Environment) ranWords(at int) string {
	d := e.History[at]
	words := "since " + instant(d.Since)
	switch {
	case d.Ended && at > 0:
		words = "until something else came" // when that was is known to the second only, after a loss
	case d.Baseline:
		words = "since before Ferry's first look at " + instant(d.Since)
	}
	degraded := e.degradedSince(d.ConvergedAt)
	switch {
	case d.Baseline && (d.Ended || d.ConvergedAt.IsZero() || d.State == DeploymentConverged && degraded.IsZero()):
		return words // when a baseline converged stands nowhere at the forge
	case d.ConvergedAt.IsZero():
		return words + ", where it has not converged"
	case d.Ended:
		return words + ", where it converged at " + instant(d.ConvergedAt)
	case d.State != DeploymentConverged:
		return words + ", and is " + string(d.State) + " now"
	case !degraded.IsZero():
		return words + ", healthy again since it was degraded at " + instant(degraded)
	}
	return "healthy since " + instant(d.ConvergedAt) // since when it stood there before that is known no better
}

// degradedSince returns when anything was last reported degraded there after that time; zero: never.
func (e *Environment) degradedSince(at time.Time) (last time.Time) {
	for _, r := range e.Reports {
		if r.DegradedAt.After(at) {
			last = later(last, r.DegradedAt)
		}
	}
	return last
}

// releaseNames lists releases, of many only the first.
func releaseNames(list []Release) string {
	names := make([]string, 0, mostNamed)
	for _, r := range list[:min(len(list), mostNamed)] {
		names = append(names, code(r.Version()))
	}
	words := strings.Join(names, ", ")
	if more := len(list) - len(names); more > 0 {
		words += fmt.Sprintf(" and %d more", more)
	}
	return words
}
