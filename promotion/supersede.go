package promotion

import (
	"fmt"
	"slices"
	"time"

	"ferry/promotion/config"
)

// A newer release and the one before it. `latest` replaces what is shown; `batch` leaves what is open as it is until it is merged or closed; `queue`
// lets one after the other in, in order. `window` is how long Ferry collects: from the first release that could go on, and then it opens the promotion
// with the newest, or under `latest` changes an open one. What a person asks for comes at once.

// The names of what keeps a promotion from being opened before its time. They are no gates of a pull request, for there is none yet.
const (
	queueGate   = "queue"
	collectGate = "window"
)

// pick chooses among the candidates, of which there is one at least, the newest first.
func (s *Snapshot) pick(env *Environment, candidates []Release, asked Release, now time.Time) choice {
	out := choice{intent: IntentPromotion}
	picked := slices.IndexFunc(candidates, asked.Same)
	switch {
	case env.Supersede == config.SupersedeQueue: // what a person asks for comes before its turn, and nothing newer with it
		if out.then = "once this has converged and soaked here"; picked < 0 {
			picked = s.pickQueued(env, candidates, now, &out)
		}
	case env.Supersede != config.SupersedeBatch || picked < 0:
		picked = s.pickNewest(env, candidates, asked, now, &out)
	}
	out.release, out.superseded = candidates[picked], candidates[picked+1:]
	if out.next = slices.Clone(candidates[:picked]); env.Supersede == config.SupersedeQueue {
		slices.Reverse(out.next)
	} else if picked > 0 {
		out.next = out.next[:1]
	}
	return out
}

// pickNewest takes the newest of those whose soak is done, or that a person asked for; where there is none, the newest.
func (s *Snapshot) pickNewest(env *Environment, candidates []Release, asked Release, now time.Time, out *choice) int {
	picked, ready := 0, false
	for i, release := range candidates {
		soak := env.waived(soakGate(s, env, release, now), release)
		if ready = soak.State == GateOpen || asked.Same(release); ready {
			picked = i
			break
		}
		out.due = soonest(out.due, soak.DueAt)
	}
	if picked > 0 {
		out.then = "once its soak is done"
	}
	if asked.Same(candidates[picked]) || env.shownAmong(candidates) == picked {
		return picked
	}
	return s.collect(env, candidates, picked, ready, now, out)
}

// collect puts the picked release off while a batch is open, and while the window collects. It returns which one stands for it until then.
func (s *Snapshot) collect(env *Environment, candidates []Release, picked int, ready bool, now time.Time, out *choice) int {
	shown := env.shownAmong(candidates)
	if shown >= 0 && env.Supersede == config.SupersedeBatch {
		out.then = "once this is merged or closed"
		return shown
	}
	if env.Window == 0 || shown < 0 && env.Promotion != nil { // what that one shows is not to come any more
		return picked
	}
	news := candidates[picked:]
	if shown > picked {
		news = candidates[picked:shown]
	}
	ends := s.windowEnds(env, news, ready, now)
	if !ends.After(now) {
		return picked
	}
	out.due = soonest(out.due, ends)
	if shown >= 0 {
		out.then = "at " + instant(ends)
		return shown
	}
	out.wait = Gate{Name: collectGate, State: GateWaiting, DueAt: ends, Reason: "collects until " + instant(ends) + ", and opens with the newest then"}
	return picked
}

// windowEnds returns when the window is over that began with the first of the releases that could go on: where they are ready, with its soak done.
func (s *Snapshot) windowEnds(env *Environment, releases []Release, ready bool, now time.Time) time.Time {
	var first time.Time
	for _, release := range releases {
		first = soonest(first, s.since(env, choice{release: release}, now))
	}
	if ready {
		first = first.Add(env.Soak)
	}
	return first.Add(env.Window)
}

// shownAmong returns which of the candidates the living promotion shows; -1 for none.
func (e *Environment) shownAmong(candidates []Release) int {
	if e.Promotion == nil {
		return -1
	}
	return slices.IndexFunc(candidates, e.Promotion.Release.Same)
}

// pickQueued takes the oldest that can still come; one that upstream replaced before it was ready is passed over.
func (s *Snapshot) pickQueued(env *Environment, candidates []Release, now time.Time, out *choice) int {
	picked := env.shownAmong(candidates)
	if picked < 0 || !s.reachable(env, candidates[picked], now) {
		picked = 0
		for i, release := range slices.Backward(candidates) {
			if s.reachable(env, release, now) {
				picked = i
				break
			}
		}
	}
	if env.Promotion == nil {
		out.wait = s.turn(env, now)
		out.due = soonest(out.due, out.wait.DueAt)
	}
	return picked
}

// reachable says whether the release is ready upstream, or can still become so. One that somebody took out of a train comes no more by itself.
func (s *Snapshot) reachable(env *Environment, release Release, now time.Time) bool {
	if env.drops(release) && env.Promotion == nil {
		return false
	}
	if env.waived(soakGate(s, env, release, now), release).State == GateOpen && env.waived(upstreamGate(s, env, release, now), release).State == GateOpen {
		return true
	}
	return slices.ContainsFunc(env.From, func(name string) bool { up := s.Find(name); return up != nil && up.runs(release) })
}

// turn says what the next of a queue waits for: that the one before has converged in the environment, and has been healthy there for as long as any
// environment asks that is promoted into from it. It is the zero Gate where it need not wait: at the baseline, nothing of the queue came before.
func (s *Snapshot) turn(env *Environment, now time.Time) Gate {
	for _, m := range env.Merged {
		if env.beingRead(m) {
			return Gate{Name: queueGate, State: GateWaiting, Reason: fmt.Sprintf("%s comes first: it was merged, and its revision is being read", m.Release.Version())}
		}
	}
	current := env.Current()
	if current == nil || current.Baseline || current.Problem != "" {
		return Gate{}
	}
	before := fmt.Sprintf("%s comes first, which stands here and ", current.Release.Version())
	if current.ConvergedAt.IsZero() || current.State != DeploymentConverged {
		return Gate{Name: queueGate, State: GateWaiting, Reason: before + "has not converged: " + current.Message}
	}
	var need time.Duration
	for _, down := range s.Environments {
		if slices.Contains(down.From, env.Name) {
			need = max(need, down.Soak)
		}
	}
	soak := soakIn(env, need, current.Release, now)
	if soak.State == GateOpen {
		return Gate{}
	}
	return Gate{Name: queueGate, State: GateWaiting, Reason: before + "has not soaked: " + soak.Reason, DueAt: soak.DueAt}
}
