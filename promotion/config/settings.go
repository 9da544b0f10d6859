package config

import (
	"slices"
	"time"

	"ferry/promotion/window"
)

// Mode says how far Ferry goes by itself.
type Mode string

// The modes, the strictest first.
const (
	ModeObserve Mode = "observe" // writes nothing but Ferry's issue
	ModePropose Mode = "propose" // opens promotions and never merges
	ModeRelease Mode = "release" // merges too, where the environment says so
)

// modes is every mode, the strictest first; what is not in it counts as stricter than all.
var modes = []Mode{ModeObserve, ModePropose, ModeRelease}

// strictest returns the strictest mode that is set, or ModePropose where none is.
func strictest(set ...Mode) Mode {
	if least := strictestSet(set...); least != "" {
		return least
	}
	return ModePropose
}

// strictestSet is strictest without the default: it returns "" where none is set.
func strictestSet(set ...Mode) Mode {
	var least Mode
	for _, m := range set {
		if m != "" && (least == "" || slices.Index(modes, m) < slices.Index(modes, least)) {
			least = m
		}
	}
	return least
}

// Update says how a new image reaches an environment that is promoted into from nowhere.
type Update string

// The ways of an update. UpdateNone leaves it to somebody else's commits.
const (
	UpdateNone   Update = "none"
	UpdatePR     Update = "pr"
	UpdateCommit Update = "commit"
)

// Converge says what counts as arrived.
type Converge string

// ConvergeReport waits for the agents' reports; ConvergeMerge takes the merge for it, because nobody reports.
const (
	ConvergeReport Converge = "report"
	ConvergeMerge  Converge = "merge"
)

// Supersede says what a newer release does to the open promotion of an older one.
type Supersede string

// SupersedeLatest replaces it, SupersedeQueue waits until that one has converged and soaked, SupersedeBatch until it is merged or closed.
const (
	SupersedeLatest Supersede = "latest"
	SupersedeQueue  Supersede = "queue"
	SupersedeBatch  Supersede = "batch"
)

// Rollback says what Ferry does when a release degrades while it is watched.
type Rollback string

// RollbackManual offers one, RollbackPR opens it, RollbackAuto merges it too.
const (
	RollbackManual Rollback = "manual"
	RollbackPR     Rollback = "pr"
	RollbackAuto   Rollback = "auto"
)

// Permission is a person's permission in the environment repository, at the forge.
type Permission string

// The permissions that can be asked for, the lowest first.
const (
	PermissionWrite    Permission = "write"
	PermissionMaintain Permission = "maintain"
	PermissionAdmin    Permission = "admin"
)

// The defaults of what a file does not say.
const (
	DefaultCluster       = "default"        // the one cluster of an environment that names none
	DefaultReportTimeout = 15 * time.Minute // of silence before convergence
	DefaultMaxOpen       = 10
	DefaultWatch         = 30 * time.Minute
	DefaultSettle        = time.Minute
)

// Check is a commit status or check run that has to be green.
type Check struct {
	Name     string
	PostedBy string // who has to have posted it; empty for anybody
}

// Role says who may give a command: whoever any part of it names.
type Role struct {
	Permission Permission // empty where only teams and users may
	Teams      []string
	Users      []string
}

// PullRequest is how promotion pull requests look.
type PullRequest struct {
	Title     string // a template; empty for Ferry's own
	Labels    []string
	Assignees []string // logins
	Reviewers []string // logins, and teams as owner/slug
	Draft     bool
}

// Environment is one environment with every default filled in: as the file has it, or, from Settings, as it is for one app.
type Environment struct {
	Name             string
	Was              []string // names it had before
	Dir              string   // what {env} stands for; may contain "/"
	From             []string // the environments it is promoted into from; none for a first environment
	FromAny          bool     // one of From is enough; otherwise all are needed
	Soak             time.Duration
	Clusters         []string // at least one
	Checks           []Check
	Approvals        int
	Freezes          []window.Window
	Policies         []Policy
	Roles            map[string]Role // by command; nil where the defaults hold
	AutoMerge        bool
	AllowUnprotected bool // merges also on a branch that nothing guards
	Supersede        Supersede
	Window           time.Duration // how long Ferry collects before it opens a promotion, or changes one
	MaxOpen          int           // open promotion pull requests
	Rollback         Rollback
	Watch            time.Duration // how long after convergence degradation is the release's fault
	Settle           time.Duration // how long degradation lasts before it counts
	Update           Update
	Mode             Mode // the strictest of those that are set
	Converge         Converge
	ReportTimeout    time.Duration // more than 0
	Digest           bool          // digests are written where none stands, if they are known
	PullRequest      PullRequest
	Deployments      bool   // deployments are recorded at the forge, in the source repositories
	URL              string // where the app runs there; empty where that is not said
}

// Image is one image of an app.
type Image struct {
	Name   string
	In     map[string]string // by environment, where that pulls it under another name; nil where none does
	Digest bool              // its digest is written where none stands, whatever the environment says
}

// NameIn returns the name under which an environment pulls the image.
func (i Image) NameIn(env string) string {
	if other, ok := i.In[env]; ok {
		return other
	}
	return i.Name
}

// PromotedAs returns the name under which the app is promoted: its group's, or its own where it goes alone.
func (a App) PromotedAs() string {
	if a.Group != "" {
		return a.Group
	}
	return a.Name
}

// App is one app with every default filled in.
type App struct {
	Name       string
	Was        []string // names it had before
	Source     string   // owner/name of the source repository; empty where none is given
	SourceTags []string // how tags name its commits
	Group      string   // the apps that are promoted with it; empty where it goes alone
	Images     []Image
	Mode       Mode // the stricter of the file's and its own
}

// Place is where a file belongs.
type Place struct {
	App         string
	Environment string
}

// Manifest is what a file is for one app in one environment.
type Manifest struct {
	Place
	Cluster string   // what {cluster} stands for in the path; empty where it is for all clusters
	Image   string   // the configured name of the image that Keys hold for; empty without Keys, for all of the app's
	Keys    []string // where tag and digest stand, every placeholder filled in; none where the image stands beside its tag
}

// Also is a value in a file that moves with a release.
type Also struct {
	Place
	Path    string
	Cluster string   // what {cluster} stands for in the path; empty where it is for all clusters
	Keys    []string // every placeholder filled in
	Image   string   // the configured name of the image whose tag and digest Value means
	Value   string   // what is written, with "{tag}" and "{digest}" still in it; empty where Copy is
	Copy    bool     // what stands at the keys of the same entry in the environment the release comes from is written
	Entry   int      // of the app's list, from 0: what says the same of several environments and clusters
}
