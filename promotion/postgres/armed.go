package postgres

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"ferry/promotion"
)

// armings writes down who told the forge to merge pull requests by itself: what was read of them, and then what deliveries said since. Where these came in
// another order than they were sent, the act finds out: it reads the truth first.
func (r *observation) armings(ctx context.Context) error {
	for _, p := range r.o.Pulls {
		if !p.Open {
			continue
		}
		if err := r.arm(ctx, p.Number, "auto_merge", p.AutoMerge); err != nil {
			return err
		}
	}
	for _, a := range r.o.Armings {
		column := "auto_merge"
		if a.Queue {
			column = "queue"
		}
		if err := r.arm(ctx, a.Number, column, a.By); err != nil {
			return err
		}
		if a.Ejected == "" {
			continue
		}
		if err := r.ejected(ctx, a.Number, a.Ejected); err != nil {
			return err
		}
	}
	return nil
}

// arm writes one of the two ways down, and makes due what it matters to where that is news.
func (r *observation) arm(ctx context.Context, number int, column, by string) error {
	sql := `update armed set ` + column + ` = $3 where repository = $1 and number = $2 and ` + column + ` <> $3 and $4::timestamptz is not null`
	if by != "" {
		sql = `insert into armed (repository, number, ` + column + `, at) values ($1, $2, $3, $4)
		       on conflict (repository, number) do update set ` + column + ` = excluded.` + column + `, at = excluded.at, disarmed = '' where armed.` + column + ` <> excluded.` + column
	}
	tag, err := r.tx.Exec(ctx, sql, r.repo.ID, number, by, r.now)
	if err != nil || tag.RowsAffected() == 0 {
		return err
	}
	unit, err := unitOfPull(ctx, r.tx, r.repo.ID, number)
	r.dirty[unit] = true
	return err
}

// unitOfPull returns the unit that decides the gates of a pull request.
func unitOfPull(ctx context.Context, tx pgx.Tx, repository int64, number int) (unit string, err error) {
	var app string
	err = tx.QueryRow(ctx, `select app from promotions where repository = $1 and number = $2 order by id desc limit 1`, repository, number).Scan(&app)
	if errors.Is(err, pgx.ErrNoRows) {
		return pullUnit(number), nil
	}
	return appUnit(app), err
}

// armed reads who told the forge to merge the app's open pull requests by itself.
func (d *decision) armed(ctx context.Context, s *promotion.Snapshot) error {
	for i := range s.Environments {
		env := &s.Environments[i]
		if env.Pull == nil {
			continue
		}
		var err error
		if env.Pull.Armed, err = d.armedOn(ctx, env.Pull.Number); err != nil {
			return err
		}
	}
	return nil
}

func (d *decision) armedOn(ctx context.Context, number int) (a promotion.Armed, err error) {
	err = d.tx.QueryRow(ctx, `select auto_merge, queue, at, disarmed from armed where repository = $1 and number = $2`, d.repo.ID, number).
		Scan(&a.AutoMerge, &a.Queue, &a.At, &a.Disarmed)
	if errors.Is(err, pgx.ErrNoRows) {
		return a, nil
	}
	a.At = a.At.UTC()
	return a, err
}

// writeDisarms wishes that what is armed be disarmed where a gate closed, and takes that back where it opened first.
func (d *decision) writeDisarms(ctx context.Context, app string, s promotion.Snapshot, p promotion.Plan) error {
	wished := map[int]bool{}
	for _, x := range p.Disarms {
		wished[x.Number] = true
		if err := d.disarm(ctx, app, x); err != nil {
			return err
		}
	}
	for _, env := range s.Environments {
		onTrain := env.Promotion != nil && env.Promotion.Train != "" // that is the train's to say
		if env.Pull == nil || onTrain || wished[env.Pull.Number] || env.Pull.Armed.At.IsZero() {
			continue
		}
		if err := d.keepArmed(ctx, env.Pull.Number); err != nil {
			return err
		}
	}
	return nil
}

func (d *decision) disarm(ctx context.Context, app string, x promotion.Disarm) error {
	return d.wish(ctx, "disarm", strconv.Itoa(x.Number), app, x, time.Time{})
}

func (d *decision) keepArmed(ctx context.Context, number int) error {
	_, err := d.tx.Exec(ctx, `delete from wishes where repository = $1 and kind = 'disarm' and key = $2`, d.repo.ID, strconv.Itoa(number))
	return err
}

// disarmHandMade does so for a pull request that is not Ferry's.
func (d *decision) disarmHandMade(ctx context.Context, number int, c promotion.Contribution) error {
	armed, err := d.armedOn(ctx, number)
	if err != nil || armed.At.IsZero() {
		return err
	}
	if err := d.tellHandMade(ctx, number, armed); err != nil {
		return err
	}
	if x, stops := promotion.StopsHandMade(number, armed, c); stops {
		return d.disarm(ctx, "", x)
	}
	return d.keepArmed(ctx, number)
}

// tellHandMade tells under a pull request that is not Ferry's what was taken back of its merge, and that it was ordered anew.
func (d *decision) tellHandMade(ctx context.Context, number int, armed promotion.Armed) (err error) {
	notice := promotion.HandMadeNotice(number, armed)
	notice.Trouble = promotion.Prefixed(d.prefix(), notice.Trouble)
	d.told, err = collectTx[string](ctx, d.tx, `select key from wishes where repository = $1 and kind = 'notice' and key = $2`, d.repo.ID, strconv.Itoa(number))
	if err != nil {
		return err
	}
	return d.writeNotices(ctx, "", promotion.Snapshot{}, promotion.Plan{Notices: []promotion.Notice{notice}})
}

// Armed returns who has told the forge to merge a pull request by itself, as far as deliveries said.
func (s *Store) Armed(ctx context.Context, repository int64, number int) (a promotion.Armed, err error) {
	defer wrap(&err, "Armed(%d, %d)", repository, number)
	err = s.pool.QueryRow(ctx, `select auto_merge, queue, at from armed where repository = $1 and number = $2`, repository, number).Scan(&a.AutoMerge, &a.Queue, &a.At)
	if errors.Is(err, pgx.ErrNoRows) {
		err = nil
	}
	return a, err
}

// disarmedByWish is what follows from an act that was to disarm a pull request, and nothing else.
func (s *Store) disarmedByWish(ctx context.Context, tx pgx.Tx, w Wish, words string, now time.Time) error {
	number, err := strconv.Atoi(w.Key)
	if err != nil {
		return fmt.Errorf("%q is no number of a pull request", w.Key)
	}
	if err := s.disarmed(ctx, tx, w, number, "a gate closed", words, now); err != nil {
		return err
	}
	unit, err := unitOfPull(ctx, tx, w.Repository.ID, number)
	if err != nil {
		return err
	}
	return s.raiseUnits(ctx, tx, w.Repository.ID, []string{unit})
}

// disarmed writes down that the forge does not merge a pull request by itself any more, and what Ferry took back for that, if anything.
func (s *Store) disarmed(ctx context.Context, tx pgx.Tx, w Wish, number int, cause, words string, now time.Time) error {
	if _, err := tx.Exec(ctx, `
		insert into armed (repository, number, at, disarmed) values ($1, $2, $4, $3)
		on conflict (repository, number) do update set auto_merge = '', queue = '',
		  disarmed = case when excluded.disarmed = '' and armed.auto_merge = '' and armed.queue = '' then armed.disarmed else excluded.disarmed end`, w.Repository.ID, number, words, now); err != nil || words == "" {
		return err
	}
	return addEvent(ctx, tx, event{repository: w.Repository.ID, app: w.App, kind: "disarmed", actor: "ferry", cause: cause, at: now, detail: fmt.Sprintf("#%d: %s", number, words)})
}
