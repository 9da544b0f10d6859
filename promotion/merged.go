package promotion

import (
	"fmt"
	"slices"

	"ferry/forge"
	"ferry/promotion/config"
)

// merged ends a merged promotion once its release has converged, or another release stands in its place.
func (p *planner) merged(env *Environment, m Promotion) {
	ends := func(state PromotionState, detail string) {
		p.plan.Promotions = append(p.plan.Promotions, PromotionChange{m.ID, state, detail})
	}
	d := env.broughtBy(m)
	switch {
	case d == nil && !p.s.Off && env.isOverrun(m):
		ends(PromotionSuperseded, p.neverRan(env, m))
	case d == nil: // its revision has not been observed yet
	case !d.ConvergedAt.IsZero():
		if m.Intent == IntentHotfix {
			p.backfill(env, m, fmt.Sprintf("#%d", m.Number))
		}
		ends(PromotionConverged, "")
	case d.Ended:
		ends(PromotionSuperseded, "")
	case d.State == DeploymentFailed:
		ends(PromotionFailed, "")
	}
}

// neverRan says, also in the status of the merge, that what was merged never came to stand.
func (p *planner) neverRan(env *Environment, m Promotion) string {
	by := "nothing of the app stands there any more"
	if current := env.Current(); current != nil {
		by = fmt.Sprintf("%s came over it before it was read", current.Release.Version())
	}
	words := fmt.Sprintf("%s %s never ran in %s: %s", p.s.App.Name, m.Release.Version(), env.Name, by)
	if env.Mode != config.ModeObserve {
		p.plan.Contributions = appendOnce(p.plan.Contributions, Contribution{SHA: m.MergeSHA, Context: EnvironmentContext(env.Name), State: forge.Error, Description: words})
	}
	return words
}

// merging says whether a pull request with the release was merged, and the revision that brought it has not been observed yet.
func (e *Environment) merging(release Release) bool {
	return slices.ContainsFunc(e.Merged, func(m Promotion) bool { return m.Release.Same(release) && e.beingRead(m) })
}

// beingRead says whether the revision that a merged promotion made has not been observed yet.
func (e *Environment) beingRead(m Promotion) bool { return e.broughtBy(m) == nil && !e.isOverrun(m) }

// broughtBy returns the deployment that a merged promotion began, or nil before its revision is observed, and where it never began any.
func (e *Environment) broughtBy(m Promotion) *Deployment {
	d := e.deploymentOf(m.Release)
	if d != nil && (!d.Since.Before(m.OpenedAt) || m.Read && !d.Ended) {
		return d
	}
	return nil
}

// isOverrun says whether something else came to stand in place of what was merged before anybody saw that: several revisions were read as one.
func (e *Environment) isOverrun(m Promotion) bool {
	current := e.Current()
	return m.Read && e.broughtBy(m) == nil && (current == nil || current.Problem == "")
}

// overrun says whether the release was merged, and something else came to stand in its place before it converged.
func (e *Environment) overrun(release Release) bool {
	return slices.ContainsFunc(e.Overrun, release.Same) ||
		slices.ContainsFunc(e.Merged, func(m Promotion) bool { return m.Release.Same(release) && e.isOverrun(m) })
}
