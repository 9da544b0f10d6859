package github

import (
	"context"
	"fmt"
	"strings"
	"time"

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

// MostPosted is of how many commits NewestPosted reads the status in one request.
const MostPosted = 100

// NewestPosted returns the status that stands in a context on each of the commits, with who posted it; of the first MostPosted, in one request of GraphQL
// (docs.github.com, GraphQL, Status.context). Those on which none stands are left out.
func (c *Client) NewestPosted(ctx context.Context, repo forge.Repo, commits []forge.SHA, name string) (map[forge.SHA]forge.PostedStatus, error) {
	commits = commits[:min(len(commits), MostPosted)]
	call := fmt.Sprintf("reading the status %s on %d commits of %s", name, len(commits), repo.FullName())
	type posted struct {
		Status struct {
			Context struct {
				State, Description, TargetURL string
				CreatedAt                     time.Time
				Creator                       struct {
					Login string
					ID    int64 `json:"databaseId"`
				}
			}
		}
	}
	part := fmt.Sprintf("status { context(name: %q) { state description targetUrl createdAt creator { __typename login ... on Bot { databaseId } ... on User { databaseId } } } }", name)
	answer, err := ofCommits[posted](ctx, c, query{repo, needContents + " " + needStatuses}, call, commits, part)
	if err != nil {
		return nil, err
	}
	found := map[forge.SHA]forge.PostedStatus{}
	for sha, commit := range answer {
		if s := commit.Status.Context; s.State != "" {
			found[sha] = forge.PostedStatus{
				Status: forge.Status{Context: name, State: forge.State(strings.ToLower(s.State)), Description: s.Description, URL: s.TargetURL},
				By:     forge.User{ID: s.Creator.ID, Login: s.Creator.Login}, At: s.CreatedAt.UTC(),
			}
		}
	}
	return found, nil
}
