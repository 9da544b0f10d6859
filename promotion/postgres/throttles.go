package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"ferry/promotion"
)

// What a limit stands for in the place of a repository, where it is not one repository's own.
const (
	wholeInstallation = 0
	graphqlAlone      = -1 // of the whole installation, whose GraphQL requests the forge counts apart
)

// Throttle writes down until when a limit of the forge's stands: on the repository where only what creates content waits, else on its whole installation. All
// replicas that load a repository of that installation heed it.
func (s *Store) Throttle(ctx context.Context, r Repository, t promotion.Throttle) (err error) {
	defer wrap(&err, "Throttle(%d)", r.Installation)
	repository := int64(wholeInstallation)
	switch {
	case t.Content:
		repository = r.ID
	case t.GraphQL:
		repository = graphqlAlone
	}
	_, err = s.pool.Exec(ctx, `
		insert into throttles (forge, installation, repository, until) values ($1, $2, $3, $4)
		on conflict (forge, installation, repository) do update set until = excluded.until where throttles.until < excluded.until`, r.Forge, r.Installation, repository, t.Until)
	return err
}

// HeldUp is an environment repository that waits for a limit of the forge's.
type HeldUp struct {
	Repository string // owner/name
	promotion.Throttle
}

// HeldUp returns the environment repositories that wait now.
func (s *Store) HeldUp(ctx context.Context, now time.Time) (list []HeldUp, err error) {
	defer wrap(&err, "HeldUp")
	rows, err := s.pool.Query(ctx, `
		select r.owner || '/' || r.name, t.forge, t.until, t.repository > 0, t.repository < 0
		from throttles t join repositories r on r.forge = t.forge and r.installation = t.installation and t.repository in (0, -1, r.id)
		where t.until > $1 and r.accessible and (r.config_blob <> '' or r.config_problem <> '') order by 1, t.repository = 0 desc, t.repository`, now)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (h HeldUp, err error) {
		err = row.Scan(&h.Repository, &h.Forge, &h.Until, &h.Content, &h.GraphQL)
		return h, err
	})
}

// throttles returns the limits that a repository was held up by last, the widest first, unless they ended before then.
func throttles(ctx context.Context, q querier, repository int64, then time.Time) (list []promotion.Throttle, err error) {
	rows, err := q.Query(ctx, `
		select t.forge, t.until, t.repository > 0, t.repository < 0 from throttles t join repositories r on r.forge = t.forge and r.installation = t.installation and t.repository in (0, -1, r.id)
		where r.id = $1 and t.until > $2 order by t.repository = 0 desc, t.repository`, repository, then)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (t promotion.Throttle, err error) {
		err = row.Scan(&t.Forge, &t.Until, &t.Content, &t.GraphQL)
		return t, err
	})
}
