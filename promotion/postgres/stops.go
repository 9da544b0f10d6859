package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"ferry/promotion"
)

// stopKind is one kind of what a person stops; what is stored of each is the same.
type stopKind struct {
	table, begin, end, ended string // the table, and the kinds of its events
	rolledBack               string // the column with what a rollback took away; only holds have it
}

func holdKind() stopKind { return stopKind{"holds", "hold", "resume", "hold ended", "rolled_back"} }
func freezeKind() stopKind {
	return stopKind{"freezes", "freeze", "thaw", "freeze ended", "'[]'::jsonb"}
}

// stops reads what nobody has lifted and no time has ended.
func (d *decision) stops(ctx context.Context) (s promotion.Stops, err error) {
	if s.Holds, err = d.active(ctx, holdKind()); err != nil {
		return s, err
	}
	frozen, err := d.active(ctx, freezeKind())
	for _, f := range frozen {
		s.Freezes = append(s.Freezes, promotion.Freeze(f))
	}
	if err == nil {
		s.Blocks, err = d.blocks(ctx)
	}
	return s, err
}

// allStops is stops with what keeps them from standing at the forge, for people to read.
func (d *decision) allStops(ctx context.Context) (s promotion.Stops, err error) {
	if s, err = d.stops(ctx); err != nil {
		return s, err
	}
	err = d.tx.QueryRow(ctx, unkept, d.repo.ID, patientTries).Scan(&s.Unkept)
	return s, err
}

func (d *decision) active(ctx context.Context, kind stopKind) (list []promotion.Hold, err error) {
	rows, err := d.tx.Query(ctx, `
		select id, app, environment, apps, reason, actor, at, until, `+kind.rolledBack+` from `+kind.table+`
		where repository = $1 and lifted_at is null and (until is null or until > $2) order by id`, d.repo.ID, d.now)
	if err != nil {
		return nil, err
	}
	var h promotion.Hold
	var until *time.Time
	var apps, rolledBack []byte
	_, err = pgx.ForEachRow(rows, []any{&h.ID, &h.App, &h.Environment, &apps, &h.Reason, &h.Actor, &h.At, &until, &rolledBack}, func() error {
		one := h
		one.At, one.Until, one.RolledBack = h.At.UTC(), timeOf(until), nil
		if err := errors.Join(json.Unmarshal(rolledBack, &one.RolledBack), json.Unmarshal(apps, &one.Apps)); err != nil {
			return err
		}
		list = append(list, one)
		return nil
	})
	return list, err
}

// stopped puts what people stopped at the environments of the snapshot.
func (d *decision) stopped(ctx context.Context, s *promotion.Snapshot) error {
	stops, err := d.stops(ctx)
	stops = d.tried.stops(stops)
	for i := range s.Environments {
		env := &s.Environments[i]
		env.Holds, env.Frozen = stops.On(s.App.Name, env.Name, s.App.Group)
		env.Blocks = stops.BlocksOn(s.App.Name, env.Name, promotion.FromOf(d.config, s.App.Name))
	}
	return err
}

// begin writes down that a person stopped something.
func (d *decision) begin(ctx context.Context, c pendingCommand, cause string, kind stopKind, h promotion.Hold) error {
	if err := insertStop(ctx, d.tx, d.repo.ID, kind, h); err != nil {
		return err
	}
	return d.said(ctx, c, cause, kind.begin, h.Environment, h.App, h.Reason, h.Apps...)
}

func insertStop(ctx context.Context, tx pgx.Tx, repository int64, kind stopKind, h promotion.Hold) error {
	var id int64
	err := tx.QueryRow(ctx, `insert into `+kind.table+` (repository, environment, app, reason, actor, at, until, apps) values ($1, $2, $3, $4, $5, $6, $7, $8) returning id`,
		repository, h.Environment, h.App, h.Reason, h.Actor, h.At, nullTime(h.Until), toJSON(emptyNotNull(h.Apps))).Scan(&id)
	if err == nil && len(h.RolledBack) > 0 {
		_, err = tx.Exec(ctx, `update holds set rolled_back = $2 where id = $1`, id, toJSON(h.RolledBack))
	}
	return err
}

// end writes down that a person lifted what was stopped.
func (d *decision) end(ctx context.Context, c pendingCommand, cause string, kind stopKind, id int64) error {
	var environment, app string
	var apps []string
	if err := d.tx.QueryRow(ctx, `update `+kind.table+` set lifted_at = $2, lifted_by = $3 where id = $1
		returning environment, app, array(select jsonb_array_elements_text(apps))`, id, d.now, c.login).
		Scan(&environment, &app, &apps); err != nil {
		return err
	}
	return d.said(ctx, c, cause, kind.end, environment, app, "", apps...)
}

// endStops lifts what was stopped for a time that is over.
func (d *decision) endStops(ctx context.Context, kind stopKind) error {
	rows, err := d.tx.Query(ctx, `
		update `+kind.table+` set lifted_at = until, lifted_by = 'timer' where repository = $1 and lifted_at is null and until <= $2
		returning environment, app, reason`, d.repo.ID, d.now)
	if err != nil {
		return err
	}
	var ended []event
	e := event{repository: d.repo.ID, kind: kind.ended, actor: "timer", cause: "timer", at: d.now}
	if _, err := pgx.ForEachRow(rows, []any{&e.environment, &e.app, &e.detail}, func() error { ended = append(ended, e); return nil }); err != nil {
		return err
	}
	for _, e := range ended {
		d.dirty[issueUnit] = true
		if err := addEvent(ctx, d.tx, e); err != nil {
			return err
		}
	}
	return nil
}
