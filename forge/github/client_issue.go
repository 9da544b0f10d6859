package github

import (
	"context"
	"fmt"
	"path"
	"strconv"
	"strings"
	"time"

	gh "github.com/google/go-github/v60/github"

	"ferry/forge"
)

// ClosedBy returns who closed a pull request or an issue, nobody where it is open or the account is gone. After a merge that is
// who merged.
func (c *Client) ClosedBy(ctx context.Context, repo forge.Repo, number int) (forge.User, error) {
	call := fmt.Sprintf("reading who closed %s#%d", repo.FullName(), number)
	if err := refused(call, checkRepo(repo)); err != nil {
		return forge.User{}, err
	}
	found, _, err := c.api.Issues.Get(ctx, repo.Owner, repo.Name, number)
	if err != nil {
		return forge.User{}, c.failed(call, err)
	}
	return user(found.GetClosedBy()), nil
}

// IssuesBy returns the issues, open and closed, oldest first, that an account made. Pull requests are not among them.
func (c *Client) IssuesBy(ctx context.Context, repo forge.Repo, creator string) ([]forge.Issue, error) {
	call := fmt.Sprintf("listing the issues of %s by %s", repo.FullName(), creator)
	if err := refused(call, checkRepo(repo), checkLogin(creator)); err != nil {
		return nil, err
	}
	found, err := pages(func(page gh.ListOptions) ([]*gh.Issue, *gh.Response, error) {
		return c.api.Issues.ListByRepo(ctx, repo.Owner, repo.Name, &gh.IssueListByRepoOptions{
			Creator: creator, State: "all", Sort: "created", Direction: "asc", ListOptions: page,
		})
	})
	if err != nil {
		return nil, c.failed(call, err)
	}
	var issues []forge.Issue
	for _, i := range found {
		if !i.IsPullRequest() && strings.EqualFold(i.GetUser().GetLogin(), creator) {
			issues = append(issues, issue(i))
		}
	}
	return issues, nil
}

// Issue returns one issue, or forge.ErrNotFound where it was deleted, or transferred to another repository: GitHub redirects to there.
func (c *Client) Issue(ctx context.Context, repo forge.Repo, number int) (forge.Issue, error) {
	call := fmt.Sprintf("reading the issue %s#%d", repo.FullName(), number)
	if err := refused(call, checkRepo(repo)); err != nil {
		return forge.Issue{}, err
	}
	found, _, err := c.api.Issues.Get(ctx, repo.Owner, repo.Name, number)
	if err != nil {
		return forge.Issue{}, c.failed(call, err)
	}
	if here := strings.ToLower("/repos/" + repo.FullName()); !strings.HasSuffix(strings.ToLower(found.GetRepositoryURL()), here) {
		return forge.Issue{}, fmt.Errorf("%s: it was transferred to another repository: %w", call, forge.ErrNotFound)
	}
	return issue(found), nil
}

func issue(i *gh.Issue) forge.Issue {
	return forge.Issue{Number: i.GetNumber(), Open: i.GetState() == "open", Author: user(i.GetUser()), Title: i.GetTitle(), Body: i.GetBody()}
}

// CreateIssue opens an issue and returns its number. A repository whose issues are switched off is forge.ErrForbidden.
func (c *Client) CreateIssue(ctx context.Context, repo forge.Repo, title, body string) (int, error) {
	call := "opening an issue in " + repo.FullName()
	if err := refused(call, checkRepo(repo)); err != nil {
		return 0, err
	}
	made, _, err := c.api.Issues.Create(ctx, repo.Owner, repo.Name, &gh.IssueRequest{Title: &title, Body: &body})
	if err != nil {
		return 0, c.failed(call, err)
	}
	return made.GetNumber(), nil
}

// EditIssue sets an issue's title and body.
func (c *Client) EditIssue(ctx context.Context, repo forge.Repo, number int, title, body string) error {
	call := fmt.Sprintf("editing the issue %s#%d", repo.FullName(), number)
	if err := refused(call, checkRepo(repo)); err != nil {
		return err
	}
	_, _, err := c.api.Issues.Edit(ctx, repo.Owner, repo.Name, number, &gh.IssueRequest{Title: &title, Body: &body})
	return c.failed(call, err)
}

// Comments returns the comments on a pull request or an issue, oldest first. Those of a review, at lines, are not among them.
func (c *Client) Comments(ctx context.Context, repo forge.Repo, number int) ([]forge.Comment, error) {
	call := fmt.Sprintf("listing the comments on %s#%d", repo.FullName(), number)
	if err := refused(call, checkRepo(repo)); err != nil {
		return nil, err
	}
	found, err := pages(func(page gh.ListOptions) ([]*gh.IssueComment, *gh.Response, error) {
		return c.api.Issues.ListComments(ctx, repo.Owner, repo.Name, number, &gh.IssueListCommentsOptions{ListOptions: page})
	})
	if err != nil {
		return nil, c.failed(call, err)
	}
	return comments(found), nil
}

// CommentsSince returns the comments on all pull requests and issues of a repository that were made or edited since then, oldest first.
func (c *Client) CommentsSince(ctx context.Context, repo forge.Repo, since time.Time) ([]forge.Comment, error) {
	call := "listing the latest comments of " + repo.FullName()
	if err := refused(call, checkRepo(repo)); err != nil {
		return nil, err
	}
	found, err := pages(func(page gh.ListOptions) ([]*gh.IssueComment, *gh.Response, error) {
		return c.api.Issues.ListComments(ctx, repo.Owner, repo.Name, 0, &gh.IssueListCommentsOptions{
			Sort: gh.String("created"), Direction: gh.String("asc"), Since: &since, ListOptions: page,
		})
	})
	if err != nil {
		return nil, c.failed(call, err)
	}
	return comments(found), nil
}

func comments(found []*gh.IssueComment) []forge.Comment {
	list := make([]forge.Comment, 0, len(found))
	for _, m := range found {
		number, err := strconv.Atoi(path.Base(m.GetIssueURL()))
		if err != nil {
			number = 0 // it names no issue: nothing is found under 0
		}
		list = append(list, forge.Comment{
			ID: m.GetID(), Number: number, Author: user(m.GetUser()), Body: m.GetBody(), CreatedAt: m.GetCreatedAt().Time,
			Edited: m.GetUpdatedAt().After(m.GetCreatedAt().Time),
		})
	}
	return list
}

// CreateComment comments on a pull request or an issue and returns the comment's id.
func (c *Client) CreateComment(ctx context.Context, repo forge.Repo, number int, body string) (int64, error) {
	call := fmt.Sprintf("commenting on %s#%d", repo.FullName(), number)
	if err := refused(call, checkRepo(repo)); err != nil {
		return 0, err
	}
	made, _, err := c.api.Issues.CreateComment(ctx, repo.Owner, repo.Name, number, &gh.IssueComment{Body: &body})
	if err != nil {
		return 0, c.failed(call, err)
	}
	return made.GetID(), nil
}

// EditComment replaces the body of a comment.
func (c *Client) EditComment(ctx context.Context, repo forge.Repo, id int64, body string) error {
	call := fmt.Sprintf("editing the comment %d of %s", id, repo.FullName())
	if err := refused(call, checkRepo(repo)); err != nil {
		return err
	}
	_, _, err := c.api.Issues.EditComment(ctx, repo.Owner, repo.Name, id, &gh.IssueComment{Body: &body})
	return c.failed(call, err)
}

// React adds a reaction to a comment. One that Ferry gave before is no error.
func (c *Client) React(ctx context.Context, repo forge.Repo, comment int64, reaction forge.Reaction) error {
	call := fmt.Sprintf("reacting with %s to the comment %d of %s", reaction, comment, repo.FullName())
	if err := refused(call, checkRepo(repo)); err != nil {
		return err
	}
	_, _, err := c.api.Reactions.CreateIssueCommentReaction(ctx, repo.Owner, repo.Name, comment, string(reaction))
	return c.failed(call, err)
}

// SetStatus adds a status to a commit; the newest of a context counts. A commit that GitHub does not know is
// forge.ErrNotFound. It fails with forge.ErrInvalid where the description is longer than forge.MaxStatusDescription or the
// context has its 1,000 statuses on that commit.
func (c *Client) SetStatus(ctx context.Context, repo forge.Repo, at forge.SHA, s forge.Status) error {
	call := fmt.Sprintf("setting the status %s to %s on %s of %s", s.Context, s.State, at, repo.FullName())
	if err := refused(call, checkRepo(repo), checkSHA(at)); err != nil {
		return err
	}
	wanted := &gh.RepoStatus{State: gh.String(string(s.State)), Context: &s.Context, Description: &s.Description}
	if s.URL != "" {
		wanted.TargetURL = &s.URL
	}
	_, _, err := c.api.Repositories.CreateStatus(ctx, repo.Owner, repo.Name, string(at), wanted)
	return c.failed(call, err)
}
