package worker

import (
	"context"
	"slices"

	"ferry/forge"
)

// newestPulls is how many pull requests, the newest first, are looked through for those that brought what no push told of.
const newestPulls = 100

// nameMergers adds who opened and who merged the pull requests of people that brought a revision of which no push told: of a squash, GitHub makes who opened it
// the author of the commit and itself its committer, and names who merged it at the pull request alone. Where the delivery of the merge was heard, that told.
func (l *look) nameMergers(ctx context.Context, revision forge.SHA) error {
	came := []forge.SHA{revision}
	switch {
	case l.together():
		came = l.out.Head.Revisions
	case slices.Contains(l.merges, revision):
		return nil
	}
	if l.newest == nil {
		list, _, err := l.client.PullRequestsBy(ctx, l.repo.Repo, 0, newestPulls)
		if err != nil {
			return err
		}
		l.newest = slices.DeleteFunc(list, func(p forge.PullRequest) bool { return !p.Merged || p.Author.ID == l.self.ID })
	}
	who := l.bringers[revision]
	for _, p := range l.newest {
		if !slices.Contains(came, p.MergeSHA) {
			continue
		}
		p, err := l.client.PullRequest(ctx, l.repo.Repo, p.Number)
		if err != nil {
			return err
		}
		who.Also = append(who.Also, p.Author.Login, p.MergedBy.Login)
	}
	who.Also = sorted(who.Also)
	l.bringers[revision] = who
	return nil
}
