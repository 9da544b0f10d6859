package promotion

import (
	"fmt"
	"slices"
	"strings"

	"ferry/forge"
)

// CoAuthors is who else made a commit whose message names co-authors by addresses that only the forge knows, where it did not tell that at first.
type CoAuthors struct {
	Source   string    // owner/name; empty: the environment repository
	Revision forge.SHA // of its branch, with which the commit came; empty: of a source
	Commit   forge.SHA
	Told     bool
	Logins   []string
	Problem  string // why the forge has not told
}

// Name takes in who else made commits: of those that the forge has told meanwhile, at what is known of the commits; the others are waited for.
func (s *Snapshot) Name(list []CoAuthors) {
	for _, c := range list {
		switch {
		case !c.Told:
			s.Untold = append(s.Untold, c)
		case c.Revision != "":
			s.nameBringers(c)
		default:
			s.nameAuthors(c)
		}
	}
}

func (s *Snapshot) nameBringers(c CoAuthors) {
	for i := range s.Environments {
		for j := range s.Environments[i].History {
			if d := &s.Environments[i].History[j]; d.FirstSHA == c.Revision {
				d.BroughtAlso = append(slices.Clip(d.BroughtAlso), c.Logins...)
			}
		}
	}
}

func (s *Snapshot) nameAuthors(c CoAuthors) {
	for i := range s.Authors {
		if a := &s.Authors[i]; a.Commit == c.Commit && strings.EqualFold(a.Source, c.Source) {
			a.With = append(slices.Clip(a.With), c.Logins...)
		}
	}
	for _, change := range s.Changes {
		for j := range change.Commits {
			if made := &change.Commits[j]; made.SHA == c.Commit && strings.EqualFold(change.Source, c.Source) {
				made.With = append(slices.Clip(made.With), c.Logins...)
			}
		}
	}
}

// untold says why it is not known who made the release as it goes into the environment; "" where that is known, or will never be.
func (s *Snapshot) untold(env *Environment, release Release) string {
	var missing []CoAuthors
	for _, c := range s.Untold {
		if c.Revision == "" && s.partOf(env, release, c) || c.Revision != "" && s.broughtUnknown(env, release, func(d *Deployment) bool { return d.FirstSHA == c.Revision }) {
			missing = append(missing, c)
		}
	}
	if len(missing) > 0 {
		return untoldWords(missing)
	}
	if current := env.Current(); current != nil && slices.ContainsFunc(s.changed(current.Release, release), s.unread) {
		return "what changed in its source is being read, and who made that: no approval counts before"
	}
	return ""
}

// untoldWords says of which commits the forge does not tell who else made them, and what can be done about it.
func untoldWords(missing []CoAuthors) string {
	first := missing[0]
	commit := first.Commit.Short()
	if first.Source != "" {
		commit = first.Source + "@" + commit
	}
	if n := len(missing) - 1; n > 0 {
		commit += fmt.Sprintf(" and %d more", n)
	}
	return fmt.Sprintf("no approval counts until it is known who the co-authors of %s are, which could not be looked up: %s. It is asked again hourly and on /retry; /override approvals goes without it",
		commit, first.Problem)
}

// partOf says whether the release was built from the commit, or adds it to what stands in the environment.
func (s *Snapshot) partOf(env *Environment, release Release, c CoAuthors) bool {
	built := slices.ContainsFunc(release, func(image Image) bool {
		from, ok := s.source(image)
		return ok && from.Commit == c.Commit && strings.EqualFold(from.Source, c.Source)
	})
	current := env.Current()
	if built || current == nil {
		return built
	}
	return slices.ContainsFunc(s.changed(current.Release, release), func(k ChangeKey) bool {
		return strings.EqualFold(k.Source, c.Source) && slices.ContainsFunc(s.between(k).Commits, func(made SourceCommit) bool { return made.SHA == c.Commit })
	})
}

// unread says whether a change is to be read yet.
func (s *Snapshot) unread(k ChangeKey) bool {
	state := s.between(k).State
	return state == ChangePending || state == ChangeFailed && !s.askedFor(k)
}

// askedFor says whether a change was asked for as a whole.
func (s *Snapshot) askedFor(k ChangeKey) bool {
	return slices.ContainsFunc(s.Changes, func(c SourceChange) bool { return c.ChangeKey == k })
}
