package postgres

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/jackc/pgx/v5"

	"ferry/promotion"
)

// dropped reads what people took out of trains: of one app, or of all where it is empty.
func (d *decision) dropped(ctx context.Context, app string) (list []promotion.Dropped, err error) {
	rows, err := d.tx.Query(ctx, `select app, environment, release, number, actor, at from drops where repository = $1 and ($2 = '' or app = $2) order by app, environment`, d.repo.ID, app)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (x promotion.Dropped, err error) {
		var release []byte
		if err := row.Scan(&x.App, &x.Environment, &release, &x.Number, &x.Actor, &x.At); err != nil {
			return x, err
		}
		x.At = x.At.UTC()
		return x, json.Unmarshal(release, &x.Release)
	})
}

// drops puts what people took out of trains at the environments of the snapshot.
func (d *decision) drops(ctx context.Context, s *promotion.Snapshot) error {
	list, err := d.dropped(ctx, s.App.Name)
	for _, x := range list {
		if env := s.Find(x.Environment); env != nil {
			env.Drop = &x.Drop
		}
	}
	return err
}

// writeDrops writes down what a comment takes out of a train.
func (d *decision) writeDrops(ctx context.Context, c pendingCommand, cause string, out promotion.Outcome) error {
	for _, x := range out.Drops {
		if err := insertDrop(ctx, d.tx, d.repo.ID, x); err != nil {
			return err
		}
		d.dirty[appUnit(x.App)] = true
		if err := addEvent(ctx, d.tx, event{repository: d.repo.ID, environment: x.Environment, app: x.App, kind: "drop", actor: c.login, cause: cause, at: d.now,
			detail: fmt.Sprintf("#%d %s", x.Number, x.Release.Version())}); err != nil {
			return err
		}
	}
	return nil
}

func insertDrop(ctx context.Context, tx pgx.Tx, repository int64, x promotion.Dropped) error {
	_, err := tx.Exec(ctx, `
		insert into drops (repository, environment, app, release, number, actor, at) values ($1, $2, $3, $4, $5, $6, $7)
		on conflict (repository, environment, app) do update set release = excluded.release, number = excluded.number, actor = excluded.actor, at = excluded.at`,
		repository, x.Environment, x.App, toJSON(x.Release), x.Number, x.Actor, x.At)
	return err
}

// endDrops forgets what was taken out of a train and stands there by now.
func (d *decision) endDrops(ctx context.Context, app string, _ promotion.Snapshot, p promotion.Plan) error {
	for _, environment := range p.DropsDone {
		if err := d.endDrop(ctx, app, environment); err != nil {
			return err
		}
	}
	return nil
}

func (d *decision) endDrop(ctx context.Context, app, environment string) error {
	tag, err := d.tx.Exec(ctx, `delete from drops where repository = $1 and app = $2 and environment = $3`, d.repo.ID, app, environment)
	if err == nil && tag.RowsAffected() > 0 {
		d.dirty[stateUnit] = true
	}
	return err
}
