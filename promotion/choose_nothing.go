package promotion

import (
	"fmt"
	"strings"
)

// nothingNew is said where upstream nothing stands that does not stand here.
const nothingNew = "nothing new upstream"

// whyNothing says why no release is on its way into the environment.
func (s *Snapshot) whyNothing(env *Environment) string {
	current := env.Current()
	if current == nil {
		return "the app has no manifest here any more"
	}
	if words := s.waitsForOthers(env); words != "" {
		return words
	}
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
		case env.runs(d.Release):
			continue
		case env.merging(d.Release):
			return fmt.Sprintf("%s was merged, and its revision is being read", d.Release.Version())
		case env.blocked(d.Release) != nil:
			return env.blocked(d.Release).words()
		case env.rejected(d.Release) != nil:
			return env.rejected(d.Release).words() + "; reopening it, /promote or /unblock lifts that"
		case env.drops(d.Release):
			return s.dropWords(env)
		case d.Baseline:
			if current.Problem == "" && s.order(d.Release, current.Release) == Older {
				return fmt.Sprintf("%s has stood in %s since Ferry's first look and is older than what stands here; /promote %s %s takes it back", d.Release.Version(), name, s.App.Name, env.Name)
			}
			return fmt.Sprintf("%s has stood in %s since Ferry's first look; /promote %s %s brings it here", d.Release.Version(), name, s.App.Name, env.Name)
		case d.ConvergedAt.IsZero():
			return fmt.Sprintf("%s has not converged in %s yet: %s", d.Release.Version(), name, d.Message)
		case s.heldBack(env, d.Release) != nil:
			return s.heldBack(env, d.Release).words()
		case env.leftBehind(d.Release):
			return fmt.Sprintf("%s stood here until somebody replaced it; /promote %s %s brings it back", d.Release.Version(), s.App.Name, env.Name)
		case current.Problem == "" && s.order(d.Release, current.Release) == Older:
			return fmt.Sprintf("%s in %s is older than what stands here", d.Release.Version(), name)
		case current.Problem == "" && s.order(d.Release, current.Release) == Unordered:
			return fmt.Sprintf("%s in %s cannot be ordered to what stands here, which came by another way; /promote %s %s brings it here", d.Release.Version(), name, s.App.Name, env.Name)
		}
	}
	return nothingNew
}

// waitsForOthers says for which others a release waits that has converged in one `from` environment, where all are asked for; nothing where none does.
func (s *Snapshot) waitsForOthers(env *Environment) string {
	for _, name := range env.From {
		up := s.Find(name)
		if up == nil || up.Current() == nil || !s.fits(env, up.Current()) {
			continue
		}
		release := up.Current().Release
		if env.drops(release) || s.upheld(env, release) {
			continue
		}
		var others []string
		for _, other := range env.From {
			if words := s.lacking(env, other, release); words != "" {
				others = append(others, other+", "+words)
			}
		}
		return fmt.Sprintf("%s waits for %s", release.Version(), strings.Join(others, "; for "))
	}
	return ""
}

// lacking says how the release stands in a `from` environment that does not uphold it; nothing where that one does.
func (s *Snapshot) lacking(env *Environment, name string, release Release) string {
	only := *env
	only.From = []string{name}
	if s.upheld(&only, release) {
		return ""
	}
	up := s.Find(name)
	if up == nil || up.Current() == nil {
		return "where the app is not"
	}
	d := up.Current()
	switch {
	case d.Problem != "":
		return "from where nothing is promoted: " + d.Problem
	case up.runs(release):
		return strings.TrimSuffix("where it has not converged yet: "+d.Message, ": ")
	case up.isShown(release) && up.Pull != nil:
		return fmt.Sprintf("where #%d brings it", up.Pull.Number)
	case up.blocked(release) != nil:
		return "where " + up.blocked(release).words()
	case up.rejected(release) != nil:
		return "where " + up.rejected(release).words()
	case up.merging(release):
		return "where it was merged, and its revision is being read"
	}
	return fmt.Sprintf("where %s stands", d.Release.Version())
}
