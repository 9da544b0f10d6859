package promotion

import (
	"fmt"
	"slices"
	"time"

	"ferry/promotion/config"
)

// RolledBack is a rollback that was decided: what comes back, and what keeps the release that it takes away from coming again.
type RolledBack struct {
	Environment string
	Intent      Intent // of no kind where it has come back already
	Cause       string // what made Ferry decide it; empty where a person did
	Hold        Hold
	Block       *Block // nil where no one release stood
}

// rollback decides that the release come back to the app's environment, whose history is given, the newest first.
func rollback(app, environment string, history []Deployment, to Release, actor, reason string, now time.Time) RolledBack {
	out := RolledBack{Environment: environment, Intent: Intent{Kind: IntentRollback, Release: to, Actor: actor, Reason: reason, At: now},
		Hold: Hold{App: app, Environment: environment, Actor: actor, Reason: reason, At: now}}
	if bad := standing(history); bad != nil && bad.Problem == "" {
		out.Intent.From, out.Hold.RolledBack = bad.Release, bad.Release
		out.Block = blockOf(app, environment, bad.Release, to, actor, now)
		if out.Block.Reason = "rolled back to " + to.Version(); reason != "" {
			out.Block.Reason += ": " + reason
		}
	}
	return out
}

// blockOf returns the block on exactly that release, also once it was built again: by its tags, where it has some. Where what comes back has the same tags,
// by its digests.
func blockOf(app, environment string, release, to Release, actor string, at time.Time) *Block {
	b := blockOn(release, func(i Image) Image {
		if i.Tag != "" {
			i.Digest = ""
		}
		return i
	})
	if b.matches(to) {
		b = blockOn(release, func(i Image) Image { return i })
	}
	b.App, b.Environment, b.Actor, b.At = app, environment, actor, at
	return &b
}

func blockOn(release Release, as func(Image) Image) (b Block) {
	for _, i := range release {
		b.Rest = append(b.Rest, as(i))
	}
	b.Image, b.Rest = b.Rest[0], b.Rest[1:]
	if len(b.Rest) == 0 {
		b.Image.Name, b.Rest = "", nil
	}
	return b
}

// standing returns the deployment that stands now, or nil.
func standing(history []Deployment) *Deployment {
	if len(history) == 0 || history[0].Ended {
		return nil
	}
	return &history[0]
}

// lastGood returns the last other release that converged in the environment, of those that nobody wants out; nil where there is none.
func lastGood(history []Deployment, unwanted func(Release) bool) Release {
	current := standing(history)
	for i := range history {
		d := &history[i]
		if d.Problem != "" || len(d.Release) == 0 || d.ConvergedAt.IsZero() || unwanted(d.Release) || current != nil && current.Release.Same(d.Release) {
			continue
		}
		return d.Release
	}
	return nil
}

// stoodOnce returns the release in the history that the image names, the newest first; nil where none has it.
func stoodOnce(history []Deployment, image Image) Release {
	for i := range history {
		if d := &history[i]; d.Problem == "" && slices.ContainsFunc(d.Release, image.meant) {
			return d.Release
		}
	}
	return nil
}

// plainHolds returns the holds that stop whatever comes, without those of rollbacks.
func plainHolds(holds []Hold) (plain []Hold) {
	for _, h := range holds {
		if len(h.RolledBack) == 0 {
			plain = append(plain, h)
		}
	}
	return plain
}

// rolledBack returns the hold of a rollback that stands, or nil: what comes next needs a person.
func (e *Environment) rolledBack() *Hold {
	for i := range e.Holds {
		if len(e.Holds[i].RolledBack) > 0 {
			return &e.Holds[i]
		}
	}
	return nil
}

// heldBack returns the hold of a rollback that keeps the release out, because it is not newer than what was taken away; nil where none does.
func (s *Snapshot) heldBack(env *Environment, release Release) *Hold {
	for i := range env.Holds {
		if h := &env.Holds[i]; len(h.RolledBack) > 0 && !s.after(release, h) {
			return h
		}
	}
	return nil
}

// after says whether the release is newer than what a rollback took away: by the order of releases, or because CI announced it since.
func (s *Snapshot) after(release Release, h *Hold) bool {
	if order := s.order(release, h.RolledBack); order != Unordered {
		return order == Newer
	}
	return slices.ContainsFunc(s.Announced, func(a Announced) bool {
		image, ok := release.Image(a.Image.Name)
		return ok && NewRelease(image).Same(NewRelease(a.Image)) && a.At.After(h.At)
	})
}

// rolledBackGate is the gate hold where no other hold stands.
func (s *Snapshot) rolledBackGate(env *Environment, release Release, gate Gate) Gate {
	if h := s.heldBack(env, release); h != nil {
		gate.State, gate.Reason = GateClosed, h.words()
		return gate
	}
	if h := env.rolledBack(); h != nil {
		gate.Reason = fmt.Sprintf("newer than %s, from which %s rolled back: a person merges it", h.RolledBack.Version(), h.Actor)
	}
	return gate
}

// endRollbacks ends the holds of rollbacks over which something newer has come to stand.
func (p *planner) endRollbacks(env *Environment) {
	env.Holds = slices.DeleteFunc(slices.Clone(env.Holds), func(h Hold) bool {
		current := env.Current()
		over := len(h.RolledBack) > 0 && current != nil && current.Problem == "" && p.s.after(current.Release, &h)
		if over {
			p.plan.HoldsEnded = append(p.plan.HoldsEnded, h.ID)
		}
		return over
	})
}

// mergesItself says whether Ferry merges what was chosen without a person, once every gate is open. What follows a rollback needs one, and so does a
// rollback that Ferry has decided itself, unless the environment lets it, and it is degraded still.
func (p *planner) mergesItself(env *Environment, c choice) bool {
	switch {
	case c.intent == IntentRollback && c.asker == p.s.self():
		d := env.Current()
		return env.Rollback == config.RollbackAuto && d != nil && d.degraded()
	case isUrgent(c.intent):
		return env.AutoMerge
	}
	return env.AutoMerge && env.rolledBack() == nil
}

// Detail names what comes and what it replaces, for an event.
func (i Intent) Detail() string {
	words := i.Release.Version()
	if len(i.From) > 0 {
		words = i.From.Version() + " → " + words
	}
	if i.Reason != "" {
		words += ": " + i.Reason
	}
	return words
}
