package promotion

import (
	"fmt"
	"regexp"
	"slices"
	"time"

	"ferry/promotion/config"
)

// degraded says whether the deployment is not healthy, as far as agents have said.
func (d *Deployment) degraded() bool {
	return d.State == DeploymentDegraded || d.State == DeploymentFailed
}

// degradedSince returns since when the deployment has been degraded without a break, if it is in that state now.
func (d *Deployment) degradedSince(state DeploymentState, now time.Time) time.Time {
	switch {
	case state != DeploymentDegraded && state != DeploymentFailed:
		return time.Time{}
	case d.DegradedFrom.IsZero():
		return now
	}
	return d.DegradedFrom
}

// watched decides what follows where what stands in the environment has degraded: it is blamed on the release from the merge until `watch` after its
// convergence, and counts once it has lasted `settle`. Then a rollback is offered, or decided, once for a deployment.
func (p *planner) watched(env *Environment, d Deployment) Deployment {
	if !p.blamed(env, d) {
		return d
	}
	if settled := d.DegradedFrom.Add(env.Settle); settled.After(p.now) {
		p.due(settled)
		return d
	}
	to := lastGood(env.History, func(r Release) bool { return env.blocked(r) != nil || env.rejected(r) != nil })
	if to == nil || env.wanted() != nil {
		return d
	}
	further := env.rejected(lastGood(env.History, func(r Release) bool { return env.blocked(r) != nil })) != nil
	if further || !p.rollsBack(env, d) || env.replacing(d) { // past what a person has rejected only a person goes
		p.offers[env.Name] = offer{to: to, since: d.DegradedFrom, named: further}
		return d
	}
	r := rollback(p.s.App.Name, env.Name, env.History, to, p.s.self(), clip("degraded since "+instant(d.DegradedFrom)+": "+d.Message, 300), p.now)
	r.Cause = "degraded within watch"
	env.Intent = &r.Intent
	p.rollBack(env, r)
	d.Answered = true
	return d
}

// replacing says whether something else was merged into the environment, and its revision is being read: what is degraded
// goes by that, and Ferry does not act on it.
func (e *Environment) replacing(d Deployment) bool {
	return slices.ContainsFunc(e.Merged, func(m Promotion) bool { return !m.Release.Same(d.Release) && e.beingRead(m) })
}

// blamed says whether the deployment is degraded, and that is the fault of its release.
func (p *planner) blamed(env *Environment, d Deployment) bool {
	if !d.degraded() || d.Problem != "" || d.Baseline || env.Dropped || p.s.Off || d.DegradedFrom.IsZero() {
		return false
	}
	return d.ConvergedAt.IsZero() || !d.DegradedFrom.After(d.ConvergedAt.Add(env.Watch))
}

// rollsBack says whether Ferry goes back by itself: not twice for one deployment, not on from a rollback, not where it only observes, and not by what it
// has read back after its database was lost: whether somebody has answered that is not known.
func (p *planner) rollsBack(env *Environment, d Deployment) bool {
	return env.Rollback != "" && env.Rollback != config.RollbackManual && !d.Answered && d.Recovered.IsZero() && env.rolledBack() == nil && env.Mode != config.ModeObserve
}

// self is who decides where no person does: Ferry's own account.
func (s *Snapshot) self() string {
	if s.Self.Login == "" {
		return "ferry"
	}
	return s.Self.Login
}

// offer is a rollback that a person may ask for.
type offer struct {
	to    Release
	since time.Time
	named bool // it has to be named: a nearer one was rejected
}

// words says what went wrong and what to type.
func (o offer) words(app string, env *Environment) string {
	return fmt.Sprintf("degraded since %s, while that is blamed on %s: %s brings %s back", instant(o.since), env.Current().Release.Version(), o.command(app, env.Name), o.to.Version())
}

func (o offer) command(app, environment string) string {
	if o.named {
		return "/rollback " + app + " " + environment + " to " + o.to.Version()
	}
	return "/rollback " + app + " " + environment
}

// offered adds to the words of a status what to type.
func (o offer) offered(words, app, environment string) string {
	if o.to == nil {
		return words
	}
	return clip(words, 70) + fmt.Sprintf(" (%s brings %s back)", o.command(app, environment), o.to.Version())
}

// offeredForm is what offered adds.
var offeredForm = regexp.MustCompile(` \(/(?:ferry )?rollback .*$`)

// wrong says what went wrong, and what to type.
func wrong(app string, v EnvironmentView) string {
	if v.Offer == "" {
		return ""
	}
	return fmt.Sprintf("%s in %s: %s", escape(app), escape(v.Name), escape(v.Offer))
}
