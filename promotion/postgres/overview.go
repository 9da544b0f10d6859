package postgres

import (
	"context"
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"

	"ferry/promotion"
	"ferry/promotion/config"
)

// Overview is one environment repository, for the page.
type Overview struct {
	ID           int64
	FullName     string
	Issue        int              // Ferry's, 0 where there is none yet
	Problem      string           // of the .ferry.yaml at the head
	Failure      string           // why reading the repository is put off
	Findings     []config.Finding // what looks wrong between .ferry.yaml and the files
	Environments []string
	Views        []promotion.View
	Throttles    []promotion.Throttle // that the forge held it up with last
	Overposted   []string             // why gates of hand-made pull requests do not stand
	Unkept       string               // why the branch ferry-state cannot be written
}

// Overview returns every environment repository with what the last plans said, and every repository that cannot be read: it may be one.
func (s *Store) Overview(ctx context.Context) (list []Overview, err error) {
	defer wrap(&err, "Overview")
	rows, err := s.pool.Query(ctx, `
		select id, owner || '/' || name, issue, config_problem, failure, config_findings from repositories
		where accessible and (config_blob <> '' or config_problem <> '' or failure <> '') order by 2`)
	if err != nil {
		return nil, err
	}
	var o Overview
	var findings []byte
	if _, err := pgx.ForEachRow(rows, []any{&o.ID, &o.FullName, &o.Issue, &o.Problem, &o.Failure, &findings}, func() error {
		one := o
		list = append(list, one)
		return json.Unmarshal(findings, &list[len(list)-1].Findings)
	}); err != nil {
		return nil, err
	}
	for i := range list {
		if err := s.overviewOf(ctx, &list[i]); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func (s *Store) overviewOf(ctx context.Context, o *Overview) error {
	rows, err := s.pool.Query(ctx, `select view from apps where repository = $1 and view <> '{}' order by name`, o.ID)
	if err != nil {
		return err
	}
	var raw []byte
	_, err = pgx.ForEachRow(rows, []any{&raw}, func() error {
		var v promotion.View
		if err := json.Unmarshal(raw, &v); err != nil {
			return err
		}
		o.Views = append(o.Views, v)
		return nil
	})
	if err != nil {
		return err
	}
	o.Environments = promotion.EnvironmentNames(o.Views)
	if err := s.pool.QueryRow(ctx, unkept, o.ID, patientTries).Scan(&o.Unkept); err != nil {
		return err
	}
	rows, err = s.pool.Query(ctx, overposted, o.ID, promotion.GatesContext)
	if err != nil {
		return err
	}
	if o.Overposted, err = pgx.CollectRows(rows, pgx.RowTo[string]); err != nil {
		return err
	}
	o.Throttles, err = throttles(ctx, s.pool, o.ID, time.Time{})
	return err
}
