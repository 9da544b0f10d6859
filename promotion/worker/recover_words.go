package worker

import (
	"context"
	"errors"
	"slices"

	"ferry/forge"
	"ferry/promotion"
)

// mostSquashed bounds of how many squashed pull requests Ferry's own commit is read, the newest first.
const mostSquashed = 100

// ownWords takes what CI had announced from the commits that Ferry itself wrote. Of a squash or a rebase of Ferry's pull request the forge lets who merges write the
// message, and calls Ferry its author: there it is the pull request's own commit that counts. Where not all pull requests were listed, any other commit could be one
// of those, and is not believed.
func (l *look) ownWords(ctx context.Context, complete bool) error {
	merged, heads := map[forge.SHA]forge.PullRequest{}, map[forge.SHA]bool{}
	for _, p := range l.back.pulls {
		if p.Merged {
			merged[p.MergeSHA] = p
		}
		heads[p.HeadSHA] = heads[p.HeadSHA] || l.ferrysPull(p)
	}
	var own []forge.Commit
	asked := 0
	for _, c := range slices.Backward(l.back.listed) {
		_, cars := promotion.ParseCars(c.Message)
		p, byMerge := merged[c.SHA]
		switch {
		case len(cars) == 0 || !ferrys(c, l.self):
		case heads[c.SHA] || complete && !byMerge:
			own = append(own, c)
		case byMerge && l.ferrysPull(p) && asked < mostSquashed:
			asked++
			written, err := l.client.Commit(ctx, l.repo.Repo, p.HeadSHA)
			if err != nil && !errors.Is(err, forge.ErrNotFound) && !errors.Is(err, forge.ErrInvalid) { // those are garbage collected
				return err
			}
			own = append(own, written)
		}
	}
	l.trailers(own)
	return nil
}
