package github

import (
	"context"
	"errors"
	"fmt"

	gh "github.com/google/go-github/v60/github"

	"ferry/forge"
)

const heads = "refs/heads/"

// Head returns the commit at which a branch stands. A branch that does not exist, also in an empty repository, is
// forge.ErrNotFound.
func (c *Client) Head(ctx context.Context, repo forge.Repo, branch string) (forge.SHA, error) {
	call := fmt.Sprintf("reading the head of %s of %s", branch, repo.FullName())
	if err := refused(call, checkRepo(repo), checkBranch(branch)); err != nil {
		return "", err
	}
	found, _, err := c.api.Git.GetRef(ctx, repo.Owner, repo.Name, heads+branch)
	if err != nil {
		return "", c.failed(call, err)
	}
	return sha(call, found.GetObject().GetSHA())
}

// CreateBranch makes a branch at a commit. It fails with forge.ErrExists where there is one of that name, wherever it stands.
func (c *Client) CreateBranch(ctx context.Context, repo forge.Repo, branch string, at forge.SHA) error {
	call := fmt.Sprintf("creating the branch %s of %s at %s", branch, repo.FullName(), at)
	if err := refused(call, checkRepo(repo), checkBranch(branch), checkSHA(at)); err != nil {
		return err
	}
	_, _, err := c.api.Git.CreateRef(ctx, repo.Owner, repo.Name, reference(branch, at))
	return c.failed(call, err)
}

// MoveBranch moves a branch to a commit. Without force it fails with forge.ErrConflict where the branch stands at something
// that the commit does not descend from. GitHub has no compare-and-set beyond that: with force the last one wins.
func (c *Client) MoveBranch(ctx context.Context, repo forge.Repo, branch string, to forge.SHA, force bool) error {
	call := fmt.Sprintf("moving the branch %s of %s to %s", branch, repo.FullName(), to)
	if err := refused(call, checkRepo(repo), checkBranch(branch), checkSHA(to)); err != nil {
		return err
	}
	_, _, err := c.api.Git.UpdateRef(ctx, repo.Owner, repo.Name, reference(branch, to), force)
	return c.failed(call, err)
}

// DeleteBranch deletes a branch. One that is gone already is no error.
func (c *Client) DeleteBranch(ctx context.Context, repo forge.Repo, branch string) error {
	call := fmt.Sprintf("deleting the branch %s of %s", branch, repo.FullName())
	if err := refused(call, checkRepo(repo), checkBranch(branch)); err != nil {
		return err
	}
	_, err := c.api.Git.DeleteRef(ctx, repo.Owner, repo.Name, heads+branch)
	if err = c.failed(call, err); errors.Is(err, forge.ErrNotFound) {
		return nil
	}
	return err
}

func reference(branch string, at forge.SHA) *gh.Reference {
	return &gh.Reference{Ref: gh.String(heads + branch), Object: &gh.GitObject{SHA: gh.String(string(at))}}
}
