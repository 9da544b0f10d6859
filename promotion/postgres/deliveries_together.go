package postgres

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// crowded is how long the common lane waits for a row that somebody else is writing to: far longer than intake itself writes to one.
const crowded = 200 * time.Millisecond

// storeTogether returns what stores a batch of deliveries by one statement, which is one transaction: the deliveries, the generations of their
// repositories, and one job for each of these. Deliveries of a repository that is not known just as they name it are left to be stored separately;
// so are all of them where the database refuses the batch, for that may be one's fault. With patience, none waits longer than that for a row.
func (s *Store) storeTogether(pool *pgxpool.Pool, patience time.Duration) storer {
	return func(ctx context.Context, batch []*arrival) (fates []fate, err error) {
		err = retried(func() error {
			fates, err = runBatch(ctx, pool, batch, patience)
			return err
		})
		switch code := codeOf(err); {
		case code == "55P03": // lock_not_available
			return slices.Repeat([]fate{blocked}, len(batch)), nil
		case code != "" && !slices.Contains([]string{"08", "53", "57", "58", "XX"}, code[:2]): // not one that stops or has no room
			s.log.WarnContext(ctx, "the database refused to store deliveries together; each is stored by itself, which is slow", "deliveries", len(batch), "error", err)
			return slices.Repeat([]fate{separate}, len(batch)), nil
		}
		return fates, err
	}
}

// columns are the deliveries of a batch, each once, as arrays for one statement.
type columns struct {
	forge, id, event, owner, name []string
	repository, installation      []int64
	at                            []time.Time
	body                          [][]byte
	hints                         []bool
	checks                        checkColumns
	of                            map[string]int // by forge and id
}

func columnsOf(batch []*arrival) *columns {
	c := &columns{of: make(map[string]int, len(batch))}
	for _, a := range batch {
		d, e := a.delivery, a.event
		if _, twice := c.of[a.key()]; twice {
			continue
		}
		c.of[a.key()] = len(c.id)
		c.forge, c.id, c.event, c.body, c.at = append(c.forge, string(d.Forge)), append(c.id, d.ID), append(c.event, d.Name), append(c.body, d.Body), append(c.at, a.at)
		c.owner, c.name = append(c.owner, e.Repo.Owner), append(c.name, e.Repo.Name)
		c.repository, c.installation, c.hints = append(c.repository, e.Repo.ID), append(c.installation, e.Installation), append(c.hints, hints(e))
		c.checks.add(e)
	}
	return c
}

func (a *arrival) key() string { return string(a.delivery.Forge) + " " + a.delivery.ID }

// storeBatch, which runBatch runs, writes everything before it takes the lock on the repositories, which batches of one repository wait for; and rows in a fixed order, so
// that none of them waits for each other. The job is what River's client would insert, and announces itself in River's way: each question and
// answer that the client needs for that is time in which nobody else is stored. Where River announces otherwise one day, its workers find the job
// when they look by themselves.
const storeBatch = `
with arrived as (
  select a.* from (select set_config('lock_timeout', $11, true) as patience) p, unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::text[],
      $6::text[], $7::bigint[], $8::timestamptz[], $9::bytea[], $10::boolean[], $14::text[], $15::text[], $16::bigint[], $17::bigint[], $18::boolean[], $20::bigint[])
    with ordinality as a (forge, id, event, forge_id, owner, name, installation, received_at, body, hints, check_sha, check_name, status, run, done, sender, n)
  where p.patience <> ''
), ready as (
  select a.*, r.id as repository, a.hints or a.status > 0 and starts_with(a.check_name, 'ferry/') and a.sender <> 0 and r.self not in (0, a.sender) and exists (
           select from wishes w where w.repository = r.id and w.kind = 'status' and w.key = a.check_sha || ' ' || a.check_name) as observes -- somebody else's, over one of Ferry's own
  from arrived a left join repositories r on r.forge = a.forge and r.forge_id = a.forge_id and r.accessible
                                         and r.owner = a.owner and r.name = a.name and a.installation in (0, r.installation)
  where a.forge_id = 0 or r.id is not null
), awakened as (` + awakened + `
), matched as (` + matchedChecks + `
), stored as ( -- of checks only what somebody waits for, which needs no observation, and what somebody else posted over a status of Ferry's own
  insert into deliveries (forge, id, event, repository, installation, received_at, body, processed_at, result)
  select forge, id, event, repository, installation, received_at, body, case when not observes and check_sha <> '' then received_at end, case when not observes and check_sha <> '' then 'done' else '' end
  from ready where check_sha = '' or observes or n in (select n from matched) order by forge, id
  on conflict do nothing returning forge, id
), fresh as (
  select r.n, case when r.observes then r.repository end as hinted from ready r join stored s on s.forge = r.forge and s.id = r.id
), raised as (
  update repositories r set generation = generation + 1, observe_at = null
  from (select id from repositories where id in (select hinted from fresh) order by id for no key update) l where l.id = r.id
  returning r.id
), told as (
  insert into check_hints (repository, target, sha, status, run, done, at)
  select distinct m.repository, m.target, r.check_sha, r.status, r.run, r.done, r.received_at from matched m join fresh f on f.n = m.n join ready r on r.n = m.n
  returning repository
), jobs as (
  insert into river_job (kind, args, max_attempts)
  select $12::text, jsonb_build_object('repository', id), $13::smallint from raised union all select distinct $19::text, jsonb_build_object('repository', repository), $13::smallint from told returning queue
), announced as (
  select pg_notify(current_schema() || '.river_insert', json_build_object('queue', queue)::text) from jobs limit 1
)
select (r.n - 1)::int, f.n is not null from ready r left join fresh f on f.n = r.n left join announced on true`

func runBatch(ctx context.Context, pool *pgxpool.Pool, batch []*arrival, patience time.Duration) ([]fate, error) {
	c := columnsOf(batch)
	rows, err := pool.Query(ctx, storeBatch, c.forge, c.id, c.event, c.repository, c.owner, c.name, c.installation, c.at, c.body, c.hints,
		strconv.FormatInt(patience.Milliseconds(), 10), ObserveArgs{}.Kind(), jobAttempts, c.checks.sha, c.checks.name, c.checks.status, c.checks.run, c.checks.done, ChecksArgs{}.Kind(), c.checks.sender)
	if err != nil {
		return nil, err
	}
	found := slices.Repeat([]fate{separate}, len(c.id))
	var i int
	var fresh bool
	_, err = pgx.ForEachRow(rows, []any{&i, &fresh}, func() error {
		if found[i] = known; fresh {
			found[i] = stored
		}
		return nil
	})
	return c.fates(batch, found), err
}

// fates gives every arrival its own: of those that came twice only the first one is new.
func (c *columns) fates(batch []*arrival, found []fate) []fate {
	out, first := make([]fate, len(batch)), make([]bool, len(found))
	for n, a := range batch {
		i := c.of[a.key()]
		if out[n] = found[i]; found[i] == stored && first[i] {
			out[n] = known
		}
		first[i] = true
	}
	return out
}
