package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"ferry/forge"
)

// Due is work that is not done and that no live lease holds.
type Due struct {
	Repositories  []int64
	Installations []InstallationArgs
	Changes       []int64 // of sources, to be read
	Units         []DecideArgs
	Checks        []int64 // repositories
	Wishes        []int64
	Logs          []DeliveryLogArgs
	Lookups       []int64 // of source commits
	Authors       []AuthorsArgs
	Examinations  []ExamineArgs
}

// Empty says that there is nothing to do.
func (d Due) Empty() bool {
	return len(d.Repositories)+len(d.Installations)+len(d.Changes)+len(d.Units)+len(d.Checks)+len(d.Wishes)+len(d.Logs)+len(d.Lookups)+len(d.Authors)+len(d.Examinations) == 0
}

// DueWork returns the work that is due at now: generations that are not done, timers that have run out, wishes that are not true yet.
func (s *Store) DueWork(ctx context.Context, now time.Time, limit int) (due Due, err error) {
	defer wrap(&err, "DueWork")
	if due.Repositories, err = collect[int64](ctx, s, `
		select r.id from repositories r left join leases l on l.name = 'observe:' || r.id and l.expires_at > clock_timestamp()
		where r.generation <> r.observed and r.accessible and (r.observe_at is null or r.observe_at <= $1) and l.name is null order by r.id limit $2`, now, limit); err != nil {
		return due, err
	}
	rows, err := s.pool.Query(ctx, `
		select forge, id from installations where generation <> observed and (observe_at is null or observe_at <= $1) order by id limit $2`, now, limit)
	if err != nil {
		return due, err
	}
	if due.Installations, err = pgx.CollectRows(rows, pgx.RowToStructByPos[InstallationArgs]); err != nil {
		return due, err
	}
	if due.Changes, err = changeQueue().due(ctx, s, now, limit); err != nil {
		return due, err
	}
	if due.Lookups, err = lookupQueue().due(ctx, s, now, limit); err != nil {
		return due, err
	}
	if due.Authors, err = s.dueAuthors(ctx, now, limit); err != nil {
		return due, err
	}
	rows, err = s.pool.Query(ctx, `
		(select u.repository, u.name from units u join repositories r on r.id = u.repository and r.accessible
		 where u.generation <> u.decided order by u.repository, u.name limit $2)
		union (select u.repository, u.name from units u join repositories r on r.id = u.repository and r.accessible where u.due_at <= $1 order by u.due_at limit $2)
		order by 1, 2`, now, limit)
	if err != nil {
		return due, err
	}
	if due.Units, err = pgx.CollectRows(rows, pgx.RowToStructByPos[DecideArgs]); err != nil {
		return due, err
	}
	if due.Checks, err = s.dueChecks(ctx, now, false, limit); err != nil {
		return due, err
	}
	if due.Logs, err = s.dueLogs(ctx, now); err != nil {
		return due, err
	}
	if due.Examinations, err = s.dueExaminations(ctx, now); err != nil {
		return due, err
	}
	due.Wishes, err = collect[int64](ctx, s, `
		select w.id from wishes w join repositories r on r.id = w.repository and r.accessible left join leases l on l.name = 'act:' || w.id and l.expires_at > clock_timestamp()
		where (w.version <> w.applied_version and (w.act_at is null or w.act_at <= $1)) and l.name is null order by w.id limit $2`, now, limit)
	return due, err
}

// TimersDue returns the units whose timer has run out, and the wishes that waited for a time.
func (s *Store) TimersDue(ctx context.Context, now time.Time, limit int) (due Due, err error) {
	defer wrap(&err, "TimersDue")
	rows, err := s.pool.Query(ctx, `
		select u.repository, u.name from units u join repositories r on r.id = u.repository and r.accessible where u.due_at <= $1 order by u.due_at limit $2`, now, limit)
	if err != nil {
		return due, err
	}
	if due.Units, err = pgx.CollectRows(rows, pgx.RowToStructByPos[DecideArgs]); err != nil {
		return due, err
	}
	if due.Repositories, err = collect[int64](ctx, s, `select id from repositories where generation <> observed and accessible and observe_at <= $1 limit $2`, now, limit); err != nil {
		return due, err
	}
	if due.Checks, err = s.dueChecks(ctx, now, true, limit); err != nil {
		return due, err
	}
	due.Wishes, err = collect[int64](ctx, s, `
		select w.id from wishes w join repositories r on r.id = w.repository and r.accessible
		where w.version <> w.applied_version and w.act_at <= $1 order by w.act_at limit $2`, now, limit)
	return due, err
}

func collect[T any](ctx context.Context, s *Store, sql string, args ...any) ([]T, error) {
	rows, err := s.pool.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[T])
}

// EnqueueDue inserts the jobs for due work.
func (s *Store) EnqueueDue(ctx context.Context, due Due) (err error) {
	defer wrap(&err, "EnqueueDue")
	if due.Empty() {
		return nil
	}
	var jobs []river.JobArgs
	for _, id := range due.Repositories {
		jobs = append(jobs, ObserveArgs{Repository: id})
	}
	for _, i := range due.Installations {
		jobs = append(jobs, i)
	}
	for _, id := range due.Checks {
		jobs = append(jobs, ChecksArgs{Repository: id})
	}
	for _, id := range due.Changes {
		jobs = append(jobs, ChangeArgs{Change: id})
	}
	for _, id := range due.Lookups {
		jobs = append(jobs, LookupArgs{Lookup: id})
	}
	for _, of := range due.Authors {
		jobs = append(jobs, of)
	}
	for _, u := range due.Units {
		jobs = append(jobs, u)
	}
	for _, id := range due.Wishes {
		jobs = append(jobs, ActArgs{Wish: id})
	}
	for _, l := range due.Logs {
		jobs = append(jobs, l)
	}
	for _, e := range due.Examinations {
		jobs = append(jobs, e)
	}
	return s.transact(ctx, pgx.ReadCommitted, func(tx pgx.Tx) error { return s.enqueue(ctx, tx, jobs...) })
}

// SweepRepositories makes every repository due that was not read whole since before. It repairs what no delivery announced. A repository without
// .ferry.yaml, which may be a source repository or none of Ferry's at all, is read far less often.
func (s *Store) SweepRepositories(ctx context.Context, before time.Time) (err error) {
	defer wrap(&err, "SweepRepositories")
	return s.transact(ctx, pgx.ReadCommitted, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `
			update repositories set generation = generation + 1, sweep = true
			where accessible and not sweep and (swept_at is null or swept_at < case when config_blob <> '' or config_problem <> '' then $1::timestamptz else $2::timestamptz end)
			returning id`, before, before.Add(-idleSweep))
		if err != nil {
			return err
		}
		ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
		if err != nil {
			return err
		}
		jobs := make([]river.JobArgs, len(ids))
		for i, id := range ids {
			jobs[i] = ObserveArgs{Repository: id}
		}
		return s.enqueue(ctx, tx, jobs...)
	})
}

// idleSweep is how much longer a repository that Ferry has nothing to do with goes unread.
const idleSweep = 6 * time.Hour

// Installation is what Ferry knows of an installation.
type Installation struct {
	Generation, Observed int64
	Access               int64 // how often what it may do has changed
	Gone                 bool
}

// LoadInstallation returns an installation, or ErrNotFound.
func (s *Store) LoadInstallation(ctx context.Context, kind forge.Kind, id int64) (i Installation, err error) {
	defer wrap(&err, "LoadInstallation(%d)", id)
	err = s.pool.QueryRow(ctx, `select generation, observed, access, gone from installations where forge = $1 and id = $2`, kind, id).
		Scan(&i.Generation, &i.Observed, &i.Access, &i.Gone)
	if errors.Is(err, pgx.ErrNoRows) {
		err = ErrNotFound
	}
	return i, err
}

// RecordInstallation writes down which repositories an installation shows to Ferry. Those that it does not show any more are left alone until it does.
func (s *Store) RecordInstallation(ctx context.Context, kind forge.Kind, id, generation int64, repositories []forge.Repository, now time.Time) (err error) {
	defer wrap(&err, "RecordInstallation(%d)", id)
	return s.transact(ctx, pgx.ReadCommitted, func(tx pgx.Tx) error {
		ids := make([]int64, 0, len(repositories))
		for _, r := range repositories {
			ids = append(ids, r.ID)
			if err := s.shown(ctx, tx, kind, id, r); err != nil {
				return err
			}
		}
		if _, err := tx.Exec(ctx, `update repositories set accessible = false where forge = $1 and installation = $2 and not forge_id = any($3)`, kind, id, ids); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `update installations set observed = $3, observe_at = null where forge = $1 and id = $2`, kind, id, generation)
		return err
	})
}

// shown writes down that an installation shows a repository. One that is new, was renamed or comes back is read whole.
func (s *Store) shown(ctx context.Context, tx pgx.Tx, kind forge.Kind, installation int64, r forge.Repository) error {
	var row int64
	var known bool
	if err := tx.QueryRow(ctx, `
		with old as (select accessible and installation = $6 and owner = $3 and name = $4 and generation > 0 as same from repositories where forge = $1 and forge_id = $2)
		insert into repositories (forge, forge_id, owner, name, default_branch, installation, sweep) values ($1, $2, $3, $4, $5, $6, true)
		on conflict (forge, forge_id) do update set owner = excluded.owner, name = excluded.name, installation = excluded.installation, accessible = true
		returning id, coalesce((select same from old), false)`, kind, r.ID, r.Owner, r.Name, r.DefaultBranch, installation).Scan(&row, &known); err != nil || known {
		return err
	}
	return s.raiseRepository(ctx, tx, row, true)
}

// RecordInstallations makes due every installation that the forge lists, for deliveries about its repositories may have been lost, and every one
// that Ferry knows and the forge lists no more.
func (s *Store) RecordInstallations(ctx context.Context, kind forge.Kind, list []forge.Installation) (err error) {
	defer wrap(&err, "RecordInstallations")
	return s.transact(ctx, pgx.ReadCommitted, func(tx pgx.Tx) error {
		ids := make([]int64, 0, len(list))
		for _, i := range list {
			ids = append(ids, i.ID)
			if _, err := tx.Exec(ctx, `
				insert into installations (forge, id, account, gone, generation) values ($1, $2, $3, $4, 1)
				on conflict (forge, id) do update set gone = excluded.gone, generation = installations.generation + 1`, kind, i.ID, i.Account, i.Suspended); err != nil {
				return err
			}
		}
		lost, err := collectTx[int64](ctx, tx, `
			update installations set gone = true, generation = generation + 1 where forge = $1 and not gone and not id = any($2) and not 0 = any($2) returning id`, kind, ids) // 0 is a plain token, which knows of none
		if err != nil {
			return err
		}
		var jobs []river.JobArgs
		for _, id := range append(ids, lost...) {
			jobs = append(jobs, InstallationArgs{Forge: string(kind), Installation: id})
		}
		return s.enqueue(ctx, tx, jobs...)
	})
}

// PutOffInstallation writes down when reading an installation is tried again.
func (s *Store) PutOffInstallation(ctx context.Context, kind forge.Kind, id int64, until time.Time) (err error) {
	defer wrap(&err, "PutOffInstallation(%d)", id)
	_, err = s.pool.Exec(ctx, `update installations set observe_at = $3 where forge = $1 and id = $2`, kind, id, until)
	return err
}
