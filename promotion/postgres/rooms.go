package postgres

import (
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"ferry/promotion"
)

// Places in an environment are not counted anywhere: who looks counts the open promotions. Whoever takes a place, gives one back or waits for one writes
// the environment's row in rooms. Two decisions at once meet there, and the later one, whose snapshot lacks what the earlier one did, is run again; so
// there are never more than max_open, and nobody waits for a place that is free.

// rooms reads how full the app's environments are, and who waits there before others.
func (d *decision) rooms(ctx context.Context, s *promotion.Snapshot) error {
	var names []string
	var places []int
	for _, env := range s.Environments {
		if env.MaxOpen > 0 {
			names, places = append(names, env.Name), append(places, env.MaxOpen)
		}
	}
	rows, err := d.tx.Query(ctx, `
		select e.name, (select count(distinct m.branch) from promotions m
		                where m.repository = $1 and m.environment = e.name and m.state in ('waiting', 'open') and m.branch <> 'ferry/' || e.name || '/' || $4), w.name, w.since
		from unnest($2::text[], $3::int[]) as e (name, places) left join lateral (
		  (select name, since from waiting where repository = $1 and environment = e.name and name <> $4 order by since, name limit e.places)
		  union all select name, since from waiting where repository = $1 and environment = e.name and name = $4) w on true
		order by e.name, w.since, w.name`, d.repo.ID, names, places, s.App.Name)
	if err != nil {
		return err
	}
	var environment string
	var taken int
	var name *string
	var since *time.Time
	_, err = pgx.ForEachRow(rows, []any{&environment, &taken, &name, &since}, func() error {
		room := &s.Find(environment).Room
		room.Taken = taken
		switch {
		case name == nil:
		case *name == s.App.Name:
			room.Since = timeOf(since)
		default:
			room.Waiting = append(room.Waiting, promotion.Waiter{Name: *name, Since: timeOf(since)})
		}
		return nil
	})
	return err
}

// writeRooms writes down who waits for a place, and wakes who comes next where one is free. It is to be called before the promotions are written.
func (d *decision) writeRooms(ctx context.Context, app string, s promotion.Snapshot, p promotion.Plan) error {
	for i := range s.Environments {
		env := &s.Environments[i]
		waits := slices.IndexFunc(p.Rooms, func(w promotion.RoomWish) bool { return w.Environment == env.Name })
		waited := !env.Room.Since.IsZero()
		took, gave := turnover(env, p)
		if waits < 0 && !waited && !took && !gave {
			continue
		}
		if err := d.enter(ctx, env.Name); err != nil {
			return err
		}
		if err := d.writeWaiting(ctx, app, env, p.Rooms, waits); err != nil {
			return err
		}
		taken := env.Room.Taken
		if took || env.Promotion != nil && !gave {
			taken++
		}
		if waits < 0 && taken < env.MaxOpen {
			if err := d.wakeWaiting(ctx, d.tx, d.repo.ID, env.Name); err != nil {
				return err
			}
		}
	}
	return nil
}

// turnover says whether the plan takes a place in the environment, and whether it gives one back that it never used.
func turnover(env *promotion.Environment, p promotion.Plan) (took, gave bool) {
	for _, w := range p.Pulls {
		if w.Environment == env.Name {
			took = took || w.Open && env.Promotion == nil
			gave = gave || !w.Open && env.Pull == nil && env.Promotion != nil
		}
	}
	return took, gave
}

// enter is what two decisions about the places of one environment meet at. One that lost there waits for its turn before it is run again.
func (d *decision) enter(ctx context.Context, environment string) error {
	*d.contended = true
	_, err := d.tx.Exec(ctx, `insert into rooms (repository, environment) values ($1, $2) on conflict (repository, environment) do update set turn = rooms.turn + 1`,
		d.repo.ID, environment)
	return err
}

// takeTurns makes a decision that lost against another one over a place wait until it is alone: of many at once most would lose again and again. It
// must come before anything is read; and it locks a table that nothing else touches, because all others lock their unit first and the room after it.
func takeTurns(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.Exec(ctx, `lock table turns in share row exclusive mode`)
	return err
}

func (d *decision) writeWaiting(ctx context.Context, app string, env *promotion.Environment, wishes []promotion.RoomWish, i int) error {
	if i < 0 {
		_, err := d.tx.Exec(ctx, `delete from waiting where repository = $1 and environment = $2 and name = $3`, d.repo.ID, env.Name, app)
		return err
	}
	if !env.Room.Since.IsZero() {
		return nil
	}
	if _, err := d.tx.Exec(ctx, `insert into waiting (repository, environment, name, since) values ($1, $2, $3, $4)`, d.repo.ID, env.Name, app, wishes[i].Since); err != nil {
		return err
	}
	return addEvent(ctx, d.tx, event{repository: d.repo.ID, environment: env.Name, app: app, kind: "waits for room", actor: "ferry", cause: d.cause, at: d.now})
}

// leftRoom says that promotions into the environments, which are in order, are not open any more: who waits for their places is woken. It comes after all
// units that the transaction raises: a decision locks its unit first and the room after it.
func (s *Store) leftRoom(ctx context.Context, tx pgx.Tx, repository int64, environments ...string) error {
	for _, environment := range environments {
		tag, err := tx.Exec(ctx, `update rooms set turn = turn + 1 where repository = $1 and environment = $2`, repository, environment)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			continue
		}
		if err := s.wakeWaiting(ctx, tx, repository, environment); err != nil {
			return err
		}
	}
	return nil
}

// wakeWaiting makes who comes next in the environment due; once that one has its place, it wakes the next. One that is being decided right now meets
// this transaction at the environment's row, and need not be woken.
func (s *Store) wakeWaiting(ctx context.Context, tx pgx.Tx, repository int64, environment string) error {
	woken, err := collectTx[string](ctx, tx, `
		update units set generation = generation + 1 where repository = $1 and name in (
		  select name from units where repository = $1 and name = (
		    select u.name from waiting w join units u on u.repository = w.repository and u.name in ('app:' || w.name, 'group:' || w.name)
		    where w.repository = $1 and w.environment = $2 order by w.since, w.name limit 1)
		  for update skip locked)
		returning name`, repository, environment)
	if err != nil || len(woken) == 0 {
		return err
	}
	return s.enqueue(ctx, tx, DecideArgs{Repository: repository, Unit: woken[0]})
}
