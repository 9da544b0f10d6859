package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
)

// readQueue is a table of what plans want to be read, one thing after the other: pending, until it is read or given up, and not before read_at.
type readQueue struct{ table, lease string }

func changeQueue() readQueue { return readQueue{"source_changes", "change:"} }
func lookupQueue() readQueue { return readQueue{"image_lookups", "source:"} }

// load scans the columns of what is still to be read, and returns its repository and how often that was tried; ErrNotFound where it is read, or not due.
func (q readQueue) load(ctx context.Context, s *Store, id int64, now time.Time, columns string, into ...any) (r Repository, attempts int, err error) {
	var repository int64
	err = s.pool.QueryRow(ctx, `select repository, attempts, `+columns+` from `+q.table+` where id = $1 and state = 'pending' and (read_at is null or read_at <= $2)`, id, now).
		Scan(append([]any{&repository, &attempts}, into...)...)
	if errors.Is(err, pgx.ErrNoRows) {
		return r, 0, ErrNotFound
	}
	if err == nil {
		r, err = s.LoadRepository(ctx, repository)
	}
	return r, attempts, err
}

// putOff writes down when it is tried again.
func (q readQueue) putOff(ctx context.Context, s *Store, id int64, until time.Time) error {
	_, err := s.pool.Exec(ctx, `update `+q.table+` set attempts = attempts + 1, read_at = $2 where id = $1 and state = 'pending'`, id, until)
	return err
}

// due returns what is to be read by now and what no live lease holds.
func (q readQueue) due(ctx context.Context, s *Store, now time.Time, limit int) ([]int64, error) {
	return collect[int64](ctx, s, `
		select q.id from `+q.table+` q join repositories r on r.id = q.repository and r.accessible left join leases l on l.name = $3 || q.id and l.expires_at > clock_timestamp()
		where q.state = 'pending' and (q.read_at is null or q.read_at <= $1) and l.name is null order by q.id limit $2`, now, limit, q.lease)
}

// wanted puts something into a queue, and makes it due. Where another app has asked for it already, the statement returns no row, and it is shared with that.
func (d *decision) wanted(ctx context.Context, job func(id int64) river.JobArgs, sql string, args ...any) error {
	var id int64
	err := d.tx.QueryRow(ctx, sql, args...).Scan(&id)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err == nil {
		d.reads = append(d.reads, job(id))
	}
	return err
}
