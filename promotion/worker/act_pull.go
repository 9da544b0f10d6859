package worker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"ferry/forge"
	"ferry/promotion"
	"ferry/promotion/postgres"
)

// pullState is what Ferry last made of a pull request.
type pullState struct {
	Number int       `json:"number,omitempty"`
	Head   forge.SHA `json:"head,omitempty"`
	Edit   string    `json:"edit,omitempty"`
	// Blobs are what the edit was made on, where that is known. The same edit conflicts with its base once another release came to stand there.
	Blobs   []forge.SHA `json:"blobs,omitempty"`
	Message string      `json:"message,omitempty"`
	Title   string      `json:"title,omitempty"`
	Body    string      `json:"body,omitempty"`
	Lacks   string      `json:"lacks,omitempty"` // labels, assignees and reviewers that the forge did not take when it was opened
	Anew    bool        `json:"anew,omitempty"`  // somebody said /retry: what others pushed on top is given up
	Left    bool        `json:"left,omitempty"`  // the branch of the pull request before may still stand
	// Recovered says that it was read back after the database was lost: which edit the head shows is not known yet.
	Recovered bool `json:"recovered,omitempty"`
}

// pull brings one promotion pull request to its wish: open with exactly this edit, or closed.
func (a *act) pull(ctx context.Context) (postgres.Applied, error) {
	var wish promotion.PullWish
	var last pullState
	if err := a.read(&wish, &last); err != nil {
		return postgres.Applied{}, err
	}
	switch {
	case wish.Merged:
		return a.tidy(ctx, wish)
	case !wish.Open:
		return a.closePull(ctx, wish, last)
	case last.Number == 0:
		if err := a.decided(ctx, wish); err != nil {
			return postgres.Applied{}, err
		}
		again, err := a.reopened(ctx, wish)
		if err != nil {
			return postgres.Applied{}, err
		}
		if again.Number == 0 {
			return a.openPull(ctx, wish, last)
		}
		last = again
	}
	return a.updatePull(ctx, wish, last)
}

// decided fails while the decisions that a rollback, a hotfix or a back-fill comes with are not written at the forge yet: whoever sees its pull request
// finds them there, also after the database was lost. Where the forge refuses them, the rollback comes all the same.
func (a *act) decided(ctx context.Context, wish promotion.PullWish) error {
	if !wish.Urgent() {
		return nil
	}
	waits, _, err := a.Store.StateStands(ctx, a.wish.Repository.ID)
	if err == nil && waits {
		err = &laterError{reason: "the decision is not written at the forge yet", pause: time.Second, free: true}
	}
	return err
}

// askApplied is openApplied for a pull request that nobody has been asked to look at yet.
func (a *act) askApplied(ctx context.Context, wish promotion.PullWish, p forge.PullRequest) (postgres.Applied, error) {
	lacks, err := a.ask(ctx, wish, p.Number)
	if err != nil {
		return postgres.Applied{}, err
	}
	return a.openApplied(wish, p, lacks), nil
}

func (a *act) openApplied(wish promotion.PullWish, p forge.PullRequest, lacks string) postgres.Applied {
	return postgres.Applied{Pull: &p, Number: p.Number, State: pullState{Number: p.Number, Head: p.HeadSHA, Edit: wish.Edit, Blobs: wish.Blobs, Message: wish.Message, Title: wish.Title, Body: wish.Body, Lacks: lacks}}
}

// adopt takes up the open pull request of the branch, which an interrupted try has made.
func (a *act) adopt(ctx context.Context, wish promotion.PullWish) (postgres.Applied, error) {
	p, err := a.client.OpenPullRequestByHead(ctx, a.repo, wish.Branch)
	if err != nil {
		return postgres.Applied{}, err
	}
	own, err := a.own(ctx, p.HeadSHA)
	if err != nil {
		return postgres.Applied{}, err
	}
	if p.Author.ID != a.self.ID || !own || p.BaseBranch != wish.Base || p.HeadRepo != a.repo.ID {
		return postgres.Applied{}, &refusedError{fmt.Sprintf("#%d of %s is open on the branch %s and is not Ferry's; close it, and /retry", p.Number, p.Author.Login, wish.Branch)}
	}
	if p.Title != wish.Title || p.Body != wish.Body {
		if err := a.client.EditPullRequest(ctx, a.repo, p.Number, wish.Title, promotion.MergeBody(p.Body, wish.Body)); err != nil {
			return postgres.Applied{}, err
		}
	}
	return a.askApplied(ctx, wish, *p)
}

// updatePull brings an open pull request to a changed wish, in place. It looks first: one that was closed or got somebody else's commit meanwhile
// is left as it is, and observed.
func (a *act) updatePull(ctx context.Context, wish promotion.PullWish, last pullState) (postgres.Applied, error) {
	if last.Recovered {
		var err error
		if last, err = a.recovered(ctx, wish, last); err != nil {
			return postgres.Applied{}, err
		}
	}
	edited := last.Edit != wish.Edit || last.Message != wish.Message || last.Anew || last.Blobs != nil && !slices.Equal(last.Blobs, wish.Blobs)
	if !edited && !a.held.unsure && (last.Title == wish.Title && last.Body == wish.Body || wish.Reading) {
		return postgres.Applied{State: last}, nil // words alone wait for what is being read, and are written once
	}
	p, err := a.client.PullRequest(ctx, a.repo, last.Number)
	if err != nil {
		return postgres.Applied{}, err
	}
	untouched, err := a.untouched(ctx, p, last)
	if err != nil {
		return postgres.Applied{}, err
	}
	if !p.Open || !untouched && !last.Anew {
		return postgres.Applied{}, a.changedMeanwhile(ctx, p)
	}
	disarmed := ""
	if edited || p.HeadSHA != last.Head {
		if disarmed, err = a.showAnew(ctx, wish, last, &p); err != nil {
			return postgres.Applied{}, err
		}
	}
	if body := promotion.MergeBody(p.Body, wish.Body); p.Title != wish.Title || p.Body != body {
		if err := a.client.EditPullRequest(ctx, a.repo, last.Number, wish.Title, body); err != nil {
			return postgres.Applied{}, err
		}
	}
	applied := a.openApplied(wish, p, last.Lacks)
	applied.Disarmed = disarmed
	return applied, nil
}

// showAnew makes the pull request's branch stand at a new commit with the wished edit. It returns in words what it took back of the order to merge what it
// showed before.
func (a *act) showAnew(ctx context.Context, wish promotion.PullWish, last pullState, p *forge.PullRequest) (disarmed string, err error) {
	if last.Edit != wish.Edit {
		if disarmed, err = a.standDown(ctx, *p, wish); err != nil {
			return "", err
		}
	}
	if p.HeadSHA, err = a.newCommit(ctx, ownEdit{wish.Branch, wish.Message, wish.Files, wish.Blobs, &wish}); err != nil {
		return "", err
	}
	p.UpdatedAt = time.Time{} // when it came to stand there, the webhook tells
	return disarmed, a.client.MoveBranch(ctx, a.repo, wish.Branch, p.HeadSHA, true)
}

// untouched says whether the pull request still stands where Ferry left it; or at another commit of Ferry's own, whose answer an interrupted try has
// not lived to see.
func (a *act) untouched(ctx context.Context, p forge.PullRequest, last pullState) (bool, error) {
	if p.HeadSHA == last.Head {
		return true, nil
	}
	return a.Store.IsOwnCommit(ctx, a.wish.Repository.ID, p.HeadSHA)
}

// changedMeanwhile leaves a pull request alone that somebody else changed: where Ferry has observed that change already, the plan deals with it;
// else it is observed first.
func (a *act) changedMeanwhile(ctx context.Context, p forge.PullRequest) error {
	known, err := a.Store.LoadPull(ctx, a.wish.Repository.ID, p.Number)
	if err != nil {
		return err
	}
	switch {
	case known.Open != p.Open || known.HeadSHA != p.HeadSHA:
	case !p.Open: // the plan that follows from it is on its way
		return &laterError{reason: fmt.Sprintf("#%d is not open any more", p.Number), pause: floorPause}
	default:
		return &refusedError{fmt.Sprintf("#%d stands at %s, which Ferry did not make (/retry makes it anew)", p.Number, p.HeadSHA.Short())}
	}
	return a.lookAgain(ctx, fmt.Sprintf("#%d was changed by somebody else meanwhile", p.Number))
}

// endedMeanwhile ends the wish to close what somebody else has closed or merged, once that was observed: no plan has it any more. The branch of what was
// merged goes with it, as the plan that would have it removed may come after this and find no wish any more.
func (a *act) endedMeanwhile(ctx context.Context, branch string, p forge.PullRequest, last pullState) (postgres.Applied, error) {
	known, err := a.Store.LoadPull(ctx, a.wish.Repository.ID, p.Number)
	if err != nil {
		return postgres.Applied{}, err
	}
	switch {
	case p.Open || known.Open:
		return postgres.Applied{}, a.changedMeanwhile(ctx, p)
	case p.Merged:
		return a.tidy(ctx, promotion.PullWish{Branch: branch, Head: p.HeadSHA})
	}
	return postgres.Applied{Done: true, State: last}, nil
}

// lookAgain makes the repository due for observation and lets the act wait for it.
func (a *act) lookAgain(ctx context.Context, why string) error {
	if err := a.Store.Hint(ctx, a.wish.Repository.ID); err != nil {
		return err
	}
	return &laterError{reason: why, pause: floorPause}
}

// closePull closes what is open, and removes the branch.
func (a *act) closePull(ctx context.Context, wish promotion.PullWish, last pullState) (postgres.Applied, error) {
	if last.Number == 0 { // a person reopened it: this wish has not opened it
		last.Number, last.Head = wish.Number, wish.Head
	}
	if last.Number == 0 { // it was never opened, as far as Ferry was told
		unheard, err := a.opened(ctx, wish.Branch)
		if err != nil || unheard == nil {
			return postgres.Applied{Done: true, State: last}, err
		}
		last.Number, last.Head = unheard.Number, unheard.HeadSHA
	}
	p, err := a.client.PullRequest(ctx, a.repo, last.Number)
	if err != nil {
		return postgres.Applied{}, err
	}
	said, err := a.said(ctx, p.Number, supersededMark)
	if err != nil {
		return postgres.Applied{}, err
	}
	untouched, err := a.untouched(ctx, p, last)
	if err != nil {
		return postgres.Applied{}, err
	}
	givenUp := last.Anew && p.HeadSHA == wish.Head
	if p.Merged || !untouched && !givenUp || !p.Open && !said { // what is closed and says why was closed by an interrupted try
		return a.endedMeanwhile(ctx, wish.Branch, p, last)
	}
	if !said {
		if _, err := a.client.CreateComment(ctx, a.repo, last.Number, "Superseded: "+promotion.Escape(wish.Reason)+".\n\n"+supersededMark); err != nil {
			return postgres.Applied{}, err
		}
	}
	if p.Open {
		if err := a.client.ClosePullRequest(ctx, a.repo, last.Number); err != nil {
			return postgres.Applied{}, err
		}
	}
	p.Open = false
	if err := a.client.DeleteBranch(ctx, a.repo, wish.Branch); err != nil {
		return postgres.Applied{}, err
	}
	return postgres.Applied{Pull: &p, Number: p.Number, Closed: true, Done: true, State: last}, nil
}

// supersededMark stands in the comment with which Ferry closes a pull request.
const supersededMark = "<!-- ferry:superseded -->"

// said says whether a comment of Ferry's own with that mark stands under the number.
func (a *act) said(ctx context.Context, number int, mark string) (bool, error) {
	comments, err := a.client.Comments(ctx, a.repo, number)
	return slices.ContainsFunc(comments, func(c forge.Comment) bool { return c.Author.ID == a.self.ID && strings.Contains(c.Body, mark) }), err
}

// opened returns the open pull request of the branch where Ferry opened it, and nil where it did not: the answer to an earlier try may be lost.
func (a *act) opened(ctx context.Context, branch string) (*forge.PullRequest, error) {
	p, err := a.client.OpenPullRequestByHead(ctx, a.repo, branch)
	if errors.Is(err, forge.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	own, err := a.own(ctx, p.HeadSHA)
	if err != nil || !own || p.Author.ID != a.self.ID {
		return nil, err
	}
	return p, nil
}

// tidy removes the branch of a merged pull request where it stands at what was merged, or at an update of Ferry's own that the merge overtook: what
// stands at anything else is somebody's. The forge may have removed it already; and where it does not let Ferry, the branch just stands.
func (a *act) tidy(ctx context.Context, wish promotion.PullWish) (postgres.Applied, error) {
	done := postgres.Applied{Done: true, State: pullState{}}
	standing, err := a.client.Head(ctx, a.repo, wish.Branch)
	if err == nil && standing != wish.Head {
		if late, err := a.overtaken(ctx, wish.Branch, standing); err != nil || !late {
			return done, err
		}
	}
	if err == nil {
		err = a.client.DeleteBranch(ctx, a.repo, wish.Branch)
	}
	if errors.Is(err, forge.ErrNotFound) || errors.Is(err, forge.ErrForbidden) || errors.Is(err, forge.ErrInvalid) {
		err = nil
	}
	return done, err
}

// overtaken says whether a commit on a branch is Ferry's own and no pull request shows it: the one it was made for was merged before the branch moved.
func (a *act) overtaken(ctx context.Context, branch string, standing forge.SHA) (bool, error) {
	own, err := a.Store.IsOwnCommit(ctx, a.wish.Repository.ID, standing)
	if err != nil || !own {
		return false, err
	}
	_, err = a.client.OpenPullRequestByHead(ctx, a.repo, branch)
	if errors.Is(err, forge.ErrNotFound) {
		return true, nil
	}
	return false, err
}

// commit makes the edit on the default branch itself. It is built on the head Ferry observed, and where that moved it is planned again.
func (a *act) commit(ctx context.Context) (postgres.Applied, error) {
	var wish promotion.CommitWish
	var last struct {
		Edit string `json:"edit"`
	}
	if err := a.read(&wish, &last); err != nil {
		return postgres.Applied{}, err
	}
	if last.Edit == wish.Edit { // it is on its way back by webhook
		return postgres.Applied{State: last}, nil
	}
	head, err := a.client.Head(ctx, a.repo, wish.Branch)
	if err != nil {
		return postgres.Applied{}, err
	}
	if head != a.wish.Repository.Head {
		return postgres.Applied{}, a.lookAgain(ctx, "the branch moved since it was observed")
	}
	commit, err := a.newCommit(ctx, ownEdit{wish.Branch, wish.Message, wish.Files, wish.Blobs, nil})
	if err != nil {
		return postgres.Applied{}, err
	}
	err = a.client.MoveBranch(ctx, a.repo, wish.Branch, commit, false)
	switch {
	case errors.Is(err, forge.ErrForbidden):
		return postgres.Applied{}, &refusedError{fmt.Sprintf("Ferry may not push to %s: let the App bypass its protection, or set `update: pr` on the environment", wish.Branch)}
	case errors.Is(err, forge.ErrInvalid) || errors.Is(err, forge.ErrConflict):
		return postgres.Applied{}, a.refusedPush(ctx, wish.Branch, head)
	case err != nil:
		return postgres.Applied{}, err
	}
	last.Edit = wish.Edit
	return postgres.Applied{State: last}, nil
}

// refusedPush reads the truth after a refused push: a branch that moved is observed anew, one that stands is guarded.
func (a *act) refusedPush(ctx context.Context, branch string, was forge.SHA) error {
	head, err := a.client.Head(ctx, a.repo, branch)
	switch {
	case err != nil:
		return err
	case head != was:
		return a.lookAgain(ctx, "the branch moved meanwhile")
	}
	return &refusedError{fmt.Sprintf("the forge does not let Ferry push to %s: let the App bypass its rules, or set `update: pr` on the environment", branch)}
}
