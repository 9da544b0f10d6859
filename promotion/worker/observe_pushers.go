package worker

import (
	"context"
	"errors"
	"slices"

	"ferry/forge"
)

// mergeQueue is the account that pushes what GitHub's merge queue merges; who wrote it is the commit's author.
const mergeQueue = "github-merge-queue[bot]"

// mostPushers bounds for how many revisions of which no delivery told their author is read.
const mostPushers = 5

// lookAtPushers finds who brought the revisions at which manifests changed: from the deliveries, which costs nothing; of those that none told of, from the
// commit.
func (l *look) lookAtPushers(ctx context.Context) error {
	if l.out.Head == nil || l.repo.Head == "" || l.out.Head.Reset {
		return nil
	}
	l.out.Head.Pushers = l.pushers
	read := 0
	for _, f := range slices.Concat(l.out.Earlier, l.out.Files) {
		if who, known := l.pushers[f.Revision]; known && who.Login != mergeQueue || f.Also || read == mostPushers {
			continue
		}
		read++
		c, err := l.client.Commit(ctx, l.repo.Repo, f.Revision)
		if err != nil && !errors.Is(err, forge.ErrNotFound) {
			return err
		}
		l.pushers[f.Revision] = bringer(c)
	}
	return nil
}

// webFlow is the account that GitHub commits as where somebody merges or edits on its pages (docs.github.com, "About commit signature verification").
const webFlow = "web-flow"

// bringer returns whom a commit itself tells to have brought it to the branch: its committer, who is nearer to the push than who wrote it; its author,
// where the forge committed it or knows no account of the committer's.
func bringer(c forge.Commit) forge.User {
	if c.Committer.Login != "" && c.Committer.Login != webFlow {
		return c.Committer
	}
	return c.Author
}
