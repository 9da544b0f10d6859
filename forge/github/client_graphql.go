package github

import (
	"context"
	"fmt"
	"strings"

	"ferry/forge"
)

// graphqlProblem is one of the errors in an answer of GitHub's GraphQL API. One that says neither a type nor a code is GitHub's own failure.
type graphqlProblem struct {
	Type       string `json:"type"`
	Message    string `json:"message"`
	Extensions struct {
		Code string `json:"code"`
	} `json:"extensions"`
}

func (p graphqlProblem) sentinel() error {
	switch p.Type + p.Extensions.Code {
	case "NOT_FOUND":
		return forge.ErrNotFound
	case "FORBIDDEN":
		return forge.ErrForbidden
	case "STALE_DATA":
		return forge.ErrConflict
	case "INTERNAL", "":
		return forge.ErrUnavailable
	}
	return forge.ErrInvalid
}

// limits says whether it is a limit that the request is over. GitHub has said so in several ways (yanyongyu/githubkit#271, cli/cli#4801).
func (p graphqlProblem) limits() bool {
	return strings.HasPrefix(p.Type, "RATE_LIMIT") || strings.Contains(p.Message, "secondary rate limit") || strings.Contains(p.Message, "submitted too quickly")
}

// graphql makes one call of GitHub's GraphQL API, which answers 200 also to what it refuses. On GitHub Enterprise Server it lies beside /api/v3. Of several
// mutations those that were carried out are in into also where another one failed.
func (c *Client) graphql(ctx context.Context, call string, repo forge.Repo, query string, variables map[string]any, into any) error {
	path := "graphql"
	if strings.HasSuffix(c.api.BaseURL.Path, "/api/v3/") {
		path = "../graphql"
	}
	req, err := c.api.NewRequest("POST", path, map[string]any{"query": query, "variables": variables})
	if err != nil {
		return c.failed(call, err)
	}
	var answer struct {
		Data   any              `json:"data"`
		Errors []graphqlProblem `json:"errors"`
	}
	answer.Data = into
	if _, err := c.api.Do(asking(ctx, repo, query), req, &answer); err != nil {
		return c.failed(call, err)
	}
	if len(answer.Errors) == 0 {
		return nil
	}
	return c.wrap(call, answer.Errors[0].sentinel(), "GitHub answered: "+answer.Errors[0].Message)
}

// node returns the global id of a repository, which GraphQL's mutations name it by. GitHub says it with whatever it says of the repository, and it never
// changes: only where Ferry has heard nothing of the repository since it was started, this reads it.
func (c *Client) node(ctx context.Context, repo forge.Repo) (string, error) {
	if id, known := c.forge.nodes.Load(repo.ID); known {
		return id.(string), nil
	}
	if _, err := c.RepositoryByID(ctx, repo.ID); err != nil {
		return "", err
	}
	id, known := c.forge.nodes.Load(repo.ID)
	if !known {
		return "", fmt.Errorf("reading the repository %d: %w: GitHub's answer has no node_id", repo.ID, forge.ErrUnavailable)
	}
	return id.(string), nil
}
