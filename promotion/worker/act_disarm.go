package worker

import (
	"context"
	"errors"
	"fmt"

	"ferry/forge"
	"ferry/promotion"
	"ferry/promotion/postgres"
)

// armingHint notes that somebody told the forge to merge a pull request by itself, or took that back. What Ferry takes back itself it knows.
func (l *look) armingHint(e forge.Event) {
	if e.Sender.ID != l.self.ID && e.Pull.BaseBranch == l.repo.DefaultBranch {
		l.out.Armings = append(l.out.Armings, promotion.ArmingFacts{Number: e.Pull.Number, Arming: *e.Pull.Arming})
	}
}

// disarm takes back that the forge merges a pull request by itself, because a gate closed. The plan that follows says so there.
func (a *act) disarm(ctx context.Context) (postgres.Applied, error) {
	var wish promotion.Disarm
	if err := a.read(&wish, nil); err != nil {
		return postgres.Applied{}, err
	}
	words, err := a.takeBack(ctx, wish.Number, wish.Armed, wish.Reason)
	return postgres.Applied{Done: err == nil, Disarmed: words}, err
}

// takeBack lets the forge not merge a pull request by itself. It returns in words what was taken back, and "" where there was nothing.
func (a *act) takeBack(ctx context.Context, number int, known promotion.Armed, reason string) (words string, err error) {
	was, err := a.client.Disarm(ctx, a.repo, number)
	if errors.Is(err, forge.ErrForbidden) || errors.Is(err, forge.ErrInvalid) {
		err = &refusedError{fmt.Sprintf("the forge may merge #%d by itself, and does not let Ferry take that back: disable auto-merge there by hand, or remove it from the merge queue (%s)", number, firstLine(err))}
	}
	if err != nil {
		return "", err
	}
	if was.AutoMerge == "" && was.Queue == "" {
		if !a.held.unsure || !was.Open { // somebody else has done so, or it is merged
			return "", nil
		}
		was.AutoMerge, was.Queue = known.AutoMerge, known.Queue // an interrupted try did
	}
	if was.AutoMerge == "" && was.Queue == "" {
		return "", nil
	}
	return promotion.DisarmedWords(was, reason), nil
}

// standDown takes back that the forge merges the pull request by itself, before that shows something else: who ordered it did so for what they saw. A
// forge leaves such an order standing when somebody who may write pushes, as Ferry does (docs.github.com, "Automatically merging a pull request"; in a
// merge queue, too). Where nobody is known to have ordered it, that costs no request.
func (a *act) standDown(ctx context.Context, p forge.PullRequest, wish promotion.PullWish) (words string, err error) {
	known, err := a.Store.Armed(ctx, a.wish.Repository.ID, p.Number)
	if err != nil {
		return "", err
	}
	if p.AutoMerge != "" {
		known.AutoMerge = p.AutoMerge
	}
	if known.AutoMerge == "" && known.Queue == "" {
		return "", nil
	}
	return a.takeBack(ctx, p.Number, known, wish.ShowsOther())
}
