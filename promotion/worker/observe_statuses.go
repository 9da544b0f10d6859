package worker

import (
	"context"
	"slices"
	"time"

	"ferry/forge"
	"ferry/promotion"
	"ferry/promotion/config"
)

const (
	// mostWatched bounds on how many heads a sweep looks for statuses that others posted over Ferry's, with one request for each chunk.
	mostWatched  = 200
	watchedChunk = 100
	// postedLately is for how long the forge may still show what stood before Ferry posted.
	postedLately = time.Minute
)

// lookAtStatuses finds in a sweep what others posted over ferry/gates and no delivery told of: on the heads of Ferry's open pull requests, and of those by
// hand that are shut. Who posts over a green one opens nothing.
func (l *look) lookAtStatuses(ctx context.Context) error {
	if !l.repo.Sweep || l.config == nil || l.config.Mode == config.ModeObserve || l.back != nil {
		return nil
	}
	heads, err := l.Store.WatchedHeads(ctx, l.repo, l.Now().Add(-postedLately), mostWatched)
	if err != nil {
		return err
	}
	for chunk := range slices.Chunk(heads, watchedChunk) {
		posted, err := l.gatesPosted(ctx, chunk)
		if err != nil {
			return err
		}
		for _, sha := range chunk {
			told := func(f promotion.ForeignStatus) bool { return f.SHA == sha && f.Context == promotion.GatesContext }
			if s, ok := posted[sha]; ok && s.By.ID != l.self.ID && !slices.ContainsFunc(l.out.Overwritten, told) {
				l.out.Overwritten = append(l.out.Overwritten, promotion.ForeignStatus{SHA: sha, Context: promotion.GatesContext, By: s.By})
			}
		}
	}
	return nil
}

// gatesPosted returns ferry/gates as it stands on each of the heads; nothing where the forge does not show it.
func (l *look) gatesPosted(ctx context.Context, heads []forge.SHA) (map[forge.SHA]forge.PostedStatus, error) {
	posted, err := l.client.NewestPosted(ctx, l.repo.Repo, heads, promotion.GatesContext)
	if unseen(err) || l.goesOnWithout(err) {
		return nil, nil
	}
	return posted, err
}

// mostLeft is of how many pull requests, those that were closed last, the heads are looked at after a loss.
const mostLeft = 100

// lookBackAtLeft finds green heads of pull requests that were closed unmerged while nobody looked: what shuts them by now has to be asked anew.
func (l *look) lookBackAtLeft(ctx context.Context) error {
	if l.back == nil {
		return nil
	}
	taken := map[forge.SHA]bool{}
	var closed []forge.PullRequest
	for _, p := range l.back.pulls {
		switch {
		case p.BaseBranch != l.repo.DefaultBranch:
		case p.Open || p.Merged:
			taken[p.HeadSHA] = true
		default:
			closed = append(closed, p)
		}
	}
	slices.SortStableFunc(closed, func(a, b forge.PullRequest) int { return b.ClosedAt.Compare(a.ClosedAt) })
	numbers, heads := map[forge.SHA]int{}, []forge.SHA{}
	for _, p := range closed[:min(len(closed), mostLeft)] {
		if !taken[p.HeadSHA] {
			taken[p.HeadSHA], numbers[p.HeadSHA], heads = true, p.Number, append(heads, p.HeadSHA)
		}
	}
	if len(heads) == 0 {
		return nil
	}
	posted, err := l.gatesPosted(ctx, heads)
	for _, sha := range heads {
		if s := posted[sha]; s.By.ID == l.self.ID && s.State == forge.Success {
			l.back.Statuses = append(l.back.Statuses, promotion.StandingStatus{SHA: sha, Status: s.Status})
			l.back.Left = append(l.back.Left, promotion.LeftHead{Number: numbers[sha], SHA: sha})
		}
	}
	return err
}
