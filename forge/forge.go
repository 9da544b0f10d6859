// Package forge holds the words of a Git forge: what Ferry reads there and what it writes, without a client and without an interface.
package forge

import (
	"fmt"
	"regexp"
	"strings"
	"time"
)

// Kind names a sort of forge. It is part of every key under which something of a forge is stored.
type Kind string

// The forges Ferry knows.
const (
	GitHub Kind = "github"
	GitLab Kind = "gitlab"
	Gitea  Kind = "gitea"
)

// Name is what people call the forge.
func (k Kind) Name() string {
	switch k {
	case GitHub:
		return "GitHub"
	case GitLab:
		return "GitLab"
	case Gitea:
		return "Gitea"
	}
	return string(k)
}

// SHA is a full, lower-case Git object name of 40 hexadecimal digits. The zero value means "none".
type SHA string

var shaForm = regexp.MustCompile(`^[0-9a-f]{40}$`)

// ParseSHA returns s as a SHA, or an error where it is not 40 hexadecimal digits. The all-zero name, which forges use
// for "nothing", is returned as the empty SHA.
func ParseSHA(s string) (SHA, error) {
	s = strings.ToLower(strings.TrimSpace(s))
	if !shaForm.MatchString(s) {
		return "", fmt.Errorf("%q is not a commit: 40 hexadecimal digits are expected", s)
	}
	if s == strings.Repeat("0", 40) {
		return "", nil
	}
	return SHA(s), nil
}

// Short returns the first seven digits, for people.
func (s SHA) Short() string {
	if len(s) < 7 {
		return string(s)
	}
	return string(s[:7])
}

// Repo names a repository for a call. ID survives a rename; Owner and Name are what the forge's API is called with.
type Repo struct {
	ID    int64
	Owner string
	Name  string
}

// FullName returns "owner/name".
func (r Repo) FullName() string { return r.Owner + "/" + r.Name }

// ParseFullName splits "owner/name".
func ParseFullName(s string) (Repo, error) {
	owner, name, ok := strings.Cut(s, "/")
	if !ok || owner == "" || name == "" || strings.ContainsAny(name, "/ ") {
		return Repo{}, fmt.Errorf("%q is not a repository: owner/name is expected", s)
	}
	return Repo{Owner: owner, Name: name}, nil
}

// Repository is what the forge says of a repository.
type Repository struct {
	Repo
	DefaultBranch string
	Archived      bool
}

// Installation is one installation of the App: an account that let Ferry in, with the repositories it may see.
type Installation struct {
	ID        int64
	Account   string
	Suspended bool
}

// User is an account at the forge. Decisions about who somebody is go by ID, never by Login.
type User struct {
	ID    int64
	Login string
	Bot   bool
}

// Permission is what a person may do in a repository, from nothing to everything.
type Permission int

// Permissions in rising order.
const (
	PermissionNone Permission = iota
	PermissionRead
	PermissionTriage
	PermissionWrite
	PermissionMaintain
	PermissionAdmin
)

// String returns the word GitHub uses for the permission.
func (p Permission) String() string {
	return [...]string{"none", "read", "triage", "write", "maintain", "admin"}[p]
}

// PullRequest is the forge's truth about one pull request.
type PullRequest struct {
	Number     int
	Open       bool
	Merged     bool
	Draft      bool
	MergeSHA   SHA // the commit on the base branch; only where Merged
	HeadBranch string
	HeadSHA    SHA
	HeadRepo   int64 // 0 where the head repository is gone
	BaseBranch string
	BaseSHA    SHA
	Author     User
	MergedBy   User
	AutoMerge  string // the login of who told the forge to merge it by itself; empty: nobody
	Mergeable  Mergeable
	Title      string
	Body       string
	URL        string
	CreatedAt  time.Time
	UpdatedAt  time.Time
	ClosedAt   time.Time
	MergedAt   time.Time
}

// Mergeable is what the forge says of whether a pull request can be merged, in GitHub's words; only where it was read by itself. Empty: nothing is
// known to be in its way.
type Mergeable string

// What is in the way of a merge.
const (
	MergeBlocked Mergeable = "blocked" // a review, a check or anything else that the base's rules ask for is missing
	MergeBehind  Mergeable = "behind"  // it must contain its base, and does not
	MergeDirty   Mergeable = "dirty"   // it conflicts with its base
	MergeDraft   Mergeable = "draft"
)

// NewPullRequest is what a pull request is opened with.
type NewPullRequest struct {
	HeadBranch string
	BaseBranch string
	Title      string
	Body       string
	Draft      bool
}

// TreeEntry is one blob in a tree. Mode is Git's ("100644", "120000" for a symbolic link, "160000" for a submodule).
type TreeEntry struct {
	Path string
	SHA  SHA
	Mode string
	Size int64
}

// Tree is every blob reachable from a commit's tree.
type Tree struct {
	SHA     SHA // the root tree's own name
	Entries []TreeEntry
}

// File is one file at a commit.
type File struct {
	Path    string
	SHA     SHA // the blob's
	Content []byte
	Symlink bool
}

// Made is who made a commit, as far as it says so itself.
type Made struct {
	By      []string // logins: its author and its committer, where the forge knows their accounts, and With
	With    []string // likewise: co-authors that its trailers name by an address of the forge's own
	Unnamed bool     // its trailers name co-authors by addresses of which only the forge knows whose they are
}

// Commit is one commit.
type Commit struct {
	SHA       SHA
	Tree      SHA
	Parents   []SHA
	Message   string
	Author    User // the account the forge knows the author as; zero where it knows none
	Committer User // likewise
	At        time.Time
	Verified  bool // the forge vouches for the signature
	Made
}

// NewCommit is a commit to be made through the forge's API on top of Parent. With no Parent it is a root commit that
// holds just Files.
type NewCommit struct {
	Parent   SHA
	BaseTree SHA
	Files    []NewFile
	Message  string
}

// NewFile is a file of a commit to be made. Executable keeps the mode of a file that had it.
type NewFile struct {
	Path       string `json:"path"`
	Content    []byte `json:"content"`
	Executable bool   `json:"executable,omitempty"`
}

// Relation says how one commit lies to another.
type Relation string

// The four relations a comparison can find, of head to base.
const (
	Identical Relation = "identical"
	Ahead     Relation = "ahead"    // head descends from base
	Behind    Relation = "behind"   // base descends from head
	Diverged  Relation = "diverged" // neither
)

// Comparison is what lies between two commits.
type Comparison struct {
	Relation Relation
	Commits  []Commit // reachable from head and not from base, oldest first
	Line     []SHA    // those that head was in turn: from base on by first parents, oldest first; nil where those do not lead to base
	Paths    []string
	// Complete says that Commits and Paths are all there are; forges cut long ones.
	Complete bool
}

// Changes is what people see between two commits: the commits that head has and base has not.
type Changes struct {
	Relation Relation
	Fork     SHA           // the last commit that both have: the merge base
	Total    int           // how many there are
	Commits  []Commit      // oldest first, without their trees; the newest of them where there are too many
	Files    []ChangedFile // by which head differs from the merge base
	FilesCut bool          // there may be more
}

// ChangedFile is one file of a pull request's diff.
type ChangedFile struct {
	Path     string
	Previous string // its earlier name, where it was renamed
	SHA      SHA    // the blob's, where the forge says so
	Removed  bool
}

// State is a commit status' state.
type State string

// The states of a commit status, in GitHub's words.
const (
	Pending State = "pending"
	Success State = "success"
	Failure State = "failure"
	Error   State = "error"
)

// MaxStatusDescription is the number of characters that GitHub takes for a status' description
// (docs.github.com, REST, commit statuses).
const MaxStatusDescription = 140

// Status is a commit status.
type Status struct {
	Context     string
	State       State
	Description string
	URL         string
}

// PostedStatus is a commit status as it was posted once; later ones of its context do not take it back.
type PostedStatus struct {
	Status
	ID int64
	By User
	At time.Time
}

// Comment is a comment on a pull request or an issue.
type Comment struct {
	ID        int64
	Number    int // of the pull request or issue
	Author    User
	Body      string
	CreatedAt time.Time
	Edited    bool // since it was made
}

// ReviewState is what a review says.
type ReviewState string

// The states of a review, in GitHub's words. What a person said first and somebody took back is dismissed.
const (
	ReviewApproved         ReviewState = "APPROVED"
	ReviewChangesRequested ReviewState = "CHANGES_REQUESTED"
	ReviewCommented        ReviewState = "COMMENTED"
	ReviewDismissed        ReviewState = "DISMISSED"
)

// Review is one person's review of a pull request.
type Review struct {
	ID     int64
	Author User
	State  ReviewState
	SHA    SHA // the head it is about; empty where the forge does not say
	At     time.Time
}

// Issue is an issue as far as Ferry needs one.
type Issue struct {
	Number int
	Open   bool
	Author User
	Title  string
	Body   string
}

// Reaction is a reaction to a comment, in GitHub's words.
type Reaction string

// The reactions Ferry gives.
const (
	ReactionSeen     Reaction = "eyes"
	ReactionDone     Reaction = "+1"
	ReactionRefused  Reaction = "-1"
	ReactionConfused Reaction = "confused"
)

// MergeMethod is how a pull request is merged.
type MergeMethod string

// The merge methods of GitHub.
const (
	MergeCommit MergeMethod = "merge"
	MergeSquash MergeMethod = "squash"
	MergeRebase MergeMethod = "rebase"
)
