package postgres

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"ferry/forge"
	"ferry/promotion"
)

// checks reads what is wanted of the forge's checks, and how they stand, for an app that asks for any.
func (d *decision) checks(ctx context.Context, s *promotion.Snapshot) error {
	if !slices.ContainsFunc(s.Environments, func(e promotion.Environment) bool { return len(e.Checks) > 0 }) {
		return nil
	}
	rows, err := d.tx.Query(ctx, `
		select environment, target, sha, deployment, names, since from check_wants where repository = $1 and app = $2 order by environment, since, target, sha`, d.repo.ID, s.App.Name)
	if err != nil {
		return err
	}
	if s.CheckWants, err = pgx.CollectRows(rows, pgx.RowToStructByPos[promotion.CheckWant]); err != nil {
		return err
	}
	// Of the environment repository whatever was read counts that may be a revision of the app's; the plan knows which are.
	rows, err = d.tx.Query(ctx, `
		select f.target, f.sha, coalesce(v.seq, 0), f.names, f.checks, f.problem
		from check_facts f left join revisions v on v.repository = f.repository and v.branch = $2 and v.sha = f.sha and f.target = ''
		where f.repository = $1 and (v.seq is not null or exists (
		  select from check_wants w where w.repository = f.repository and w.app = $3 and w.target = f.target and w.sha = f.sha))
		order by v.seq desc nulls last, f.target, f.sha limit 200`, d.repo.ID, d.repo.DefaultBranch, s.App.Name)
	if err != nil {
		return err
	}
	var c promotion.CheckedCommit
	var checks []byte
	_, err = pgx.ForEachRow(rows, []any{&c.Target, &c.SHA, &c.Seq, &c.Names, &checks, &c.Problem}, func() error {
		one := c
		one.Names, one.Checks = slices.Clone(c.Names), nil
		s.Checked = append(s.Checked, one)
		return json.Unmarshal(checks, &s.Checked[len(s.Checked)-1].Checks)
	})
	return err
}

// writeChecks writes down which commits' checks the plan wants, and has those read that were not.
func (d *decision) writeChecks(ctx context.Context, app string, s promotion.Snapshot, p promotion.Plan) error {
	before, after := map[string]promotion.CheckWant{}, map[string]promotion.CheckWant{}
	for _, w := range s.CheckWants {
		before[wantKey(w)] = w
	}
	for _, w := range p.CheckWants {
		after[wantKey(w)] = w
	}
	for key, w := range before {
		if _, still := after[key]; still {
			continue
		}
		if _, err := d.tx.Exec(ctx, `delete from check_wants where repository = $1 and app = $2 and environment = $3 and target = $4 and sha = $5`,
			d.repo.ID, app, w.Environment, w.Target, w.SHA); err != nil {
			return err
		}
	}
	asked := false
	for _, key := range slices.Sorted(maps.Keys(after)) {
		w := after[key]
		if old, known := before[key]; known && slices.Equal(old.Names, w.Names) && old.Deployment == w.Deployment {
			continue
		}
		unread, err := d.wantChecks(ctx, app, w)
		if err != nil {
			return err
		}
		asked = asked || unread
	}
	if !asked {
		return nil
	}
	return d.enqueue(ctx, d.tx, ChecksArgs{Repository: d.repo.ID})
}

func wantKey(w promotion.CheckWant) string {
	return w.Environment + " " + w.Target + " " + string(w.SHA)
}

// wantChecks writes one want down, and asks for a reading where none tells of its checks.
func (d *decision) wantChecks(ctx context.Context, app string, w promotion.CheckWant) (unread bool, err error) {
	if _, err := d.tx.Exec(ctx, `
		insert into check_wants (repository, app, environment, target, sha, deployment, names, since) values ($1, $2, $3, $4, $5, $6, $7, $8)
		on conflict (repository, app, environment, target, sha) do update set deployment = excluded.deployment, names = excluded.names, since = excluded.since`,
		d.repo.ID, app, w.Environment, w.Target, w.SHA, w.Deployment, w.Names, d.now); err != nil {
		return false, err
	}
	tag, err := d.tx.Exec(ctx, `
		insert into check_hints (repository, target, sha, at) select $1, $2, $3, $5
		where not exists (select from check_facts where repository = $1 and target = $2 and sha = $3 and names @> $4)`,
		d.repo.ID, w.Target, w.SHA, w.Names, d.now)
	return err == nil && tag.RowsAffected() > 0, err
}

// UnreadChecks is a commit whose checks are to be read, with what the reading has to show at least.
type UnreadChecks struct {
	Target   string
	SHA      forge.SHA
	Names    []string
	Hints    []int64 // that a reading from now on answers
	Status   int64
	Run      int64
	Done     int64 // the newest check run that is completed, as far as deliveries told
	Since    time.Time
	Attempts int
}

// checksAtOnce bounds how many commits one turn reads.
const checksAtOnce = 50

// UnreadChecks returns the commits of the repository whose checks are to be read by now; those that nobody wants any more are forgotten.
func (s *Store) UnreadChecks(ctx context.Context, repository int64, now time.Time) (list []UnreadChecks, err error) {
	defer wrap(&err, "UnreadChecks(%d)", repository)
	if _, err := s.pool.Exec(ctx, `
		delete from check_hints h where h.repository = $1 and not exists (select from check_wants w where w.repository = $1)`, repository); err != nil {
		return nil, err
	}
	rows, err := s.pool.Query(ctx, `
		select h.target, h.sha, n.names, array_agg(h.id), max(h.status), max(h.run), coalesce(max(h.run) filter (where h.done), 0), max(h.at), max(h.attempts)
		from check_hints h, lateral (select coalesce(array_agg(distinct x order by x), '{}') as names from check_wants w, unnest(w.names) x
		  where w.repository = h.repository and (w.target = h.target and w.sha = h.sha or h.target = '' and w.deployment <> 0)) n
		where h.repository = $1 and (h.again_at is null or h.again_at <= $2) group by h.target, h.sha, n.names order by min(h.id) limit $3`, repository, now, checksAtOnce)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[UnreadChecks])
}

// ReadChecks is what reading a commit's checks found.
type ReadChecks struct {
	UnreadChecks
	Checks  []forge.Check
	Problem string
	Again   time.Time // it is read again then, for what was found is older than what a delivery told; zero: it is not
}

// RecordChecks writes readings down and makes the apps due that they matter to. It fails with ErrFenced, and writes nothing, where the lease was taken over.
func (s *Store) RecordChecks(ctx context.Context, lease Lease, repository int64, found []ReadChecks, now time.Time) (err error) {
	defer wrap(&err, "RecordChecks(%d)", repository)
	return s.transact(ctx, pgx.ReadCommitted, func(tx pgx.Tx) error {
		if err := checkFence(ctx, tx, lease); err != nil {
			return err
		}
		dirty := map[string]bool{}
		for _, f := range found {
			changed, err := recordChecks(ctx, tx, repository, f, now)
			if err != nil {
				return err
			}
			if !changed {
				continue
			}
			apps, err := collectTx[string](ctx, tx, `
				select distinct app from check_wants where repository = $1 and (target = $2 and sha = $3 or $2 = '' and deployment <> 0)`, repository, f.Target, f.SHA)
			if err != nil {
				return err
			}
			for _, app := range apps {
				dirty[appUnit(app)] = true
			}
		}
		return s.raiseUnits(ctx, tx, repository, keys(dirty))
	})
}

func recordChecks(ctx context.Context, tx pgx.Tx, repository int64, f ReadChecks, now time.Time) (changed bool, err error) {
	if f.Checks == nil {
		f.Checks = []forge.Check{}
	}
	tag, err := tx.Exec(ctx, `
		insert into check_facts (repository, target, sha, names, checks, problem, read_at) values ($1, $2, $3, $4, $5, $6, $7)
		on conflict (repository, target, sha) do update set names = excluded.names, checks = excluded.checks, problem = excluded.problem, read_at = excluded.read_at
		where (check_facts.names, check_facts.checks, check_facts.problem) is distinct from (excluded.names, excluded.checks, excluded.problem)`,
		repository, f.Target, f.SHA, f.Names, toJSON(f.Checks), f.Problem, now)
	if err != nil {
		return false, err
	}
	if f.Again.IsZero() {
		_, err = tx.Exec(ctx, `delete from check_hints where id = any($1)`, f.Hints)
	} else {
		_, err = tx.Exec(ctx, `update check_hints set again_at = $2, attempts = attempts + 1 where id = any($1)`, f.Hints, f.Again)
	}
	return tag.RowsAffected() > 0, err
}

// PutOffChecks writes down when commits' checks are tried to be read again.
func (s *Store) PutOffChecks(ctx context.Context, lease Lease, hints []int64, until time.Time) (err error) {
	defer wrap(&err, "PutOffChecks")
	return s.transact(ctx, pgx.ReadCommitted, func(tx pgx.Tx) error {
		if err := checkFence(ctx, tx, lease); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `update check_hints set again_at = $2, attempts = attempts + 1 where id = any($1)`, hints, until)
		return err
	})
}

// dueChecks returns the repositories with checks to be read.
func (s *Store) dueChecks(ctx context.Context, now time.Time, timersAlone bool, limit int) ([]int64, error) {
	return collect[int64](ctx, s, `
		select distinct h.repository from check_hints h join repositories r on r.id = h.repository and r.accessible
		where (h.again_at <= $1 or h.again_at is null and not $3)
		  and not exists (select from leases l where l.name = 'checks:' || h.repository and l.expires_at > clock_timestamp()) limit $2`, now, limit, timersAlone)
}

// newestRevisions is how many of the newest revisions of a deployment a sweep looks at: what was posted there may have been told by a delivery that got lost.
const newestRevisions = 10

// sweepChecks has everything read again that is wanted.
func (r *observation) sweepChecks(ctx context.Context) error {
	if r.o.ConfigFacts != nil { // every app is planned anew, and what was asked for may not be any more
		if _, err := r.tx.Exec(ctx, `delete from check_wants where repository = $1`, r.repo.ID); err != nil {
			return err
		}
	}
	if !r.repo.Sweep {
		return nil
	}
	tag, err := r.tx.Exec(ctx, `
		insert into check_hints (repository, target, sha, at)
		select $1, x.target, x.sha, $3 from (
		  select target, sha from check_wants where repository = $1
		  union
		  select '', v.sha from (select distinct deployment from check_wants where repository = $1 and deployment <> 0) w
		    join deployments d on d.id = w.deployment, lateral (
		    select sha from revisions v where v.repository = $1 and v.branch = $2 and v.seq >= d.first_seq and (d.last_seq is null or v.seq < d.last_seq) order by v.seq desc limit $4) v
		) x where not exists (select from check_hints h where h.repository = $1 and h.target = x.target and h.sha = x.sha and h.status = 0 and h.run = 0)`,
		r.repo.ID, r.repo.DefaultBranch, r.now, newestRevisions)
	if err != nil || tag.RowsAffected() == 0 {
		return err
	}
	return r.enqueue(ctx, r.tx, ChecksArgs{Repository: r.repo.ID})
}
