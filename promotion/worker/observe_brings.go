package worker

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"

	"ferry/forge"
	"ferry/promotion"
	"ferry/promotion/config"
)

// brought is what the merge of a hand-made pull request brings to the default branch, as that stands: by what it differs from where the two parted. What the
// forge lists as a pull request's files is not that: it stays as it was when the head last moved, also where the default branch has got some of its commits.
type brought struct {
	fork    forge.SHA // where it parted from the default branch; none where that cannot be known
	commits []forge.SHA
	files   []forge.ChangedFile
	unknown string // why files or commits are not all there are; empty where they are
}

// brings reads what a hand-made pull request brings. Files beyond those that a comparison lists are found by comparing the trees.
func (l *look) brings(ctx context.Context, p forge.PullRequest) (out brought, err error) {
	found, err := l.client.Changes(ctx, l.repo.Repo, cmp.Or(l.head, p.BaseSHA), p.HeadSHA)
	switch {
	case unseen(err) || err == nil && found.Fork == "":
		return brought{unknown: "The forge does not compare it with the default branch."}, nil
	case err != nil:
		return out, err
	}
	out = brought{fork: found.Fork, files: found.Files}
	for _, c := range found.Commits {
		out.commits = append(out.commits, c.SHA)
	}
	if found.Total > len(found.Commits) {
		out.unknown = "It has more commits than the forge lists."
	}
	if !found.FilesCut {
		return out, nil
	}
	files, err := l.between(ctx, found.Fork, p.HeadSHA)
	if errors.Is(err, forge.ErrInvalid) {
		out.unknown = "It changes more files than the forge lists."
		return out, nil
	}
	out.files = files
	return out, err
}

// between returns the files by which the trees of two commits differ.
func (l *look) between(ctx context.Context, from, to forge.SHA) (files []forge.ChangedFile, err error) {
	was, err := l.client.Tree(ctx, l.repo.Repo, from)
	if err != nil {
		return nil, err
	}
	is, err := l.treeAt(ctx, to)
	if err != nil {
		return nil, err
	}
	before := entriesOf(was)
	for _, e := range is.Entries {
		if before[e.Path] != e {
			files = append(files, forge.ChangedFile{Path: e.Path, SHA: e.SHA})
		}
		delete(before, e.Path)
	}
	for _, path := range slices.Sorted(maps.Keys(before)) {
		files = append(files, forge.ChangedFile{Path: path, Removed: true})
	}
	return files, nil
}

// handMade reads what a hand-made pull request changes. Where not all of it can be seen, it counts as changing all that can be.
func (l *look) handMade(ctx context.Context, p forge.PullRequest, facts *promotion.PullFacts) error {
	b, err := l.brings(ctx, p)
	if err != nil {
		return err
	}
	facts.Commits = b.commits
	if facts.Changes, err = l.changes(ctx, p, b); err != nil {
		return err
	}
	facts.Proposal, facts.ProposalStays, err = l.proposal(ctx, p, b)
	return err
}

// changes returns the places whose release the files of a pull request change.
func (l *look) changes(ctx context.Context, p forge.PullRequest, b brought) ([]promotion.Change, error) {
	var out []promotion.Change
	for _, f := range b.files {
		for _, path := range []string{f.Path, f.Previous} {
			if path == "" || l.config == nil || len(l.config.Places(path)) == 0 {
				continue
			}
			places, err := l.changedPlaces(ctx, p, path, b.fork)
			if err != nil {
				return nil, err
			}
			out = append(out, places...)
		}
	}
	return promotion.OnePerPlace(out), nil
}

// changedPlaces compares the images that stand in a file at the pull request's head with those where it left the default branch.
func (l *look) changedPlaces(ctx context.Context, p forge.PullRequest, path string, fork forge.SHA) (out []promotion.Change, err error) {
	after, err := l.fileAt(ctx, path, p.HeadSHA)
	if err != nil && !errors.Is(err, forge.ErrNotFound) && !errors.Is(err, forge.ErrInvalid) {
		return nil, err
	}
	before, err := l.client.File(ctx, l.repo.Repo, path, string(fork))
	if err != nil && !errors.Is(err, forge.ErrNotFound) && !errors.Is(err, forge.ErrInvalid) {
		return nil, err
	}
	for _, place := range l.config.Places(path) {
		if images, changed := promotion.ChangedImages(l.config, path, before.Content, after.Content, place); changed {
			out = append(out, promotion.Change{Place: place, Images: images})
		}
	}
	return out, nil
}

// besideTheHead asks for another look at open pull requests of which a move of the default branch makes something else: those that have one of its new commits
// left it further on now, so that what they take back of it again is a change; and those that change the configuration, where it moved in what theirs names.
// What it got is in the pushes, or in the comparison; where neither tells all, and under another configuration, every hand-made one is looked at.
func (l *look) besideTheHead(ctx context.Context) error {
	if l.out.Head == nil || l.repo.Sweep {
		return nil
	}
	var sharing []int
	var err error
	if l.unsure || l.out.ConfigFacts != nil {
		sharing, err = l.Store.HandMade(ctx, l.repo)
	} else {
		sharing, err = l.Store.Sharing(ctx, l.repo, l.out.Head.Revisions)
	}
	if err != nil {
		return err
	}
	proposed, err := l.Store.ProposedConfigs(ctx, l.repo.ID)
	if err != nil {
		return err
	}
	for _, number := range slices.Sorted(maps.Keys(proposed)) {
		if l.movedUnder(proposed[number]) {
			sharing = append(sharing, number)
		}
	}
	for _, number := range sharing {
		if _, hinted := l.pulls[number]; !hinted && !slices.Contains(l.order, number) {
			l.order = append(l.order, number)
		}
	}
	return nil
}

// movedUnder says whether the default branch has moved in what a proposed configuration names; nil is one that could not be read.
func (l *look) movedUnder(p *promotion.ProposedConfig) bool {
	if l.full || p == nil {
		return true
	}
	will, err := p.Parse()
	if err != nil {
		return true
	}
	named := func(path string) bool {
		return l.isConfig(path) || path == config.File || will.Includes().Match(path) || len(will.Places(path)) > 0
	}
	for path := range l.paths {
		if named(path) {
			return true
		}
	}
	return false
}
