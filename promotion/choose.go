package promotion

import (
	"fmt"
	"slices"
	"time"

	"ferry/promotion/config"
)

// choice is what should move into an environment now, or why nothing should.
type choice struct {
	release    Release
	intent     string
	asker      string
	gates      []Gate
	superseded []Release // older ones that are skipped with it
	next       Release   // a newer one that waits for its soak
	nothing    string    // why there is no release
}

// The intents a promotion can have; they stand in the trailer of its commit.
const (
	IntentPromotion = "promotion"
	IntentUpdate    = "update"
)

// choose returns what is to move into the environment: what a person asked for; what CI announced, where Ferry updates the environment; else
// the newest eligible release from upstream, where one whose soak is done is not replaced by one whose is not.
func (s *Snapshot) choose(env *Environment, now time.Time) choice {
	if len(env.From) == 0 {
		return s.chooseUpdate(env, now)
	}
	if env.Intent != nil {
		if c, ok := s.chooseIntent(env, now); ok {
			return c
		}
	}
	candidates := s.candidates(env)
	if len(candidates) == 0 {
		return choice{nothing: s.whyNothing(env)}
	}
	pick := 0
	for i, release := range candidates {
		if gateNamed(s.evaluate(env, release, now), "soak").State == GateOpen {
			pick = i
			break
		}
	}
	out := choice{intent: IntentPromotion, release: candidates[pick], gates: s.evaluate(env, candidates[pick], now), superseded: candidates[pick+1:]}
	if pick > 0 {
		out.next = candidates[0]
	}
	return out
}

// chooseIntent returns what a person asked for with /promote; false once the environment runs it or somebody rejected it.
func (s *Snapshot) chooseIntent(env *Environment, now time.Time) (choice, bool) {
	release := env.Intent.Release
	if current := env.Current(); current != nil && current.Problem == "" && current.Release.Same(release) {
		return choice{}, false
	}
	if env.rejected(release) != nil {
		return choice{}, false
	}
	return choice{release: release, intent: IntentPromotion, asker: env.Intent.Actor, gates: s.evaluate(env, release, now)}, true
}

// chooseUpdate returns what CI announced for a first environment that Ferry updates.
func (s *Snapshot) chooseUpdate(env *Environment, now time.Time) choice {
	current := env.Current()
	if env.Update == config.UpdateNone {
		return choice{nothing: "the first environment: a new image arrives here by a commit"}
	}
	if current == nil || current.Problem != "" {
		return choice{nothing: "Ferry updates this environment once its manifests are whole"}
	}
	release := current.Release
	for _, a := range s.Announced {
		if s.announcedLater(a, current) {
			release = release.With(a.Image)
		}
	}
	if release.Same(current.Release) || env.rejected(release) != nil {
		return choice{nothing: "CI has announced nothing newer"}
	}
	return choice{release: release, intent: IntentUpdate, asker: "CI", gates: s.evaluate(env, release, now)}
}

// announcedLater says whether what CI announced is to replace what stands: never something older by version, and never something announced
// before a person's own commit.
func (s *Snapshot) announcedLater(a Announced, current *Deployment) bool {
	old, ok := current.Release.Image(a.Image.Name)
	if !ok || NewRelease(old).Same(NewRelease(a.Image)) {
		return false
	}
	switch NewRelease(a.Image).compareVersions(NewRelease(old)) {
	case Newer:
		return true
	case Older:
		return false
	}
	if standing, ok := s.source(old); ok {
		return a.Seq > standing.Seq
	}
	return a.At.After(current.Since)
}

// candidates returns the releases that may enter the environment without a person, the newest first: converged in its `from` environments
// since Ferry's first look, newer than what stands there, and not rejected.
func (s *Snapshot) candidates(env *Environment) []Release {
	var out []Release
	for _, name := range env.From {
		up := s.Find(name)
		if up == nil {
			continue
		}
		for i := range up.History {
			d := &up.History[i]
			if slices.ContainsFunc(out, d.Release.Same) || !s.eligible(env, up, d) {
				continue
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

func (s *Snapshot) eligible(env, up *Environment, d *Deployment) bool {
	if d.Baseline || d.Problem != "" || d.ConvergedAt.IsZero() || !s.convergedUpstream(env, d.Release) {
		return false
	}
	if current := up.Current(); current == nil || current.Problem != "" || !current.Release.Same(d.Release) && s.order(current.Release, d.Release) != Newer {
		return false // upstream went back from it
	}
	if env.rejected(d.Release) != nil {
		return false
	}
	current := env.Current()
	switch {
	case current == nil:
		return false
	case current.Problem != "":
		return true // mixed: promoting into it makes it whole
	}
	return !current.Release.Same(d.Release) && s.order(d.Release, current.Release) == Newer
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
			if d.Problem != "" || !d.Release.Same(r) || !d.Baseline && len(env.From) > 0 {
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

// whyNothing says why no release is on its way into the environment.
func (s *Snapshot) whyNothing(env *Environment) string {
	current := env.Current()
	for _, name := range env.From {
		up := s.Find(name)
		d := (*Deployment)(nil)
		if up != nil {
			d = up.Current()
		}
		switch {
		case d == nil:
			return fmt.Sprintf("the app is not in %s, from where it would come", name)
		case d.Problem != "":
			return fmt.Sprintf("nothing is promoted from %s: %s", name, d.Problem)
		case current != nil && current.Problem == "" && current.Release.Same(d.Release):
			continue
		case env.rejected(d.Release) != nil:
			r := env.rejected(d.Release)
			return fmt.Sprintf("%s rejected %s by closing #%d; reopening it or /promote lifts that", r.Actor, d.Release.Version(), r.Number)
		case d.Baseline:
			return fmt.Sprintf("%s has stood in %s since Ferry's first look; /promote %s %s brings it here", d.Release.Version(), name, s.App.Name, env.Name)
		case d.ConvergedAt.IsZero():
			return fmt.Sprintf("%s has not converged in %s yet: %s", d.Release.Version(), name, d.Message)
		case current != nil && s.order(d.Release, current.Release) == Older:
			return fmt.Sprintf("%s in %s is older than what stands here", d.Release.Version(), name)
		case current != nil && current.Problem == "":
			return fmt.Sprintf("%s in %s cannot be ordered to what stands here, which came by another way; /promote %s %s brings it here", d.Release.Version(), name, s.App.Name, env.Name)
		}
	}
	return "nothing new upstream"
}

func gateNamed(gates []Gate, name string) Gate {
	for _, g := range gates {
		if g.Name == name {
			return g
		}
	}
	return Gate{}
}

// source returns what CI announced of the image, or what its tag says.
func (s *Snapshot) source(image Image) (Announced, bool) {
	for _, a := range s.Sources {
		if NewRelease(a.Image).Same(NewRelease(image)) {
			return a, true
		}
	}
	return Announced{}, false
}
