package promotion

import (
	"time"

	"ferry/forge"
	"ferry/promotion/config"
	"ferry/promotion/manifest"
)

// Snapshot is everything Plan looks at for one app: facts only, read in one transaction.
type Snapshot struct {
	Repository    forge.Repo // the environment repository
	DefaultBranch string
	Self          forge.User // Ferry's own account
	ForgeURL      string     // the address of the forge's pages, for links; empty where none is known
	App           config.App
	Prefix        string         // of commands, as the configuration has it; empty where none is needed
	Off           bool           // the tree has no .ferry.yaml, or the app is not in it any more
	Environments  []Environment  // upstream first; only those the app has a manifest in, or had
	Announced     []Announced    // what CI announced lately, and of what stands anywhere, in that order
	Authors       []Author       // of source commits, as far as they were looked up
	Untold        []CoAuthors    // that the forge has not told
	Sources       []Announced    // the same, and what else tells where the images come from that stand anywhere
	Lookups       []Lookup       // of source commits, as far as they were asked for
	Labels        bool           // what an image says of itself can be read from its registry
	Changes       []SourceChange // of the source between releases of the app, as far as they were read
	Refusals      map[string]Refusal
	Lacks         map[string]string // by environment: what the forge did not take when the open pull request was opened
	Unposted      []UnpostedStatus  // statuses that the forge did not take
	CheckWants    []CheckWant       // what was wanted of the forge's checks by the plan before
	Checked       []CheckedCommit
}

// Environment is one environment of the snapshot.
type Environment struct {
	config.Environment
	Dropped    bool        // the configuration has no such environment any more
	Mode       config.Mode // the strictest of repository, environment and app
	Files      []File
	Moved      []Moved      // values that move with the app's releases into it
	History    []Deployment // newest first; the first is current unless it has ended
	Reports    []Report     // the counting one of each cluster that ever reported
	Holds      []Hold       // active ones on this app, this environment, or both
	Frozen     []Freeze     // by people, and active, likewise; the windows of .ferry.yaml stand in Freezes
	Blocks     []Block      // on releases of this app, here or upstream
	Rejections []Rejection
	Waivers    []Waiver // of what is proposed here
	Waived     []Waived // that no pull request holds
	Room       Room
	Drop       *Drop // the last that was taken out of a train into it
	Cars       []Car // of a train's own environment: what is open
	Intent     *Intent
	Hotfix     *Hotfix    // the last one that was merged
	Reviews    []Review   // of the living pull request
	Pull       *Pull      // the living pull request of this app here, if any
	Promotion  *Promotion // waiting or open
	Outgrown   []Outgrown // promotions under a name that the app or the environment had before
	Reopened   *Outgrown  // what a person reopened beside what is open for the app: its own beside a train, or a train that it is in
	Merged     []Promotion
	Overrun    []Release         // what was merged lately and has given way to something else before it converged
	Brought    *Promotion        // the newest that was merged, whatever became of it
	Recorded   []ForgeDeployment // of the app, that are not inactive
}

// File is one manifest of the app in the environment, as it stands at the head.
type File struct {
	Path       string
	Blob       forge.SHA
	Content    []byte
	Executable bool
	Images     []Image
	Spots      []Spot            // where Images stand, one for each, where the file was just read; else none
	Targets    []manifest.Target // where the configuration's keys lead to them (see FindTargets); an image without one is found by its name
	Problem    string            // why it cannot be read
	pulled     []string          // the names under which Images are pulled, where the file was just read and replaces theirs
}

// Spot is a place in a file, counted from 1 in lines and characters.
type Spot struct {
	Line, Column int
	IsNumber     bool // the image's tag stands there without quotes and is a number or a truth value to a loader
}

// At returns where the image of that index stands, and the zero Spot where that is not known.
func (f *File) At(image int) Spot {
	if image < len(f.Spots) {
		return f.Spots[image]
	}
	return Spot{}
}

// Deployment is one release desired in one environment, for an interval of revisions.
type Deployment struct {
	ID          int64
	Release     Release
	Problem     string // mixed, or a manifest that cannot be read: promoted from by nobody
	FirstSeq    int64
	FirstSHA    forge.SHA
	Ended       bool
	Baseline    bool
	State       DeploymentState
	Message     string
	Since       time.Time
	ConvergedAt time.Time
	HealthyFrom time.Time // soak's clock runs since then; zero: it stands still
	Soaked      time.Duration
	CountedFrom time.Time // since when that was counted, with breaks; zero: it shows nothing, or was read back
	Settled     bool      // ended, and its last status was said
	BroughtBy   string    // who pushed it; empty where that is unknown
	BroughtAlso []string  // logins of who else had a hand in that: made the commits that came with it, or opened or merged the pull request
	Promoted    Release   // what the pull request of Ferry's showed whose merge brought it; nothing where none did
	Judged      bool      // whether somebody went back with it is decided
	// DegradedFrom is since when it has been degraded or failed without a break; zero: it is not.
	DegradedFrom time.Time
	Answered     bool      // its degradation was answered by a rollback
	Recovered    time.Time // when it was read back from the forge, after the database was lost; zero: it was not
}

// DeploymentState is how far a deployment has come.
type DeploymentState string

// The states of a deployment.
const (
	DeploymentPending     DeploymentState = "pending"
	DeploymentProgressing DeploymentState = "progressing"
	DeploymentConverged   DeploymentState = "converged"
	DeploymentDegraded    DeploymentState = "degraded"
	DeploymentFailed      DeploymentState = "failed"
	DeploymentSuperseded  DeploymentState = "superseded"
)

// Health is what an agent says of what runs.
type Health string

// The words an agent may use.
const (
	HealthProgressing Health = "progressing"
	HealthHealthy     Health = "healthy"
	HealthDegraded    Health = "degraded"
	HealthFailed      Health = "failed"
	HealthUnknown     Health = "unknown"
)

// Report is what counts of what the agent of one cluster said.
type Report struct {
	Cluster    string
	Revision   forge.SHA
	Seq        int64 // place of the revision among the ordered heads; 0: unknown there
	Health     Health
	Images     []string
	Message    string
	ReceivedAt time.Time
	DegradedAt time.Time // when it last reported degraded or failed; zero: never
	Every      time.Duration
}

// Hold is a person's stop.
type Hold struct {
	ID          int64
	App         string   // or a group; empty: every app
	Environment string   // empty: everywhere
	Apps        []string // of the group when it was stopped: they stay so, whatever group they are in later
	Reason      string
	Actor       string
	At          time.Time
	Until       time.Time // zero: until somebody resumes
	RolledBack  Release   // what a rollback took away: such a hold lets in what is newer, and ends when that stands there
}

// Rejection is a release that a person does not want in the environment.
type Rejection struct {
	Release Release
	Number  int
	Actor   string
	At      time.Time
}

// Intent is a person's wish that a release come though nothing new arrived: a promotion, or one of the urgent kinds.
type Intent struct {
	Kind    string // as in the trailer of the commit; empty counts as IntentPromotion
	Release Release
	From    Release // of an urgent kind, what stood when it was asked for: with something else there it is void; nothing: whatever stands
	Actor   string  // who asked for it; see AskedAlso
	Reason  string
	At      time.Time
}

// Pull is the living pull request as the forge shows it.
type Pull struct {
	Number  int
	HeadSHA forge.SHA
	Known   bool // Ferry recorded that head
	Pusher  string
	Anew    bool   // somebody said /retry: what others pushed on top is given up
	Edit    string // what that head shows, as far as Ferry knows; see PullWish
	Armed   Armed
}

// Outgrown is a promotion on the branch of a name that the app or the environment had before.
type Outgrown struct {
	Branch string
	Number int
	Head   forge.SHA
	Known  bool   // Ferry recorded that head
	Pusher string // of what was reopened: who pushed on top, where that is known
	Train  string // of what was reopened: whose it is
}

// Promotion is one pull request that moves a release into the environment.
type Promotion struct {
	ID         int64
	Number     int
	Release    Release
	Intent     string
	Asker      string // who asked for it; see AskedAlso
	Reason     string // why the asker wanted it at once
	Superseded []Release
	State      PromotionState
	OpenedAt   time.Time
	MergeSHA   forge.SHA
	Read       bool   // the revision that the merge made has been read
	Train      string // the group with whose apps it goes; empty where it goes alone
}

// PromotionState is how far a promotion has come.
type PromotionState string

// The states of a promotion.
const (
	PromotionWaiting    PromotionState = "waiting"
	PromotionOpen       PromotionState = "open"
	PromotionMerged     PromotionState = "merged"
	PromotionConverged  PromotionState = "converged"
	PromotionSuperseded PromotionState = "superseded"
	PromotionRejected   PromotionState = "rejected"
	PromotionFailed     PromotionState = "failed"
)

// Announced is an image that CI said it has built, with the commit it was built from.
type Announced struct {
	Image  Image
	Source string // owner/name
	Commit forge.SHA
	Seq    int64 // the order in which CI announced
	At     time.Time
}

// Refusal is why the forge did not take a wish.
type Refusal struct {
	Reason string
	Since  time.Time
}

// UnpostedStatus is why the forge did not take a status of a deployment, or its own record of it.
type UnpostedStatus struct {
	Context string
	Target  string // owner/name of a source repository; empty: the environment repository
	SHA     forge.SHA
	Reason  string
}

// Current returns the deployment that stands in the environment now, or nil.
func (e *Environment) Current() *Deployment {
	if len(e.History) == 0 || e.History[0].Ended {
		return nil
	}
	return &e.History[0]
}

// Find returns the environment of that name, or nil where the app is not in it.
func (s *Snapshot) Find(name string) *Environment {
	for i := range s.Environments {
		if s.Environments[i].Name == name {
			return &s.Environments[i]
		}
	}
	return nil
}
