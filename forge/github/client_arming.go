package github

import (
	"context"
	"fmt"

	"ferry/forge"
)

// What GitHub's REST API does not have (docs.github.com, GraphQL, "Pull requests").
const (
	armedQuery = `query($owner: String!, $name: String!, $number: Int!) {
  repository(owner: $owner, name: $name) {
    pullRequest(number: $number) { id state autoMergeRequest { enabledBy { __typename login } } mergeQueueEntry { enqueuer { __typename login } } }
  }
}`
	disarmMutation  = `mutation($id: ID!) { disablePullRequestAutoMerge(input: {pullRequestId: $id}) { clientMutationId } }`
	dequeueMutation = `mutation($id: ID!) { dequeuePullRequest(input: {id: $id}) { clientMutationId } }`
)

type login struct {
	Kind  string `json:"__typename"`
	Login string `json:"login"`
}

type armedAnswer struct {
	Repository struct {
		PullRequest *struct {
			ID        string `json:"id"`
			State     string `json:"state"`
			AutoMerge *struct {
				EnabledBy *login `json:"enabledBy"`
			} `json:"autoMergeRequest"`
			Queue *struct {
				Enqueuer *login `json:"enqueuer"`
			} `json:"mergeQueueEntry"`
		} `json:"pullRequest"`
	} `json:"repository"`
}

// Disarm takes back that GitHub merges a pull request by itself: native auto-merge, and its place in the merge queue. It returns who had told GitHub to; what
// was not armed, or is not open any more, is left as it is. It fails with forge.ErrForbidden where the App may not.
func (c *Client) Disarm(ctx context.Context, repo forge.Repo, number int) (was forge.Armed, err error) {
	call := fmt.Sprintf("disarming #%d of %s", number, repo.FullName())
	if err := refused(call, checkRepo(repo)); err != nil {
		return was, err
	}
	var found armedAnswer
	if err := c.graphql(ctx, call, repo, armedQuery, map[string]any{"owner": repo.Owner, "name": repo.Name, "number": number}, &found); err != nil {
		return was, err
	}
	p := found.Repository.PullRequest
	if p == nil {
		return was, fmt.Errorf("%s: %w", call, forge.ErrNotFound)
	}
	was.Open = p.State == "OPEN"
	if !was.Open {
		return was, nil
	}
	if p.Queue != nil {
		if err := c.graphql(ctx, call, repo, dequeueMutation, map[string]any{"id": p.ID}, nil); err != nil {
			return was, err
		}
		was.Queue = p.Queue.Enqueuer.name()
	}
	if p.AutoMerge != nil {
		if err := c.graphql(ctx, call, repo, disarmMutation, map[string]any{"id": p.ID}, nil); err != nil {
			return was, err
		}
		was.AutoMerge = p.AutoMerge.EnabledBy.name()
	}
	return was, nil
}

// name is the login, also of an account that is gone.
func (l *login) name() string {
	if l == nil || l.Login == "" {
		return "ghost"
	}
	if l.Kind == "Bot" { // REST gives an App's login this ending
		return l.Login + "[bot]"
	}
	return l.Login
}
