package github

import (
	"context"
	"fmt"
	"net/http"

	gh "github.com/google/go-github/v60/github"

	"ferry/forge"
)

// AddLabels adds labels to an issue or a pull request. GitHub makes those that the repository does not have.
func (c *Client) AddLabels(ctx context.Context, repo forge.Repo, number int, labels []string) error {
	call := fmt.Sprintf("labelling %s#%d", repo.FullName(), number)
	if err := refused(call, checkRepo(repo)); err != nil {
		return err
	}
	// The library sends the bare list that GitHub takes too; an object is what GitHub describes.
	req, err := c.api.NewRequest(http.MethodPost, fmt.Sprintf("repos/%s/%s/issues/%d/labels", repo.Owner, repo.Name, number), map[string][]string{"labels": labels})
	if err == nil {
		_, err = c.api.Do(ctx, req, nil)
	}
	if err != nil {
		return c.failed(call, err)
	}
	return nil
}

// Assign assigns an issue or a pull request to people, by login, at most ten. It returns who is assigned now: GitHub leaves out, without a word, who cannot be
// (docs.github.com, "Add assignees to an issue").
func (c *Client) Assign(ctx context.Context, repo forge.Repo, number int, people []string) (assigned []string, err error) {
	call := fmt.Sprintf("assigning %s#%d", repo.FullName(), number)
	if err := refused(call, checkRepo(repo)); err != nil {
		return nil, err
	}
	issue, _, err := c.api.Issues.AddAssignees(ctx, repo.Owner, repo.Name, number, people)
	if err != nil {
		return nil, c.failed(call, err)
	}
	for _, u := range issue.Assignees {
		assigned = append(assigned, u.GetLogin())
	}
	return assigned, nil
}

// RequestReviewers asks people, by login, and teams of the repository's owner, by slug, for a review. It fails with forge.ErrInvalid, and asks nobody,
// where one of them may not see the repository.
func (c *Client) RequestReviewers(ctx context.Context, repo forge.Repo, number int, people, teams []string) error {
	call := fmt.Sprintf("requesting reviews of %s#%d", repo.FullName(), number)
	if err := refused(call, checkRepo(repo)); err != nil {
		return err
	}
	if _, _, err := c.api.PullRequests.RequestReviewers(ctx, repo.Owner, repo.Name, number, gh.ReviewersRequest{Reviewers: people, TeamReviewers: teams}); err != nil {
		return c.failed(call, err)
	}
	return nil
}
