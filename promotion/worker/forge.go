// Package worker runs Ferry's three kinds of work as River jobs: observe reads the forge and writes facts, decide plans from facts, act brings one object at the forge to its wish.
package worker

import (
	"context"
	"time"

	"ferry/forge"
)

// Connection is one forge, as the workers need it.
type Connection struct {
	Kind          forge.Kind
	PagesURL      string // where people look at repositories, for links
	Identity      func(context.Context) (forge.User, error)
	Client        func(installation int64, environment forge.Repo) Client // for an environment repository, and the source repositories that it names
	Forget        func(installation int64)                                // what Client signed in with: the next one signs in anew
	Hold          func(installation int64, until time.Time, graphql bool) // lets nothing be asked before then; nil where the forge has no limits
	Parse         func(event string, body []byte) (forge.Event, error)
	Installations func(context.Context) ([]forge.Installation, error)
	Repositories  func(ctx context.Context, installation int64) ([]forge.Repository, error)
	Log           *DeliveryLog // nil where the forge shows none
	Examine       Examiner     // nil where nobody can tell
}

// Client is what the workers ask of a forge, by subject; each worker takes only the parts that it uses.
type Client interface {
	repositoryReader
	peopleReader
	fileReader
	pullReader
	historyReader
	sourceReader
	branchWriter
	pullWriter
	statusWriter
	deploymentWriter
	checkReader
	commentWriter
	issueWriter
}

type repositoryReader interface {
	RepositoryByID(ctx context.Context, id int64) (forge.Repository, error)
	Head(ctx context.Context, repo forge.Repo, branch string) (forge.SHA, error)
	Compare(ctx context.Context, repo forge.Repo, base, head forge.SHA) (forge.Comparison, error)
	Permission(ctx context.Context, repo forge.Repo, login string) (forge.Permission, error)
	Guarded(ctx context.Context, repo forge.Repo, branch string) (bool, error)
	WaysToMerge(ctx context.Context, repo forge.Repo, branch string) ([]forge.MergeMethod, error)
	MergeQueue(ctx context.Context, repo forge.Repo, branch string) (forge.MergeQueue, error)
}

type peopleReader interface {
	Reviews(ctx context.Context, repo forge.Repo, number int) ([]forge.Review, error)
	InTeam(ctx context.Context, org, slug, login string) (bool, error)
	TeamExists(ctx context.Context, org, slug string) (bool, error)
}

type fileReader interface {
	Tree(ctx context.Context, repo forge.Repo, commit forge.SHA) (forge.Tree, error)
	Blob(ctx context.Context, repo forge.Repo, sha forge.SHA) ([]byte, error)
	File(ctx context.Context, repo forge.Repo, path, ref string) (forge.File, error)
	Commit(ctx context.Context, repo forge.Repo, sha forge.SHA) (forge.Commit, error)
}

type pullReader interface {
	PullRequest(ctx context.Context, repo forge.Repo, number int) (forge.PullRequest, error)
	OpenPullRequestByHead(ctx context.Context, repo forge.Repo, branch string) (*forge.PullRequest, error)
	OpenPullRequests(ctx context.Context, repo forge.Repo, base string) ([]forge.PullRequest, error)
	ClosedBy(ctx context.Context, repo forge.Repo, number int) (forge.User, error)
}

type historyReader interface {
	Changes(ctx context.Context, repo forge.Repo, base, head forge.SHA) (forge.Changes, error)
	Commits(ctx context.Context, repo forge.Repo, from forge.SHA, path string, most int) ([]forge.Commit, error)
	CommitFiles(ctx context.Context, repo forge.Repo, sha forge.SHA) (files []forge.ChangedFile, complete bool, err error)
	CommitAuthors(ctx context.Context, repo forge.Repo, commits []forge.SHA) (map[forge.SHA][]string, error)
	Statuses(ctx context.Context, repo forge.Repo, sha forge.SHA) ([]forge.PostedStatus, error)
	NewestPosted(ctx context.Context, repo forge.Repo, commits []forge.SHA, context string) (map[forge.SHA]forge.PostedStatus, error)
	PullRequestsBy(ctx context.Context, repo forge.Repo, author int64, most int) (pulls []forge.PullRequest, complete bool, err error)
}

type branchWriter interface {
	CreateCommit(ctx context.Context, repo forge.Repo, commit forge.NewCommit) (forge.Commit, error)
	CreateBranch(ctx context.Context, repo forge.Repo, branch string, at forge.SHA) error
	MoveBranch(ctx context.Context, repo forge.Repo, branch string, to forge.SHA, force bool) error
	DeleteBranch(ctx context.Context, repo forge.Repo, branch string) error
}

type pullWriter interface {
	OpenPullRequest(ctx context.Context, repo forge.Repo, pull forge.NewPullRequest) (forge.PullRequest, error)
	Propose(ctx context.Context, repo forge.Repo, commit forge.NewCommit, pull forge.NewPullRequest) (forge.Commit, forge.PullRequest, error)
	EditPullRequest(ctx context.Context, repo forge.Repo, number int, title, body string) error
	Disarm(ctx context.Context, repo forge.Repo, number int) (was forge.Armed, err error)
	AddLabels(ctx context.Context, repo forge.Repo, number int, labels []string) error
	Assign(ctx context.Context, repo forge.Repo, number int, people []string) (assigned []string, err error)
	RequestReviewers(ctx context.Context, repo forge.Repo, number int, people, teams []string) error
	ClosePullRequest(ctx context.Context, repo forge.Repo, number int) error
	Enqueue(ctx context.Context, repo forge.Repo, number int, head forge.SHA) (queued bool, err error)
	Merge(ctx context.Context, repo forge.Repo, number int, head forge.SHA, method forge.MergeMethod, title string) (forge.SHA, error)
}

type statusWriter interface {
	CreateCheckRun(ctx context.Context, repo forge.Repo, run forge.NewCheckRun) (int64, error)
	Status(ctx context.Context, repo forge.Repo, sha forge.SHA, name string) (forge.Status, error)
	SetStatus(ctx context.Context, repo forge.Repo, sha forge.SHA, status forge.Status) error
}

// deploymentWriter records deployments at forges that have a record of their own.
type deploymentWriter interface {
	Deployments(ctx context.Context, repo forge.Repo, sha forge.SHA, environment string) ([]forge.Deployment, error)
	OnBranch(ctx context.Context, repo forge.Repo, at forge.SHA) (bool, error)
	CreateDeployment(ctx context.Context, repo forge.Repo, deployment forge.NewDeployment) (int64, error)
	DeploymentStatus(ctx context.Context, repo forge.Repo, deployment int64) (forge.DeploymentStatus, error)
	SetDeploymentStatus(ctx context.Context, repo forge.Repo, deployment int64, status forge.DeploymentStatus) error
}

type checkReader interface {
	NewestStatuses(ctx context.Context, repo forge.Repo, sha forge.SHA) ([]forge.Check, error)
	NewestCheckRuns(ctx context.Context, repo forge.Repo, sha forge.SHA) ([]forge.Check, error)
}

type commentWriter interface {
	Comments(ctx context.Context, repo forge.Repo, number int) ([]forge.Comment, error)
	CommentsSince(ctx context.Context, repo forge.Repo, since time.Time) ([]forge.Comment, error)
	CreateComment(ctx context.Context, repo forge.Repo, number int, body string) (int64, error)
	EditComment(ctx context.Context, repo forge.Repo, comment int64, body string) error
	React(ctx context.Context, repo forge.Repo, comment int64, reaction forge.Reaction) error
}

type issueWriter interface {
	Issue(ctx context.Context, repo forge.Repo, number int) (forge.Issue, error)
	IssuesBy(ctx context.Context, repo forge.Repo, creator string) ([]forge.Issue, error)
	CreateIssue(ctx context.Context, repo forge.Repo, title, body string) (int, error)
	EditIssue(ctx context.Context, repo forge.Repo, number int, title, body string) error
}
