package worker

import (
	"context"

	"ferry/forge"
)

// guarded is a client that changes nothing at the forge once the lease was taken over. A forge knows no fences: this is as close before each write
// as Ferry can look.
type guarded struct {
	Client
	held *held
}

func (g guarded) CreateBranch(ctx context.Context, repo forge.Repo, branch string, at forge.SHA) error {
	if err := g.held.still(ctx); err != nil {
		return err
	}
	return g.Client.CreateBranch(ctx, repo, branch, at)
}

func (g guarded) MoveBranch(ctx context.Context, repo forge.Repo, branch string, to forge.SHA, force bool) error {
	if err := g.held.still(ctx); err != nil {
		return err
	}
	return g.Client.MoveBranch(ctx, repo, branch, to, force)
}

func (g guarded) DeleteBranch(ctx context.Context, repo forge.Repo, branch string) error {
	if err := g.held.still(ctx); err != nil {
		return err
	}
	return g.Client.DeleteBranch(ctx, repo, branch)
}

func (g guarded) OpenPullRequest(ctx context.Context, repo forge.Repo, pull forge.NewPullRequest) (forge.PullRequest, error) {
	if err := g.held.still(ctx); err != nil {
		return forge.PullRequest{}, err
	}
	return g.Client.OpenPullRequest(ctx, repo, pull)
}

func (g guarded) Propose(ctx context.Context, repo forge.Repo, commit forge.NewCommit, pull forge.NewPullRequest) (forge.Commit, forge.PullRequest, error) {
	if err := g.held.still(ctx); err != nil {
		return forge.Commit{}, forge.PullRequest{}, err
	}
	return g.Client.Propose(ctx, repo, commit, pull)
}

func (g guarded) Enqueue(ctx context.Context, repo forge.Repo, number int, head forge.SHA) (queued bool, err error) {
	if err := g.held.still(ctx); err != nil {
		return false, err
	}
	return g.Client.Enqueue(ctx, repo, number, head)
}

func (g guarded) EditPullRequest(ctx context.Context, repo forge.Repo, number int, title, body string) error {
	if err := g.held.still(ctx); err != nil {
		return err
	}
	return g.Client.EditPullRequest(ctx, repo, number, title, body)
}

func (g guarded) Disarm(ctx context.Context, repo forge.Repo, number int) (forge.Armed, error) {
	if err := g.held.still(ctx); err != nil {
		return forge.Armed{}, err
	}
	return g.Client.Disarm(ctx, repo, number)
}

func (g guarded) AddLabels(ctx context.Context, repo forge.Repo, number int, labels []string) error {
	if err := g.held.still(ctx); err != nil {
		return err
	}
	return g.Client.AddLabels(ctx, repo, number, labels)
}

func (g guarded) Assign(ctx context.Context, repo forge.Repo, number int, people []string) (assigned []string, err error) {
	if err := g.held.still(ctx); err != nil {
		return nil, err
	}
	return g.Client.Assign(ctx, repo, number, people)
}

func (g guarded) RequestReviewers(ctx context.Context, repo forge.Repo, number int, people, teams []string) error {
	if err := g.held.still(ctx); err != nil {
		return err
	}
	return g.Client.RequestReviewers(ctx, repo, number, people, teams)
}

func (g guarded) EditComment(ctx context.Context, repo forge.Repo, comment int64, body string) error {
	if err := g.held.still(ctx); err != nil {
		return err
	}
	return g.Client.EditComment(ctx, repo, comment, body)
}

func (g guarded) ClosePullRequest(ctx context.Context, repo forge.Repo, number int) error {
	if err := g.held.still(ctx); err != nil {
		return err
	}
	return g.Client.ClosePullRequest(ctx, repo, number)
}

func (g guarded) Merge(ctx context.Context, repo forge.Repo, number int, head forge.SHA, method forge.MergeMethod, title string) (forge.SHA, error) {
	if err := g.held.still(ctx); err != nil {
		return "", err
	}
	return g.Client.Merge(ctx, repo, number, head, method, title)
}

func (g guarded) CreateCheckRun(ctx context.Context, repo forge.Repo, run forge.NewCheckRun) (int64, error) {
	if err := g.held.still(ctx); err != nil {
		return 0, err
	}
	return g.Client.CreateCheckRun(ctx, repo, run)
}

func (g guarded) SetStatus(ctx context.Context, repo forge.Repo, sha forge.SHA, status forge.Status) error {
	if err := g.held.still(ctx); err != nil {
		return err
	}
	return g.Client.SetStatus(ctx, repo, sha, status)
}

func (g guarded) CreateDeployment(ctx context.Context, repo forge.Repo, deployment forge.NewDeployment) (int64, error) {
	if err := g.held.still(ctx); err != nil {
		return 0, err
	}
	return g.Client.CreateDeployment(ctx, repo, deployment)
}

func (g guarded) SetDeploymentStatus(ctx context.Context, repo forge.Repo, deployment int64, status forge.DeploymentStatus) error {
	if err := g.held.still(ctx); err != nil {
		return err
	}
	return g.Client.SetDeploymentStatus(ctx, repo, deployment, status)
}

func (g guarded) CreateComment(ctx context.Context, repo forge.Repo, number int, body string) (int64, error) {
	if err := g.held.still(ctx); err != nil {
		return 0, err
	}
	return g.Client.CreateComment(ctx, repo, number, body)
}

func (g guarded) React(ctx context.Context, repo forge.Repo, comment int64, reaction forge.Reaction) error {
	if err := g.held.still(ctx); err != nil {
		return err
	}
	return g.Client.React(ctx, repo, comment, reaction)
}

func (g guarded) CreateIssue(ctx context.Context, repo forge.Repo, title, body string) (int, error) {
	if err := g.held.still(ctx); err != nil {
		return 0, err
	}
	return g.Client.CreateIssue(ctx, repo, title, body)
}

func (g guarded) EditIssue(ctx context.Context, repo forge.Repo, number int, title, body string) error {
	if err := g.held.still(ctx); err != nil {
		return err
	}
	return g.Client.EditIssue(ctx, repo, number, title, body)
}
