package github

import (
	"context"
	"fmt"

	gh "github.com/google/go-github/v60/github"

	"ferry/forge"
)

// Status returns the status that stands on a commit in a context. It fails with forge.ErrNotFound where none does, or where GitHub does not know the
// commit.
func (c *Client) Status(ctx context.Context, repo forge.Repo, at forge.SHA, name string) (forge.Status, error) {
	call := fmt.Sprintf("reading the status %s on %s of %s", name, at, repo.FullName())
	if err := refused(call, checkRepo(repo), checkSHA(at)); err != nil {
		return forge.Status{}, err
	}
	all, err := pages(func(page gh.ListOptions) ([]*gh.RepoStatus, *gh.Response, error) {
		combined, resp, err := c.api.Repositories.GetCombinedStatus(ctx, repo.Owner, repo.Name, string(at), &page)
		if err != nil {
			return nil, resp, err
		}
		return combined.Statuses, resp, nil
	})
	if err != nil {
		return forge.Status{}, c.failed(call, err)
	}
	for _, s := range all {
		if s.GetContext() == name {
			return forge.Status{Context: name, State: forge.State(s.GetState()), Description: s.GetDescription(), URL: s.GetTargetURL()}, nil
		}
	}
	return forge.Status{}, fmt.Errorf("%s: %w", call, forge.ErrNotFound)
}
