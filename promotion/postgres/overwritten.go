package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"ferry/promotion"
)

// mostPostedAnew is how often within an hour Ferry posts one status anew over somebody else's: two robots who do so would never end.
const mostPostedAnew = 10

// overwritten makes the statuses due again that somebody else has posted over.
func (r *observation) overwritten(ctx context.Context) error {
	for _, f := range r.o.Overwritten {
		if err := r.postAnew(ctx, f); err != nil {
			return err
		}
	}
	return nil
}

func (r *observation) postAnew(ctx context.Context, f promotion.ForeignStatus) error {
	what := f.Context + " on " + f.SHA.Short()
	var times int
	if err := r.tx.QueryRow(ctx, `select count(*) from events where repository = $1 and kind in ('status overwritten', 'status given up') and at > $2 and starts_with(detail, $3)`,
		r.repo.ID, r.now.Add(-time.Hour), what).Scan(&times); err != nil || times > mostPostedAnew {
		return err
	}
	e := event{repository: r.repo.ID, kind: "status overwritten", actor: f.By.Login, cause: r.cause, at: r.now, detail: what + ": posted anew"}
	if times == mostPostedAnew {
		e.kind, e.detail = "status given up", fmt.Sprintf("%s: posted anew %d times within an hour, and left as it is", what, times)
		return addEvent(ctx, r.tx, e)
	}
	var id int64
	err := r.tx.QueryRow(ctx, `
		update wishes set version = version + 1, applied = '{}', act_at = null where repository = $1 and kind = 'status' and key = $2 and version = applied_version returning id`,
		r.repo.ID, statusKey("", f.SHA, f.Context)).Scan(&id)
	if errors.Is(err, pgx.ErrNoRows) { // it is about to be posted anyway
		return nil
	}
	if err != nil {
		return err
	}
	if err := addEvent(ctx, r.tx, e); err != nil {
		return err
	}
	return r.enqueue(ctx, r.tx, ActArgs{Wish: id})
}
