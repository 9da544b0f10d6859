package postgres

import (
	"context"
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"

	"ferry/promotion"
)

// blocks reads the blocks that nobody has lifted.
func (d *decision) blocks(ctx context.Context) (list []promotion.Block, err error) {
	rows, err := d.tx.Query(ctx, `
		select id, app, environment, image, tag, digest, rest, reason, actor, at from blocks where repository = $1 and lifted_at is null order by id`, d.repo.ID)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (b promotion.Block, err error) {
		var rest []byte
		if err := row.Scan(&b.ID, &b.App, &b.Environment, &b.Image.Name, &b.Image.Tag, &b.Image.Digest, &rest, &b.Reason, &b.Actor, &b.At); err != nil {
			return b, err
		}
		b.At = b.At.UTC()
		return b, json.Unmarshal(rest, &b.Rest)
	})
}

// standingRejections reads the rejections of the whole repository that nobody has lifted.
func (d *decision) standingRejections(ctx context.Context) (list []promotion.StandingRejection, err error) {
	rows, err := d.tx.Query(ctx, `
		select app, environment, release, number, actor, at from rejections where repository = $1 and lifted_at is null order by number, app, environment`, d.repo.ID)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (r promotion.StandingRejection, err error) {
		var release []byte
		if err := row.Scan(&r.App, &r.Environment, &release, &r.Number, &r.Actor, &r.At); err != nil {
			return r, err
		}
		return r, json.Unmarshal(release, &r.Release)
	})
}

func insertBlock(ctx context.Context, tx pgx.Tx, repository int64, b promotion.Block) error {
	_, err := tx.Exec(ctx, `insert into blocks (repository, environment, app, image, tag, digest, rest, reason, actor, at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		repository, b.Environment, b.App, b.Image.Name, b.Image.Tag, b.Image.Digest, toJSON(emptyRelease(b.Rest)), b.Reason, b.Actor, b.At)
	return err
}

// blockFor writes down what a person blocks.
func (d *decision) blockFor(ctx context.Context, c pendingCommand, cause string, b promotion.Block) error {
	if err := insertBlock(ctx, d.tx, d.repo.ID, b); err != nil {
		return err
	}
	return d.said(ctx, c, cause, "block", b.Environment, b.App, b.Detail())
}

// writeBlocks writes down what the comment blocks, and which blocks and rejections it lifts.
func (d *decision) writeBlocks(ctx context.Context, c pendingCommand, cause string, out promotion.Outcome) error {
	for _, b := range out.Blocks {
		if err := d.blockFor(ctx, c, cause, b); err != nil {
			return err
		}
	}
	for _, id := range out.Unblocked {
		var b promotion.Block
		if err := d.tx.QueryRow(ctx, `update blocks set lifted_at = $2, lifted_by = $3 where id = $1 returning environment, app, image, tag, digest`, id, d.now, c.login).
			Scan(&b.Environment, &b.App, &b.Image.Name, &b.Image.Tag, &b.Image.Digest); err != nil {
			return err
		}
		if err := d.said(ctx, c, cause, "unblock", b.Environment, b.App, b.Detail()); err != nil {
			return err
		}
	}
	for _, l := range out.Lifts {
		if err := liftRejection(ctx, d.tx, d.repo.ID, l); err != nil {
			return err
		}
		if err := d.said(ctx, c, cause, "unblock", l.Environment, l.App, l.Detail()); err != nil {
			return err
		}
	}
	return nil
}

// liftRejection takes back a rejection of before the lift; one that came after it stands.
func liftRejection(ctx context.Context, tx pgx.Tx, repository int64, l promotion.Lift) error {
	_, err := tx.Exec(ctx, `
		update rejections set lifted_at = $5, lifted_by = $6
		where repository = $1 and environment = $2 and app = $3 and number = $4 and lifted_at is null and at <= $5`,
		repository, l.Environment, l.App, l.Number, l.At, l.Actor)
	return err
}

// mostLifts bounds how many rejections that were taken back stand on the branch ferry-state: of more, nobody reads the rejections back either.
const mostLifts = 200

// lifts reads the rejections that were taken back by /unblock: of those the forge tells nothing. The newest are kept.
func (d *decision) lifts(ctx context.Context) ([]promotion.Lift, error) {
	rows, err := d.tx.Query(ctx, `
		select app, environment, number, lifted_by, lifted_at
		from (select * from rejections where repository = $1 and lifted_by <> '' order by lifted_at desc, number desc limit $2) r
		order by number, app, environment`, d.repo.ID, mostLifts)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (l promotion.Lift, err error) {
		var at time.Time
		err = row.Scan(&l.App, &l.Environment, &l.Number, &l.Actor, &at)
		l.At = at.UTC()
		return l, err
	})
}
