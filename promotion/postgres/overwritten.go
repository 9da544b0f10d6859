package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"ferry/promotion"
)

// mostAnew is how often within an hour Ferry writes one thing anew over somebody else's: two robots who do so would never end.
const mostAnew = 10

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
	return r.again(ctx, "status", statusKey("", f.SHA, f.Context), event{actor: f.By.Login, detail: f.Context + " on " + f.SHA.Short()})
}

// bodies makes the pull requests of Ferry's due again whose body somebody has replaced.
func (r *observation) bodies(ctx context.Context) error {
	for _, f := range r.o.Bodies {
		var branch, part string
		err := r.tx.QueryRow(ctx, `
			select w.key, w.desired ->> 'body' from promotions m join wishes w on w.repository = m.repository and w.kind = 'pull' and w.key = m.branch
			where m.repository = $1 and m.number = $2 and m.state = 'open' and (w.desired ->> 'open')::boolean and w.applied ->> 'number' = m.number::text
			  and w.applied ->> 'body' = w.desired ->> 'body' limit 1`, r.repo.ID, f.Number).Scan(&branch, &part)
		if err == nil && !promotion.Shows(f.Body, part) {
			err = r.again(ctx, "pull", branch, event{actor: cmp.Or(f.By.Login, "somebody"), detail: fmt.Sprintf("the body of #%d", f.Number)})
		}
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
	}
	return nil
}

// again makes what Ferry has written due once more, because somebody else wrote over it; with an event, and not without end.
func (r *observation) again(ctx context.Context, kind, key string, e event) error {
	e.repository, e.cause, e.at = r.repo.ID, r.cause, r.now
	what := e.detail
	var times int
	if err := r.tx.QueryRow(ctx, `select count(*) from events where repository = $1 and kind in ('overwritten', 'given up') and at > $2 and starts_with(detail, $3)`,
		r.repo.ID, r.now.Add(-time.Hour), what+": ").Scan(&times); err != nil || times > mostAnew {
		return err
	}
	if times == mostAnew {
		e.kind, e.detail = "given up", fmt.Sprintf("%s: written anew %d times within an hour, and left as it is", what, times)
		return addEvent(ctx, r.tx, e)
	}
	var id int64
	err := r.tx.QueryRow(ctx, `
		update wishes set version = version + 1, applied = applied - 'status' - 'body', act_at = null where repository = $1 and kind = $2 and key = $3 and version = applied_version returning id`,
		r.repo.ID, kind, key).Scan(&id)
	if errors.Is(err, pgx.ErrNoRows) { // it is about to be written anyway
		return nil
	}
	if err != nil {
		return err
	}
	e.kind, e.detail = "overwritten", what+": written anew"
	if err := addEvent(ctx, r.tx, e); err != nil {
		return err
	}
	return r.enqueue(ctx, r.tx, ActArgs{Wish: id})
}
