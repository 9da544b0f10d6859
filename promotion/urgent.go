package promotion

import (
	"fmt"
	"slices"
	"time"

	"ferry/promotion/config"
)

// isUrgent says whether a promotion of that intent goes ahead of all that is on its way: it never rewrites an open promotion, and none rewrites it.
func isUrgent(intent string) bool {
	return intent == IntentRollback || intent == IntentHotfix || intent == IntentBackfill
}

// Urgent says whether the wish is for a rollback, a hotfix or a back-fill.
func (w PullWish) Urgent() bool { return isUrgent(w.Intent) }

// Rewrites says whether the wish may be shown by a pull request that shows the other one, in place.
func (w PullWish) Rewrites(other PullWish) bool {
	return !isUrgent(w.Intent) && !isUrgent(other.Intent) || w.Intent == other.Intent && w.Release.Same(other.Release)
}

// wanted returns the urgent intent on the environment that still holds: what it brings does not stand there, nobody has rejected or blocked it since, and
// what stood when it was asked for stands still.
func (e *Environment) wanted() *Intent {
	i := e.Intent
	if i == nil || !isUrgent(i.Kind) || e.runs(i.Release) || e.rejected(i.Release) != nil || e.blocked(i.Release) != nil {
		return nil
	}
	if current := e.Current(); current == nil || current.Problem == "" && len(i.From) > 0 && !current.Release.Same(i.From) {
		return nil
	}
	return i
}

// urges says whether somebody wants just this release there at once.
func (e *Environment) urges(release Release) bool {
	i := e.wanted()
	return i != nil && i.Release.Same(release)
}

// rollsBackTo says whether the environment is being rolled back to the release.
func (e *Environment) rollsBackTo(release Release) bool {
	return e.urges(release) && e.Intent.Kind == IntentRollback
}

// skipped returns the gate as it is for the release: what is asked of releases on their way from upstream is not asked of one that somebody wants there
// at once. What upstream says of it meanwhile is of no account, and is not repeated.
func (e *Environment) skipped(g Gate, release Release) Gate {
	if !slices.Contains([]string{"upstream", "soak", "checks"}, g.Name) || !e.urges(release) {
		return g
	}
	words := fmt.Sprintf("skipped: a %s, for which %s asked", e.Intent.Kind, askersWords(e.Intent.Actor))
	if e.Intent.Reason != "" {
		words += ": " + e.Intent.Reason
	}
	return Gate{Name: g.Name, State: GateOpen, Reason: words}
}

// chooseUrgent returns what somebody wants in the environment at once; false where nobody does.
func (s *Snapshot) chooseUrgent(env *Environment, now time.Time) (choice, bool) {
	i := env.wanted()
	if i == nil {
		return choice{}, false
	}
	if env.merging(i.Release) {
		return choice{nothing: i.Release.Version() + " was merged, and its revision is being read", pending: true}, true
	}
	return choice{release: i.Release, intent: i.Kind, asker: i.Actor, reason: i.Reason, gates: s.evaluate(env, i.Release, now)}, true
}

// givesWay wishes that an open promotion be closed before another one is opened in its place, where either is urgent. It says whether it does.
func (p *planner) givesWay(env *Environment, view *EnvironmentView, c choice) bool {
	m := env.Promotion
	if m == nil || env.Mode == config.ModeObserve || (PullWish{Intent: c.intent, Release: c.release}).Rewrites(PullWish{Intent: m.Intent, Release: m.Release}) {
		return false
	}
	reason := p.s.whyOver(env, fmt.Sprintf("%s is to come now", c.release.Version()))
	if isUrgent(c.intent) {
		reason = fmt.Sprintf("%s: %s", p.s.urgentTitle(env, c), c.asker)
	}
	if env.Pull != nil && !env.Pull.Known && m.Train == "" { // what is there is not Ferry's to close
		view.Why = fmt.Sprintf("%s pushed on top of #%d; close it, and %s is opened", env.Pull.who(), env.Pull.Number, c.release.Version())
		view.Proposed, view.Next, view.Queue, view.Then = m.Release, c.release, nil, ""
		view.Gates = []Gate{{Name: "foreign", State: GateClosed, Reason: view.Why}}
		p.gates(env, view.Gates)
		return true
	}
	p.close(env, reason)
	return true
}
