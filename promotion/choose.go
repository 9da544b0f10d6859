package promotion

import (
	"fmt"
	"slices"
	"time"
)

// choice is what should move into an environment now, or why nothing should.
type choice struct {
	release    Release
	intent     string
	asker      string
	gates      []Gate
	superseded []Release // older ones that are skipped with it
	next       []Release // newer ones that wait, the next one first,
	then       string    // until then
	wait       Gate      // what keeps it from being opened yet; none where its name is empty
	nothing    string    // why there is no release
	pending    bool      // what a person asked for may still come
	due        time.Time // when a candidate's soak may be done
	reason     string    // why a person wants it at once
}

// The intents a promotion can have; they stand in the trailer of its commit.
const (
	IntentPromotion = "promotion"
	IntentUpdate    = "update"
	IntentRollback  = "rollback"
	IntentHotfix    = "hotfix"
	IntentBackfill  = "backfill"
)

// choose returns what is to move into the environment: what CI announced, where Ferry updates the environment; else the newest eligible release from
// upstream, where one whose soak is done, or that a person asked for, is not replaced by one whose soak is not.
func (s *Snapshot) choose(env *Environment, now time.Time) choice {
	urgent, ok := s.chooseUrgent(env, now)
	switch {
	case !ok:
		return s.chooseNext(env, now)
	case urgent.intent == IntentBackfill:
		return s.besideBackfill(env, urgent, s.chooseNext(env, now))
	}
	return urgent
}

// chooseNext is choose where nothing is wanted there at once.
func (s *Snapshot) chooseNext(env *Environment, now time.Time) choice {
	if len(env.From) == 0 {
		return s.chooseUpdate(env, now)
	}
	asked, pending := s.asked(env)
	candidates := s.candidates(env, asked)
	if len(candidates) == 0 {
		return choice{nothing: s.whyNothing(env), pending: pending}
	}
	out := s.pick(env, candidates, asked, now)
	out.pending = pending
	out.gates = s.evaluate(env, out.release, now)
	if asked.Same(out.release) {
		out.asker = env.Intent.Actor
	}
	return out
}

// asked returns the release that a person asked for with /promote, once it has converged upstream; before that it is pending. It is nothing any
// more where the environment runs it, where somebody rejected it or took it out of a train since, where something newer has come to stand, and where upstream
// another release replaced it before it converged.
func (s *Snapshot) asked(env *Environment) (release Release, pending bool) {
	if env.Intent == nil || isUrgent(env.Intent.Kind) || env.blocked(env.Intent.Release) != nil || env.unwanted(env.Intent.Release) || env.runs(env.Intent.Release) || s.outrun(env, env.Intent) {
		return nil, false
	}
	if env.merging(env.Intent.Release) {
		return nil, true
	}
	if s.convergedUpstream(env, env.Intent.Release) {
		return env.Intent.Release, false
	}
	return nil, slices.ContainsFunc(env.From, func(name string) bool {
		up := s.Find(name)
		return up != nil && up.runs(env.Intent.Release)
	})
}

// unwanted says whether a person rejected the release, or took it out of a train: who asks for it after that takes that back, so it is the last word.
func (e *Environment) unwanted(release Release) bool {
	return e.rejected(release) != nil || e.drops(release)
}

// outrun says whether something newer stands in the environment than what was asked for. Who asked for something older than what stood there meant just that.
func (s *Snapshot) outrun(env *Environment, i *Intent) bool {
	current := env.Current()
	return current != nil && current.Problem == "" && s.order(i.Release, current.Release) == Older && !i.From.Same(current.Release)
}

// runs says whether the release stands in the environment now.
func (e *Environment) runs(release Release) bool {
	current := e.Current()
	return current != nil && current.Problem == "" && current.Release.Same(release)
}

// candidates returns the releases that may enter the environment, the newest first: what a person asked for, and those that need no person,
// because they converged in its `from` environments since Ferry's first look, are newer than what stands there, and nobody rejected them.
func (s *Snapshot) candidates(env *Environment, asked Release) []Release {
	var out []Release
	if asked != nil {
		out = append(out, asked)
	}
	for _, name := range env.From {
		up := s.Find(name)
		if up == nil {
			continue
		}
		for i := range up.History {
			d := &up.History[i]
			if slices.ContainsFunc(out, d.Release.Same) || !s.eligible(env, d) {
				continue
			}
			if asked != nil && s.order(d.Release, asked) == Unordered {
				continue // it does not replace what a person asked for
			}
			out = append(out, d.Release)
		}
	}
	slices.SortStableFunc(out, func(a, b Release) int {
		switch s.order(a, b) {
		case Newer:
			return -1
		case Older:
			return 1
		}
		return 0
	})
	return out
}

func (s *Snapshot) eligible(env *Environment, d *Deployment) bool {
	return s.fits(env, d) && s.upheld(env, d.Release)
}

// fits says whether what stood upstream may enter the environment, as far as where it stood and the environment itself tell.
func (s *Snapshot) fits(env *Environment, d *Deployment) bool {
	if d.Baseline || d.Problem != "" || d.ConvergedAt.IsZero() {
		return false
	}
	if env.blocked(d.Release) != nil || s.heldBack(env, d.Release) != nil || env.rejected(d.Release) != nil || env.leftBehind(d.Release) || env.merging(d.Release) {
		return false
	}
	current := env.Current()
	switch {
	case current == nil:
		return false
	case current.Problem != "":
		return true // mixed: promoting into it makes it whole
	}
	return !current.Release.Same(d.Release) && (s.order(d.Release, current.Release) == Newer || s.overHotfix(env, d.Release))
}

// upheld says whether the release has converged in each `from` environment (in any, under `any`), and none of them went back from it: it stands there
// still, or a newer one does.
func (s *Snapshot) upheld(env *Environment, release Release) bool {
	upheld := 0
	for _, name := range env.From {
		up := s.Find(name)
		if up == nil || up.Current() == nil || up.Current().Problem != "" {
			continue
		}
		d := up.deploymentOf(release)
		if d == nil || d.ConvergedAt.IsZero() && (!env.isShown(release) || !up.hasConverged(release)) {
			continue
		}
		if up.runs(release) || s.order(up.Current().Release, release) == Newer {
			upheld++
		}
	}
	return upheld == len(env.From) || env.FromAny && upheld > 0
}

// isShown says whether the living promotion has the release.
func (e *Environment) isShown(release Release) bool {
	return e.Promotion != nil && e.Promotion.Release.Same(release)
}

// hasConverged says whether the release has converged in the environment at any time. It may have come back since, by a rollback, and not have converged
// again: what is open waits for that, and is not replaced by something older meanwhile.
func (e *Environment) hasConverged(release Release) bool {
	return slices.ContainsFunc(e.History, func(d Deployment) bool {
		return d.Problem == "" && d.Release.Same(release) && !d.ConvergedAt.IsZero()
	})
}

// leftBehind says whether the release has stood in the environment, and a commit of somebody's replaced it: it does not come again without a person.
func (e *Environment) leftBehind(release Release) bool {
	current := e.Current()
	if current == nil || current.Problem != "" {
		return false
	}
	d := e.deploymentOf(release)
	return d != nil && d.Ended || d == nil && e.overrun(release)
}

func (s *Snapshot) convergedUpstream(env *Environment, release Release) bool {
	converged := 0
	for _, name := range env.From {
		if d := s.Find(name).deploymentOf(release); d != nil && !d.ConvergedAt.IsZero() {
			converged++
		}
	}
	return converged == len(env.From) || env.FromAny && converged > 0
}

// order says where a stands to b: by semantic version, else by the order in which they entered the app's first environment. What stood
// anywhere at Ferry's first look came before everything that entered later.
func (s *Snapshot) order(a, b Release) Order {
	if o := a.compareVersions(b); o != Unordered {
		return o
	}
	seqA, okA := s.entered(a)
	seqB, okB := s.entered(b)
	switch {
	case !okA || !okB || seqA == seqB:
		return Unordered
	case seqA > seqB:
		return Newer
	}
	return Older
}

func (s *Snapshot) entered(r Release) (seq int64, ok bool) {
	for i := range s.Environments {
		env := &s.Environments[i]
		for _, d := range env.History {
			if d.Problem != "" || !d.Release.Same(r) || !d.Baseline && (len(env.From) > 0 || env.Dropped) { // of a dropped one nobody knows any more what was upstream
				continue
			}
			if !ok || d.FirstSeq < seq {
				seq, ok = d.FirstSeq, true
			}
		}
	}
	return seq, ok
}

// rejected returns the rejection of the release in the environment, or nil.
func (e *Environment) rejected(release Release) *Rejection {
	for i := range e.Rejections {
		if e.Rejections[i].Release.Same(release) {
			return &e.Rejections[i]
		}
	}
	return nil
}

// words says who rejected what.
func (r *Rejection) words() string {
	return fmt.Sprintf("%s rejected %s by closing #%d", r.Actor, r.Release.Version(), r.Number)
}

func gateNamed(gates []Gate, name string) Gate {
	for _, g := range gates {
		if g.Name == name {
			return g
		}
	}
	return Gate{}
}
