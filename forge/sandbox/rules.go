package sandbox

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"ferry/forge"
)

// Rules are what a branch asks for before it moves (docs.github.com, "About protected branches" and "Available rules for
// rulesets"). With the zero value it cannot be force-pushed and not be deleted, as where GitHub's forms are left alone.
type Rules struct {
	Checks         []RequiredCheck `json:"checks"`
	UpToDate       bool            `json:"up_to_date"`       // a pull request must contain its base before it merges; counts only with Checks
	PullRequest    bool            `json:"pull_request"`     // changes come by pull request only
	Reviews        int             `json:"reviews"`          // approvals by people who may write; above 0 it asks for a pull request, too
	DismissStale   bool            `json:"dismiss_stale"`    // a push that changes the pull request's diff takes approvals back
	Restricted     bool            `json:"restricted"`       // only Pushers may push and merge
	Pushers        []string        `json:"pushers"`          // logins, of Apps with [bot]
	NoCreation     bool            `json:"no_creation"`      // nobody makes such a branch; only in rulesets
	Signed         bool            `json:"signed"`           // every commit has a verified signature
	Linear         bool            `json:"linear"`           // no merge commits
	MergeQueue     bool            `json:"merge_queue"`      // pull requests are merged by a merge queue only
	AllowForcePush bool            `json:"allow_force_push"` // by whoever may push
	AllowDeletion  bool            `json:"allow_deletion"`
}

// RequiredCheck is a commit status that must be success.
type RequiredCheck struct {
	Context string `json:"context"`
	App     int64  `json:"app"` // the App that must have posted it; 0: anybody
}

// Protection is a branch protection rule. Of several that fit a branch the one with its name rules, else the oldest.
type Protection struct {
	Branch string `json:"branch"` // a name, or a pattern as path.Match takes it
	Rules
	Admins bool `json:"admins"` // it binds who administers the repository, too; force pushes and deletions are always refused to them
}

// Ruleset is a set of rules, all of which bind everybody but those in Bypass.
type Ruleset struct {
	Name     string   `json:"name"`
	Branches []string `json:"branches"` // patterns; "~DEFAULT_BRANCH" and "~ALL"
	Rules
	Bypass   []string `json:"bypass"` // logins, of Apps with [bot]
	Disabled bool     `json:"disabled"`
}

// ruleset is one with its number.
type ruleset struct {
	ID int64
	Ruleset
}

// Protect gives a repository ("owner/name") a branch protection rule, or changes the one for the same pattern. It fails for
// an unknown repository, a pattern that is none, and a count of reviews that GitHub does not take (0 to 6).
func (s *Sandbox) Protect(repo string, p Protection) error {
	if _, err := path.Match(p.Branch, ""); err != nil || p.Branch == "" {
		return wrap(fmt.Errorf("%q is no branch", p.Branch), "Protect", repo, p.Branch)
	}
	if p.Reviews < 0 || p.Reviews > 6 {
		return wrap(errors.New("reviews may be 0 to 6"), "Protect", repo, p.Branch)
	}
	return wrap(s.onRepo(repo, func(r *repository) {
		i := slices.IndexFunc(r.guards, func(old Protection) bool { return old.Branch == p.Branch })
		if i < 0 {
			r.guards = append(r.guards, p)
			return
		}
		r.guards[i] = p
	}), "Protect", repo, p.Branch)
}

// Unprotect takes the branch protection rule for a pattern away.
func (s *Sandbox) Unprotect(repo, branch string) error {
	return wrap(s.onRepo(repo, func(r *repository) {
		r.guards = slices.DeleteFunc(r.guards, func(old Protection) bool { return old.Branch == branch })
	}), "Unprotect", repo, branch)
}

// SetRuleset gives a repository a ruleset, or changes the one of the same name. It fails for an unknown repository and a
// ruleset without a name or branches.
func (s *Sandbox) SetRuleset(repo string, in Ruleset) error {
	if in.Name == "" || len(in.Branches) == 0 {
		return wrap(errors.New("a ruleset has a name and branches"), "SetRuleset", repo, in.Name)
	}
	return wrap(s.onRepo(repo, func(r *repository) {
		i := slices.IndexFunc(r.rulesets, func(old *ruleset) bool { return old.Name == in.Name })
		if i < 0 {
			r.rulesets = append(r.rulesets, &ruleset{ID: s.st.nextID(), Ruleset: in})
			return
		}
		r.rulesets[i].Ruleset = in
	}), "SetRuleset", repo, in.Name)
}

// RemoveRuleset takes the ruleset of a name away.
func (s *Sandbox) RemoveRuleset(repo, name string) error {
	return wrap(s.onRepo(repo, func(r *repository) {
		r.rulesets = slices.DeleteFunc(r.rulesets, func(old *ruleset) bool { return old.Name == name })
	}), "RemoveRuleset", repo, name)
}

func (s *Sandbox) onRepo(repo string, do func(*repository)) error {
	s.mu.Lock()
	defer s.settle()
	r := s.st.repo(repo)
	if r == nil {
		return errors.New("there is no such repository")
	}
	do(r)
	return nil
}

// guard returns the branch protection rule of a branch, and nil for none.
func (r *repository) guard(branch string) *Protection {
	var found *Protection
	for i := range r.guards {
		p := &r.guards[i]
		if p.Branch == branch {
			return p
		}
		if fits, _ := path.Match(p.Branch, branch); fits && found == nil {
			found = p
		}
	}
	return found
}

// ruling returns the rulesets that are in force for a branch.
func (r *repository) ruling(branch string) []*ruleset {
	var found []*ruleset
	for _, set := range r.rulesets {
		if !set.Disabled && set.covers(branch, r.branch) {
			found = append(found, set)
		}
	}
	return found
}

func (x *Ruleset) covers(branch, usual string) bool {
	return slices.ContainsFunc(x.Branches, func(pattern string) bool {
		fits, _ := path.Match(strings.TrimPrefix(pattern, "refs/heads/"), branch)
		return fits || pattern == "~ALL" || pattern == "~DEFAULT_BRANCH" && branch == usual
	})
}

// guarded says whether anything rules a branch.
func (r *repository) guarded(branch string) bool {
	return r.guard(branch) != nil || len(r.ruling(branch)) > 0
}

// exempt says whether a branch protection rule leaves out who administers the repository.
func (p *Protection) exempt(r *repository, who *account) bool {
	return !p.Admins && who != nil && who.kind == "User" && r.role(who) == forge.PermissionAdmin
}

// byPull says whether changes come by pull request only.
func (x *Rules) byPull() bool { return x.PullRequest || x.Reviews > 0 }
