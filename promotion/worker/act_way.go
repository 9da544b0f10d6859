package worker

import (
	"context"
	"errors"

	"ferry/forge"
	"ferry/promotion"
	"ferry/promotion/postgres"
)

// makeWay closes what an interrupted try has opened on the wish's branch, where the wish may not be shown by it: a rollback never rewrites an open
// promotion, and none rewrites a rollback. It says whether it did; the branch is gone then.
func (a *act) makeWay(ctx context.Context, wish promotion.PullWish, standing forge.SHA) (made bool, err error) {
	shown, err := a.Store.ShownBy(ctx, a.wish.Repository.ID, standing)
	if errors.Is(err, postgres.ErrNotFound) || err == nil && wish.Rewrites(shown) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	closed, err := a.closePull(ctx, promotion.PullWish{Environment: wish.Environment, Branch: wish.Branch, Reason: wish.Title}, pullState{})
	if err == nil && closed.Number == 0 { // nothing was open on it yet
		err = a.client.DeleteBranch(ctx, a.repo, wish.Branch)
	}
	return err == nil, err
}
