package github

import (
	"context"
	"fmt"
	"slices"

	gh "github.com/google/go-github/v60/github"

	"ferry/forge"
)

// PullRequest returns a pull request.
func (c *Client) PullRequest(ctx context.Context, repo forge.Repo, number int) (forge.PullRequest, error) {
	call := fmt.Sprintf("reading the pull request %s#%d", repo.FullName(), number)
	if err := refused(call, checkRepo(repo)); err != nil {
		return forge.PullRequest{}, err
	}
	found, _, err := c.api.PullRequests.Get(ctx, repo.Owner, repo.Name, number)
	if err != nil {
		return forge.PullRequest{}, c.failed(call, err)
	}
	return pullRequest(found), nil
}

// OpenPullRequestByHead returns the newest open pull request whose head is that branch of the repository itself. Where there
// is none it fails with forge.ErrNotFound.
func (c *Client) OpenPullRequestByHead(ctx context.Context, repo forge.Repo, branch string) (*forge.PullRequest, error) {
	call := fmt.Sprintf("looking for the open pull request of %s of %s", branch, repo.FullName())
	if err := refused(call, checkRepo(repo), checkBranch(branch)); err != nil {
		return nil, err
	}
	found, err := c.openPullRequests(ctx, call, repo, &gh.PullRequestListOptions{Head: repo.Owner + ":" + branch})
	if err != nil {
		return nil, err
	}
	for _, p := range slices.Backward(found) {
		// GitHub ignores a filter that it does not understand, and owner:branch fits forks of the same owner too.
		if p.GetHead().GetRef() == branch && p.GetHead().GetRepo().GetID() == p.GetBase().GetRepo().GetID() {
			pull := pullRequest(p)
			return &pull, nil
		}
	}
	return nil, c.wrap(call, forge.ErrNotFound, "none is open")
}

// OpenPullRequests returns every open pull request to a branch, oldest first.
func (c *Client) OpenPullRequests(ctx context.Context, repo forge.Repo, base string) ([]forge.PullRequest, error) {
	call := fmt.Sprintf("listing the open pull requests to %s of %s", base, repo.FullName())
	if err := refused(call, checkRepo(repo), checkBranch(base)); err != nil {
		return nil, err
	}
	found, err := c.openPullRequests(ctx, call, repo, &gh.PullRequestListOptions{Base: base})
	if err != nil {
		return nil, err
	}
	var all []forge.PullRequest
	for _, p := range found {
		if p.GetBase().GetRef() == base {
			all = append(all, pullRequest(p))
		}
	}
	return all, nil
}

// openPullRequests lists oldest first, so that what is opened meanwhile moves nothing to a page already read.
func (c *Client) openPullRequests(ctx context.Context, call string, repo forge.Repo, opts *gh.PullRequestListOptions) ([]*gh.PullRequest, error) {
	opts.State, opts.Sort, opts.Direction = "open", "created", "asc"
	found, err := pages(func(page gh.ListOptions) ([]*gh.PullRequest, *gh.Response, error) {
		opts.ListOptions = page
		return c.api.PullRequests.List(ctx, repo.Owner, repo.Name, opts)
	})
	if err != nil {
		return nil, c.failed(call, err)
	}
	return found, nil
}

// OpenPullRequest opens a pull request between two branches of the repository. It fails with forge.ErrExists where there is an
// open one of that head and base, and with forge.ErrInvalid where the head has no commits that the base lacks.
func (c *Client) OpenPullRequest(ctx context.Context, repo forge.Repo, n forge.NewPullRequest) (forge.PullRequest, error) {
	call := fmt.Sprintf("opening a pull request from %s to %s of %s", n.HeadBranch, n.BaseBranch, repo.FullName())
	if err := refused(call, checkRepo(repo), checkBranch(n.HeadBranch), checkBranch(n.BaseBranch)); err != nil {
		return forge.PullRequest{}, err
	}
	wanted := &gh.NewPullRequest{Title: &n.Title, Body: &n.Body, Head: &n.HeadBranch, Base: &n.BaseBranch}
	if n.Draft { // some plans have no drafts and refuse the word
		wanted.Draft = &n.Draft
	}
	made, _, err := c.api.PullRequests.Create(ctx, repo.Owner, repo.Name, wanted)
	if err != nil {
		return forge.PullRequest{}, c.failed(call, err)
	}
	return pullRequest(made), nil
}

// EditPullRequest sets a pull request's title and body.
func (c *Client) EditPullRequest(ctx context.Context, repo forge.Repo, number int, title, body string) error {
	call := fmt.Sprintf("editing the pull request %s#%d", repo.FullName(), number)
	return c.editPullRequest(ctx, call, repo, number, &gh.PullRequest{Title: &title, Body: &body})
}

// ClosePullRequest closes a pull request without merging it. One that is closed already is no error.
func (c *Client) ClosePullRequest(ctx context.Context, repo forge.Repo, number int) error {
	call := fmt.Sprintf("closing the pull request %s#%d", repo.FullName(), number)
	return c.editPullRequest(ctx, call, repo, number, &gh.PullRequest{State: gh.String("closed")})
}

func (c *Client) editPullRequest(ctx context.Context, call string, repo forge.Repo, number int, edit *gh.PullRequest) error {
	if err := refused(call, checkRepo(repo)); err != nil {
		return err
	}
	_, _, err := c.api.PullRequests.Edit(ctx, repo.Owner, repo.Name, number, edit)
	return c.failed(call, err)
}

// Merge merges a pull request while its head is still head, and returns the commit that it made on the base branch. It fails
// with forge.ErrConflict where head or base moved, and with forge.ErrNotMergeable where GitHub wants something more first, has
// a conflict, or does not allow the method. Where title is empty, GitHub makes one.
func (c *Client) Merge(ctx context.Context, repo forge.Repo, number int, head forge.SHA, method forge.MergeMethod, title string) (forge.SHA, error) {
	call := fmt.Sprintf("merging (%s) the pull request %s#%d at %s", method, repo.FullName(), number, head)
	if err := refused(call, checkRepo(repo), checkSHA(head)); err != nil {
		return "", err
	}
	merged, _, err := c.api.PullRequests.Merge(ctx, repo.Owner, repo.Name, number, "", &gh.PullRequestOptions{
		CommitTitle: title, SHA: string(head), MergeMethod: string(method),
	})
	if err != nil {
		return "", c.failed(call, err)
	}
	if !merged.GetMerged() {
		return "", c.wrap(call, forge.ErrNotMergeable, merged.GetMessage())
	}
	return sha(call, merged.GetSHA())
}

// mergeable keeps of GitHub's words those that say what is in the way of a merge.
func mergeable(word string) forge.Mergeable {
	switch m := forge.Mergeable(word); m {
	case forge.MergeBlocked, forge.MergeBehind, forge.MergeDirty, forge.MergeDraft:
		return m
	}
	return ""
}

func pullRequest(p *gh.PullRequest) forge.PullRequest {
	found := forge.PullRequest{
		Number: p.GetNumber(), Open: p.GetState() == "open", Draft: p.GetDraft(),
		Merged:     p.GetMerged() || p.MergedAt != nil, // lists have the time only
		HeadBranch: p.GetHead().GetRef(), HeadSHA: forge.SHA(p.GetHead().GetSHA()), HeadRepo: p.GetHead().GetRepo().GetID(),
		BaseBranch: p.GetBase().GetRef(), BaseSHA: forge.SHA(p.GetBase().GetSHA()),
		Author: user(p.GetUser()), MergedBy: user(p.GetMergedBy()),
		Title: p.GetTitle(), Body: p.GetBody(), URL: p.GetHTMLURL(), AutoMerge: p.GetAutoMerge().GetEnabledBy().GetLogin(), Mergeable: mergeable(p.GetMergeableState()),
		CreatedAt: p.GetCreatedAt().Time, UpdatedAt: p.GetUpdatedAt().Time, ClosedAt: p.GetClosedAt().Time, MergedAt: p.GetMergedAt().Time,
	}
	if found.Merged { // before, it names a commit that GitHub made to try the merge
		found.MergeSHA = forge.SHA(p.GetMergeCommitSHA())
	}
	return found
}

// Reviews returns the reviews of a pull request that were submitted, oldest first.
func (c *Client) Reviews(ctx context.Context, repo forge.Repo, number int) ([]forge.Review, error) {
	call := fmt.Sprintf("listing the reviews of %s#%d", repo.FullName(), number)
	if err := refused(call, checkRepo(repo)); err != nil {
		return nil, err
	}
	found, err := pages(func(page gh.ListOptions) ([]*gh.PullRequestReview, *gh.Response, error) {
		return c.api.PullRequests.ListReviews(ctx, repo.Owner, repo.Name, number, &page)
	})
	if err != nil {
		return nil, c.failed(call, err)
	}
	var reviews []forge.Review
	for _, r := range found {
		if r.GetState() == "PENDING" { // Ferry's own, were there any: nobody else's is shown before it is submitted
			continue
		}
		reviews = append(reviews, forge.Review{ID: r.GetID(), Author: user(r.GetUser()), State: forge.ReviewState(r.GetState()), SHA: forge.SHA(r.GetCommitID()), At: r.GetSubmittedAt().Time})
	}
	return reviews, nil
}
