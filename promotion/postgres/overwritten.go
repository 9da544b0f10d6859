package postgres

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"ferry/forge"
	"ferry/promotion"
)

// mostAnew is how often within an hour Ferry writes one thing anew over somebody else's: two robots who do so would never end.
const mostAnew = 10

// anewPause is how long a status then stays as somebody else has posted it.
const anewPause = time.Hour

// overwritten makes the statuses due again that somebody else has posted over.
func (r *observation) overwritten(ctx context.Context) error {
	for _, f := range r.o.Overwritten {
		if err := r.postAnew(ctx, f); err != nil {
			return err
		}
	}
	return nil
}

// WatchedHeads returns the heads on which others gain by posting over ferry/gates: those of Ferry's open pull requests, and of those by hand that are shut, which
// come first. What was posted since is left out: the forge may not show it yet.
func (s *Store) WatchedHeads(ctx context.Context, r Repository, since time.Time, most int) (heads []forge.SHA, err error) {
	defer wrap(&err, "WatchedHeads(%d)", r.ID)
	rows, err := s.pool.Query(ctx, `
		select w.desired ->> 'sha' from wishes w
		where w.repository = $1 and w.kind = 'status' and w.version = w.applied_version and coalesce(w.applied_at, '-infinity') < $4
		  and w.key in (select p.head_sha || ' ' || $3::text from pulls p where p.repository = $1 and p.open and p.base_branch = $2
		                and (w.desired -> 'status' ->> 'State' <> $5
		                     or exists (select from promotions m where m.repository = p.repository and m.number = p.number and m.state = 'open')))
		order by w.desired -> 'status' ->> 'State' = $5, w.applied_at desc nulls last, w.id limit $6`,
		r.ID, r.DefaultBranch, promotion.GatesContext, since, forge.Success, most)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[forge.SHA])
}

func (r *observation) postAnew(ctx context.Context, f promotion.ForeignStatus) error {
	return r.again(ctx, "status", statusKey("", f.SHA, f.Context), event{actor: f.By.Login, detail: f.Context + " on " + f.SHA.Short()})
}

// bodies makes the pull requests of Ferry's due again whose body somebody has replaced.
func (r *observation) bodies(ctx context.Context) error {
	for _, f := range r.o.Bodies {
		var branch, part string
		err := r.tx.QueryRow(ctx, `
			select w.key, w.desired ->> 'body' from promotions m join wishes w on w.repository = m.repository and w.kind = 'pull' and w.key = m.branch
			where m.repository = $1 and m.number = $2 and m.state = 'open' and (w.desired ->> 'open')::boolean and w.applied ->> 'number' = m.number::text
			  and w.applied ->> 'body' = w.desired ->> 'body' limit 1`, r.repo.ID, f.Number).Scan(&branch, &part)
		if err == nil && !promotion.Shows(f.Body, part) {
			err = r.again(ctx, "pull", branch, event{actor: cmp.Or(f.By.Login, "somebody"), detail: fmt.Sprintf("the body of #%d", f.Number)})
		}
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
	}
	return nil
}

// again makes what Ferry has written due once more, because somebody else wrote over it; with an event, and not without end.
func (r *observation) again(ctx context.Context, kind, key string, e event) error {
	e.repository, e.cause, e.at = r.repo.ID, r.cause, r.now
	what := e.detail
	var times int
	if err := r.tx.QueryRow(ctx, `select count(*) from events where repository = $1 and kind in ('overwritten', 'given up') and at > $2 and starts_with(detail, $3)`,
		r.repo.ID, r.now.Add(-time.Hour), what+": ").Scan(&times); err != nil {
		return err
	}
	if times >= mostAnew {
		return r.giveUp(ctx, kind, key, what, times, e)
	}
	var id int64
	err := r.tx.QueryRow(ctx, `
		update wishes set version = version + 1, applied = applied - 'status' - 'body', act_at = null where repository = $1 and kind = $2 and key = $3 and version = applied_version returning id`,
		r.repo.ID, kind, key).Scan(&id)
	if errors.Is(err, pgx.ErrNoRows) { // it is about to be written anyway
		return nil
	}
	if err != nil {
		return err
	}
	e.kind, e.detail = "overwritten", what+": written anew"
	if err := addEvent(ctx, r.tx, e); err != nil {
		return err
	}
	return r.enqueue(ctx, r.tx, ActArgs{Wish: id})
}

// giveUp leaves what somebody else wrote over, and says so once: a status for an hour, after which it is posted again by itself; a body until a sweep finds it.
func (r *observation) giveUp(ctx context.Context, kind, key, what string, times int, e event) error {
	if kind == "status" {
		if err := r.postLater(ctx, key, e.actor); err != nil {
			return err
		}
	}
	if times > mostAnew {
		return nil
	}
	e.kind, e.detail = "given up", fmt.Sprintf("%s: written anew %d times within an hour, and left as it is for the next one", what, times)
	return addEvent(ctx, r.tx, e)
}

// postLater makes a status due in an hour, and says until then who posts over it and what is to be done, as of one that the forge does not take.
func (r *observation) postLater(ctx context.Context, key, by string) error {
	var desired []byte
	var w StatusWish
	err := r.tx.QueryRow(ctx, `select desired from wishes where repository = $1 and kind = 'status' and key = $2 and version = applied_version`, r.repo.ID, key).Scan(&desired)
	if errors.Is(err, pgx.ErrNoRows) { // it is posted later already, or about to be
		return nil
	}
	if err = errors.Join(err, json.Unmarshal(desired, &w)); err != nil {
		return err
	}
	pulls, err := collectTx[string](ctx, r.tx, `select '#' || number from pulls where repository = $1 and open and head_sha = $2 order by number limit 10`, r.repo.ID, w.SHA)
	if err != nil {
		return err
	}
	where := cmp.Or(strings.Join(pulls, ", "), "the commit "+w.SHA.Short())
	reason := fmt.Sprintf("somebody (%s) posts %s over Ferry's own on %s, again and again; choose Ferry's App as the source of the required status. Ferry posts its own again at %s",
		cmp.Or(by, "unknown"), w.Status.Context, where, r.now.Add(anewPause).UTC().Format("15:04 MST"))
	if _, err := r.tx.Exec(ctx, `
		update wishes set version = version + 1, applied = applied - 'status', act_at = $3, refusal = $4, refused_at = $5 where repository = $1 and kind = 'status' and key = $2`,
		r.repo.ID, key, r.now.Add(anewPause), reason, r.now); err != nil {
		return err
	}
	units, err := unitsShowing(ctx, r.tx, r.repo.ID, w.SHA)
	if err != nil {
		return err
	}
	return r.raiseUnits(ctx, r.tx, r.repo.ID, append(units, issueUnit))
}

// overposted reads which gates of hand-made pull requests others post over again and again: no app's views tell of those.
const overposted = `
	select w.refusal from wishes w where w.repository = $1 and w.kind = 'status' and w.refusal <> '' and w.desired -> 'status' ->> 'Context' = $2
	   and exists (select from pulls p where p.repository = w.repository and p.open and w.key = p.head_sha || ' ' || $2
	                  and not exists (select from promotions m where m.repository = p.repository and m.number = p.number)) order by w.refused_at limit 20`

// unitsShowing returns the units of the apps whose promotions have the commit as their head.
func unitsShowing(ctx context.Context, tx pgx.Tx, repository int64, sha forge.SHA) ([]string, error) {
	return collectTx[string](ctx, tx, `
		select distinct 'app:' || m.app from pulls p join promotions m on m.repository = p.repository and m.number = p.number and m.state = 'open'
		where p.repository = $1 and p.open and p.head_sha = $2`, repository, sha)
}

// statusStands makes due what depends on a status that was posted: the merge that waited for it, and the apps whose views say that it does not stand.
func (s *Store) statusStands(ctx context.Context, tx pgx.Tx, w Wish) error {
	if w.Refusal != "" {
		var posted StatusWish
		if err := json.Unmarshal(w.Desired, &posted); err != nil {
			return err
		}
		units, err := unitsShowing(ctx, tx, w.Repository.ID, posted.SHA)
		if err != nil {
			return err
		}
		if err := s.raiseUnits(ctx, tx, w.Repository.ID, append(units, issueUnit)); err != nil {
			return err
		}
	}
	return s.releaseMerge(ctx, tx, w)
}
