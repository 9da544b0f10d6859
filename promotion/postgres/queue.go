package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"ferry/forge"
	"ferry/promotion"
)

// queue writes down what the merge queue holds. Who added a pull request to it is news like what a delivery says; so is that one left it and is still open.
func (r *observation) queue(ctx context.Context) error {
	q := r.o.Queue
	if q == nil {
		return nil
	}
	if _, err := r.tx.Exec(ctx, `update repositories set merge_queue = $2 where id = $1 and merge_queue <> $2`, r.repo.ID, q.Exists); err != nil {
		return err
	}
	shas := make([]forge.SHA, len(q.Groups))
	for i, g := range q.Groups {
		shas[i] = g.SHA
		tag, err := r.tx.Exec(ctx, `
			insert into merge_groups (repository, sha, members) select $1, $2, $3 where not exists (select from pulls where repository = $1 and head_sha = $2)
			on conflict (repository, sha) do update set members = excluded.members where merge_groups.members <> excluded.members`, r.repo.ID, g.SHA, g.Members)
		if err != nil {
			return err
		}
		if tag.RowsAffected() > 0 {
			r.dirty[queueUnit] = true
		}
	}
	if r.repo.Sweep && len(q.Groups) > 0 {
		r.dirty[queueUnit] = true
	}
	if _, err := r.tx.Exec(ctx, `delete from merge_groups where repository = $1 and not sha = any($2)`, r.repo.ID, shas); err != nil {
		return err
	}
	return r.queued(ctx, q.Entries)
}

// settled is after how long a place in the queue that a read does not show was lost: reads show older states for a while.
const settled = 2 * time.Minute

// queued writes down whose places in the queue there are.
func (r *observation) queued(ctx context.Context, entries []forge.Queued) error {
	var numbers []int
	for _, e := range entries {
		numbers = append(numbers, e.Number)
		if err := r.arm(ctx, e.Number, "queue", e.By); err != nil {
			return err
		}
	}
	lost, err := collectTx[int](ctx, r.tx, `
		select a.number from armed a join pulls p on p.repository = a.repository and p.number = a.number and p.open
		where a.repository = $1 and a.queue <> '' and a.at < $2 and not a.number = any($3) order by a.number`, r.repo.ID, r.now.Add(-settled), append([]int{}, numbers...))
	for _, number := range lost {
		err = errors.Join(err, r.arm(ctx, number, "queue", ""), r.ejected(ctx, number, "nothing has told why"))
	}
	return err
}

// ejected writes down that the queue took a pull request out by itself that Ferry had added to it: a gate says so, and it is added again later, when somebody
// says /retry, or at once when it shows something else.
func (r *observation) ejected(ctx context.Context, number int, why string) error {
	refusal := fmt.Sprintf("the merge queue took #%d out of itself (%s)", number, why)
	apps, err := collectTx[string](ctx, r.tx, `
		update wishes set refusal = $3, refused_at = $4, act_at = $5, applied = '{}', applied_version = 0
		where repository = $1 and kind = 'merge' and (desired ->> 'number')::int = $2 and applied ? 'queued' returning app`,
		r.repo.ID, number, refusal, r.now, r.now.Add(ejectedPause))
	for _, app := range apps {
		r.dirty[appUnit(app)] = true
	}
	return err
}

// ejectedPause is after how long a pull request is added again to a queue that took it out.
const ejectedPause = time.Hour

// groups decides the statuses of all merge groups.
func (d *decision) groups(ctx context.Context) error {
	all, err := collectTx[forge.SHA](ctx, d.tx, `select sha from merge_groups where repository = $1 order by sha`, d.repo.ID)
	for _, sha := range all {
		if err == nil {
			err = d.foldGroup(ctx, sha)
		}
	}
	return err
}

// groupsOf decides the statuses of the merge groups that the pull request with this head is in, and of one that has this head too.
func (d *decision) groupsOf(ctx context.Context, head forge.SHA) error {
	all, err := collectTx[forge.SHA](ctx, d.tx, `
		select distinct g.sha from pulls p join merge_groups g on g.repository = p.repository and (p.number = any(g.members) or g.sha = p.head_sha)
		where p.repository = $1 and p.head_sha = $2 and p.open order by g.sha`, d.repo.ID, head)
	for _, sha := range all {
		if err == nil {
			err = d.foldGroup(ctx, sha)
		}
	}
	return err
}

// foldGroup makes the statuses of a merge group of those of its pull requests. Two of them that change at once meet at the group's row, which each of them
// writes.
func (d *decision) foldGroup(ctx context.Context, group forge.SHA) error {
	if d.config == nil || d.observing() {
		return nil
	}
	var numbers []int
	err := d.tx.QueryRow(ctx, `update merge_groups set sha = sha where repository = $1 and sha = $2 returning members`, d.repo.ID, group).Scan(&numbers)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	gates, err := d.members(ctx, numbers, `
		select n, coalesce(w.desired -> 'status' ->> 'State', ''), coalesce(w.desired -> 'status' ->> 'Description', '') from unnest($2::int[]) with ordinality as m (n, place)
		left join pulls p on p.repository = $1 and p.number = n
		left join wishes w on w.repository = $1 and w.kind = 'status' and w.key = p.head_sha || ' ferry/gates'
		where p.open is not false order by place`)
	if err != nil {
		return err
	}
	config, err := d.members(ctx, numbers, `
		select n, w.desired ->> 'state', w.desired ->> 'title' from unnest($2::int[]) with ordinality as m (n, place)
		join pulls p on p.repository = $1 and p.number = n and p.open
		join wishes w on w.repository = $1 and w.kind = 'config check' and w.key = n::text order by place`)
	if err != nil {
		return err
	}
	var head bool
	if err := d.tx.QueryRow(ctx, `select exists (select from pulls where repository = $1 and head_sha = $2 and open)`, d.repo.ID, group).Scan(&head); err != nil {
		return err
	}
	if c, ok := promotion.GroupGates(group, gates, head); ok {
		if err := d.contribute(ctx, groupContributor, []promotion.Contribution{c}); err != nil {
			return err
		}
	}
	if c, ok := promotion.GroupConfig(group, config, head); ok {
		return d.contribute(ctx, "", []promotion.Contribution{c})
	}
	return nil
}

// groupContributor contributes ferry/gates of merge groups, in the place of an app, whose name has no space: where its commit is a pull request's head too,
// the worse of what is said of both counts.
const groupContributor = "merge group"

func (d *decision) members(ctx context.Context, numbers []int, sql string) ([]promotion.GroupMember, error) {
	rows, err := d.tx.Query(ctx, sql, d.repo.ID, numbers)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[promotion.GroupMember])
}

// Groups returns the merge groups of a repository, as far as they are known.
func (s *Store) Groups(ctx context.Context, repository int64) (groups []promotion.MergeGroup, err error) {
	defer wrap(&err, "Groups(%d)", repository)
	rows, err := s.pool.Query(ctx, `select sha, members from merge_groups where repository = $1 order by sha`, repository)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[promotion.MergeGroup])
}

// enqueued writes down that Ferry has added a pull request to the merge queue, which is taken back as anybody's order is.
func (s *Store) enqueued(ctx context.Context, tx pgx.Tx, w Wish, number int, by string, now time.Time) error {
	tag, err := tx.Exec(ctx, `
		insert into armed (repository, number, queue, at) values ($1, $2, $3, $4)
		on conflict (repository, number) do update set queue = excluded.queue, at = excluded.at, disarmed = '' where armed.queue = ''`, w.Repository.ID, number, by, now)
	if err != nil || tag.RowsAffected() == 0 { // it is there already
		return err
	}
	if _, err := tx.Exec(ctx, `update repositories set merge_queue = true where id = $1 and not merge_queue`, w.Repository.ID); err != nil {
		return err
	}
	if err := addEvent(ctx, tx, event{repository: w.Repository.ID, app: w.App, kind: "enqueued", actor: "ferry", cause: "plan", at: now, detail: fmt.Sprintf("#%d is in the merge queue", number)}); err != nil {
		return err
	}
	return s.raiseUnits(ctx, tx, w.Repository.ID, []string{appUnit(w.App)})
}
