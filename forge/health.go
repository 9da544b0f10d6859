package forge

import (
	"slices"
	"time"
)

// AppFacts is what a forge says of Ferry's own App.
type AppFacts struct {
	ID           int64
	Settings     string // the page where it is changed
	Permissions  map[string]string
	Events       []string
	Hook         string // where its webhooks go; empty where they go nowhere
	HookUnproven bool   // the certificate there is not checked
	Clock, Ours  time.Time
}

// InstallationFacts is what a forge says of one installation of the App.
type InstallationFacts struct {
	ID          int64
	Account     string
	Page        string // where its owner changes it
	Suspended   bool
	Permissions map[string]string
	Events      []string
}

// Budget is how many requests an installation is granted, and how many of them are left until the reset.
type Budget struct {
	Limit, Left int
	Reset       time.Time
}

// RequiredCheck is a status that a branch wants before it moves, and the App that must have posted it, 0 for anybody.
type RequiredCheck struct {
	Name string
	App  int64
}

// BranchRules is what a forge shows everybody of what guards a branch.
type BranchRules struct {
	Protected     bool // by branch protection
	Hidden        bool // of what branch protection asks for only the checks are shown
	Checks        []RequiredCheck
	PullRequest   bool // changes come by pull request only
	Reviews       int  // approving ones that a pull request needs
	Restricted    bool // only some may push
	NoCreation    bool // only some may make it
	Signed        bool
	DismissStale  bool // a push takes approvals back
	MergeQueue    bool
	Verified      bool // statuses or workflows are asked for
	LinearHistory bool
	Methods       [][]MergeMethod // of each rule that names those it allows
}

// Guarded says whether anything stands between a merge and the branch.
func (b BranchRules) Guarded() bool {
	return b.Protected || b.PullRequest || len(b.Checks) > 0 || b.MergeQueue || b.Verified
}

// Shapes returns, in words, which rules leave out a way to merge.
func (b BranchRules) Shapes() (words []string) {
	if b.Signed {
		words = append(words, "signed commits")
	}
	if b.LinearHistory {
		words = append(words, "a linear history")
	}
	if len(words) == 0 {
		words = append(words, "the ways that they name")
	}
	return words
}

// Ways returns those of the methods that the rules let through. Where signed commits are asked for that is no rebase: a forge does not sign what it rebases
// (docs.github.com, "About protected branches", signed commits).
func (b BranchRules) Ways(methods []MergeMethod) (left []MergeMethod) {
	for _, m := range methods {
		shut := b.Signed && m == MergeRebase || b.LinearHistory && m == MergeCommit
		if !shut && !slices.ContainsFunc(b.Methods, func(allowed []MergeMethod) bool { return !slices.Contains(allowed, m) }) {
			left = append(left, m)
		}
	}
	return left
}
