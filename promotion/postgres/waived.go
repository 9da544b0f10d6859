package postgres

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/jackc/pgx/v5"

	"ferry/promotion"
)

// allWaived reads which gates people overrode for what no pull request shows: of one app, or of all where it is empty.
func (d *decision) allWaived(ctx context.Context, app string) (list []promotion.Waived, err error) {
	rows, err := d.tx.Query(ctx, `
		select app, environment, gate, release, came_from, actor, reason, at from waived where repository = $1 and ($2 = '' or app = $2) order by app, environment, gate`, d.repo.ID, app)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (w promotion.Waived, err error) {
		var release, from []byte
		if err := row.Scan(&w.App, &w.Environment, &w.Gate, &release, &from, &w.Actor, &w.Reason, &w.At); err != nil {
			return w, err
		}
		w.At = w.At.UTC()
		return w, errors.Join(json.Unmarshal(release, &w.Release), json.Unmarshal(from, &w.From))
	})
}

// waived puts what people overrode at the environments of the snapshot.
func (d *decision) waived(ctx context.Context, s *promotion.Snapshot) error {
	list, err := d.allWaived(ctx, s.App.Name)
	for _, w := range list {
		if env := s.Find(w.Environment); env != nil {
			env.Waived = append(env.Waived, w)
		}
	}
	return err
}

// writeWaived writes down which gates a comment overrides for what no pull request shows.
func (d *decision) writeWaived(ctx context.Context, c pendingCommand, cause string, out promotion.Outcome) error {
	for _, w := range out.Waived {
		if err := insertWaived(ctx, d.tx, d.repo.ID, w); err != nil {
			return err
		}
		d.dirty[appUnit(w.App)] = true
		if err := addEvent(ctx, d.tx, event{repository: d.repo.ID, environment: w.Environment, app: w.App, kind: "override", actor: c.login, cause: cause, at: d.now, detail: w.Detail()}); err != nil {
			return err
		}
	}
	return nil
}

func insertWaived(ctx context.Context, tx pgx.Tx, repository int64, w promotion.Waived) error {
	from := w.From
	if from == nil {
		from = promotion.Release{}
	}
	_, err := tx.Exec(ctx, `
		insert into waived (repository, environment, app, gate, release, came_from, actor, reason, at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
		on conflict (repository, environment, app, gate) do update
		set release = excluded.release, came_from = excluded.came_from, actor = excluded.actor, reason = excluded.reason, at = excluded.at`,
		repository, w.Environment, w.App, w.Gate, toJSON(w.Release), toJSON(from), w.Actor, w.Reason, w.At)
	return err
}

// endWaived forgets what was overridden for a change that has come, or that cannot come any more.
func (d *decision) endWaived(ctx context.Context, app string, _ promotion.Snapshot, p promotion.Plan) error {
	for _, w := range p.WaivedEnded {
		if _, err := d.tx.Exec(ctx, `delete from waived where repository = $1 and app = $2 and environment = $3 and gate = $4`, d.repo.ID, app, w.Environment, w.Gate); err != nil {
			return err
		}
		d.dirty[stateUnit] = true
		if err := addEvent(ctx, d.tx, event{repository: d.repo.ID, environment: w.Environment, app: app, kind: "override ended", actor: "ferry", cause: d.cause, at: d.now, detail: w.Detail()}); err != nil {
			return err
		}
	}
	return nil
}

// seenSince notes in the view of an app that travels with others since when each release has been what is to come.
func (d *decision) seenSince(ctx context.Context, app string, v *promotion.View) error {
	if v.Group == "" {
		return nil
	}
	var raw []byte
	err := d.tx.QueryRow(ctx, `select view from apps where repository = $1 and name = $2`, d.repo.ID, app).Scan(&raw)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return err
	}
	var before promotion.View
	if len(raw) > 0 {
		if err := json.Unmarshal(raw, &before); err != nil {
			return err
		}
	}
	v.SeenSince(before, d.now)
	return nil
}
