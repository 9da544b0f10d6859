package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"ferry/forge"
	"ferry/promotion"
)

// ChangeArgs asks for what lies between two commits of a source repository to be read.
type ChangeArgs struct {
	Change int64 `json:"change"`
}

// Kind names the job.
func (ChangeArgs) Kind() string { return "observe_change" }

// changes reads what is known of the source between releases of the app: every change that leads to a commit which the snapshot names.
func (d *decision) changes(ctx context.Context, s *promotion.Snapshot) error {
	var heads []string
	for _, a := range s.Sources {
		if a.Commit != "" {
			heads = append(heads, string(a.Commit))
		}
	}
	if len(heads) < 2 || s.App.Source == "" {
		return nil
	}
	rows, err := d.tx.Query(ctx, `
		select source, base, head, state, relation, total, commits from source_changes
		where repository = $1 and source = $2 and head = any($3) order by id`, d.repo.ID, s.App.Source, heads)
	if err != nil {
		return err
	}
	var c promotion.SourceChange
	var commits []byte
	_, err = pgx.ForEachRow(rows, []any{&c.Source, &c.Base, &c.Head, &c.State, &c.Relation, &c.Total, &commits}, func() error {
		one := c
		one.Commits = nil
		s.Changes = append(s.Changes, one)
		return json.Unmarshal(commits, &s.Changes[len(s.Changes)-1].Commits)
	})
	return err
}

// writeReads makes due what the plan wants to be read. What another app asked for already is shared with it.
func (d *decision) writeReads(ctx context.Context, app string, _ promotion.Snapshot, p promotion.Plan) error {
	for _, k := range p.Reads {
		if err := d.wanted(ctx, func(id int64) river.JobArgs { return ChangeArgs{Change: id} }, `
			insert into source_changes as c (repository, source, base, head, apps) values ($1, $2, $3, $4, array[$5])
			on conflict (repository, source, base, head) do update set apps = c.apps || excluded.apps where not c.apps @> excluded.apps
			returning id`, d.repo.ID, k.Source, k.Base, k.Head, app); err != nil {
			return err
		}
	}
	return nil
}

// PendingChange is a change that is to be read.
type PendingChange struct {
	ID         int64
	Repository Repository
	promotion.ChangeKey
	Attempts int
}

// LoadChange returns a change that is still to be read, or ErrNotFound.
func (s *Store) LoadChange(ctx context.Context, id int64, now time.Time) (c PendingChange, err error) {
	defer wrap(&err, "LoadChange(%d)", id)
	c.ID = id
	c.Repository, c.Attempts, err = changeQueue().load(ctx, s, id, now, `source, base, head`, &c.Source, &c.Base, &c.Head)
	return c, err
}

// RecordChange writes down what was read, or that it cannot be, and of which of its commits the forge did not tell who else made them, and lets the plans that wait for it be made anew. It fails with ErrFenced where the
// lease was taken over.
func (s *Store) RecordChange(ctx context.Context, lease Lease, c PendingChange, read promotion.SourceChange, untold []promotion.CoAuthors, now time.Time) (err error) {
	defer wrap(&err, "RecordChange(%d)", c.ID)
	return s.transact(ctx, pgx.ReadCommitted, func(tx pgx.Tx) error {
		if err := checkFence(ctx, tx, lease); err != nil {
			return err
		}
		if read.Commits == nil {
			read.Commits = []promotion.SourceCommit{}
		}
		var apps []string
		err := tx.QueryRow(ctx, `
			update source_changes set state = $2, relation = $3, total = $4, commits = $5, read_at = $6 where id = $1 and state = 'pending' returning apps`,
			c.ID, read.State, read.Relation, read.Total, toJSON(read.Commits), now).Scan(&apps)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		for i := range untold {
			untold[i].Source = c.Source
		}
		if err := recordUntold(ctx, tx, c.Repository.ID, untold, now); err != nil {
			return err
		}
		for i := range apps {
			apps[i] = appUnit(apps[i])
		}
		return s.raiseUnits(ctx, tx, c.Repository.ID, apps)
	})
}

// PutOffChange writes down when a change is tried to be read again.
func (s *Store) PutOffChange(ctx context.Context, id int64, until time.Time) (err error) {
	defer wrap(&err, "PutOffChange(%d)", id)
	return changeQueue().putOff(ctx, s, id, until)
}

// NewSourceChange returns what is kept of what the forge said.
func NewSourceChange(k promotion.ChangeKey, found forge.Changes) promotion.SourceChange {
	out := promotion.SourceChange{ChangeKey: k, State: promotion.ChangeRead, Relation: found.Relation, Total: found.Total}
	for _, c := range found.Commits[max(0, len(found.Commits)-promotion.MostSourceCommits):] {
		out.Commits = append(out.Commits, promotion.NewSourceCommit(c))
	}
	return out
}
