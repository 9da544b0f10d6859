package worker

import (
	"context"
	"errors"
	"strings"

	"ferry/forge"
	"ferry/promotion"
	"ferry/promotion/postgres"
)

// reopened returns what Ferry had made of a pull request that a person reopened, where it shows exactly what is wished: a new head would take its
// approvals away. It returns the zero state where there is none, or where it shows anything else.
func (a *act) reopened(ctx context.Context, wish promotion.PullWish) (pullState, error) {
	number, head, err := a.Store.OpenPullOn(ctx, a.wish.Repository.ID, wish.Branch)
	if errors.Is(err, postgres.ErrNotFound) {
		return pullState{}, nil
	}
	if err != nil {
		return pullState{}, err
	}
	c, err := a.client.Commit(ctx, a.repo, head)
	if errors.Is(err, forge.ErrNotFound) {
		return pullState{}, nil
	}
	if err != nil || strings.TrimSpace(c.Message) != strings.TrimSpace(wish.Message) {
		return pullState{}, err
	}
	last, err := a.recovered(ctx, wish, pullState{Number: number, Head: head, Message: c.Message, Recovered: true})
	if err != nil || last.Recovered {
		return pullState{}, err
	}
	return last, nil
}
