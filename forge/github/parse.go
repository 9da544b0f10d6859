package github

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"ferry/forge"
)

// The limits at which a push's payload stops being complete (docs.github.com, "Webhook events and payloads", push).
const (
	maxPushedCommits = 2048
	maxPushedPaths   = 3000 // per commit
)

// Parse returns what the payload of the event name hints at. Events that Ferry does not use are EventUnused, as are pushes of
// tags, with the repository and the installation where the payload names them. It fails where body is not JSON, or where an
// event that Ferry uses lacks a field or has another type in it, and names the field.
func Parse(name string, body []byte) (forge.Event, error) {
	event, err := parse(name, body)
	if err != nil {
		return forge.Event{}, fmt.Errorf("parsing the payload of a %.64q event: %w", name, describe(err))
	}
	return event, nil
}

func parse(name string, body []byte) (forge.Event, error) {
	switch name {
	case "push":
		return parsePush(body)
	case "pull_request":
		return parsePull(body)
	case "issue_comment":
		return parseComment(body)
	case "status", "check_run", "check_suite":
		return parseCheck(name, body)
	case "pull_request_review":
		return parseReview(body)
	case "merge_group":
		return parseGroup(body)
	case "installation", "installation_repositories":
		return parseAccess(name, body)
	}
	return parseOther(name, body)
}

// describe turns a decoding error into one that names the field and not Go's types.
func describe(err error) error {
	var kind *json.UnmarshalTypeError
	if errors.As(err, &kind) {
		return fmt.Errorf("the field %s holds a %s of the wrong kind", fieldName(kind.Field), kind.Value)
	}
	return err
}

// fieldName drops the name of the embedded structure, which is no key of the payload.
func fieldName(path string) string {
	path = strings.TrimPrefix(path, "common.")
	if path == "" {
		return "(the payload itself)"
	}
	return path
}

func missing(field string) error { return fmt.Errorf("the field %s is missing", field) }

// common is what nearly every payload has.
type common struct {
	Action       string          `json:"action"`
	Repository   *repositoryPart `json:"repository"`
	Installation *struct {
		ID int64 `json:"id"`
	} `json:"installation"`
	Sender *userPart `json:"sender"`
}

type repositoryPart struct {
	ID            int64  `json:"id"`
	FullName      string `json:"full_name"`
	DefaultBranch string `json:"default_branch"`
	Archived      bool   `json:"archived"`
}

type userPart struct {
	ID    int64  `json:"id"`
	Login string `json:"login"`
	Type  string `json:"type"`
}

func (u *userPart) user() forge.User {
	if u == nil { // a deleted account
		return forge.User{}
	}
	return forge.User{ID: u.ID, Login: u.Login, Bot: u.Type == "Bot"}
}

func (r *repositoryPart) repository(field string) (forge.Repository, error) {
	if r == nil {
		return forge.Repository{}, missing(field)
	}
	repo, err := forge.ParseFullName(r.FullName)
	if err != nil {
		return forge.Repository{}, fmt.Errorf("the field %s.full_name: %w", field, err)
	}
	if r.ID <= 0 {
		return forge.Repository{}, missing(field + ".id")
	}
	repo.ID = r.ID
	return forge.Repository{Repo: repo, DefaultBranch: r.DefaultBranch, Archived: r.Archived}, nil
}

// event fills what is common to all events; the repository only where the payload has a usable one.
func (c *common) event(kind forge.EventKind) forge.Event {
	e := forge.Event{Kind: kind, Action: c.Action, Sender: c.Sender.user()}
	if c.Installation != nil {
		e.Installation = c.Installation.ID
	}
	if repo, err := c.Repository.repository("repository"); err == nil {
		e.Repo = repo
	}
	return e
}

// inRepository is event for those that make no sense without a repository.
func (c *common) inRepository(kind forge.EventKind) (forge.Event, error) {
	_, err := c.Repository.repository("repository")
	return c.event(kind), err
}

// parseOther takes whatever it can from an event that Ferry does not use: nothing in it can be wrong but its syntax.
func parseOther(name string, body []byte) (forge.Event, error) {
	var p common
	err := json.Unmarshal(body, &p)
	var kind *json.UnmarshalTypeError
	if err != nil && !errors.As(err, &kind) {
		return forge.Event{}, err
	}
	if name == "ping" {
		return p.event(forge.EventPing), nil
	}
	return p.event(forge.EventUnused), nil
}

type commentPayload struct {
	common
	Issue *struct {
		Number      int              `json:"number"`
		PullRequest *json.RawMessage `json:"pull_request"`
	} `json:"issue"`
	Comment *struct {
		ID        int64     `json:"id"`
		User      *userPart `json:"user"`
		Body      string    `json:"body"`
		CreatedAt time.Time `json:"created_at"`
	} `json:"comment"`
}

func parseComment(body []byte) (forge.Event, error) {
	var p commentPayload
	if err := json.Unmarshal(body, &p); err != nil {
		return forge.Event{}, err
	}
	e, err := p.inRepository(forge.EventComment)
	switch {
	case err != nil:
		return forge.Event{}, err
	case p.Issue == nil || p.Issue.Number <= 0:
		return forge.Event{}, missing("issue.number")
	case p.Comment == nil || p.Comment.ID <= 0:
		return forge.Event{}, missing("comment.id")
	}
	e.Comment = &forge.CommentHint{
		ID: p.Comment.ID, Number: p.Issue.Number, OnPullRequest: p.Issue.PullRequest != nil,
		Author: p.Comment.User.user(), Body: p.Comment.Body, CreatedAt: p.Comment.CreatedAt,
	}
	return e, nil
}

type pullPayload struct {
	common
	Reason  string `json:"reason"` // of dequeued
	Changes struct {
		Body *json.RawMessage `json:"body"`
	} `json:"changes"` // of edited
	PullRequest *struct {
		Number   int       `json:"number"`
		State    string    `json:"state"`
		Merged   bool      `json:"merged"`
		Body     string    `json:"body"`
		MergeSHA string    `json:"merge_commit_sha"`
		MergedAt time.Time `json:"merged_at"`
		MergedBy *userPart `json:"merged_by"`
		User     *userPart `json:"user"`
		Updated  time.Time `json:"updated_at"`
		Head     struct {
			Ref  string          `json:"ref"`
			SHA  string          `json:"sha"`
			Repo *repositoryPart `json:"repo"` // null where the fork was deleted
		} `json:"head"`
		Base struct {
			Ref string `json:"ref"`
		} `json:"base"`
	} `json:"pull_request"`
}

func parsePull(body []byte) (forge.Event, error) {
	var p pullPayload
	if err := json.Unmarshal(body, &p); err != nil {
		return forge.Event{}, err
	}
	e, err := p.inRepository(forge.EventPull)
	if err != nil {
		return forge.Event{}, err
	}
	pull := p.PullRequest
	if pull == nil || pull.Number <= 0 {
		return forge.Event{}, missing("pull_request.number")
	}
	head, err := forge.ParseSHA(pull.Head.SHA)
	if err != nil {
		return forge.Event{}, fmt.Errorf("the field pull_request.head.sha: %w", err)
	}
	hint := &forge.PullHint{
		Number: pull.Number, Open: pull.State == "open", Merged: pull.Merged, Author: pull.User.user(),
		HeadBranch: pull.Head.Ref, HeadSHA: head, BaseBranch: pull.Base.Ref, UpdatedAt: pull.Updated,
	}
	if pull.Head.Repo != nil {
		hint.HeadRepo = pull.Head.Repo.ID
	}
	if pull.Merged { // before the merge it names a commit that GitHub made to try it
		hint.MergedAt, hint.MergedBy = pull.MergedAt, pull.MergedBy.user()
		if hint.MergeSHA, err = forge.ParseSHA(pull.MergeSHA); err != nil {
			return forge.Event{}, fmt.Errorf("the field pull_request.merge_commit_sha: %w", err)
		}
	}
	if e.Action == "edited" && p.Changes.Body != nil {
		hint.Edited, hint.Body = true, pull.Body
	}
	hint.Arming = p.arming(e)
	e.Pull = hint
	return e, nil
}

// arming returns what just changed of who merges it (docs.github.com, "Webhook events and payloads", pull_request); nil where nothing did.
func (p *pullPayload) arming(e forge.Event) *forge.Arming {
	switch e.Action {
	case "auto_merge_enabled", "enqueued":
		return &forge.Arming{Queue: e.Action == "enqueued", By: e.Sender.Login}
	case "auto_merge_disabled":
		return &forge.Arming{}
	case "dequeued":
		a := forge.Arming{Queue: true}
		if !slices.Contains([]string{"", "MANUAL", "MERGE", "ALREADY_MERGED"}, p.Reason) {
			a.Ejected = strings.ToLower(strings.ReplaceAll(p.Reason, "_", " "))
		}
		return &a
	}
	return nil
}

type reviewPayload struct {
	common
	PullRequest *struct {
		Number int `json:"number"`
	} `json:"pull_request"`
	Review *struct {
		ID    int64  `json:"id"`
		State string `json:"state"` // in small letters, in webhooks alone
	} `json:"review"`
}

func parseReview(body []byte) (forge.Event, error) {
	var p reviewPayload
	if err := json.Unmarshal(body, &p); err != nil {
		return forge.Event{}, err
	}
	e, err := p.inRepository(forge.EventReview)
	switch {
	case err != nil:
		return forge.Event{}, err
	case p.PullRequest == nil || p.PullRequest.Number <= 0:
		return forge.Event{}, missing("pull_request.number")
	case p.Review == nil || p.Review.ID <= 0:
		return forge.Event{}, missing("review.id")
	}
	e.Review = &forge.ReviewHint{Number: p.PullRequest.Number, ID: p.Review.ID, State: forge.ReviewState(strings.ToUpper(p.Review.State))}
	return e, nil
}
