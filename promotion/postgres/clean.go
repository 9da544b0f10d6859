package postgres

import (
	"context"
	"fmt"
	"time"
)

// How long is kept what only grows. Events are kept for ever: they are append-only.
const (
	keepBodies     = 7 * 24 * time.Hour   // of deliveries, for `ferry replay`; forges send nothing again that is older
	keepDeliveries = 30 * 24 * time.Hour  // their ids, by which a second one of the same is known
	keepCommits    = 90 * 24 * time.Hour  // of Ferry's own, after they were made
	keepAnswers    = 30 * 24 * time.Hour  // that were given to commands
	keepChanges    = 365 * 24 * time.Hour // of sources, after they were read: what is needed after that is read anew
	keepSaid       = 90 * 24 * time.Hour  // of a pull request that is closed, what people said of it: it may be reopened
	keepThrottles  = 24 * time.Hour       // after they ended: Ferry's issue says when it was held up last
	keepStatuses   = 24 * time.Hour       // after they were posted: a plan may come back to one that nothing seems to speak of just now, and would post it again
)

// cleanAtOnce bounds what one clean-up takes of each kind; the rest is the next sweep's.
const cleanAtOnce = 5000

// Clean removes what is of no more use: old deliveries, leases that nobody holds, and what Ferry knew of objects at the forge that have come to their
// end. What it leaves is what Ferry decides from, so that cleaning changes no decision and no forge. A sweep calls it.
func (s *Store) Clean(ctx context.Context, now time.Time) (err error) {
	defer wrap(&err, "Clean")
	for _, c := range []struct {
		what, sql string
		args      []any
	}{
		{"bodies", `
			update deliveries set body = '' where (forge, id) in (
			  select forge, id from deliveries where received_at < $2 and body <> '' and (processed_at is not null or repository is null) limit $1)`, []any{now.Add(-keepBodies)}},
		{"deliveries", `
			delete from deliveries where (forge, id) in (select forge, id from deliveries where received_at < $2 limit $1)`, []any{now.Add(-keepDeliveries)}},
		{"leases", `
			delete from leases l where l.name in (select name from leases where name like 'act:%' and expires_at < clock_timestamp() - interval '1 day' limit $1)
			and (l.expires_at = '-infinity' -- given back with all done; any other is still news to whoever takes it, while its wish stands
			  or l.expires_at < clock_timestamp() - interval '1 day' and not exists (select from wishes w where 'act:' || w.id = l.name))`, nil},
		{"units", `
			delete from units where (repository, name) in (
			  select u.repository, u.name from units u where (u.name like 'pull:%' or u.name like 'left:%') and u.generation = u.decided and u.due_at is null
			    and not exists (select from pulls p where p.repository = u.repository and 'pull:' || p.number = u.name and p.open) limit $1)
			and generation = decided`, nil},
		{"throttles", `
			delete from throttles where (forge, installation, repository) in (select forge, installation, repository from throttles where until < $2 limit $1)`, []any{now.Add(-keepThrottles)}},
		{"changes", `
			delete from source_changes where id in (select id from source_changes where state <> 'pending' and read_at < $2 limit $1)`, []any{now.Add(-keepChanges)}},
		{"lookups", `
			delete from image_lookups where id in (select id from image_lookups where state <> 'pending' and read_at < $2 limit $1)`, []any{now.Add(-keepChanges)}},
		{"notices", `
			delete from wishes where id in (select id from wishes where kind = 'notice' and version = applied_version and applied_at < $2 limit $1)`, []any{now.Add(-keepCommits)}},
		{"deployments", deadDeployments, []any{now.Add(-keepStatuses)}},
		{"statuses", deadStatuses, []any{now.Add(-keepStatuses)}},
		{"answers", `
			delete from wishes where id in (
			  select w.id from wishes w join commands c on c.repository = w.repository and c.comment::text = w.key
			  where w.kind = 'answer' and w.version = w.applied_version and c.done_at < $2 limit $1)`, []any{now.Add(-keepAnswers)}},
		{"checks", `
			delete from check_facts where (repository, target, sha) in (
			  select f.repository, f.target, f.sha from check_facts f where f.read_at < $2
			    and not exists (select from check_wants w where w.repository = f.repository and w.target = f.target and w.sha = f.sha)
			    and not exists (select from check_wants w join deployments d on d.id = w.deployment
			                      join revisions v on v.repository = w.repository and v.branch = d.branch and v.sha = f.sha
			                    where w.repository = f.repository and f.target = '' and v.seq >= d.first_seq and (d.last_seq is null or v.seq < d.last_seq)) limit $1)`, []any{now.Add(-keepStatuses)}},
		{"proposals", `
			with ended as (
			  delete from proposals where (repository, number) in (
			    select x.repository, x.number from proposals x join pulls p on p.repository = x.repository and p.number = x.number and not p.open limit $1) returning repository, number)
			delete from wishes w using ended e where w.repository = e.repository and w.kind = 'config check' and w.key = e.number::text and w.version = w.applied_version`, nil},
		{"armed", `
			delete from armed where (repository, number) in (
			  select a.repository, a.number from armed a where a.at < $2
			    and not exists (select from pulls p where p.repository = a.repository and p.number = a.number and p.open) limit $1)`, []any{now.Add(-keepStatuses)}},
		{"heads", `
			delete from heads where ctid in (
			  select x.ctid from heads x where x.since < $2 and not exists (select from pulls p where p.repository = x.repository and p.number = x.number and p.open) limit $1)`, []any{now.Add(-keepSaid)}},
		{"reviews", `
			delete from reviews where ctid in (
			  select x.ctid from reviews x where x.at < $2 and not exists (select from pulls p where p.repository = x.repository and p.number = x.number and p.open) limit $1)`, []any{now.Add(-keepSaid)}},
		{"authors", deadAuthors, nil},
		{"co-authors", `
			delete from co_authors where ctid in (
			  select c.ctid from co_authors c where c.asked_at < $2 and (c.revision = '' or not exists (
			    select from deployments d where d.repository = c.repository and d.first_sha = c.revision)) limit $1)`, []any{now.Add(-keepChanges)}},
		{"overrides", `
			delete from overrides where ctid in (
			  select x.ctid from overrides x where x.at < $2 and not exists (select from pulls p where p.repository = x.repository and p.number = x.number and p.open) limit $1)`, []any{now.Add(-keepSaid)}},
		{"commits", `
			delete from commits where (repository, sha) in (
			  select c.repository, c.sha from commits c where c.made_at < $2
			    and not exists (select from pulls p
			                      left join promotions m on m.repository = p.repository and m.number = p.number
			                    where p.repository = c.repository and p.head_sha = c.sha and (p.open or m.state in ('waiting', 'open', 'merged'))) limit $1)`, []any{now.Add(-keepCommits)}},
	} {
		if _, err := s.pool.Exec(ctx, c.sql, append([]any{cleanAtOnce}, c.args...)...); err != nil {
			return fmt.Errorf("%s: %w", c.what, err)
		}
	}
	return nil
}

// deadAuthors removes who made source commits that no release speaks of which may still be approved: none that is on its way, and none of which reviews are
// kept, since its pull request may be reopened.
const deadAuthors = `
	with kept as (
	  select m.repository, i ->> 'name' as image, i ->> 'tag' as tag from promotions m, jsonb_array_elements(m.release) i
	  where m.state in ('waiting', 'open') or exists (select from reviews r where r.repository = m.repository and r.number = m.number)
	), needed as (
	  select repository, substring(tag from '[0-9a-f]{40}') as sha from kept
	  union select k.repository, a.commit_sha from kept k join announced a on a.repository = k.repository and a.image = k.image and a.tag = k.tag
	)
	delete from authors where (repository, source, sha) in (
	  select a.repository, a.source, a.sha from authors a where not exists (select from needed n where n.repository = a.repository and n.sha = a.sha) limit $1)`

// deadStatuses takes back the wishes for statuses that stand at the forge and that no plan speaks of any more: gates of pull requests that have come to
// their end, configurations since replaced, and deployments whose last word was said. The statuses themselves stay where they are.
const deadStatuses = `
	with posted as (
	  select id, repository, desired ->> 'target' as target, desired ->> 'sha' as sha, desired -> 'status' ->> 'Context' as context
	  from wishes w where kind = 'status' and version = applied_version and coalesce(applied_at, '-infinity') < $2
	    and not exists (select from merge_groups g where g.repository = w.repository and g.sha = w.desired ->> 'sha')
	), dead as (
	  select w.* from posted w where case
	    when w.context = 'ferry/gates' then not exists (select from pulls p where p.repository = w.repository and p.open and p.head_sha = w.sha)
	    when w.context = 'ferry/config' then not exists (select from repositories r where r.id = w.repository and r.config_sha = w.sha)
	    else not exists (
	      select from deployments d where d.repository = w.repository and not d.settled and 'ferry/' || d.environment = w.context and (
	        d.first_sha = w.sha or d.release::text like '%' || w.sha || '%' -- the tag may name the source commit
	        or exists (select from announced a where a.repository = w.repository and a.commit_sha = w.sha
	                     and d.release @> jsonb_build_array(jsonb_build_object('name', a.image, 'tag', a.tag)))))
	  end limit $1
	), told as (
	  delete from contributions c using dead d where c.repository = d.repository and c.target = d.target and c.sha = d.sha and c.context = d.context
	)
	delete from wishes w using dead d where w.id = d.id and w.version = w.applied_version`

// deadDeployments takes back the wishes for deployments that are inactive at the forge: one that becomes active again is found there.
const deadDeployments = `
	with dead as (
	  select id, repository, desired ->> 'target' as target, desired ->> 'sha' as sha, desired ->> 'at' as environment, version
	  from wishes where kind = 'deployment' and version = applied_version and applied_at < $2 and desired -> 'status' ->> 'State' = 'inactive' limit $1
	), told as (
	  delete from forge_deployments f using dead d where f.repository = d.repository and f.target = d.target and f.sha = d.sha and f.environment = d.environment and f.state = 'inactive'
	)
	delete from wishes w using dead d where w.id = d.id and w.version = d.version and w.applied_version = d.version`

// cleanBlobs removes the contents that no manifest, configuration or commit of Ferry's has any more. It belongs into an observation: only what observes
// the repository, and holds its lease, makes old contents manifests again.
func (r *observation) cleanBlobs(ctx context.Context) error {
	if !r.repo.Sweep {
		return nil
	}
	_, err := r.tx.Exec(ctx, `
		with own as materialized (select distinct f ->> 'blob' as sha from commits c, jsonb_array_elements(c.files) f where c.repository = $1)
		delete from blobs b where b.repository = $1 and b.sha in (
		  select o.sha from blobs o where o.repository = $1
		    and not exists (select from manifests m where m.repository = o.repository and m.blob = o.sha)
		    and not exists (select from repositories r where r.id = o.repository and o.sha in (r.config_blob, r.config_tried))
		    and not exists (select from included i where i.repository = o.repository and i.blob = o.sha)
		    and not exists (select from own where own.sha = o.sha) limit $2)`,
		r.repo.ID, cleanAtOnce)
	return err
}
