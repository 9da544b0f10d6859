package postgres

import (
	"context"
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"

	"ferry/forge"
	"ferry/promotion/doctor"
)

// ExamineArgs asks for a look at how a forge is set up.
type ExamineArgs struct {
	Forge string `json:"forge"`
}

// Kind names the job.
func (ExamineArgs) Kind() string { return "examine" }

// Examination is what was found last in how a forge is set up.
type Examination struct {
	Forge    forge.Kind       `json:"forge"`
	LookedAt time.Time        `json:"looked_at,omitzero"`
	Failure  string           `json:"failure,omitempty"` // of a newer look, which found nothing out, or of what that look missed
	Findings []doctor.Finding `json:"findings"`
}

// Examinations returns what was found at each forge.
func (s *Store) Examinations(ctx context.Context) (list []Examination, err error) {
	defer wrap(&err, "Examinations")
	rows, err := s.pool.Query(ctx, `select forge, looked_at, failure, findings from examinations order by forge`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (e Examination, err error) {
		var at *time.Time
		var findings []byte
		if err := row.Scan(&e.Forge, &at, &e.Failure, &findings); err != nil {
			return e, err
		}
		e.LookedAt = timeOf(at)
		return e, json.Unmarshal(findings, &e.Findings)
	})
}

// WatchSetup makes a look at how a forge is set up due, unless it is looked at already.
func (s *Store) WatchSetup(ctx context.Context, kind forge.Kind, now time.Time) (err error) {
	defer wrap(&err, "WatchSetup(%s)", kind)
	_, err = s.pool.Exec(ctx, `insert into examinations (forge, due_at) values ($1, $2) on conflict (forge) do nothing`, kind, now)
	return err
}

// dueExaminations returns the forges that are to be looked at by now and that no live lease holds.
func (s *Store) dueExaminations(ctx context.Context, now time.Time) ([]ExamineArgs, error) {
	rows, err := s.pool.Query(ctx, `
		select e.forge from examinations e left join leases l on l.name = 'examine:' || e.forge and l.expires_at > clock_timestamp() where e.due_at <= $1 and l.name is null`, now)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[ExamineArgs])
}

// Patients returns the environment repositories of a forge that are to be looked at, or ErrNotFound where no look is due. The next one is due at again, in case
// this one comes to no end.
func (s *Store) Patients(ctx context.Context, kind forge.Kind, now, again time.Time) (list []Repository, err error) {
	defer wrap(&err, "Patients(%s)", kind)
	tag, err := s.pool.Exec(ctx, `update examinations set due_at = $3 where forge = $1 and due_at <= $2`, kind, now, again)
	if err != nil {
		return nil, err
	}
	if tag.RowsAffected() == 0 {
		return nil, ErrNotFound
	}
	ids, err := collect[int64](ctx, s, `select id from repositories where forge = $1 and accessible and (config_blob <> '' or config_problem <> '') order by owner, name`, kind)
	for _, id := range ids {
		r, err := s.LoadRepository(ctx, id)
		if err != nil {
			return nil, err
		}
		list = append(list, r)
	}
	return list, err
}

// RecordExamination writes down what was found, and when to look again: at once where a delivery has told of a change meanwhile. It fails with ErrFenced
// where the lease was taken over.
func (s *Store) RecordExamination(ctx context.Context, lease Lease, e Examination, next time.Time) (err error) {
	defer wrap(&err, "RecordExamination(%s)", e.Forge)
	return s.transact(ctx, pgx.ReadCommitted, func(tx pgx.Tx) error {
		if err := checkFence(ctx, tx, lease); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `update examinations set findings = $2, looked_at = $3, failure = $5, due_at = case when due_at = '-infinity' then due_at else $4 end where forge = $1`,
			e.Forge, toJSON(emptyNotNull(e.Findings)), e.LookedAt, next, e.Failure)
		return err
	})
}

// PutOffExamination writes down why a look came to no end, and when to look again. What was found before stays.
func (s *Store) PutOffExamination(ctx context.Context, kind forge.Kind, failure string, next time.Time) (err error) {
	defer wrap(&err, "PutOffExamination(%s)", kind)
	_, err = s.pool.Exec(ctx, `update examinations set failure = $2, due_at = $3 where forge = $1`, kind, failure, next)
	return err
}
