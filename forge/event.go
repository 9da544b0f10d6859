package forge

import "time"

// EventKind says what a delivery is about.
type EventKind string

// The events Ferry uses. Every other one is EventUnused.
const (
	EventPush         EventKind = "push"
	EventPull         EventKind = "pull"
	EventComment      EventKind = "comment"
	EventCheck        EventKind = "check" // a commit status was posted, or a check run changed
	EventReview       EventKind = "review"
	EventQueue        EventKind = "queue"        // a merge queue made a group, or gave one up
	EventInstallation EventKind = "installation" // the App was installed, removed, suspended, or its repositories changed
	EventPing         EventKind = "ping"
	EventUnused       EventKind = "unused"
)

// Delivery is one webhook request whose signature was found right.
type Delivery struct {
	Forge Kind
	ID    string // the forge's own, unique per forge
	Name  string // the forge's name of the event: "push"
	Body  []byte
}

// Event is what a delivery hints at. Only the member of its Kind is set; of a push of a merge group's branch Group, too. Of a signed payload just the immutable facts may be
// used without a read: a commit's name, its parents, its tree, its changed paths, what a comment said when it was made.
type Event struct {
	Kind         EventKind
	Action       string
	Repo         Repository
	Installation int64
	Sender       User
	Push         *Push
	Pull         *PullHint
	Comment      *CommentHint
	Check        *CheckHint
	Review       *ReviewHint
	Group        *GroupHint
	Access       *Access
}

// Push is a change of one branch.
type Push struct {
	Branch  string
	Before  SHA // empty where the branch was created
	After   SHA // empty where it was deleted
	Forced  bool
	Commits []PushedCommit // oldest first
	// Complete says that Commits are all commits from Before to After.
	Complete bool
}

// PushedCommit is one commit of a push, all of it immutable.
type PushedCommit struct {
	SHA   SHA
	Tree  SHA
	Paths []string // added, removed and modified
	Made
}

// PullHint says which pull request may have changed.
type PullHint struct {
	Number     int
	Open       bool
	Merged     bool // immutable once true, MergeSHA with it
	MergeSHA   SHA
	MergedAt   time.Time // in the forge's clock
	MergedBy   User
	Author     User
	HeadBranch string
	HeadSHA    SHA
	HeadRepo   int64
	BaseBranch string
	Arming     *Arming   // what just changed of it; nil: nothing
	Body       string    // where that was edited, and else empty
	Edited     bool      // its body was
	UpdatedAt  time.Time // by then at the latest it stood at HeadSHA, in the forge's clock
}

// ReviewHint says which review of which pull request may have changed.
type ReviewHint struct {
	Number int
	ID     int64
	State  ReviewState // immutable: a later state of the same review has a delivery of its own
}

// CommentHint is a comment as it was made.
type CommentHint struct {
	ID            int64
	Number        int // of the pull request or issue
	OnPullRequest bool
	Author        User
	Body          string
	CreatedAt     time.Time
	Edited        bool // Ferry was not told what it said at first
}

// Access says which repositories the App may see since a change of an installation.
type Access struct {
	Account   string
	Added     []Repo
	Removed   []Repo
	Gone      bool // the whole installation was deleted or suspended
	Suspended bool
}
