package worker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"ferry/forge"
	"ferry/promotion"
	"ferry/promotion/postgres"
)

// merge merges a pull request with the head it was judged at. After a refusal the truth is read again: merged already is success.
func (a *act) merge(ctx context.Context) (postgres.Applied, error) {
	var wish promotion.MergeWish
	if err := a.read(&wish, nil); err != nil {
		return postgres.Applied{}, err
	}
	var applied postgres.Applied
	ok, err := a.hold(ctx, fmt.Sprintf("merge:%d:%s", a.wish.Repository.ID, wish.Base), func(ctx context.Context, _ *held) (err error) {
		if err := a.stillWished(ctx, wish.Group); err != nil {
			return err
		}
		if err := a.guarded(ctx, wish); err != nil {
			return err
		}
		applied, err = a.mergeNow(ctx, wish)
		return err
	})
	if err == nil && !ok { // merges are serial per base branch
		err = &laterError{reason: "another merge is under way", pause: floorPause, free: true}
	}
	return applied, err
}

// guarded fails where nothing guards the branch against a merge without green gates. The forge is asked only right before a merge.
func (a *act) guarded(ctx context.Context, wish promotion.MergeWish) error {
	if wish.AllowUnprotected {
		return nil
	}
	guarded, err := a.client.Guarded(ctx, a.repo, wish.Base)
	if err == nil && !guarded {
		err = &refusedError{fmt.Sprintf("nothing guards %s: protect it with a required status ferry/gates, or set `unprotected: allow` on the environment", wish.Base)}
	}
	return err
}

// stillWished decides the gates once more, with everything that has been heard by now, and fails where the merge is not wished any more.
func (a *act) stillWished(ctx context.Context, group string) error {
	repo, err := a.Store.LoadRepository(ctx, a.wish.Repository.ID)
	if err != nil {
		return err
	}
	if repo.Generation != repo.Observed {
		return &laterError{reason: "there are deliveries that have not been read yet", pause: time.Second, free: true}
	}
	for _, unit := range postgres.UnitsBeforeMerge(a.wish.App, group) {
		if err := a.Decide(ctx, repo.ID, unit); err != nil {
			return err
		}
	}
	now, err := a.Store.LoadWish(ctx, a.wish.ID)
	if errors.Is(err, postgres.ErrNotFound) || err == nil && now.Version != a.wish.Version {
		return &laterError{reason: "the merge is not wished any more", pause: time.Second}
	}
	return err
}

func (a *act) mergeNow(ctx context.Context, wish promotion.MergeWish) (postgres.Applied, error) {
	var err error
	for _, method := range []forge.MergeMethod{forge.MergeCommit, forge.MergeSquash, forge.MergeRebase} { // a repository need not allow each
		if _, err = a.client.Merge(ctx, a.repo, wish.Number, wish.Head, method, wish.Title); err == nil {
			return postgres.Applied{State: wish, Done: true}, nil
		}
		p, readErr := a.client.PullRequest(ctx, a.repo, wish.Number)
		switch {
		case readErr != nil:
			return postgres.Applied{}, readErr
		case p.Merged:
			return postgres.Applied{State: wish, Done: true}, a.Store.Hint(ctx, a.wish.Repository.ID)
		case !p.Open || p.HeadSHA != wish.Head:
			return postgres.Applied{}, a.lookAgain(ctx, fmt.Sprintf("#%d changed before it could be merged", wish.Number))
		case !errors.Is(err, forge.ErrNotMergeable):
			return postgres.Applied{}, err
		}
	}
	return postgres.Applied{}, &refusedError{"the forge does not merge it yet: a required review or check is missing, or it conflicts (" + firstLine(err) + ")"}
}

func firstLine(err error) string {
	s, _, _ := strings.Cut(err.Error(), "\n")
	return s
}
