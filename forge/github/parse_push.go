package github

import (
	"encoding/json"
	"fmt"
	"strings"

	"ferry/forge"
)

type pushPayload struct {
	common
	Ref     string       `json:"ref"`
	Before  string       `json:"before"`
	After   string       `json:"after"`
	Created bool         `json:"created"`
	Deleted bool         `json:"deleted"`
	Forced  bool         `json:"forced"`
	Commits []commitPart `json:"commits"`
}

type commitPart struct {
	ID        string   `json:"id"`
	Tree      string   `json:"tree_id"`
	Message   string   `json:"message"`
	Author    nameless `json:"author"`
	Committer nameless `json:"committer"`
	Added     []string `json:"added"`
	Removed   []string `json:"removed"`
	Modified  []string `json:"modified"`
}

// nameless is who made a commit, of whom only the account counts.
type nameless struct {
	Username string `json:"username"`
}

func parsePush(body []byte) (forge.Event, error) {
	var p pushPayload
	if err := json.Unmarshal(body, &p); err != nil {
		return forge.Event{}, err
	}
	e, err := p.inRepository(forge.EventPush)
	if err != nil {
		return forge.Event{}, err
	}
	if p.Ref == "" {
		return forge.Event{}, missing("ref")
	}
	branch, ok := strings.CutPrefix(p.Ref, "refs/heads/")
	if !ok || branch == "" { // a tag: its payload says nothing about a branch
		return p.event(forge.EventUnused), nil
	}
	if e.Push, err = p.push(branch); err != nil {
		return forge.Event{}, err
	}
	e.Group = pushedGroup(*e.Push, p.Sender)
	return e, nil
}

func (p *pushPayload) push(branch string) (*forge.Push, error) {
	push := &forge.Push{Branch: branch, Forced: p.Forced}
	var err error
	if push.Before, err = forge.ParseSHA(p.Before); err != nil {
		return nil, fmt.Errorf("the field before: %w", err)
	}
	if push.After, err = forge.ParseSHA(p.After); err != nil {
		return nil, fmt.Errorf("the field after: %w", err)
	}
	push.Complete = p.bounded(push)
	for i, part := range p.Commits {
		commit, err := part.commit()
		if err != nil {
			return nil, fmt.Errorf("the field commits[%d].%w", i, err)
		}
		push.Complete = push.Complete && len(commit.Paths) < maxPushedPaths
		push.Commits = append(push.Commits, commit)
	}
	return push, nil
}

// bounded says whether the payload's commits are those from before to after. They are not where before is no ancestor of
// after, where there is no before at all, and where GitHub cut the list.
func (p *pushPayload) bounded(push *forge.Push) bool {
	n := len(p.Commits)
	if p.Forced || p.Created || p.Deleted || push.Before == "" || push.After == "" || n == 0 || n >= maxPushedCommits {
		return false
	}
	return strings.EqualFold(p.Commits[n-1].ID, string(push.After))
}

func (c *commitPart) commit() (forge.PushedCommit, error) {
	sha, err := forge.ParseSHA(c.ID)
	if err != nil {
		return forge.PushedCommit{}, fmt.Errorf("id: %w", err)
	}
	tree, err := forge.ParseSHA(c.Tree)
	if err != nil {
		return forge.PushedCommit{}, fmt.Errorf("tree_id: %w", err)
	}
	paths := make([]string, 0, len(c.Added)+len(c.Removed)+len(c.Modified))
	paths = append(append(append(paths, c.Added...), c.Removed...), c.Modified...)
	return forge.PushedCommit{SHA: sha, Tree: tree, Paths: paths, Made: made(c.Message, c.Author.Username, c.Committer.Username)}, nil
}
