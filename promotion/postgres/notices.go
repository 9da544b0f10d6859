package postgres

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"ferry/promotion"
)

// NoticeWish is what Ferry's one comment under a promotion's pull request should say.
type NoticeWish struct {
	Number int    `json:"number"`
	Body   string `json:"body"`
}

// brought reads the newest promotion into each environment that was merged.
func (d *decision) brought(ctx context.Context, s *promotion.Snapshot) error {
	rows, err := d.tx.Query(ctx, `
		select distinct on (environment) environment, number, release, opened_at from promotions
		where repository = $1 and app = $2 and number <> 0 and state in ('merged', 'converged', 'failed') order by environment, id desc`, d.repo.ID, s.App.Name)
	if err != nil {
		return err
	}
	var environment string
	var number int
	var release []byte
	var opened time.Time
	if _, err = pgx.ForEachRow(rows, []any{&environment, &number, &release, &opened}, func() error {
		env := s.Find(environment)
		if env == nil {
			return nil
		}
		env.Brought = &promotion.Promotion{Number: number, OpenedAt: opened}
		return json.Unmarshal(release, &env.Brought.Release)
	}); err != nil {
		return err
	}
	d.told, err = collectTx[string](ctx, d.tx, `select key from wishes where repository = $1 and app = $2 and kind = 'notice'`, d.repo.ID, s.App.Name)
	return err
}

// writeNotices wishes a comment where there is trouble; where a comment tells of trouble that is over, it says so.
func (d *decision) writeNotices(ctx context.Context, app string, _ promotion.Snapshot, p promotion.Plan) error {
	for _, n := range p.Notices {
		key, body := strconv.Itoa(n.Number), n.Trouble
		if body == "" {
			if body = n.Calm; body == "" || !slices.Contains(d.told, key) {
				continue
			}
		}
		if err := d.wish(ctx, "notice", key, app, NoticeWish{Number: n.Number, Body: body}, time.Time{}); err != nil {
			return err
		}
	}
	return nil
}
