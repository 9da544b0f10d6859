package promotion

import "time"

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
