package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"ferry/forge"
)

// matchedChecks finds for deliveries that tell of a check whether a release waits for it: on a commit that is wanted, or on another revision at which
// the release stands upstream. Most check runs there are concern nobody, and of them nothing is stored.
const matchedChecks = `
  select r.n, w.repository, w.target from ready r cross join lateral (
    select w.repository, w.target from check_wants w
    where w.sha = r.check_sha and (r.check_name = '' or r.check_name = any(w.names)) and (w.target = '' and w.repository = r.repository or w.target = lower(r.owner || '/' || r.name))
    union
    select w.repository, '' from check_wants w join deployments d on d.id = w.deployment join revisions v on v.repository = w.repository and v.branch = d.branch and v.sha = r.check_sha
    where w.repository = r.repository and r.check_name = any(w.names) and v.seq >= d.first_seq and (d.last_seq is null or v.seq < d.last_seq)
  ) w join repositories e on e.id = w.repository and e.forge = r.forge and e.accessible
  where r.check_sha <> ''`

// awakened makes the merge due soon that the forge refused and on whose head a check was posted, which may be what it lacked: a forge shows it only a little later.
// Ferry's own checks are none of these. A merge that is written to just now is left alone.
const awakened = `
  update wishes m set act_at = x.soon from (
    select w.id, r.received_at + interval '5 seconds' as soon from ready r cross join lateral (
      select w.id from wishes w
      where w.repository = r.repository and w.kind = 'merge' and w.desired ->> 'head' = r.check_sha and w.refusal <> '' and w.act_at > r.received_at + interval '5 seconds'
      for update skip locked) w
    where r.check_sha <> '' and (r.run = 0 or r.done) and r.check_name not like 'ferry/%') x
  where m.id = x.id`

// checkColumns are what the deliveries of a batch tell of checks, as arrays for its statement; empty for those that do not.
type checkColumns struct {
	sha, name           []string
	status, run, sender []int64
	done                []bool
}

func (c *checkColumns) add(e forge.Event) {
	h := e.Check
	if h == nil {
		h = &forge.CheckHint{}
	}
	c.sender = append(c.sender, e.Sender.ID)
	c.sha, c.name = append(c.sha, string(h.SHA)), append(c.name, h.Name)
	c.status, c.run, c.done = append(c.status, h.Status), append(c.run, h.Run), append(c.done, h.Done)
}

// storeCheck stores a delivery about a check whose repository is not known just as it names it: one that was renamed, or that Ferry has nothing to do
// with, which a check does not make known.
func (s *Store) storeCheck(ctx context.Context, a arrival) (fresh bool, err error) {
	e := a.event
	err = s.transact(ctx, pgx.ReadCommitted, func(tx pgx.Tx) error {
		fresh = false
		ids, err := collectTx[int64](ctx, tx, `
			with ready as (
			  select 1 as n, r.id as repository, r.forge, $4::text as owner, $5::text as name, $6::text as check_sha, $7::text as check_name,
			         $9::bigint as run, $10::boolean as done, $13::timestamptz as received_at
			  from repositories r where r.forge = $1 and r.forge_id = $2 and r.accessible
			), awakened as (`+awakened+`
			), matched as (`+matchedChecks+`
			), stored as (
			  insert into deliveries (forge, id, event, repository, installation, received_at, body, processed_at, result)
			  select $1, $3, $11, repository, $12, $13, $14, $13, 'done' from ready where exists (select from matched) on conflict do nothing returning id
			)
			insert into check_hints (repository, target, sha, status, run, done, at)
			select distinct m.repository, m.target, $6, $8::bigint, $9::bigint, $10::boolean, $13::timestamptz from matched m, stored returning repository`,
			a.delivery.Forge, e.Repo.ID, a.delivery.ID, e.Repo.Owner, e.Repo.Name, e.Check.SHA, e.Check.Name, e.Check.Status, e.Check.Run, e.Check.Done,
			a.delivery.Name, e.Installation, a.at, a.delivery.Body)
		if err != nil {
			return err
		}
		fresh = len(ids) > 0
		for _, id := range ids {
			if err := s.enqueue(ctx, tx, ChecksArgs{Repository: id}); err != nil {
				return err
			}
		}
		return nil
	})
	return fresh, err
}
