package postgres

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"ferry/forge"
	"ferry/promotion"
)

// AuthorsArgs asks for the co-authors of commits of one repository to be asked for that the forge has not told.
type AuthorsArgs struct {
	Repository int64  `json:"repository"` // the environment repository
	Source     string `json:"source"`     // owner/name of the repository that has the commits; empty: the environment repository
}

// Kind names the job.
func (AuthorsArgs) Kind() string { return "observe_authors" }

// recordUntold writes down of which commits the forge did not tell who else made them: it is asked again at once, and more and more rarely.
func recordUntold(ctx context.Context, tx pgx.Tx, repository int64, list []promotion.CoAuthors, now time.Time) error {
	for _, c := range list {
		if _, err := tx.Exec(ctx, `
			insert into co_authors (repository, source, revision, sha, problem, asked_at, due_at) values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing`,
			repository, c.Source, c.Revision, c.Commit, c.Problem, now, now.Add(time.Second)); err != nil {
			return err
		}
	}
	return nil
}

// untold reads of which commits that the snapshot names the forge told late who else made them, or has not told.
func (d *decision) untold(ctx context.Context, s *promotion.Snapshot) error {
	var commits, revisions []forge.SHA
	for _, a := range s.Sources {
		commits = append(commits, a.Commit)
	}
	for _, change := range s.Changes {
		for _, c := range change.Commits {
			commits = append(commits, c.SHA)
		}
	}
	for _, env := range s.Environments {
		for _, deployment := range env.History {
			revisions = append(revisions, deployment.FirstSHA)
		}
	}
	rows, err := d.tx.Query(ctx, `
		select source, revision, sha, due_at is null, coalesce(named, '{}'), problem from co_authors
		where repository = $1 and (revision = '' and sha = any($2) or revision <> '' and revision = any($3)) order by asked_at, source, revision, sha`, d.repo.ID, commits, revisions)
	if err != nil {
		return err
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[promotion.CoAuthors])
	s.Name(list)
	return err
}

// PendingAuthors are commits of one repository of which the forge is to be asked who else made them.
type PendingAuthors struct {
	Repository Repository
	Source     string
	Commits    []forge.SHA
	Attempts   int // of the one that was tried least
}

// LoadAuthors returns the commits of which the forge is to be asked by now who else made them, at most as many as one request asks for; none where it told.
func (s *Store) LoadAuthors(ctx context.Context, of AuthorsArgs, most int, now time.Time) (p PendingAuthors, err error) {
	defer wrap(&err, "LoadAuthors(%v)", of)
	p.Source = of.Source
	if p.Repository, err = s.LoadRepository(ctx, of.Repository); err != nil {
		return p, err
	}
	rows, err := s.pool.Query(ctx, `
		select sha, min(attempts) from co_authors where repository = $1 and source = $2 and due_at <= $3 group by sha order by min(due_at), sha limit $4`, of.Repository, of.Source, now, most)
	if err != nil {
		return p, err
	}
	var sha forge.SHA
	var attempts int
	_, err = pgx.ForEachRow(rows, []any{&sha, &attempts}, func() error {
		if len(p.Commits) == 0 || attempts < p.Attempts {
			p.Attempts = attempts
		}
		p.Commits = append(p.Commits, sha)
		return nil
	})
	return p, err
}

// RecordAuthors writes down what the forge told of commits, and why it did not tell of the others, which are asked for again at a time. Where that changes
// what people are told, it is decided anew what waits for them. It fails with ErrFenced where the lease was taken over.
func (s *Store) RecordAuthors(ctx context.Context, lease Lease, p PendingAuthors, told map[forge.SHA][]string, problem string, again time.Time) (err error) {
	defer wrap(&err, "RecordAuthors(%d, %s)", p.Repository.ID, p.Source)
	return s.transact(ctx, pgx.ReadCommitted, func(tx pgx.Tx) error {
		if err := checkFence(ctx, tx, lease); err != nil {
			return err
		}
		news := false
		for _, sha := range slices.Sorted(maps.Keys(told)) {
			tag, err := tx.Exec(ctx, `update co_authors set named = coalesce($4::text[], '{}'), problem = '', due_at = null where repository = $1 and source = $2 and sha = $3 and due_at is not null`,
				p.Repository.ID, p.Source, sha, told[sha])
			if err != nil {
				return err
			}
			news = news || tag.RowsAffected() > 0
		}
		others, err := collectTx[bool](ctx, tx, `
			update co_authors c set attempts = c.attempts + 1, due_at = $4, problem = coalesce(nullif($5, ''), c.problem)
			from co_authors was where was.repository = c.repository and was.source = c.source and was.revision = c.revision and was.sha = c.sha
			  and c.repository = $1 and c.source = $2 and c.sha = any($3) and c.due_at is not null
			returning c.problem <> was.problem`, p.Repository.ID, p.Source, p.Commits, again, problem)
		if err != nil || !news && !slices.Contains(others, true) {
			return err
		}
		units, err := collectTx[string](ctx, tx, `select distinct 'app:' || app from promotions where repository = $1 and state in ('waiting', 'open')`, p.Repository.ID)
		if err != nil {
			return err
		}
		return s.raiseUnits(ctx, tx, p.Repository.ID, units)
	})
}

// dueAuthors returns of which repositories the forge is to be asked by now who else made commits.
func (s *Store) dueAuthors(ctx context.Context, now time.Time, limit int) ([]AuthorsArgs, error) {
	rows, err := s.pool.Query(ctx, `
		select distinct c.repository, c.source from co_authors c join repositories r on r.id = c.repository and r.accessible
		left join leases l on l.name = 'authors:' || c.repository || ':' || c.source and l.expires_at > clock_timestamp()
		where c.due_at <= $1 and l.name is null order by 1, 2 limit $2`, now, limit)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[AuthorsArgs])
}

// askAuthors makes due what the forge has not told of commits: somebody said /retry.
func (d *decision) askAuthors(ctx context.Context) error {
	sources, err := collectTx[string](ctx, d.tx, `
		with due as (update co_authors set due_at = $2 where repository = $1 and due_at > $2 returning source) select distinct source from due order by source`, d.repo.ID, d.now)
	for _, source := range sources {
		d.reads = append(d.reads, AuthorsArgs{Repository: d.repo.ID, Source: source})
	}
	return err
}
