package promotion

import (
	"fmt"
	"slices"
	"time"

	"ferry/promotion/config"
)

// IntentWish is an intent that the plan itself has.
type IntentWish struct {
	Environment string
	Intent      Intent
	Cause       string
}

// upstreamOf returns the environments that releases come from into the environment, over however many.
func (s *Snapshot) upstreamOf(env *Environment) []string {
	places := []string{env.Name}
	for i := 0; i < len(places); i++ {
		e := s.Find(places[i])
		if e == nil {
			continue
		}
		for _, up := range e.From {
			if !slices.Contains(places, up) {
				places = append(places, up)
			}
		}
	}
	return places[1:]
}

// backfill wishes that what a hotfix changed in the environment, where it has converged now, be brought into each environment that releases come from,
// over however many, in which something older runs.
func (p *planner) backfill(env *Environment, m Promotion, number string) {
	changed := changedBy(env, env.deploymentOf(m.Release))
	for _, name := range p.s.upstreamOf(env) {
		up := p.s.Find(name)
		if up == nil || up.Current() == nil || up.Current().Problem != "" || up.Dropped {
			continue
		}
		release := up.Current().Release
		for _, image := range changed {
			release = release.With(image)
		}
		if !p.s.fillsBack(up, release) {
			continue
		}
		p.plan.Intents = append(p.plan.Intents, IntentWish{Environment: name, Cause: "hotfix " + number, Intent: Intent{Kind: IntentBackfill, Release: release,
			From: up.Current().Release, Actor: m.Asker, Reason: "the hotfix in " + env.Name + ": " + m.Reason, At: p.now}})
	}
}

// fillsBack says whether the release may be proposed to the environment as a back-fill: something older stands there, nobody wants it out, and nothing
// else was asked for, but a back-fill of something older.
func (s *Snapshot) fillsBack(up *Environment, release Release) bool {
	if i := up.Intent; i != nil && (i.Kind != IntentBackfill || s.order(release, i.Release) != Newer) {
		return false
	}
	return s.order(release, up.Current().Release) == Newer && up.blocked(release) == nil && up.rejected(release) == nil && s.takenBack(up, release) == ""
}

// changedBy returns the images that a deployment brought, by what stood there before it.
func changedBy(env *Environment, d *Deployment) Release {
	i := slices.IndexFunc(env.History, func(x Deployment) bool { return x.ID == d.ID })
	j := slices.IndexFunc(env.History[i+1:], func(x Deployment) bool { return x.Problem == "" })
	if j < 0 {
		return d.Release
	}
	return d.Release.beside(env.History[i+1+j].Release)
}

// beside returns the images of the release that are others in before, or not in it.
func (r Release) beside(before Release) Release {
	return slices.DeleteFunc(slices.Clone(r), func(image Image) bool {
		old, ok := before.Image(image.Name)
		return ok && NewRelease(old).Same(NewRelease(image))
	})
}

// takenBack says where the hotfix was taken back which the release would bring into the environment; nothing while it is upheld somewhere, and where
// nothing is known of it.
func (s *Snapshot) takenBack(env *Environment, release Release) (words string) {
	current := env.Current()
	if current == nil || current.Problem != "" {
		return ""
	}
	moved := release.beside(current.Release)
	if len(moved) == 0 {
		return ""
	}
	for i := range s.Environments {
		down := &s.Environments[i]
		at := slices.IndexFunc(down.History, func(d Deployment) bool { return d.Problem == "" && len(moved.beside(d.Release)) == 0 })
		if at < 0 || !slices.Contains(s.upstreamOf(down), env.Name) {
			continue
		}
		unwanted := s.unwanted(down, at)
		if unwanted == "" {
			return ""
		}
		words = fmt.Sprintf("the hotfix %s was taken back: %s", down.History[at].Release.Version(), unwanted)
	}
	return words
}

// unwanted says why what was deployed at that place of the history is not wanted in the environment any more: somebody has blocked it there, or
// something that is not newer took its place. Else it says nothing.
func (s *Snapshot) unwanted(env *Environment, at int) string {
	d := &env.History[at]
	if b := env.blocked(d.Release); b != nil {
		return b.words()
	}
	for _, next := range slices.Backward(env.History[:at]) {
		if next.Problem != "" || next.Release.Same(d.Release) {
			continue
		}
		if order := s.order(next.Release, d.Release); order == Newer || order == Unordered && s.seenAfter(next.Release, d.Since) {
			return ""
		}
		return fmt.Sprintf("%s took its place in %s", next.Release.Version(), env.Name)
	}
	return ""
}

// endBackfills ends the back-fills of hotfixes that were taken back.
func (p *planner) endBackfills() {
	for i := range p.s.Environments {
		env := &p.s.Environments[i]
		if x := env.Intent; x != nil && x.Kind == IntentBackfill && p.s.takenBack(env, x.Release) != "" {
			p.plan.IntentsDone, env.Intent = append(p.plan.IntentsDone, env.Name), nil
		}
	}
}

// whyOver says why the open promotion into the environment is to come no more, where the plan knows better than the words given.
func (s *Snapshot) whyOver(env *Environment, otherwise string) string {
	m := env.Promotion
	if m == nil || !isUrgent(m.Intent) || env.urges(m.Release) {
		return otherwise
	}
	if words := s.takenBack(env, m.Release); m.Intent == IntentBackfill && words != "" {
		return words
	}
	switch b := env.blocked(m.Release); {
	case env.runs(m.Release):
		return m.Release.Version() + " stands here already"
	case b != nil:
		return b.words()
	}
	return otherwise
}

// besideBackfill chooses between a back-fill and what would come without it. Something newer that was first seen after the hotfix takes its place, as
// `latest` lets a newer release that is ready supersede any other; everything else waits until the back-fill is merged or closed.
func (s *Snapshot) besideBackfill(env *Environment, backfill, c choice) choice {
	if c.nothing != "" || s.order(c.release, backfill.release) != Newer {
		return backfill
	}
	shut := func(name string) bool { g := gateNamed(c.gates, name); return g.Name != "" && g.State != GateOpen }
	latest := env.Supersede == "" || env.Supersede == config.SupersedeLatest
	if latest && c.wait.Name == "" && !shut("upstream") && !shut("soak") && s.firstSeenAfter(c.release, s.mendedAt(env, backfill.release)) {
		return c
	}
	backfill.next, backfill.then = append([]Release{c.release}, c.next...), "once this is merged or closed"
	backfill.due = soonest(c.due, gateNamed(c.gates, "soak").DueAt)
	return backfill
}

// mendedAt returns when the hotfix came that a back-fill into the environment carries on.
func (s *Snapshot) mendedAt(env *Environment, release Release) time.Time {
	for i := range s.Environments {
		down := &s.Environments[i]
		if h := down.Hotfix; h != nil && slices.Contains(s.upstreamOf(down), env.Name) && len(release.beside(env.Current().Release).beside(h.Release)) == 0 {
			return h.At
		}
	}
	return env.Intent.At
}

// firstSeenAfter is seenAfter also for what has stood nowhere yet, by when CI announced it.
func (s *Snapshot) firstSeenAfter(release Release, at time.Time) bool {
	for i := range s.Environments {
		if s.Environments[i].deploymentOf(release) != nil {
			return s.seenAfter(release, at)
		}
	}
	return slices.ContainsFunc(s.Announced, func(a Announced) bool {
		image, ok := release.Image(a.Image.Name)
		return ok && NewRelease(image).Same(NewRelease(a.Image)) && a.At.After(at)
	})
}
