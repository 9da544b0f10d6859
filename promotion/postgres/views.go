package postgres

import (
	"context"
	"encoding/json"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"

	"ferry/promotion"
)

// viewsNow returns the views of all apps. Those that were never decided, as after a loss of the database, are planned for that, and nothing of the plan is
// written down.
func (d *decision) viewsNow(ctx context.Context) ([]promotion.View, error) {
	list, err := d.views(ctx)
	if err != nil || d.config == nil {
		return list, err
	}
	apps, err := collectTx[string](ctx, d.tx, `select name from apps where repository = $1 and coalesce(view ->> 'app', '') = '' order by name`, d.repo.ID)
	if err != nil {
		return nil, err
	}
	byGroup := map[string][]promotion.Snapshot{}
	for _, app := range apps {
		s, err := d.snapshot(ctx, app)
		if err != nil {
			return nil, err
		}
		byGroup[s.App.Group] = append(byGroup[s.App.Group], s)
	}
	for _, group := range slices.Sorted(maps.Keys(byGroup)) {
		planned, err := d.planned(ctx, group, byGroup[group])
		if err != nil {
			return nil, err
		}
		list = append(list, planned...)
	}
	return list, nil
}

// planned returns the views of apps of one group, or of those that go alone where it has no name.
func (d *decision) planned(ctx context.Context, group string, apps []promotion.Snapshot) (list []promotion.View, err error) {
	var plans []promotion.Plan
	if group != "" {
		train, err := d.trainOf(ctx, group, apps)
		if err != nil {
			return nil, err
		}
		plans = promotion.PlanGroup(train, d.now).Apps
	} else {
		for _, s := range apps {
			plans = append(plans, promotion.MakePlan(s, d.now))
		}
	}
	for i, plan := range plans {
		plan.View.App, plan.View.Group = apps[i].App.Name, group
		list = append(list, plan.View)
	}
	return list, nil
}

// views returns what the last plans said of every app.
func (d *decision) views(ctx context.Context) (list []promotion.View, err error) {
	rows, err := d.tx.Query(ctx, `select view from apps where repository = $1 order by name`, d.repo.ID)
	if err != nil {
		return nil, err
	}
	var raw []byte
	_, err = pgx.ForEachRow(rows, []any{&raw}, func() error {
		var v promotion.View
		if err := json.Unmarshal(raw, &v); err != nil {
			return err
		}
		if v.App != "" {
			list = append(list, v)
		}
		return nil
	})
	return list, err
}
