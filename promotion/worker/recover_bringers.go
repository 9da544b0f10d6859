package worker

import (
	"context"
	"errors"
	"slices"

	"ferry/forge"
	"ferry/promotion"
)

// mostAsked bounds how many requests are made, after the database was lost, for who brought what stands or stood.
const mostAsked = 200

// ask says whether one more request may be made for that.
func (b *lookBack) ask() bool {
	b.asked++
	return b.asked <= mostAsked
}

// broughtThen finds who made the commits that came with a revision. Those of a merged branch may be older than what was read: they are asked for where it
// changed a first environment. What changes others is mostly Ferry's own.
func (l *look) broughtThen(ctx context.Context, c forge.Commit, first bool) (promotion.Bringers, error) {
	for _, parent := range c.Parents[min(1, len(c.Parents)):] {
		if _, known := l.back.known[parent]; known || !first || !l.back.ask() {
			continue
		}
		list, err := l.client.Commits(ctx, l.repo.Repo, parent, "", 100)
		if err != nil && !errors.Is(err, forge.ErrNotFound) {
			return promotion.Bringers{}, err
		}
		for _, one := range list {
			l.back.known[one.SHA] = one
		}
	}
	by, unnamed := cameWith(l.back.known, c.SHA, c.Parents[:min(1, len(c.Parents))])
	came := promotion.CoAuthors{Revision: c.SHA}
	if len(unnamed) > 0 && !l.back.ask() {
		l.noteUntold(came, notAsked(unnamed))
		return promotion.Bringers{Also: by}, nil
	}
	also, err := l.coAuthorsOf(ctx, l.repo.Repo, came, unnamed)
	return promotion.Bringers{Also: sorted(append(by, also...))}, err
}

// pastBringers finds who opened, made and merged the pull requests, other than Ferry's own, that brought what stands, or stood lately: a squash or a rebase
// tells little of that.
func (l *look) pastBringers(ctx context.Context) error {
	brought := map[forge.SHA]forge.PullRequest{}
	for _, p := range l.back.pulls {
		if p.Merged && p.Author.ID != l.self.ID && p.BaseBranch == l.repo.DefaultBranch {
			brought[p.MergeSHA], brought[p.HeadSHA] = p, p
		}
	}
	read := map[int]hands{}
	for i := range l.back.Past {
		past := &l.back.Past[i]
		for j := max(0, len(past.Deployments)-mostDeployments); j < len(past.Deployments); j++ {
			d := &past.Deployments[j]
			p, ok := brought[d.FirstSHA]
			if !ok || d.FirstSHA == "" {
				continue
			}
			in, err := l.handsIn(ctx, p.Number, read)
			if err != nil {
				return err
			}
			l.noteUntold(promotion.CoAuthors{Revision: d.FirstSHA}, in.untold)
			d.BroughtAlso = sorted(slices.Concat(d.BroughtAlso, []string{p.Author.Login}, in.logins))
		}
	}
	return nil
}

// hands are who merged a pull request and who made its commits, and the commits of which the forge has not told who else made them.
type hands struct {
	logins []string
	untold []promotion.CoAuthors
}

// handsIn returns who had a hand in a pull request, read once: GitHub's list does not say that.
func (l *look) handsIn(ctx context.Context, number int, read map[int]hands) (in hands, err error) {
	if in, ok := read[number]; ok || !l.back.ask() {
		return in, nil
	}
	defer func() { read[number] = in }()
	p, err := l.client.PullRequest(ctx, l.repo.Repo, number)
	if errors.Is(err, forge.ErrNotFound) {
		return in, nil
	}
	if err != nil {
		return in, err
	}
	in.logins = []string{p.MergedBy.Login}
	found, err := l.client.Changes(ctx, l.repo.Repo, p.BaseSHA, p.HeadSHA)
	if unseen(err) { // garbage collected
		return in, nil
	}
	if err == nil {
		in.untold, err = l.nameCoAuthors(ctx, l.client, l.repo, l.repo.Repo, found.Commits)
	}
	for _, c := range found.Commits {
		in.logins = append(in.logins, slices.Concat(c.By, c.With)...)
	}
	return in, err
}

// notAsked are commits of which the forge was not asked who else made them: so much was asked already.
func notAsked(commits []forge.SHA) (list []promotion.CoAuthors) {
	for _, sha := range commits {
		list = append(list, promotion.CoAuthors{Commit: sha, Problem: stillToAsk})
	}
	return list
}
