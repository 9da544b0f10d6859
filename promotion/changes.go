package promotion

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"ferry/forge"
)

// SourceChange is what lies between two commits of a source repository, as it was read once, or that it is still to be read.
type SourceChange struct {
	ChangeKey
	State    ChangeState
	Relation forge.Relation // of Head to Base
	Total    int            // of the commits that Head has and Base has not
	Commits  []SourceCommit // the newest of those, oldest first
}

// ChangeKey names what lies between two commits.
type ChangeKey struct {
	Source string    `json:"source"` // owner/name
	Base   forge.SHA `json:"base"`
	Head   forge.SHA `json:"head"`
}

// ChangeState is how far the reading of a change has come.
type ChangeState string

// A change is waited for, was read, or cannot be read: then only its link is shown.
const (
	ChangePending ChangeState = "pending"
	ChangeRead    ChangeState = "read"
	ChangeFailed  ChangeState = "failed"
)

// SourceCommit is one commit of a source repository, as much of it as people are shown.
type SourceCommit struct {
	SHA     forge.SHA `json:"sha"`
	Subject string    `json:"subject"`
	Author  string    `json:"author,omitempty"` // login; empty where the forge knows no account
	With    []string  `json:"with,omitempty"`   // logins of its co-authors
	Pull    int       `json:"pull,omitempty"`   // the pull request that the subject names
}

// MostSourceCommits is how many commits of one change are kept.
const MostSourceCommits = 250

// NewSourceCommit returns what is kept of a commit.
func NewSourceCommit(c forge.Commit) SourceCommit {
	subject, rest, _ := strings.Cut(c.Message, "\n")
	out := SourceCommit{SHA: c.SHA, Author: clip(oneLine(c.Author.Login), 80), With: c.With}
	if m := mergedPull.FindStringSubmatch(subject); m != nil {
		out.Pull, _ = strconv.Atoi(m[1])
		if title, _, _ := strings.Cut(strings.TrimSpace(rest), "\n"); strings.TrimSpace(title) != "" {
			subject = title // of the pull request
		}
	} else if m := squashedPull.FindStringSubmatch(subject); m != nil {
		subject = m[1]
		out.Pull, _ = strconv.Atoi(m[2])
	}
	out.Subject = clip(oneLine(subject), 120)
	return out
}

// What GitHub writes by itself into the first line of a merge, and of a squash.
var (
	mergedPull   = regexp.MustCompile(`^Merge pull request #([1-9][0-9]{0,8}) from \S`)
	squashedPull = regexp.MustCompile(`^(.*\S) \(#([1-9][0-9]{0,8})\)\s*$`)
)

// mostLinks bounds how many changes are put together to one.
const mostLinks = 50

// between returns what lies between two commits, put together from what was read of each step on the way. It returns pending where all that is missing
// is on its way, and ChangeFailed where there is a gap, or a step that does not lead straight on.
func (s *Snapshot) between(k ChangeKey) SourceChange {
	out := SourceChange{ChangeKey: k, State: ChangeRead, Relation: forge.Ahead}
	if i := slices.IndexFunc(s.Changes, func(c SourceChange) bool { return c.ChangeKey == k }); i >= 0 && s.Changes[i].State != ChangeFailed {
		return s.Changes[i]
	}
	var links []SourceChange
	for at := k.Head; at != k.Base; at = links[len(links)-1].Base {
		i := slices.IndexFunc(s.Changes, func(c SourceChange) bool {
			return c.Source == k.Source && c.Head == at && (c.State == ChangePending || c.State == ChangeRead && c.Relation == forge.Ahead)
		})
		if i < 0 || len(links) == mostLinks || slices.ContainsFunc(links, func(l SourceChange) bool { return l.ChangeKey == s.Changes[i].ChangeKey }) {
			out.State = ChangeFailed
			return out
		}
		links = append(links, s.Changes[i])
	}
	for _, link := range slices.Backward(links) {
		if link.State == ChangePending {
			out.State = ChangePending
		}
		out.Total += link.Total
		out.Commits = append(out.Commits, link.Commits...)
	}
	return out
}

// readSteps wishes that what changed in the source with each release is read: once, when it comes to stand in a first environment.
func (p *planner) readSteps() {
	for i := range p.s.Environments {
		env := &p.s.Environments[i]
		current := env.Current()
		if len(env.From) > 0 || current == nil || current.Problem != "" || p.s.Off {
			continue
		}
		for j := 1; j < len(env.History); j++ {
			if before := &env.History[j]; before.Problem == "" && !before.Release.Same(current.Release) {
				p.read(p.s.changed(before.Release, current.Release))
				break
			}
		}
	}
}

// readFor wishes that what changed between what stands in the environment and the release be read, where that is not known from its steps. It says
// whether something of it is being read.
func (p *planner) readFor(env *Environment, release Release) (reading bool) {
	current := env.Current()
	if current == nil {
		return false
	}
	list := p.s.changed(current.Release, release)
	p.read(list)
	return slices.ContainsFunc(list, func(k ChangeKey) bool {
		return p.s.between(k).State == ChangePending
	})
}

// read wishes that changes be read which are neither known nor on their way.
func (p *planner) read(list []ChangeKey) {
	for _, k := range list {
		if !p.s.askedFor(k) && p.s.between(k).State == ChangeFailed {
			p.plan.Reads = append(p.plan.Reads, k)
			p.s.Changes = append(slices.Clip(p.s.Changes), SourceChange{ChangeKey: k, State: ChangePending})
		}
	}
}

// changed returns what lies in the source between two releases, each once, where both ends are known.
func (s *Snapshot) changed(old, new Release) (list []ChangeKey) {
	for _, image := range new {
		if k, ok := s.changeOf(old, image); ok && !slices.Contains(list, k) {
			list = append(list, k)
		}
	}
	return list
}

func (s *Snapshot) changeOf(old Release, image Image) (k ChangeKey, ok bool) {
	before, standing := old.Image(image.Name)
	from, okFrom := s.source(before)
	to, okTo := s.source(image)
	if !standing || !okFrom || !okTo || from.Commit == "" || to.Commit == "" || from.Commit == to.Commit || from.Source != to.Source {
		return k, false
	}
	if _, err := forge.ParseFullName(to.Source); err != nil {
		return k, false
	}
	return ChangeKey{Source: to.Source, Base: from.Commit, Head: to.Commit}, true
}
