package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"ferry/promotion"
)

// lacks reads what the forge did not take of pull requests when they were opened.
func (d *decision) lacks(ctx context.Context, s *promotion.Snapshot) error {
	rows, err := d.tx.Query(ctx, `
		select desired ->> 'environment', applied ->> 'lacks' from wishes where repository = $1 and app = $2 and kind = 'pull' and applied ? 'lacks'`, d.repo.ID, s.App.Name)
	if err != nil {
		return err
	}
	s.Lacks = map[string]string{}
	var environment, words string
	_, err = pgx.ForEachRow(rows, []any{&environment, &words}, func() error { s.Lacks[environment] = words; return nil })
	return err
}
