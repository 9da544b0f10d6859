package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

	"github.com/jackc/pgx/v5"

	"ferry/promotion"
)

// lookBack reads what stood where, of the apps whose commands need it.
func (d *decision) lookBack(ctx context.Context, commands []promotion.Command, scene *promotion.CommandScene) (err error) {
	scene.History, scene.Lately = map[string]map[string][]promotion.Deployment{}, map[string]map[string]promotion.Lately{}
	for _, app := range scene.AppsLookedBack(commands) {
		if scene.History[app], err = d.history(ctx, app); err != nil {
			return err
		}
		if scene.Lately[app], err = d.lately(ctx, app); err != nil {
			return err
		}
	}
	return nil
}

// lately reads how what stands of the app came to stand in each environment, and what a person wants there at once. What Ferry has decided itself, a person
// may ask for too.
func (d *decision) lately(ctx context.Context, app string) (map[string]promotion.Lately, error) {
	rows, err := d.tx.Query(ctx, `
		select s.environment, coalesce(m.merged_at, s.since), coalesce(m.number, 0), coalesce(m.intent, ''), coalesce(m.asker, ''),
		       coalesce(i.kind, ''), coalesce(i.release, '[]'), coalesce(i.came_from, '[]'), coalesce(i.actor, ''),
		       coalesce((select max(o.number) from promotions o where o.repository = s.repository and o.app = s.app and o.environment = s.environment
		         and o.state in ('waiting', 'open') and o.intent = i.kind and o.release = i.release), 0)
		from deployments s
		left join lateral (select p.merged_at, x.number, x.intent, x.asker from promotions x left join pulls p on p.repository = x.repository and p.number = x.number
		  where x.repository = s.repository and x.app = s.app and x.environment = s.environment and x.merge_sha = s.first_sha order by x.id desc limit 1) m on true
		left join intents i on i.repository = s.repository and i.app = s.app and i.environment = s.environment and i.actor <> $4
		where s.repository = $1 and s.branch = $2 and s.app = $3 and s.last_seq is null`, d.repo.ID, d.repo.DefaultBranch, app, d.mind.Self.Login)
	if err != nil {
		return nil, err
	}
	out := map[string]promotion.Lately{}
	var environment string
	var l promotion.Lately
	var release, from []byte
	_, err = pgx.ForEachRow(rows, []any{&environment, &l.Came.At, &l.Came.Number, &l.Came.Intent, &l.Came.Asker, &l.Wanted.Kind, &release, &from, &l.Wanted.Actor, &l.Number}, func() error {
		one := l
		one.Wanted.Release, one.Wanted.From = nil, nil
		if err := errors.Join(json.Unmarshal(release, &one.Wanted.Release), json.Unmarshal(from, &one.Wanted.From)); err != nil {
			return err
		}
		out[environment] = one
		return nil
	})
	return out, err
}

// StandingApps returns what stands of the apps that are among the words, of those that the pull request of that number brings, and of the only app there is.
func (s *Store) StandingApps(ctx context.Context, repository int64, number int, words []string) (list []promotion.StandingApp, err error) {
	defer wrap(&err, "StandingApps(%d, %d)", repository, number)
	rows, err := s.pool.Query(ctx, `
		select distinct d.app, d.release from deployments d join repositories r on r.id = d.repository and r.default_branch = d.branch
		where d.repository = $1 and d.last_seq is null and d.problem = '' and (d.app = any($2) or d.app in (select app from promotions where repository = $1 and number = $3)
		   or (select count(*) from apps where repository = $1) = 1) order by 1 limit 100`, repository, words, number)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (a promotion.StandingApp, err error) {
		var release []byte
		if err := row.Scan(&a.App, &release); err != nil {
			return a, err
		}
		return a, json.Unmarshal(release, &a.Release)
	})
}

// askedBefore adds to who asks for a release those people who asked for the same before: none of them approves it.
func (d *decision) askedBefore(ctx context.Context, app, environment string, i promotion.Intent) (promotion.Intent, error) {
	var before string
	var raw []byte
	err := d.tx.QueryRow(ctx, `select actor, release from intents where repository = $1 and app = $2 and environment = $3`, d.repo.ID, app, environment).Scan(&before, &raw)
	if errors.Is(err, pgx.ErrNoRows) {
		return i, nil
	}
	var release promotion.Release
	if err == nil {
		err = json.Unmarshal(raw, &release)
	}
	if err == nil && release.Same(i.Release) && before != d.mind.Self.Login { // what Ferry decided itself, nobody has asked for
		i.Actor = promotion.AskedAlso(before, i.Actor)
	}
	return i, err
}

// writeIntent writes down what somebody wants to come; it takes the place of what was wanted there before.
func (d *decision) writeIntent(ctx context.Context, app, environment string, i promotion.Intent) error {
	if _, err := d.tx.Exec(ctx, `delete from intents where repository = $1 and app = $2 and environment = $3`, d.repo.ID, app, environment); err != nil {
		return err
	}
	return insertIntent(ctx, d.tx, d.repo.ID, app, environment, i)
}

// insertIntent writes an intent down, unless one stands there.
func insertIntent(ctx context.Context, tx pgx.Tx, repository int64, app, environment string, i promotion.Intent) error {
	if i.Kind == "" {
		i.Kind = promotion.IntentPromotion
	}
	_, err := tx.Exec(ctx, `
		insert into intents (repository, environment, app, kind, release, came_from, actor, reason, at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict do nothing`,
		repository, environment, app, i.Kind, toJSON(i.Release), toJSON(emptyRelease(i.From)), i.Actor, i.Reason, i.At)
	return err
}

func emptyRelease(r promotion.Release) promotion.Release {
	if r == nil {
		return promotion.Release{}
	}
	return r
}

// writeRollbacks writes down the rollbacks that the plan has decided, and ends the holds of those over which something newer has come.
func (d *decision) writeRollbacks(ctx context.Context, app string, _ promotion.Snapshot, p promotion.Plan) error {
	for _, r := range p.RolledBack {
		if err := d.writeRollback(ctx, app, r); err != nil {
			return err
		}
	}
	if err := d.writeIntents(ctx, app, p); err != nil {
		return err
	}
	if len(p.RolledBack)+len(p.Intents) > 0 { // what is opened for them waits for the branch ferry-state
		if _, err := d.state(ctx); err != nil {
			return err
		}
	}
	for _, id := range p.HoldsEnded {
		var environment, reason string
		if err := d.tx.QueryRow(ctx, `
			update holds set lifted_at = $2, lifted_by = 'ferry' where id = $1 returning environment, reason`, id, d.now).Scan(&environment, &reason); err != nil {
			return err
		}
		d.dirty[issueUnit], d.dirty[stateUnit] = true, true
		if err := addEvent(ctx, d.tx, event{repository: d.repo.ID, environment: environment, app: app, kind: "hold ended", actor: "ferry", cause: d.cause, at: d.now,
			detail: "something newer came after the rollback"}); err != nil {
			return err
		}
	}
	return nil
}

// writeRollback writes down a rollback that no comment asked for.
func (d *decision) writeRollback(ctx context.Context, app string, r promotion.RolledBack) error {
	by := pendingCommand{login: r.Intent.Actor}
	kind := r.Intent.Kind
	if kind == "" {
		kind = "reverted"
	} else if err := d.writeIntent(ctx, app, r.Environment, r.Intent); err != nil {
		return err
	}
	if err := addEvent(ctx, d.tx, event{repository: d.repo.ID, environment: r.Environment, app: app, kind: kind, actor: r.Intent.Actor, cause: r.Cause, at: d.now,
		detail: r.Intent.Detail()}); err != nil {
		return err
	}
	if err := d.begin(ctx, by, r.Cause, holdKind(), r.Hold); err != nil {
		return err
	}
	d.dirty[issueUnit], d.dirty[stateUnit] = true, true
	if r.Block == nil {
		return nil
	}
	return d.blockFor(ctx, by, r.Cause, *r.Block)
}

// hotfixes reads the last hotfix that was merged into each environment.
func (d *decision) hotfixes(ctx context.Context, s *promotion.Snapshot) error {
	list, err := d.hotfixesOf(ctx, s.App.Name)
	for i := range list {
		if env := s.Find(list[i].Environment); env != nil {
			env.Hotfix = &list[i].Hotfix
		}
	}
	return err
}

func (d *decision) hotfixesOf(ctx context.Context, app string) (list []promotion.Mended, err error) {
	rows, err := d.tx.Query(ctx, `
		select distinct on (environment) environment, release, asker, reason, opened_at from promotions
		where repository = $1 and app = $2 and intent = $3 and merge_sha <> '' order by environment, id desc`, d.repo.ID, app, promotion.IntentHotfix)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (m promotion.Mended, err error) {
		var release []byte
		m.App = app
		if err := row.Scan(&m.Environment, &release, &m.Hotfix.Actor, &m.Hotfix.Reason, &m.Hotfix.At); err != nil {
			return m, err
		}
		m.Hotfix.At = m.Hotfix.At.UTC()
		return m, json.Unmarshal(release, &m.Hotfix.Release)
	})
}

// mended reads the hotfixes that stand where somebody's own pull request changes a release.
func (d *decision) mended(ctx context.Context, changes []byte, stops *promotion.Stops) error {
	var places []promotion.Change
	if err := json.Unmarshal(changes, &places); err != nil {
		return err
	}
	if slices.ContainsFunc(places, func(p promotion.Change) bool { return p.App == "" }) { // it may change any
		return d.allMended(ctx, stops)
	}
	looked := map[string]bool{}
	for _, p := range places {
		if looked[p.App] {
			continue
		}
		looked[p.App] = true
		if err := d.mendedOf(ctx, p.App, stops); err != nil {
			return err
		}
	}
	return nil
}

// allMended adds the hotfixes of every app that stand.
func (d *decision) allMended(ctx context.Context, stops *promotion.Stops) error {
	apps, err := collectTx[string](ctx, d.tx, `select distinct app from promotions where repository = $1 and intent = $2 and merge_sha <> '' order by app`, d.repo.ID, promotion.IntentHotfix)
	if err != nil {
		return err
	}
	for _, app := range apps {
		if err := d.mendedOf(ctx, app, stops); err != nil {
			return err
		}
	}
	return nil
}

// mendedOf adds the hotfixes of the app that stand.
func (d *decision) mendedOf(ctx context.Context, app string, stops *promotion.Stops) error {
	hotfixes, err := d.hotfixesOf(ctx, app)
	if err != nil {
		return err
	}
	standing, err := d.standing(ctx, app, hotfixes)
	stops.Mended = append(stops.Mended, standing...)
	return err
}

// standing returns those of the app's hotfixes that stand still.
func (d *decision) standing(ctx context.Context, app string, hotfixes []promotion.Mended) (list []promotion.Mended, err error) {
	if len(hotfixes) == 0 {
		return nil, nil
	}
	history, err := d.history(ctx, app)
	if err != nil {
		return nil, err
	}
	var seen []promotion.Deployment
	for _, deployments := range history {
		seen = append(seen, deployments...)
	}
	for _, m := range hotfixes {
		if now := history[m.Environment]; len(now) > 0 && !now[0].Ended && now[0].Problem == "" && now[0].Release.Same(m.Hotfix.Release) {
			m.Seen = seen
			list = append(list, m)
		}
	}
	return list, nil
}

// wantedAgain takes up what was wanted at once, where a person had closed its pull request and somebody has reopened it. With something else there than
// what stood when it was opened, it is over.
func (r *observation) wantedAgain(ctx context.Context, m ownPromotion) error {
	if m.state != promotion.PromotionRejected {
		return nil
	}
	tag, err := r.tx.Exec(ctx, `
		insert into intents (repository, environment, app, kind, release, came_from, actor, reason, at)
		select m.repository, m.environment, m.app, m.intent, m.release, d.release, m.asker, m.reason, $2
		from promotions m join deployments d on d.repository = m.repository and d.branch = $3 and d.environment = m.environment and d.app = m.app
		where m.id = $1 and m.intent in ($4, $5, $6) and d.last_seq is null and d.problem = '' and d.since <= m.opened_at
		on conflict do nothing`, m.id, r.now, r.branch(), promotion.IntentRollback, promotion.IntentHotfix, promotion.IntentBackfill)
	if err == nil && tag.RowsAffected() > 0 {
		r.dirty[stateUnit] = true
	}
	return err
}

// overHotfixes makes the pull requests due that people made by hand and that change what a hotfix has come to stand in, or has left.
func (r *observation) overHotfixes(ctx context.Context, app, environment string) error {
	names, err := collectTx[string](ctx, r.tx, `
		select 'pull:' || number from pulls p where repository = $1 and open
		  and (changes @> jsonb_build_array(jsonb_build_object('App', $2::text, 'Environment', $3::text)) or `+proposesConfig+`)
		  and exists (select from promotions where repository = $1 and app = $2 and environment = $3 and intent = $4 and merge_sha <> '')`,
		r.repo.ID, app, environment, promotion.IntentHotfix)
	for _, name := range names {
		r.dirty[name] = true
	}
	return err
}

// writeIntents writes down what the plan itself wants to come.
func (d *decision) writeIntents(ctx context.Context, app string, p promotion.Plan) error {
	for _, w := range p.Intents {
		if err := d.writeIntent(ctx, app, w.Environment, w.Intent); err != nil {
			return err
		}
		d.dirty[appUnit(app)], d.dirty[stateUnit] = true, true
		if err := addEvent(ctx, d.tx, event{repository: d.repo.ID, environment: w.Environment, app: app, kind: w.Intent.Kind, actor: w.Intent.Actor, cause: w.Cause, at: d.now,
			detail: w.Intent.Detail()}); err != nil {
			return err
		}
	}
	return nil
}
