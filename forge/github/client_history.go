package github

import (
	"bytes"
	"context"
	"fmt"
	"net/url"

	gh "github.com/google/go-github/v60/github"

	"ferry/forge"
)

const (
	// maxCommitFiles is where GitHub cuts a commit's files (docs.github.com, "Get a commit").
	maxCommitFiles = 3000
	// maxStatusPages bounds the statuses of one commit: GitHub takes 1,000 for each context (docs.github.com, "Create a commit status").
	maxStatusPages = 20
)

// Commits returns at most most commits that lead to from, the newest first as GitHub orders them; with path, those that changed something there.
func (c *Client) Commits(ctx context.Context, repo forge.Repo, from forge.SHA, path string, most int) ([]forge.Commit, error) {
	call := fmt.Sprintf("listing the commits that lead to %s of %s", from, repo.FullName())
	checks := []error{checkRepo(repo), checkSHA(from)}
	if path != "" {
		checks = append(checks, checkPath(path))
	}
	if err := refused(call, checks...); err != nil {
		return nil, err
	}
	found, _, err := pagesUpTo(most, func(page gh.ListOptions) ([]*gh.RepositoryCommit, *gh.Response, error) {
		return c.api.Repositories.ListCommits(ctx, repo.Owner, repo.Name, &gh.CommitsListOptions{SHA: string(from), Path: path, ListOptions: page})
	})
	if err != nil {
		return nil, c.failed(call, err)
	}
	list := make([]forge.Commit, len(found))
	for i, r := range found {
		if list[i], err = commit(call, r); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// CommitFiles returns the files that a commit changes against its first parent, and whether those are all: GitHub gives 3,000.
func (c *Client) CommitFiles(ctx context.Context, repo forge.Repo, name forge.SHA) (files []forge.ChangedFile, complete bool, err error) {
	call := fmt.Sprintf("reading what the commit %s of %s changed", name, repo.FullName())
	if err := refused(call, checkRepo(repo), checkSHA(name)); err != nil {
		return nil, false, err
	}
	found, err := pages(func(page gh.ListOptions) ([]*gh.CommitFile, *gh.Response, error) {
		commit, resp, err := c.api.Repositories.GetCommit(ctx, repo.Owner, repo.Name, string(name), &page)
		if err != nil {
			return nil, resp, err
		}
		return commit.Files, resp, nil
	})
	if err != nil {
		return nil, false, c.failed(call, err)
	}
	return changedFiles(found), len(found) < maxCommitFiles, nil
}

// Statuses returns the statuses that were posted on a commit, the newest first; at most 2,000.
func (c *Client) Statuses(ctx context.Context, repo forge.Repo, name forge.SHA) ([]forge.PostedStatus, error) {
	call := fmt.Sprintf("listing the statuses of %s of %s", name, repo.FullName())
	if err := refused(call, checkRepo(repo), checkSHA(name)); err != nil {
		return nil, err
	}
	found, _, err := pagesUpTo(maxStatusPages*perPage, func(page gh.ListOptions) ([]*gh.RepoStatus, *gh.Response, error) {
		return c.api.Repositories.ListStatuses(ctx, repo.Owner, repo.Name, string(name), &page)
	})
	if err != nil {
		return nil, c.failed(call, err)
	}
	list := make([]forge.PostedStatus, len(found))
	for i, s := range found {
		list[i] = forge.PostedStatus{
			Status: forge.Status{Context: s.GetContext(), State: forge.State(s.GetState()), Description: s.GetDescription(), URL: s.GetTargetURL()},
			ID:     s.GetID(), By: user(s.GetCreator()), At: s.GetCreatedAt().UTC(),
		}
	}
	return list, nil
}

// PullRequestsBy returns those of the newest most pull requests, open and closed, that an account opened (0: that anybody did), the newest first, and whether there are no
// older ones at all. GitHub's list has no filter for authors, and does not say who merged.
func (c *Client) PullRequestsBy(ctx context.Context, repo forge.Repo, author int64, most int) (list []forge.PullRequest, complete bool, err error) {
	call := fmt.Sprintf("listing the pull requests of %s by the account %d", repo.FullName(), author)
	if err := refused(call, checkRepo(repo)); err != nil {
		return nil, false, err
	}
	found, complete, err := pagesUpTo(most, func(page gh.ListOptions) ([]*gh.PullRequest, *gh.Response, error) {
		return c.api.PullRequests.List(ctx, repo.Owner, repo.Name, &gh.PullRequestListOptions{State: "all", Sort: "created", Direction: "desc", ListOptions: page})
	})
	if err != nil {
		return nil, false, c.failed(call, err)
	}
	for _, p := range found {
		if author == 0 || p.GetUser().GetID() == author {
			list = append(list, pullRequest(p))
		}
	}
	return list, complete, nil
}

// pagesUpTo gathers the pages of a list until it has most, and says whether that was all.
func pagesUpTo[T any](most int, get func(gh.ListOptions) ([]T, *gh.Response, error)) (all []T, complete bool, err error) {
	for page := 1; ; {
		some, resp, err := get(gh.ListOptions{Page: page, PerPage: min(most, perPage)})
		if err != nil {
			return nil, false, err
		}
		all = append(all, some...)
		switch {
		case resp.NextPage <= page:
			return all[:min(len(all), most)], len(all) <= most, nil
		case len(all) >= most:
			return all[:most], false, nil
		}
		page = resp.NextPage
	}
}

// CommitAt returns the commit that a reference names: a commit in short or in full, "tags/NAME" or "heads/NAME" (docs.github.com, "Get a commit"). It fails
// with forge.ErrNotFound or forge.ErrInvalid where there is none.
func (c *Client) CommitAt(ctx context.Context, repo forge.Repo, ref string) (forge.SHA, error) {
	call := fmt.Sprintf("finding %s in %s", ref, repo.FullName())
	if err := refused(call, checkRepo(repo), checkBranch(ref)); err != nil {
		return "", err
	}
	req, err := c.api.NewRequest("GET", repoPath(repo, "commits/"+url.PathEscape(ref)), nil)
	if err != nil {
		return "", c.failed(call, err)
	}
	req.Header.Set("Accept", "application/vnd.github.sha")
	var found bytes.Buffer
	if _, err := c.api.Do(ctx, req, &found); err != nil {
		return "", c.failed(call, err)
	}
	sha, err := forge.ParseSHA(found.String())
	if err != nil {
		return "", fmt.Errorf("%s: %w (GitHub answered no commit)", call, forge.ErrInvalid)
	}
	return sha, nil
}
