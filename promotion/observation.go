package promotion

import (
	"time"

	"ferry/forge"
	"ferry/promotion/config"
)

// Observation is what one look at a repository found: facts to be written down in one transaction.
type Observation struct {
	Repository   *forge.Repository // where it was read anew
	Inaccessible bool              // the forge does not show it to Ferry any more
	BranchBefore string            // the name that the default branch had, where it was given another
	Head         *HeadFacts        // nil: the head did not move
	Config       *config.Config    // in force after this observation; nil: Ferry is off here
	ConfigFacts  *ConfigFacts      // nil: .ferry.yaml did not change
	Blobs        map[forge.SHA][]byte
	Earlier      []FileFacts // manifests as they stood at revisions before the head, where they changed again later
	Files        []FileFacts // manifests that changed; every one where Full
	Full         bool
	Findings     *[]config.Finding // what looks wrong between configuration and files; nil where that was not looked at
	Decisions    *Decisions        // from the branch ferry-state, at the first look
	Recovery     *Recovery         // what the forge remembers of an earlier database, at the first look
	Pulls        []PullFacts
	Reviews      []ReviewFacts
	Reviewed     []int // pull requests that a delivery says were reviewed just now
	Heads        []HeadSeen
	Authors      []Author
	CoAuthors    []CoAuthors   // that the forge has not told
	Queue        *QueueFacts   // nil: nobody looked at the merge queue
	Armings      []ArmingFacts // in the order in which they were told
	Overwritten  []ForeignStatus
	Bodies       []BodyFacts // of pull requests, as they stand now
	Commands     []CommandFacts
	Issue        int // number of Ferry's issue, where it was looked for and found
}

// ForeignStatus is a commit status that somebody else has posted in a context of Ferry's own.
type ForeignStatus struct {
	SHA     forge.SHA
	Context string
	By      forge.User
}

// BodyFacts is the body of a pull request, which somebody may have replaced.
type BodyFacts struct {
	Number int
	Body   string
	By     forge.User // who edited it; nobody: that is not known
}

// HeadFacts is how the default branch moved.
type HeadFacts struct {
	Branch string
	SHA    forge.SHA
	Tree   forge.SHA
	// Revisions are the branch's commits since the last observation, oldest first, the head last.
	Revisions []forge.SHA
	Reset     bool // the branch was forced: the revisions before are not its history any more
	// Bringers are who brought revisions, as far as that is known.
	Bringers map[forge.SHA]Bringers
}

// Bringers is everybody who brought a revision to the branch.
type Bringers struct {
	forge.User          // who pushed or merged it
	Also       []string // logins of who made the commits that came with it
}

// ConfigFacts is what .ferry.yaml says at the head.
type ConfigFacts struct {
	Blob     forge.SHA // of the configuration in force after this observation; empty: none
	Set      string    // names the files that it includes
	Included []IncludedFile
	Tried    forge.SHA // of the .ferry.yaml at the head, where that is not in force
	Revision forge.SHA
	Problem  string // why the one at the head is not in force
}

// IncludedFile is a file that the configuration includes.
type IncludedFile struct {
	Path string
	Blob forge.SHA
}

// FileFacts is one file of an app at the head: a manifest, or one with values that move with its releases.
type FileFacts struct {
	File
	Place    config.Place
	Revision forge.SHA // at which it came to stand like this
	Gone     bool
	Also     bool // no manifest: it only has values that move with the release
}

// PullFacts is what the forge says of a pull request.
type PullFacts struct {
	forge.PullRequest
	Closer  forge.User  // of one that is closed without a merge
	Sender  forge.User  // who caused the delivery that told of it; nobody where a sweep found it
	Pusher  string      // who made the head commit of one of Ferry's, where Ferry did not
	Changes []Change    // of releases, by a hand-made one
	Commits []forge.SHA // that a hand-made one has and the default branch has not
	// Proposal is what a hand-made one changes of the configuration and of manifests; nil where that is nothing, or as it was when it was last looked at.
	Proposal      *Proposal
	ProposalStays bool
}

// Change is a place whose release a hand-made pull request changes, and the images that stand there with it.
type Change struct {
	config.Place
	Images Release `json:",omitempty"`
}

// CommandFacts is a comment with commands, and what its author may do, looked up live.
type CommandFacts struct {
	Comment    int64
	Number     int
	Author     forge.User
	Permission forge.Permission
	Teams      []string // of those that matter: where they are a member
	Unknown    string   // what could not be looked up of them
	Body       string
	At         time.Time
	Images     []CheckedImage // of its hotfixes; nil where no registry is asked
	Edited     bool           // before Ferry heard it: it is answered, and not carried out
	Answered   bool           // before the database was lost: it is not carried out again
}

// ReviewFacts is what the forge's reviews of a pull request say: of each person what they said last.
type ReviewFacts struct {
	Number  int
	Reviews []Review
}
