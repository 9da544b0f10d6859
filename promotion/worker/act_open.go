package worker

import (
	"context"
	"errors"
	"fmt"

	"ferry/forge"
	"ferry/promotion"
	"ferry/promotion/postgres"
)

// openPull opens a promotion's pull request in one request. Where it is not known that nothing of it stands yet, or the forge declines a part of it, it is
// opened step by step.
func (a *act) openPull(ctx context.Context, wish promotion.PullWish, last pullState) (postgres.Applied, error) {
	if a.held.unsure || last.Left {
		return a.openByStep(ctx, wish)
	}
	commit, p, err := a.propose(ctx, wish)
	switch {
	case err == nil:
		p.HeadSHA = commit
		return a.askApplied(ctx, wish, p)
	case !declined(err):
		return postgres.Applied{}, err
	case commit != "":
		return a.openFrom(ctx, wish, commit)
	}
	applied, err := a.openByStep(ctx, wish)
	var refusal *refusedError
	if p.Number != 0 && errors.As(err, &refusal) { // it shows what stands on somebody else's branch of that name
		if closeErr := a.client.ClosePullRequest(ctx, a.repo, p.Number); closeErr != nil {
			return postgres.Applied{}, closeErr
		}
	}
	return applied, err
}

// declined says whether the forge has answered that it does not do what it was asked, so that it may be asked in another way.
func declined(err error) bool {
	for _, answer := range []error{forge.ErrInvalid, forge.ErrExists, forge.ErrConflict, forge.ErrForbidden, forge.ErrNotFound} {
		if errors.Is(err, answer) {
			return true
		}
	}
	return false
}

// propose asks for branch, commit and pull request at once. What the commit is to be is remembered before: its name may be heard of from elsewhere first.
func (a *act) propose(ctx context.Context, wish promotion.PullWish) (head forge.SHA, p forge.PullRequest, err error) {
	e := ownEdit{wish.Branch, wish.Message, wish.Files, wish.Blobs, &wish}
	wanted, err := a.onBase(ctx, e)
	if err != nil {
		return "", p, err
	}
	if err := a.Store.RecordProposal(ctx, a.wish.Repository.ID, e.made(forge.Commit{}), a.Now()); err != nil {
		return "", p, err
	}
	commit, p, err := a.client.Propose(ctx, a.repo, wanted, newPull(wish))
	if commit.SHA != "" {
		err = errors.Join(err, a.Store.NameProposal(ctx, a.wish.Repository.ID, wish.Branch, commit))
	}
	return commit.SHA, p, err
}

func newPull(wish promotion.PullWish) forge.NewPullRequest {
	return forge.NewPullRequest{HeadBranch: wish.Branch, BaseBranch: wish.Base, Title: wish.Title, Body: wish.Body, Draft: wish.Looks.Draft}
}

// openByStep makes the commit first, then the branch stands at it, then the pull request opens. Each step that the forge says was made already is
// looked at: an interrupted try of Ferry's own is taken up, somebody else's branch is left alone.
func (a *act) openByStep(ctx context.Context, wish promotion.PullWish) (postgres.Applied, error) {
	head, err := a.branchFor(ctx, wish)
	if err != nil {
		return postgres.Applied{}, err
	}
	return a.openFrom(ctx, wish, head)
}

// openFrom opens the pull request from its branch, which stands at head.
func (a *act) openFrom(ctx context.Context, wish promotion.PullWish, head forge.SHA) (postgres.Applied, error) {
	p, err := a.client.OpenPullRequest(ctx, a.repo, newPull(wish))
	if errors.Is(err, forge.ErrExists) {
		return a.adopt(ctx, wish)
	}
	if err != nil {
		return postgres.Applied{}, err
	}
	p.HeadSHA = head
	return a.askApplied(ctx, wish, p)
}

// branchFor makes the branch stand at a new commit with the wished edit, or returns the head of the one an interrupted try has left.
func (a *act) branchFor(ctx context.Context, wish promotion.PullWish) (forge.SHA, error) {
	commit, err := a.newCommit(ctx, ownEdit{wish.Branch, wish.Message, wish.Files, wish.Blobs, &wish})
	if err != nil {
		return "", err
	}
	err = a.client.CreateBranch(ctx, a.repo, wish.Branch, commit)
	if !errors.Is(err, forge.ErrExists) {
		return commit, err
	}
	standing, err := a.client.Head(ctx, a.repo, wish.Branch)
	if err != nil {
		return "", err
	}
	own, err := a.own(ctx, standing)
	if err != nil {
		return "", err
	}
	if made, err := a.makeWay(ctx, wish, standing); err != nil || made {
		if err != nil {
			return "", err
		}
		return commit, a.client.CreateBranch(ctx, a.repo, wish.Branch, commit)
	}
	onBase, err := a.Store.KnownRevisions(ctx, a.wish.Repository.ID, wish.Base, []forge.SHA{standing})
	if err != nil {
		return "", err
	}
	if !own && onBase == 0 { // at a revision of its base nobody's work is on it
		return "", &refusedError{fmt.Sprintf("the branch %s exists and stands at %s, which Ferry did not make; delete it, and /retry", wish.Branch, standing.Short())}
	}
	return commit, a.client.MoveBranch(ctx, a.repo, wish.Branch, commit, true)
}

// ownEdit is what a commit of Ferry's own is to change.
type ownEdit struct {
	branch, message string
	files           []forge.NewFile
	blobs           []forge.SHA         // what it was planned on, one for each file
	shows           *promotion.PullWish // what its pull request shows with it; nil where it has none
}

// made is the commit of the edit, as it is remembered.
func (e ownEdit) made(c forge.Commit) postgres.OwnCommit {
	return postgres.OwnCommit{SHA: c.SHA, Tree: c.Tree, Branch: e.branch, Files: e.files, Shows: e.shows}
}

// onBase is the commit of an edit on the default branch's head as Ferry has observed it. Where a file is not what the edit was made on any more, the
// plan that follows is waited for: the edit would take somebody's change back.
func (a *act) onBase(ctx context.Context, e ownEdit) (forge.NewCommit, error) {
	paths := make([]string, len(e.files))
	for i, f := range e.files {
		paths[i] = f.Path
	}
	head, tree, err := a.Store.EditBase(ctx, a.wish.Repository, paths, e.blobs)
	if errors.Is(err, postgres.ErrNotFound) {
		err = &laterError{reason: "the manifests changed since the edit was planned", pause: floorPause}
	}
	return forge.NewCommit{Parent: head, BaseTree: tree, Files: e.files, Message: e.message}, err
}

// newCommit makes the commit of an edit, and remembers it before any branch shows it.
func (a *act) newCommit(ctx context.Context, e ownEdit) (forge.SHA, error) {
	wanted, err := a.onBase(ctx, e)
	if err != nil {
		return "", err
	}
	commit, err := a.client.CreateCommit(ctx, a.repo, wanted)
	if err != nil {
		return "", err
	}
	return commit.SHA, a.Store.RecordCommit(ctx, a.wish.Repository.ID, e.made(commit), a.Now())
}
