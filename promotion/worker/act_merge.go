package worker

import (
	"cmp"
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

// mergeNow merges in the first way that the repository allows.
func (a *act) mergeNow(ctx context.Context, wish promotion.MergeWish) (postgres.Applied, error) {
	for method := forge.MergeCommit; ; {
		_, refusal := a.client.Merge(ctx, a.repo, wish.Number, wish.Head, method, wish.Title)
		if refusal == nil {
			return postgres.Applied{State: wish, Done: true}, nil
		}
		merged, err := a.afterRefusal(ctx, wish, refusal)
		if err != nil {
			return postgres.Applied{}, err
		}
		if merged {
			return postgres.Applied{State: wish, Done: true}, a.Store.Hint(ctx, a.wish.Repository.ID)
		}
		methods, err := a.client.WaysToMerge(ctx, a.repo, wish.Base)
		switch {
		case err != nil:
			return postgres.Applied{}, err
		case len(methods) == 0:
			return postgres.Applied{}, &refusedError{fmt.Sprintf("the settings and rules of %s leave no way to merge into %s: allow merge commits or squash merges", a.repo.FullName(), wish.Base)}
		case slices.Contains(methods, method):
			return postgres.Applied{}, a.onceMore(refusal)
		}
		method = methods[0]
	}
}

// afterRefusal says whether the pull request is merged all the same, and fails where something is in its way. That is not read from the words of the refusal,
// which differ and change, but from how it stands now. It returns neither where nothing is known to be in its way.
func (a *act) afterRefusal(ctx context.Context, wish promotion.MergeWish, refusal error) (merged bool, err error) {
	var limited *forge.RateLimited
	if errors.As(refusal, &limited) || errors.Is(refusal, context.Canceled) {
		return false, refusal
	}
	p, err := a.client.PullRequest(ctx, a.repo, wish.Number)
	switch {
	case err != nil:
		return false, err
	case p.Merged:
		return true, nil
	case !p.Open || p.HeadSHA != wish.Head:
		return false, a.lookAgain(ctx, fmt.Sprintf("#%d changed before it could be merged", wish.Number))
	case p.Mergeable == forge.MergeBehind || p.Mergeable == forge.MergeDirty:
		if err := a.Store.MakeAnew(ctx, a.wish.Repository.ID, promotion.PromotionBranch(wish.Environment, cmp.Or(wish.Group, a.wish.App))); err != nil {
			return false, err
		}
		return false, &laterError{reason: fmt.Sprintf("#%d is made anew on %s, which went on", wish.Number, wish.Base), pause: floorPause}
	case p.Mergeable == forge.MergeBlocked || p.Mergeable == forge.MergeDraft:
		return false, &refusedError{"the forge does not merge it yet: a required review or check is missing (" + firstLine(refusal) + ")"}
	case errors.Is(refusal, forge.ErrForbidden) || errors.Is(refusal, forge.ErrUnauthorized):
		return false, refusal
	}
	return false, nil
}

// triesToMerge is how often a merge is tried again soon that nothing is known to be in the way of. After that a person hears of it, and it is tried hourly.
const triesToMerge = 10

func (a *act) onceMore(refusal error) error {
	if a.wish.Attempts >= triesToMerge {
		return &refusedError{fmt.Sprintf("the forge did not merge it %d times (%s)", triesToMerge, firstLine(refusal))}
	}
	return &laterError{reason: firstLine(refusal), pause: floorPause}
}

func firstLine(err error) string {
	s, _, _ := strings.Cut(err.Error(), "\n")
	return s
}
