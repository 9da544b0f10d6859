package promotion

import (
	"slices"
	"time"
)

// Hotfix is the last hotfix that came into an environment.
type Hotfix struct {
	Release Release
	Actor   string
	Reason  string
	At      time.Time // when its pull request was opened
}

// standingHotfix returns the hotfix that stands in the environment, or nil.
func (e *Environment) standingHotfix() *Hotfix {
	if e.Hotfix == nil || !e.runs(e.Hotfix.Release) {
		return nil
	}
	return e.Hotfix
}

// hotfixGate is closed for what was first seen before the hotfix that stands in the environment: it may lack what that mended. It is no gate where none
// stands.
func hotfixGate(s *Snapshot, env *Environment, release Release, _ time.Time) Gate {
	h := env.standingHotfix()
	if h == nil || h.Release.Same(release) || env.urges(release) {
		return Gate{}
	}
	if s.seenAfter(release, h.At) {
		return Gate{Name: "hotfix", State: GateOpen, Reason: "first seen after the hotfix " + h.Release.Version()}
	}
	words := h.Release.Version() + " stands here as a hotfix of " + h.Actor + ": " + h.Reason
	return Gate{Name: "hotfix", State: GateClosed, Reason: words + ". " + release.Version() + " was there before it and may lack that (/override hotfix reason lets it in)"}
}

// seenAfter says whether the release has stood anywhere, and first after that time.
func (s *Snapshot) seenAfter(release Release, at time.Time) bool {
	seen := false
	for i := range s.Environments {
		for _, d := range s.Environments[i].History {
			if d.Problem != "" || !d.Release.Same(release) {
				continue
			}
			if seen = true; d.Baseline || !d.Since.After(at) {
				return false
			}
		}
	}
	return seen
}

// overHotfix says whether the release may follow the hotfix that stands in the environment though no order is known between them.
func (s *Snapshot) overHotfix(env *Environment, release Release) bool {
	h := env.standingHotfix()
	return h != nil && s.order(release, h.Release) == Unordered && s.seenAfter(release, h.At)
}

// IntentWish is an intent that the plan itself has.
type IntentWish struct {
	Environment string
	Intent      Intent
	Cause       string
}

// backfill wishes that what a hotfix changed in the environment, where it has converged now, be brought into each environment that releases come from,
// over however many, in which something older runs.
func (p *planner) backfill(env *Environment, m Promotion, number string) {
	d := env.deploymentOf(m.Release)
	changed := changedBy(env, d)
	places := []string{env.Name}
	for i := 0; i < len(places); i++ {
		e := p.s.Find(places[i])
		if e == nil {
			continue
		}
		for _, up := range e.From {
			if !slices.Contains(places, up) {
				places = append(places, up)
			}
		}
	}
	for _, name := range places[1:] {
		up := p.s.Find(name)
		if up == nil || up.Current() == nil || up.Current().Problem != "" || up.Dropped || up.Intent != nil {
			continue
		}
		release := up.Current().Release
		for _, image := range changed {
			release = release.With(image)
		}
		if s := p.s; s.order(release, up.Current().Release) != Newer || up.blocked(release) != nil || up.rejected(release) != nil {
			continue
		}
		p.plan.Intents = append(p.plan.Intents, IntentWish{Environment: name, Cause: "hotfix " + number, Intent: Intent{Kind: IntentBackfill, Release: release,
			From: up.Current().Release, Actor: m.Asker, Reason: "the hotfix in " + env.Name + ": " + m.Reason, At: p.now}})
	}
}

// changedBy returns the images that a deployment brought, by what stood there before it.
func changedBy(env *Environment, d *Deployment) Release {
	i := slices.IndexFunc(env.History, func(x Deployment) bool { return x.ID == d.ID })
	j := slices.IndexFunc(env.History[i+1:], func(x Deployment) bool { return x.Problem == "" })
	if j < 0 {
		return d.Release
	}
	before := env.History[i+1+j].Release
	return slices.DeleteFunc(slices.Clone(d.Release), func(image Image) bool {
		old, ok := before.Image(image.Name)
		return ok && NewRelease(old).Same(NewRelease(image))
	})
}
