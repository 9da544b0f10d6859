package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// event is one change of state: who, because of what, when.
type event struct {
	repository  int64
	environment string
	app         string
	kind        string
	actor       string
	cause       string
	at          time.Time
	detail      string
}

// addEvent appends an event in the transaction that changes the state.
func addEvent(ctx context.Context, tx pgx.Tx, e event) error {
	_, err := tx.Exec(ctx, `
		insert into events (repository, environment, app, kind, actor, cause, at, detail) values ($1, $2, $3, $4, $5, $6, $7, $8)`,
		e.repository, e.environment, e.app, e.kind, e.actor, e.cause, e.at, e.detail)
	return err
}

// Event is one change of state, for people.
type Event struct {
	Environment string
	App         string
	Kind        string
	Actor       string
	Cause       string
	At          time.Time
	Detail      string
}

// Events returns the newest events of a repository, at most limit.
func (s *Store) Events(ctx context.Context, repository int64, limit int) (list []Event, err error) {
	defer wrap(&err, "Events(%d)", repository)
	rows, err := s.pool.Query(ctx, `
		select environment, app, kind, actor, cause, at, detail from events where repository = $1 order by id desc limit $2`, repository, limit)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Event])
}
