package postgres

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"ferry/forge"
	"ferry/promotion"
)

// errUnheard says that what people said has to be carried out before the unit is decided.
var errUnheard = errors.New("commands have not been carried out yet")

// Decide decides one unit: it reads the facts in one REPEATABLE READ snapshot, plans, writes the wishes down and enqueues the acts, all in
// one transaction. Where the unit's generation is decided already and no timer of it is due, it does nothing. What was never decided waits until
// the commands are that people have given: what was said while the database was lost is obeyed before anything is done.
func (s *Store) Decide(ctx context.Context, repository int64, unit string, now time.Time, mind Mind) (err error) {
	defer wrap(&err, "Decide(%d, %s)", repository, unit)
	if err = s.decideUnit(ctx, repository, unit, now, mind, false); !errors.Is(err, errUnheard) {
		return err
	}
	if err = s.decideUnit(ctx, repository, commandsUnit, now, mind, true); err != nil {
		return err
	}
	return s.decideUnit(ctx, repository, unit, now, mind, true)
}

// decideUnit decides one unit. It fails with errUnheard where it is to wait for commands, unless those were heard.
func (s *Store) decideUnit(ctx context.Context, repository int64, unit string, now time.Time, mind Mind, heard bool) error {
	contended := false
	return s.transact(ctx, pgx.RepeatableRead, func(tx pgx.Tx) error {
		if contended { // it lost there
			if err := takeTurns(ctx, tx); err != nil {
				return err
			}
		}
		if err := besideOthers(ctx, tx, repository); err != nil {
			return err
		}
		generation, ok, unheard, err := lockUnit(ctx, tx, repository, unit, now)
		switch {
		case err != nil || !ok:
			return err
		case unheard && !heard:
			return errUnheard
		}
		d := decision{Store: s, tx: tx, mind: mind, unit: unit, now: now, cause: "plan of " + unit, acts: map[int64]bool{}, dirty: map[string]bool{}, contended: &contended}
		if err := d.load(ctx, repository); err != nil {
			return err
		}
		due, err := d.decide(ctx)
		if err != nil {
			return err
		}
		if err := decided(ctx, tx, repository, unit, generation, due); err != nil {
			return err
		}
		return d.finish(ctx)
	})
}

func (d *decision) load(ctx context.Context, repository int64) error {
	r := &d.repo
	err := d.tx.QueryRow(ctx, `select id, forge, forge_id, owner, name, default_branch, config_blob, config_set, config_problem, issue, merge_queue from repositories where id = $1`, repository).
		Scan(&r.ID, &r.Forge, &r.Repo.ID, &r.Repo.Owner, &r.Repo.Name, &r.DefaultBranch, &r.ConfigBlob, &r.ConfigSet, &r.ConfigProblem, &r.Issue, &r.MergeQueue)
	if err != nil || r.ConfigBlob == "" {
		return err
	}
	d.config, err = d.mind.Config(r.ConfigName(), func() (ConfigContent, error) { return configContent(ctx, d.tx, repository) })
	return err
}

func (d *decision) decide(ctx context.Context) (due time.Time, err error) {
	switch {
	case strings.HasPrefix(d.unit, appPrefix):
		return d.app(ctx, strings.TrimPrefix(d.unit, appPrefix))
	case strings.HasPrefix(d.unit, groupPrefix):
		return d.group(ctx, strings.TrimPrefix(d.unit, groupPrefix))
	case strings.HasPrefix(d.unit, pullPrefix):
		return d.handMade(ctx)
	case strings.HasPrefix(d.unit, leftPrefix):
		return time.Time{}, d.leftHead(ctx)
	case d.unit == commandsUnit:
		return time.Time{}, d.commands(ctx)
	case d.unit == configUnit:
		return time.Time{}, d.configStatus(ctx)
	case d.unit == issueUnit:
		return d.issue(ctx)
	case d.unit == stateUnit:
		return d.state(ctx)
	case d.unit == queueUnit:
		return time.Time{}, d.groups(ctx)
	}
	return time.Time{}, fmt.Errorf("%q is no unit", d.unit)
}

// finish raises the other units this decision touches and enqueues the acts.
func (d *decision) finish(ctx context.Context) error {
	if d.dirty[issueUnit] {
		delete(d.dirty, issueUnit)
		if err := d.issueLater(ctx); err != nil {
			return err
		}
	}
	if err := d.raiseUnits(ctx, d.tx, d.repo.ID, keys(d.dirty)); err != nil {
		return err
	}
	jobs := slices.Clip(d.reads)
	reads := len(jobs)
	for id := range d.acts {
		jobs = append(jobs, ActArgs{Wish: id})
	}
	slices.SortFunc(jobs[reads:], func(a, b river.JobArgs) int { return int(a.(ActArgs).Wish - b.(ActArgs).Wish) })
	return d.enqueue(ctx, d.tx, jobs...)
}

// app plans one app and writes the plan down.
func (d *decision) app(ctx context.Context, app string) (time.Time, error) {
	snapshot, err := d.snapshot(ctx, app)
	if err != nil {
		return time.Time{}, err
	}
	if _, err := d.changesTrain(ctx, app, snapshot.App.Group); err != nil || snapshot.App.Group != "" {
		return time.Time{}, err // with the others of its group
	}
	plan := promotion.MakePlan(snapshot, d.now)
	return plan.DueAt, d.write(ctx, app, snapshot, plan)
}

// write writes the plan of one app down.
func (d *decision) write(ctx context.Context, app string, snapshot promotion.Snapshot, plan promotion.Plan) error {
	for _, step := range []func(context.Context, string, promotion.Snapshot, promotion.Plan) error{
		d.writeDeployments, d.writeRollbacks, d.endDrops, d.endWaived, d.writePromotions, d.writeRooms, d.writePulls, d.writeCommits, d.writeMerges, d.writeContributions, d.writeForgeDeployments, d.writeReads, d.writeLookups, d.writeNotices, d.writeView, d.writeChecks, d.writeDisarms,
	} {
		if err := step(ctx, app, snapshot, plan); err != nil {
			return err
		}
	}
	return nil
}

func (d *decision) writeDeployments(ctx context.Context, app string, s promotion.Snapshot, p promotion.Plan) error {
	for _, x := range p.Deployments {
		environment, before := deploymentBefore(s, x.ID)
		if _, err := d.tx.Exec(ctx, `
			update deployments set state = $2, message = $3, converged_at = $4, healthy_from = $5, soaked = $6, settled = $7, judged = $8, degraded_from = $9, answered = $10, counted_from = $11 where id = $1`,
			x.ID, x.State, x.Message, nullTime(x.ConvergedAt), nullTime(x.HealthyFrom), x.Soaked, x.Settled, x.Judged, nullTime(x.DegradedFrom), x.Answered, nullTime(x.CountedFrom)); err != nil {
			return err
		}
		if x.State == before.State {
			continue
		}
		if err := addEvent(ctx, d.tx, event{repository: d.repo.ID, environment: environment, app: app, kind: string(x.State), actor: "agents", cause: "report or timer",
			at: d.now, detail: strings.TrimSpace(x.Release.Version() + " " + x.Message)}); err != nil {
			return err
		}
	}
	return nil
}

func deploymentBefore(s promotion.Snapshot, id int64) (environment string, d promotion.Deployment) {
	for _, env := range s.Environments {
		for _, x := range env.History {
			if x.ID == id {
				return env.Name, x
			}
		}
	}
	return "", d
}

func (d *decision) writePromotions(ctx context.Context, app string, _ promotion.Snapshot, p promotion.Plan) error {
	for _, c := range p.Promotions {
		var environment, branch string
		if err := d.tx.QueryRow(ctx, `update promotions set state = $2, ended_at = $3 where id = $1 returning environment, branch`, c.ID, c.State, d.now).Scan(&environment, &branch); err != nil {
			return err
		}
		// Not tidyPause alone: the plan that put it off may have had a later clock, where this one had to wait for it.
		if _, err := d.tx.Exec(ctx, `
			update wishes set act_at = $4 where repository = $1 and kind = 'pull' and key = $2 and (desired ->> 'merged')::boolean and act_at between $4 and $3`,
			d.repo.ID, branch, d.now.Add(2*tidyPause), d.now.Add(tidySoon)); err != nil {
			return err
		}
		if err := addEvent(ctx, d.tx, event{repository: d.repo.ID, environment: environment, app: app, kind: "promotion " + string(c.State), actor: "ferry", cause: d.cause, at: d.now, detail: c.Detail}); err != nil {
			return err
		}
	}
	for _, environment := range p.IntentsDone {
		if _, err := d.tx.Exec(ctx, `delete from intents where repository = $1 and app = $2 and environment = $3`, d.repo.ID, app, environment); err != nil {
			return err
		}
		d.dirty[stateUnit] = true
	}
	return nil
}

// The branch of a merged promotion goes when the promotion has come to its end, a little after its last status; or after a while, where nobody reports.
// Until then a person, or the forge by itself, may have removed it.
const (
	tidyPause = 10 * time.Minute
	tidySoon  = 2 * time.Second
)

// writePulls writes the wishes for pull requests. A wish whose pull request the forge closed begins anew.
func (d *decision) writePulls(ctx context.Context, app string, s promotion.Snapshot, p promotion.Plan) error {
	merged, err := d.closedPulls(ctx, app)
	if err != nil {
		return err
	}
	wished := []string{}
	for _, w := range p.Pulls {
		delete(merged, w.Branch) // the branch is used again
		wished = append(wished, w.Branch)
		if err := d.writePull(ctx, app, s.Find(w.Environment), w); err != nil {
			return err
		}
	}
	for _, branch := range slices.Sorted(maps.Keys(merged)) {
		wished = append(wished, branch)
		m := merged[branch]
		w := promotion.PullWish{Environment: m.environment, Branch: branch, Head: m.head, Merged: true}
		if err := d.wish(ctx, "pull", branch, app, w, m.tidyAt); err != nil {
			return err
		}
	}
	_, err = d.tx.Exec(ctx, `
		delete from wishes where repository = $1 and kind = 'pull' and app = $2 and not key = any($3) and not (applied ? 'number') and (desired ->> 'open')::boolean`,
		d.repo.ID, app, wished)
	return err
}

// mergedPull is a pull request that was merged: nobody needs its branch any more.
type mergedPull struct {
	environment string
	head        forge.SHA
	tidyAt      time.Time
}

// closedPulls lets the wishes begin anew whose pull request is closed, and notes that its branch may be left. It returns those that were merged, by their
// branch.
func (d *decision) closedPulls(ctx context.Context, app string) (merged map[string]mergedPull, err error) {
	rows, err := d.tx.Query(ctx, `
		update wishes w set applied = '{"left": true}', applied_version = 0
		from pulls p where w.repository = $1 and w.kind = 'pull' and w.app = $2 and p.repository = w.repository and p.number = (w.applied ->> 'number')::int and not p.open
		returning w.id, w.key, w.desired ->> 'environment', p.head_sha, p.merged,
		          exists (select from promotions m where m.repository = p.repository and m.number = p.number and m.state = 'merged')`,
		d.repo.ID, app)
	if err != nil {
		return nil, err
	}
	merged = map[string]mergedPull{}
	var id int64
	var branch string
	var m mergedPull
	var done, onItsWay bool
	_, err = pgx.ForEachRow(rows, []any{&id, &branch, &m.environment, &m.head, &done, &onItsWay}, func() error {
		switch {
		case !done:
			d.acts[id] = true
			return nil
		case onItsWay:
			m.tidyAt = d.now.Add(tidyPause)
		default:
			m.tidyAt = d.now.Add(tidySoon)
		}
		merged[branch] = m
		return nil
	})
	return merged, err
}

func (d *decision) writePull(ctx context.Context, app string, env *promotion.Environment, w promotion.PullWish) error {
	if w.Group != "" {
		if err := d.writeTrain(ctx, env, w); err != nil {
			return err
		}
		return d.wish(ctx, "pull", w.Branch, app, w, time.Time{})
	}
	if !w.Open && env.Pull == nil && env.Promotion != nil && w.Branch == promotion.PromotionBranch(env.Name, app) { // it was never opened, as far as Ferry knows: the act looks
		if _, err := d.tx.Exec(ctx, `update promotions set state = 'superseded', ended_at = $2 where id = $1`, env.Promotion.ID, d.now); err != nil {
			return err
		}
		if err := addEvent(ctx, d.tx, event{repository: d.repo.ID, environment: w.Environment, app: app, kind: "promotion superseded", actor: "ferry", cause: d.cause, at: d.now, detail: w.Reason}); err != nil {
			return err
		}
	}
	if w.Open && env.Promotion == nil {
		if _, err := d.tx.Exec(ctx, `
			insert into promotions (repository, environment, app, branch, release, intent, asker, superseded, state, opened_at, reason)
			values ($1, $2, $3, $4, $5, $6, $7, $8, 'waiting', $9, $10)`,
			d.repo.ID, w.Environment, app, w.Branch, toJSON(w.Release), w.Intent, w.Asker, toJSON(emptyNotNull(w.Superseded)), d.now, w.Asked); err != nil {
			return err
		}
		if err := addEvent(ctx, d.tx, event{repository: d.repo.ID, environment: w.Environment, app: app, kind: "promotion waiting", actor: askerOr(w.Asker), cause: d.cause, at: d.now, detail: w.Release.Version()}); err != nil {
			return err
		}
	}
	return d.wish(ctx, "pull", w.Branch, app, w, time.Time{})
}

func emptyNotNull[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func askerOr(asker string) string {
	if asker == "" {
		return "ferry"
	}
	return asker
}

func (d *decision) writeCommits(ctx context.Context, app string, _ promotion.Snapshot, p promotion.Plan) error {
	wished := []string{}
	for _, w := range p.Commits {
		key := w.Environment + "/" + app
		wished = append(wished, key)
		if err := d.wish(ctx, "commit", key, app, w, time.Time{}); err != nil {
			return err
		}
	}
	_, err := d.tx.Exec(ctx, `delete from wishes where repository = $1 and kind = 'commit' and app = $2 and not key = any($3)`, d.repo.ID, app, wished)
	return err
}

// writeMerges wishes merges only of pull requests that show what was decided: one that is still being brought up to date is planned again after that.
func (d *decision) writeMerges(ctx context.Context, app string, _ promotion.Snapshot, p promotion.Plan) error {
	wished := []string{}
	for _, w := range p.Merges {
		var current bool
		err := d.tx.QueryRow(ctx, `select version = applied_version from wishes where repository = $1 and kind = 'pull' and key = $2`,
			d.repo.ID, promotion.PromotionBranch(w.Environment, app)).Scan(&current)
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
		key := w.Environment + "/" + app
		wished = append(wished, key) // an earlier wish stays, and what the forge refused it for with it
		if !current {
			continue
		}
		if err := d.wish(ctx, "merge", key, app, w, time.Time{}); err != nil {
			return err
		}
	}
	_, err := d.tx.Exec(ctx, `delete from wishes where repository = $1 and kind = 'merge' and app = $2 and not key = any($3)`, d.repo.ID, app, wished)
	return err
}

// writeView keeps what the plan said, for people, and makes the issue due where that changed.
func (d *decision) writeView(ctx context.Context, app string, s promotion.Snapshot, p promotion.Plan) error {
	p.View.App, p.View.Group = app, s.App.Group
	if err := d.seenSince(ctx, app, &p.View); err != nil {
		return err
	}
	tag, err := d.tx.Exec(ctx, `
		insert into apps (repository, name, view) values ($1, $2, $3)
		on conflict (repository, name) do update set view = excluded.view where apps.view is distinct from excluded.view`, d.repo.ID, app, toJSON(p.View))
	if err == nil && tag.RowsAffected() > 0 {
		d.dirty[issueUnit] = true
	}
	return err
}

// wish writes down what should be true of one object at the forge, and makes the act due where that is new. With at, not before that time.
func (d *decision) wish(ctx context.Context, kind, key, app string, desired any, at time.Time) error {
	var id int64
	err := d.tx.QueryRow(ctx, `
		insert into wishes (repository, kind, key, app, desired, act_at) values ($1, $2, $3, $4, $5, $6)
		on conflict (repository, kind, key) do update set desired = excluded.desired, version = wishes.version + 1, act_at = excluded.act_at, attempts = 0
		where wishes.desired is distinct from excluded.desired
		returning id`, d.repo.ID, kind, key, app, toJSON(desired), nullTime(at)).Scan(&id)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err == nil && at.IsZero() {
		d.acts[id] = true
	}
	return err
}
