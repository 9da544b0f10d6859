package postgres

import (
	"context"
	"encoding/json"

	"github.com/jackc/pgx/v5"

	"ferry/forge"
	"ferry/promotion"
)

// GatesAwaited says whether ferry/gates is still to be posted on a commit. Where the forge refuses that, nobody waits for it.
func (s *Store) GatesAwaited(ctx context.Context, repository int64, sha forge.SHA) (awaited bool, err error) {
	defer wrap(&err, "GatesAwaited(%s)", sha)
	err = s.pool.QueryRow(ctx, `
		select exists (select from wishes where repository = $1 and kind = 'status' and key = $2 and version <> applied_version and refusal = '')`,
		repository, statusKey("", sha, promotion.GatesContext)).Scan(&awaited)
	return awaited, err
}

// releaseMerge makes the merge due that waited until ferry/gates was posted on its head: where a branch asks for that status, it is refused before. It
// waits for nobody: a decision may hold the merge and wait for the status this transaction holds. A merge that is skipped looks again by itself.
func (s *Store) releaseMerge(ctx context.Context, tx pgx.Tx, w Wish) error {
	var posted StatusWish
	if err := json.Unmarshal(w.Desired, &posted); err != nil || posted.Target != "" || posted.Status.Context != promotion.GatesContext {
		return err
	}
	ids, err := collectTx[int64](ctx, tx, `
		update wishes set act_at = null where id in (
		  select id from wishes
		  where repository = $1 and kind = 'merge' and desired ->> 'head' = $2 and version <> applied_version and act_at is not null and attempts = 0 and refusal = ''
		  for update skip locked)
		returning id`,
		w.Repository.ID, posted.SHA)
	for _, id := range ids {
		if err == nil {
			err = s.enqueue(ctx, tx, ActArgs{Wish: id})
		}
	}
	return err
}
