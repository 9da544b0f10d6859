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
		if err := a.gatesPosted(ctx, wish.Head); err != nil {
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

// gatesPosted fails while ferry/gates does not stand on the head yet: where the branch asks for it, the merge would be refused.
func (a *act) gatesPosted(ctx context.Context, head forge.SHA) error {
	awaited, err := a.Store.GatesAwaited(ctx, a.wish.Repository.ID, head)
	if err == nil && awaited {
		err = &laterError{reason: "ferry/gates is not posted yet", pause: time.Second, free: true}
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

// mergeNow merges in a way that the repository allows, or adds the pull request to the merge queue where one is required.
func (a *act) mergeNow(ctx context.Context, wish promotion.MergeWish) (postgres.Applied, error) {
	if a.wish.Repository.MergeQueue { // who may bypass it would merge past it
		if applied, err := a.enqueue(ctx, wish); err != nil || applied.Queued != "" || applied.Done {
			return applied, err
		}
	}
	first := a.usualWay(wish.Base)
	applied, refusal, err := a.mergeBy(ctx, wish, first)
	if refusal == nil {
		return applied, err
	}
	ways, err := a.client.WaysToMerge(ctx, a.repo, wish.Base)
	if err != nil {
		return postgres.Applied{}, err
	}
	if len(ways) == 0 {
		return postgres.Applied{}, &refusedError{fmt.Sprintf("the settings and rules of %s leave no way to merge into %s: allow merge commits or squash merges", a.repo.FullName(), wish.Base)}
	}
	for _, way := range otherWays(ways, first, a.wish.Attempts >= triesOneWay && errors.Is(refusal, forge.ErrNotMergeable)) {
		if applied, refusal, err = a.mergeBy(ctx, wish, way); refusal == nil {
			return applied, err
		}
	}
	return postgres.Applied{}, a.onceMore(refusal)
}

// otherWays returns the ways to merge that are worth a try after the first one was refused and nothing is known to be in the way of the merge: where the first is
// not allowed the next that is, and where it has been refused for long all that are. What a forge asks for is not all shown to Ferry.
func otherWays(allowed []forge.MergeMethod, first forge.MergeMethod, long bool) []forge.MergeMethod {
	others := slices.DeleteFunc(slices.Clone(allowed), func(m forge.MergeMethod) bool { return m == first })
	switch {
	case long:
		return others
	case len(others) < len(allowed): // the first one is allowed
		return nil
	}
	return others[:1]
}

// mergeBy merges in one way. The refusal is returned where nothing is known to be in the way of the merge but that.
func (a *act) mergeBy(ctx context.Context, wish promotion.MergeWish, way forge.MergeMethod) (applied postgres.Applied, refusal, err error) {
	_, refusal = a.client.Merge(ctx, a.repo, wish.Number, wish.Head, way, wish.Title)
	if refusal == nil {
		a.ways.Store(usual{a.wish.Repository.ID, wish.Base}, tried{way, a.Now()})
		return postgres.Applied{State: wish, Done: true}, nil, nil
	}
	applied, err = a.mergedOrQueued(ctx, wish, refusal)
	if err != nil || applied.Done || applied.Queued != "" {
		return applied, nil, err
	}
	return applied, refusal, nil
}

// usual is a branch that is merged into, and tried the way in which that worked last.
type (
	usual struct {
		repository int64
		base       string
	}
	tried struct {
		way forge.MergeMethod
		at  time.Time
	}
)

// keepWay is for how long a branch is merged into in the way that worked last: the rules that left no other may be gone.
const keepWay = time.Hour

// usualWay is the way to merge that is tried first: a merge commit, unless another way was found to work a short while ago.
func (a *act) usualWay(base string) forge.MergeMethod {
	found, _ := a.ways.Load(usual{a.wish.Repository.ID, base})
	if last, ok := found.(tried); ok && a.Now().Sub(last.at) < keepWay {
		return last.way
	}
	return forge.MergeCommit
}

// mergedOrQueued finds out what a refused merge means: it is merged all the same, or the merge queue is to merge it, or something is in its way. It returns
// neither where nothing is known to be.
func (a *act) mergedOrQueued(ctx context.Context, wish promotion.MergeWish, refusal error) (postgres.Applied, error) {
	var limited *forge.RateLimited
	if errors.As(refusal, &limited) || errors.Is(refusal, context.Canceled) {
		return postgres.Applied{}, refusal
	}
	if !a.wish.Repository.MergeQueue && errors.Is(refusal, forge.ErrNotMergeable) { // one may be required since
		if applied, err := a.enqueue(ctx, wish); err != nil || applied.Queued != "" || applied.Done {
			return applied, err
		}
	}
	return a.afterRefusal(ctx, wish, refusal)
}

// enqueue adds the pull request to the merge queue of its base, with the head it was judged at. It returns nothing where the base has no queue.
func (a *act) enqueue(ctx context.Context, wish promotion.MergeWish) (postgres.Applied, error) {
	queued, refusal := a.client.Enqueue(ctx, a.repo, wish.Number, wish.Head)
	if queued {
		return postgres.Applied{State: map[string]any{"queued": wish.Head}, Number: wish.Number, Queued: a.self.Login}, nil
	}
	if refusal == nil || !declined(refusal) {
		return postgres.Applied{}, refusal
	}
	applied, err := a.afterRefusal(ctx, wish, refusal)
	if err == nil && !applied.Done {
		err = &refusedError{"the merge queue does not take it yet (" + firstLine(refusal) + ")"}
	}
	return applied, err
}

// afterRefusal finds out whether the pull request is merged all the same, and fails where something is in its way. That is not read from the words of the
// refusal, which differ and change, but from how it stands now. It returns nothing where nothing is known to be in its way.
func (a *act) afterRefusal(ctx context.Context, wish promotion.MergeWish, refusal error) (none postgres.Applied, err error) {
	p, err := a.client.PullRequest(ctx, a.repo, wish.Number)
	switch {
	case err != nil:
		return none, err
	case p.Merged:
		return postgres.Applied{State: wish, Done: true}, a.Store.Hint(ctx, a.wish.Repository.ID)
	case !p.Open || p.HeadSHA != wish.Head:
		return none, a.lookAgain(ctx, fmt.Sprintf("#%d changed before it could be merged", wish.Number))
	case p.Mergeable == forge.MergeBehind || p.Mergeable == forge.MergeDirty:
		if err := a.Store.MakeAnew(ctx, a.wish.Repository.ID, promotion.PromotionBranch(wish.Environment, cmp.Or(wish.Group, a.wish.App))); err != nil {
			return none, err
		}
		return none, &laterError{reason: fmt.Sprintf("#%d is made anew on %s, which went on", wish.Number, wish.Base), pause: floorPause}
	case p.Mergeable == forge.MergeBlocked || p.Mergeable == forge.MergeDraft:
		return none, &refusedError{"the forge does not merge it yet: a required review or check is missing (" + firstLine(refusal) + ")"}
	case errors.Is(refusal, forge.ErrForbidden) || errors.Is(refusal, forge.ErrUnauthorized):
		return none, refusal
	}
	return none, nil
}

// triesToMerge is how often a merge is tried again soon that nothing is known to be in the way of. After that a person hears of it, and it is tried hourly. From
// triesOneWay on it is tried in all ways that are allowed.
const (
	triesToMerge = 10
	triesOneWay  = 3
)

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
