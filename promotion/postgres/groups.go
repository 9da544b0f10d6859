package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"ferry/promotion"
	"ferry/promotion/config"
)

// The apps of a group are decided as one unit, in one transaction, so that one plan sees all of them. Which group an app travels with stands in its row,
// for whoever makes it due without the configuration at hand; a decision that finds it otherwise in the configuration writes it down, and leaves the app
// to the unit that it belongs to now. A train has one promotion for each of its cars, all of one pull request and with the group's name.

// changesTrain writes down that the app travels with that group from now on (with none where it is empty), and makes it due there. It says whether it did
// not travel so before.
func (d *decision) changesTrain(ctx context.Context, app, group string) (changed bool, err error) {
	var before string
	err = d.tx.QueryRow(ctx, `select coalesce((select travels from apps where repository = $1 and name = $2), '')`, d.repo.ID, app).Scan(&before)
	if err != nil || before == group {
		return false, err
	}
	*d.contended = true // many at once, at a changed configuration
	if _, err := d.tx.Exec(ctx, `
		insert into apps (repository, name, travels) values ($1, $2, $3) on conflict (repository, name) do update set travels = excluded.travels`, d.repo.ID, app, group); err != nil {
		return false, err
	}
	if err := d.waitsNoMore(ctx, app); err != nil {
		return false, err
	}
	d.dirty[appUnit(app)] = true
	if before != "" {
		d.dirty[groupUnit(before)] = true
	}
	return true, nil
}

// waitsNoMore takes who does not open promotions under that name any more out of every line.
func (d *decision) waitsNoMore(ctx context.Context, name string) error {
	_, err := d.tx.Exec(ctx, `delete from waiting where repository = $1 and name = $2`, d.repo.ID, name)
	return err
}

// group plans the apps that travel together, and writes the plan down.
func (d *decision) group(ctx context.Context, name string) (time.Time, error) {
	g, err := d.groupSnapshot(ctx, name)
	if err != nil {
		return time.Time{}, err
	}
	if len(g.Apps) == 0 {
		if err := d.waitsNoMore(ctx, name); err != nil {
			return time.Time{}, err
		}
	}
	plan := promotion.PlanGroup(g, d.now)
	for i, s := range g.Apps {
		if err := d.write(ctx, s.App.Name, s, plan.Apps[i]); err != nil {
			return time.Time{}, err
		}
	}
	for _, step := range []func(context.Context, string, promotion.Snapshot, promotion.Plan) error{d.writeRooms, d.writePulls, d.writeMerges, d.writeContributions, d.writeNotices, d.writeDisarms} {
		if err := step(ctx, name, g.Train, plan.Train); err != nil {
			return time.Time{}, err
		}
	}
	return plan.DueAt(), nil
}

// groupSnapshot reads everything the plan of a group looks at.
func (d *decision) groupSnapshot(ctx context.Context, name string) (g promotion.Group, err error) {
	apps, err := collectTx[string](ctx, d.tx, `select name from apps where repository = $1 and travels = $2 order by name`, d.repo.ID, name)
	if err != nil {
		return g, err
	}
	var members []promotion.Snapshot
	for _, app := range apps {
		s, err := d.snapshot(ctx, app)
		if err != nil {
			return g, err
		}
		if s.App.Group != name {
			if _, err := d.changesTrain(ctx, app, s.App.Group); err != nil {
				return g, err
			}
			continue
		}
		members = append(members, s)
	}
	if g, err = d.trainOf(ctx, name, members); err != nil {
		return g, err
	}
	d.told, err = collectTx[string](ctx, d.tx, `select key from wishes where repository = $1 and app = $2 and kind = 'notice'`, d.repo.ID, name)
	return g, err
}

// trainOf reads what stands of a group's own, beside its apps.
func (d *decision) trainOf(ctx context.Context, name string, apps []promotion.Snapshot) (promotion.Group, error) {
	train := promotion.Snapshot{Repository: d.repo.Repo, DefaultBranch: d.repo.DefaultBranch, Self: d.mind.Self, ForgeURL: d.mind.ForgeURL, App: config.App{Name: name}, Prefix: d.prefix(),
		Refusals: map[string]promotion.Refusal{}}
	for _, s := range apps {
		for _, env := range s.Environments {
			d.goesTo(&train, env.Environment)
		}
	}
	for _, step := range []func(context.Context, *promotion.Snapshot) error{d.openTrains, d.rooms, d.armed, d.anew, d.refusals} {
		if err := step(ctx, &train); err != nil {
			return promotion.Group{}, err
		}
	}
	return promotion.Group{Apps: apps, Train: train}, nil
}

// goesTo adds an environment that a train goes to.
func (d *decision) goesTo(train *promotion.Snapshot, env config.Environment) *promotion.Environment {
	if train.Find(env.Name) == nil {
		train.Environments = append(train.Environments, promotion.Environment{Environment: config.Environment{Name: env.Name, MaxOpen: env.MaxOpen}})
	}
	return train.Find(env.Name)
}

// openTrains reads what is open of the group, also where it has no app any more.
func (d *decision) openTrains(ctx context.Context, train *promotion.Snapshot) error {
	rows, err := d.tx.Query(ctx, `
		select m.environment, m.branch, m.app, m.id, m.number, m.release, m.intent, m.asker, m.superseded, m.state, m.opened_at,
		       coalesce(p.open, false), coalesce(p.head_sha, ''), coalesce(p.pusher, ''), coalesce(exists (select from commits c where c.repository = m.repository and c.sha = p.head_sha and c.branch = m.branch)
		       and p.author = $3 and p.head_repo = $4 and p.base_branch = $5, false)
		from promotions m left join pulls p on p.repository = m.repository and p.number = m.number and m.number <> 0
		where m.repository = $1 and m.train = $2 and (m.state in ('waiting', 'open') or p.open) order by m.environment, m.app, m.id`,
		d.repo.ID, train.App.Name, d.mind.Self.ID, d.repo.Repo.ID, d.repo.DefaultBranch)
	if err != nil {
		return err
	}
	var environment, branch, app string
	var m promotion.Promotion
	var release, superseded []byte
	var open bool
	var p promotion.Pull
	_, err = pgx.ForEachRow(rows, []any{&environment, &branch, &app, &m.ID, &m.Number, &release, &m.Intent, &m.Asker, &superseded, &m.State, &m.OpenedAt, &open, &p.HeadSHA, &p.Pusher, &p.Known}, func() error {
		one, pull := m, p
		one.Release, one.Superseded = nil, nil
		if err := json.Unmarshal(release, &one.Release); err != nil {
			return err
		}
		if err := json.Unmarshal(superseded, &one.Superseded); err != nil {
			return err
		}
		env := d.goesTo(train, config.Environment{Name: environment})
		living := one.State == promotion.PromotionWaiting || one.State == promotion.PromotionOpen
		if branch != promotion.PromotionBranch(environment, train.App.Name) {
			known := slices.ContainsFunc(env.Outgrown, func(o promotion.Outgrown) bool { return o.Number == one.Number })
			if open && !known {
				env.Outgrown = append(env.Outgrown, promotion.Outgrown{Branch: branch, Number: one.Number, Head: pull.HeadSHA, Known: pull.Known})
			}
			return nil
		}
		if living {
			env.Cars = append(env.Cars, promotion.Car{App: app, Release: one.Release, Intent: one.Intent, Asker: one.Asker, Superseded: one.Superseded})
			env.Promotion = &one
		}
		if open {
			pull.Number = one.Number
			env.Pull = &pull
			if env.Promotion == nil { // every app has left it, and it is to be closed
				env.Promotion = &one
			}
		}
		return nil
	})
	return err
}

// writeTrain writes down that the train is to be opened, or is not to be opened any more.
func (d *decision) writeTrain(ctx context.Context, env *promotion.Environment, w promotion.PullWish) error {
	e := event{repository: d.repo.ID, environment: w.Environment, actor: "ferry", cause: d.cause, at: d.now}
	switch {
	case !w.Open && env.Pull == nil && env.Promotion != nil: // it was never opened, as far as Ferry knows: the act looks
		left, err := collectTx[string](ctx, d.tx, `
			update promotions set state = 'superseded', ended_at = $3 where repository = $1 and branch = $2 and state in ('waiting', 'open') returning app`, d.repo.ID, w.Branch, d.now)
		if err != nil {
			return err
		}
		for _, app := range left {
			e.kind, e.app, e.detail = "promotion superseded", app, w.Reason
			if err := addEvent(ctx, d.tx, e); err != nil {
				return err
			}
		}
	case w.Open && env.Promotion == nil:
		for _, c := range w.Cars {
			if err := insertCar(ctx, d.tx, d.repo.ID, w, c, promotion.PromotionWaiting, 0, d.now); err != nil {
				return err
			}
			e.kind, e.app, e.actor, e.detail = "promotion waiting", c.App, askerOr(c.Asker), c.Release.Version()
			if err := addEvent(ctx, d.tx, e); err != nil {
				return err
			}
		}
	}
	return nil
}

func insertCar(ctx context.Context, tx pgx.Tx, repository int64, w promotion.PullWish, c promotion.Car, state promotion.PromotionState, number int, now time.Time) error {
	_, err := tx.Exec(ctx, `
		insert into promotions (repository, environment, app, branch, train, number, release, intent, asker, superseded, state, opened_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
		repository, w.Environment, c.App, w.Branch, w.Group, number, toJSON(c.Release), c.Intent, c.Asker, toJSON(emptyNotNull(c.Superseded)), state, now)
	return err
}

// showTrain writes down that the pull request shows what was wished of a train: a promotion for each of its cars, and none any more for what has left it.
// It returns the promotions
// for which that is news, and the apps that have left.
func showTrain(ctx context.Context, tx pgx.Tx, repository int64, w promotion.PullWish, number int, now time.Time) (news []ownPromotion, left []string, err error) {
	for _, c := range w.Cars {
		m, changed, err := showCar(ctx, tx, repository, w, c, number, now)
		if err != nil {
			return nil, nil, err
		}
		if changed {
			news = append(news, m)
		}
	}
	apps := make([]string, len(w.Cars))
	for i, c := range w.Cars {
		apps[i] = c.App
	}
	left, err = collectTx[string](ctx, tx, `
		update promotions set state = 'superseded', number = 0, ended_at = $4
		where repository = $1 and branch = $2 and not app = any($3) and (state in ('waiting', 'open') or number = $5 and state in ('rejected', 'superseded')) returning app`,
		repository, w.Branch, apps, now, number) // one that ended was reopened beside what is open for its app
	return news, left, err
}

// showCar is showPromotion for one car.
func showCar(ctx context.Context, tx pgx.Tx, repository int64, w promotion.PullWish, c promotion.Car, number int, now time.Time) (m ownPromotion, changed bool, err error) {
	m = ownPromotion{environment: w.Environment, app: c.App, branch: w.Branch, train: w.Group, release: c.Release}
	var before int
	var branch string
	var release []byte
	err = tx.QueryRow(ctx, `
		select id, state, number, release, branch from promotions
		where repository = $1 and app = $3 and (number = $4 or environment = $2 and state in ('waiting', 'open')) order by number = $4 desc, id desc limit 1 for update`,
		repository, w.Environment, c.App, number).Scan(&m.id, &m.state, &before, &release, &branch)
	if errors.Is(err, pgx.ErrNoRows) {
		m.state = promotion.PromotionOpen
		return m, true, insertCar(ctx, tx, repository, w, c, promotion.PromotionOpen, number, now)
	}
	if err == nil {
		var was promotion.Release
		err = json.Unmarshal(release, &was)
		changed = m.state != promotion.PromotionOpen || before != number || !slices.Equal(was, c.Release)
	}
	if err != nil || !m.living() || branch != w.Branch { // it has ended, or something else is open for the app meanwhile: the next plan sees to it
		return m, false, err
	}
	m.state = promotion.PromotionOpen
	_, err = tx.Exec(ctx, `update promotions set state = 'open', number = $2, release = $3, intent = $4, asker = $5, superseded = $6 where id = $1`,
		m.id, number, toJSON(c.Release), c.Intent, c.Asker, toJSON(emptyNotNull(c.Superseded)))
	return m, changed, err
}
