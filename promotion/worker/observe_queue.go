package worker

import (
	"context"

	"ferry/promotion"
)

// lookAtQueue reads the merge queue of the default branch, where a delivery told of it, and on every sweep once it is known to have one: a delivery that was
// lost must not let the queue wait for ever.
func (l *look) lookAtQueue(ctx context.Context) error {
	if l.config == nil && l.repo.ConfigBlob == "" || len(l.groups) == 0 && !(l.repo.Sweep && l.repo.MergeQueue) {
		return nil
	}
	queue, err := l.client.MergeQueue(ctx, l.repo.Repo, l.repo.DefaultBranch)
	if err != nil {
		return err
	}
	known, err := l.Store.Groups(ctx, l.repo.ID)
	if err != nil {
		return err
	}
	groups := promotion.MergeGroups(queue, l.groups, known)
	l.out.Queue = &promotion.QueueFacts{Exists: queue.Exists || len(groups) > 0, Entries: queue.Entries, Groups: groups}
	return nil
}
