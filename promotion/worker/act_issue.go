package worker

import (
	"context"
	"errors"
	"time"

	"ferry/forge"
	"ferry/promotion"
	"ferry/promotion/postgres"
)

// issue keeps Ferry's one issue up to date. What people wrote around its marks is read before it is edited.
func (a *act) issue(ctx context.Context) (postgres.Applied, error) {
	var wish postgres.IssueWish
	var last struct {
		Number int `json:"number"`
	}
	if err := a.read(&wish, &last); err != nil {
		return postgres.Applied{}, err
	}
	found, err := a.ownIssue(ctx, last.Number, wish.Title)
	if err != nil {
		return postgres.Applied{}, err
	}
	part := wish.Body
	if found.Number != 0 && !found.Open {
		part = promotion.ClosedIssueBody(part)
	}
	body := promotion.MergeBody(found.Body, part)
	switch {
	case found.Number == 0:
		found.Number, err = a.client.CreateIssue(ctx, a.repo, wish.Title, body)
	case body != found.Body || wish.Title != found.Title:
		err = a.client.EditIssue(ctx, a.repo, found.Number, wish.Title, body)
	}
	return postgres.Applied{Issue: found.Number, State: map[string]any{"number": found.Number, "at": a.Now().UTC().Format(time.RFC3339Nano)}}, err
}

// ownIssue returns Ferry's issue, or the zero value where there is none. A list may lag behind: the issue that Ferry knows and the list does not show
// is read by itself before another one is made.
func (a *act) ownIssue(ctx context.Context, known int, title string) (forge.Issue, error) {
	issues, err := a.client.IssuesBy(ctx, a.repo, a.self.Login)
	if err != nil {
		return forge.Issue{}, err
	}
	found := findIssue(issues, known, title, a.self)
	if known == 0 || found.Number == known {
		return found, nil
	}
	kept, err := a.client.Issue(ctx, a.repo, known)
	switch {
	case errors.Is(err, forge.ErrNotFound):
		return found, nil
	case err != nil:
		return forge.Issue{}, err
	}
	return findIssue([]forge.Issue{kept}, known, title, a.self), nil
}

// findIssue returns Ferry's issue: the one it knows, else its own of that title, an open one first; the zero value where there is none. One that a
// person closed stays closed and is kept up to date.
func findIssue(issues []forge.Issue, known int, title string, self forge.User) (found forge.Issue) {
	for _, i := range issues {
		switch {
		case i.Author.ID != self.ID:
		case i.Number == known:
			return i
		case i.Title == title && (found.Number == 0 || i.Open && !found.Open):
			found = i
		}
	}
	return found
}
