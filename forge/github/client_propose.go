package github

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"ferry/forge"
)

// proposeMutation makes a branch, a commit on it and its pull request in one request: GitHub carries the mutations of a document out one after the other
// (spec.graphql.org, "Mutation"), and each of them also where one before it failed. The commit is made only where the branch stands at its parent.
const proposeMutation = `mutation($branch: CreateRefInput!, $commit: CreateCommitOnBranchInput!, $pull: CreatePullRequestInput!) {
  createRef(input: $branch) { clientMutationId }
  createCommitOnBranch(input: $commit) { commit { oid tree { oid } } }
  createPullRequest(input: $pull) { pullRequest {
    number title body url isDraft state createdAt updatedAt headRefOid baseRefOid
    author { __typename login ... on Bot { databaseId } ... on User { databaseId } }
  } }
}`

// maxProposed bounds what is committed in this way, in bytes; larger edits are made as trees.
const maxProposed = 1 << 20

type proposeAnswer struct {
	Commit *struct {
		Commit struct {
			OID  string `json:"oid"`
			Tree struct {
				OID string `json:"oid"`
			} `json:"tree"`
		} `json:"commit"`
	} `json:"createCommitOnBranch"`
	Pull *struct {
		PullRequest graphqlPull `json:"pullRequest"`
	} `json:"createPullRequest"`
}

type graphqlPull struct {
	Number    int       `json:"number"`
	Title     string    `json:"title"`
	Body      string    `json:"body"`
	URL       string    `json:"url"`
	Draft     bool      `json:"isDraft"`
	State     string    `json:"state"`
	CreatedAt time.Time `json:"createdAt"`
	UpdatedAt time.Time `json:"updatedAt"`
	Head      forge.SHA `json:"headRefOid"`
	Base      forge.SHA `json:"baseRefOid"`
	Author    struct {
		Kind  string `json:"__typename"`
		Login string `json:"login"`
		ID    int64  `json:"databaseId"`
	} `json:"author"`
}

// Propose makes a branch at a commit's parent, the commit on it, and the pull request from there, in one request. Where a part of it failed it returns
// what was made all the same, with the error of the first that was not: a commit without a name was not made, nor a pull request without a number. A pull
// request whose commit was not made shows what stood on a branch of that name before. What GitHub cannot commit in this way, as an executable file
// (docs.github.com, GraphQL, createCommitOnBranch: it takes no modes), fails with forge.ErrInvalid, and nothing is asked.
func (c *Client) Propose(ctx context.Context, repo forge.Repo, n forge.NewCommit, pull forge.NewPullRequest) (forge.Commit, forge.PullRequest, error) {
	call := fmt.Sprintf("proposing %d files from %s to %s of %s", len(n.Files), pull.HeadBranch, pull.BaseBranch, repo.FullName())
	headline, body, whole := strings.Cut(n.Message, "\n\n")
	if err := refused(call, append(checkFiles(n.Files), checkRepo(repo), checkSHA(n.Parent), checkBranch(pull.HeadBranch), checkBranch(pull.BaseBranch), checkPlain(n.Files, headline, whole))...); err != nil {
		return forge.Commit{}, forge.PullRequest{}, err
	}
	id, err := c.node(ctx, repo)
	if err != nil {
		return forge.Commit{}, forge.PullRequest{}, err
	}
	wanted := map[string]any{"repositoryId": id, "baseRefName": pull.BaseBranch, "headRefName": pull.HeadBranch, "title": pull.Title, "body": pull.Body}
	if pull.Draft {
		wanted["draft"] = true
	}
	var answer proposeAnswer
	err = c.graphql(ctx, call, repo, proposeMutation, map[string]any{
		"branch": map[string]any{"repositoryId": id, "name": heads + pull.HeadBranch, "oid": n.Parent},
		"commit": map[string]any{
			"branch":          map[string]any{"repositoryNameWithOwner": repo.FullName(), "branchName": pull.HeadBranch},
			"message":         map[string]any{"headline": headline, "body": body},
			"expectedHeadOid": n.Parent, "fileChanges": map[string]any{"additions": additions(n.Files)},
		},
		"pull": wanted,
	}, &answer)
	return answer.proposed(call, repo, n, pull, err)
}

// proposed reads what was made. A branch that stood at the parent already is no error.
func (a *proposeAnswer) proposed(call string, repo forge.Repo, n forge.NewCommit, pull forge.NewPullRequest, failed error) (commit forge.Commit, p forge.PullRequest, err error) {
	if a.Commit != nil {
		commit = forge.Commit{Message: n.Message, Parents: []forge.SHA{n.Parent}}
		if commit.SHA, err = sha(call, a.Commit.Commit.OID); err != nil {
			return forge.Commit{}, p, err
		}
		if commit.Tree, err = sha(call, a.Commit.Commit.Tree.OID); err != nil {
			return forge.Commit{}, p, err
		}
	}
	if a.Pull != nil {
		p = a.Pull.PullRequest.of(repo, pull)
	}
	if commit.SHA != "" && p.Number != 0 {
		failed = nil
	}
	return commit, p, failed
}

func (g *graphqlPull) of(repo forge.Repo, asked forge.NewPullRequest) forge.PullRequest {
	author := forge.User{ID: g.Author.ID, Login: g.Author.Login, Bot: g.Author.Kind == "Bot"}
	if author.Bot { // REST gives an App's login this ending
		author.Login += "[bot]"
	}
	return forge.PullRequest{
		Number: g.Number, Open: g.State == "OPEN", Draft: g.Draft, HeadBranch: asked.HeadBranch, HeadSHA: g.Head, HeadRepo: repo.ID,
		BaseBranch: asked.BaseBranch, BaseSHA: g.Base, Author: author, Title: g.Title, Body: g.Body, URL: g.URL, CreatedAt: g.CreatedAt, UpdatedAt: g.UpdatedAt,
	}
}

// checkPlain fails for what createCommitOnBranch would change on the way.
func checkPlain(files []forge.NewFile, headline string, whole bool) error {
	size := 0
	for _, f := range files {
		size += len(f.Content)
	}
	switch {
	case slices.ContainsFunc(files, func(f forge.NewFile) bool { return f.Executable }):
		return errors.New("GraphQL cannot keep a file executable")
	case size > maxProposed:
		return fmt.Errorf("the edit is larger than %d bytes", maxProposed)
	case !whole || strings.Contains(headline, "\n"):
		return errors.New("a commit's message begins with one line and an empty one")
	}
	return nil
}

func additions(files []forge.NewFile) []map[string]any {
	all := make([]map[string]any, 0, len(files))
	for _, f := range files {
		all = append(all, map[string]any{"path": f.Path, "contents": base64.StdEncoding.EncodeToString(f.Content)})
	}
	return all
}
