package github

import (
	"context"
	"errors"
	"fmt"

	"ferry/forge"
)

// What GitHub's REST API does not have (docs.github.com, GraphQL, MergeQueue). Whether a branch has a queue that branch protection asks for, too, is shown here alone.
const (
	queueQuery = `query($owner: String!, $name: String!, $branch: String!, $after: String) {
  repository(owner: $owner, name: $name) { mergeQueue(branch: $branch) { entries(first: 100, after: $after) {
    nodes { headCommit { oid } enqueuer { __typename login } pullRequest { number } }
    pageInfo { hasNextPage endCursor }
  } } }
}`
	mayQueueQuery = `query($owner: String!, $name: String!, $number: Int!) {
  repository(owner: $owner, name: $name) { pullRequest(number: $number) { id isMergeQueueEnabled isInMergeQueue } }
}`
	enqueueMutation = `mutation($in: EnqueuePullRequestInput!) { enqueuePullRequest(input: $in) { clientMutationId } }`
)

// mostQueuePages bounds what is read of a queue.
const mostQueuePages = 10

type queueAnswer struct {
	Repository struct {
		Queue *struct {
			Entries struct {
				Nodes []struct {
					Head *struct {
						OID forge.SHA `json:"oid"`
					} `json:"headCommit"`
					By   *login `json:"enqueuer"`
					Pull *struct {
						Number int `json:"number"`
					} `json:"pullRequest"`
				} `json:"nodes"`
				Page struct {
					More bool   `json:"hasNextPage"`
					End  string `json:"endCursor"`
				} `json:"pageInfo"`
			} `json:"entries"`
		} `json:"mergeQueue"`
	} `json:"repository"`
}

// MergeQueue returns what the merge queue of a branch holds. A GitHub that knows no merge queues, or does not let Ferry see them, has none.
func (c *Client) MergeQueue(ctx context.Context, repo forge.Repo, branch string) (queue forge.MergeQueue, err error) {
	call := fmt.Sprintf("reading the merge queue of %s of %s", branch, repo.FullName())
	if err := refused(call, checkRepo(repo), checkBranch(branch)); err != nil {
		return queue, err
	}
	asked := map[string]any{"owner": repo.Owner, "name": repo.Name, "branch": branch}
	for range mostQueuePages {
		var found queueAnswer
		err := c.graphql(ctx, call, repo, queueQuery, asked, &found)
		if errors.Is(err, forge.ErrInvalid) || errors.Is(err, forge.ErrForbidden) {
			return forge.MergeQueue{}, nil
		}
		if err != nil {
			return queue, err
		}
		if found.Repository.Queue == nil {
			return queue, nil
		}
		entries := found.Repository.Queue.Entries
		queue.Exists = true
		for _, n := range entries.Nodes {
			entry := forge.Queued{By: n.By.name()}
			if n.Pull != nil {
				entry.Number = n.Pull.Number
			}
			if n.Head != nil {
				entry.Group = n.Head.OID
			}
			queue.Entries = append(queue.Entries, entry)
		}
		if !entries.Page.More {
			return queue, nil
		}
		asked["after"] = entries.Page.End
	}
	return queue, nil
}

// Enqueue adds a pull request to the merge queue of its base while its head is still head, and returns true where it is in the queue then, whoever added it. It
// returns false, and adds nothing, where the base has no queue, and fails with forge.ErrInvalid where GitHub does not take it.
func (c *Client) Enqueue(ctx context.Context, repo forge.Repo, number int, head forge.SHA) (queued bool, err error) {
	call := fmt.Sprintf("adding #%d of %s at %s to the merge queue", number, repo.FullName(), head)
	if err := refused(call, checkRepo(repo), checkSHA(head)); err != nil {
		return false, err
	}
	var found struct {
		Repository struct {
			Pull *struct {
				ID      string `json:"id"`
				Enabled bool   `json:"isMergeQueueEnabled"`
				Queued  bool   `json:"isInMergeQueue"`
			} `json:"pullRequest"`
		} `json:"repository"`
	}
	err = c.graphql(ctx, call, repo, mayQueueQuery, map[string]any{"owner": repo.Owner, "name": repo.Name, "number": number}, &found)
	p := found.Repository.Pull
	switch {
	case errors.Is(err, forge.ErrInvalid) || errors.Is(err, forge.ErrForbidden): // a GitHub that knows no merge queues
		return false, nil
	case err != nil:
		return false, err
	case p == nil || !p.Enabled:
		return false, nil
	case p.Queued:
		return true, nil
	}
	asked := map[string]any{"in": map[string]any{"pullRequestId": p.ID, "expectedHeadOid": head}}
	if err := c.graphql(ctx, call, repo, enqueueMutation, asked, nil); err != nil {
		return false, err
	}
	return true, nil
}
