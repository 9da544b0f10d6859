package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"ferry/forge"
	"ferry/promotion"
	"ferry/promotion/config"
)

// ConfigName names one configuration: what it was read from never changes.
type ConfigName struct {
	Blob forge.SHA // of .ferry.yaml
	Set  string    // of the files that it includes, with their blobs; empty: none
}

// ConfigContent is what a configuration is read from.
type ConfigContent struct {
	File     []byte
	Included []config.Included
}

// ConfigName names the configuration in force; its Blob is empty where Ferry is off.
func (r Repository) ConfigName() ConfigName { return ConfigName{Blob: r.ConfigBlob, Set: r.ConfigSet} }

// Parse returns the configuration of the content, as config.Parse does.
func (c ConfigContent) Parse() (*config.Config, error) {
	return config.Parse(config.File, c.File, c.Included...)
}

// ConfigContent returns what the configuration in force is read from; ErrNotFound where Ferry is off there.
func (s *Store) ConfigContent(ctx context.Context, repository int64) (c ConfigContent, err error) {
	defer wrap(&err, "ConfigContent(%d)", repository)
	return configContent(ctx, s.pool, repository)
}

// querier is the pool, or a transaction.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

func configContent(ctx context.Context, q querier, repository int64) (c ConfigContent, err error) {
	err = q.QueryRow(ctx, `select b.content from repositories r join blobs b on b.repository = r.id and b.sha = r.config_blob where r.id = $1`, repository).Scan(&c.File)
	if errors.Is(err, pgx.ErrNoRows) {
		err = ErrNotFound
	}
	if err != nil {
		return c, err
	}
	rows, err := q.Query(ctx, `
		select i.path, b.content from included i left join blobs b on b.repository = i.repository and b.sha = i.blob where i.repository = $1 order by i.path`, repository)
	if err != nil {
		return c, err
	}
	var one config.Included
	_, err = pgx.ForEachRow(rows, []any{&one.Path, &one.Content}, func() error {
		if one.Content == nil {
			return fmt.Errorf("the stored content of %s is missing", one.Path)
		}
		c.Included = append(c.Included, config.Included{Path: one.Path, Content: append([]byte{}, one.Content...)})
		return nil
	})
	return c, err
}

// config puts the configuration in force that an observation has found, and carries over what had other names in the one before.
func (r *observation) config(ctx context.Context) error {
	c := r.o.ConfigFacts
	if c == nil && r.repo.Sweep { // what an act wrote down under a former name, while that changed
		return r.renames(ctx)
	}
	if c == nil {
		return nil
	}
	if _, err := r.tx.Exec(ctx, `update repositories set config_blob = $2, config_set = $3, config_tried = $4, config_problem = $5, config_sha = $6 where id = $1`,
		r.repo.ID, c.Blob, c.Set, c.Tried, c.Problem, c.Revision); err != nil {
		return err
	}
	if c.Problem == "" {
		if err := r.included(ctx, c.Included); err != nil {
			return err
		}
		if err := r.renames(ctx); err != nil {
			return err
		}
	}
	for _, unit := range []string{configUnit, stateUnit, issueUnit} {
		r.dirty[unit] = true
	}
	units, err := collectTx[string](ctx, r.tx, `
		select 'app:' || name from apps where repository = $1
		union all select 'pull:' || number from pulls p where repository = $1 and open
		          and not exists (select from promotions m where m.repository = p.repository and m.number = p.number)`, r.repo.ID)
	for _, unit := range units {
		r.dirty[unit] = true
	}
	return err
}

// included writes down which files the configuration in force includes.
func (r *observation) included(ctx context.Context, files []promotion.IncludedFile) error {
	paths, blobs := make([]string, len(files)), make([]string, len(files))
	for i, f := range files {
		paths[i], blobs[i] = f.Path, string(f.Blob)
	}
	if _, err := r.tx.Exec(ctx, `delete from included where repository = $1 and not path = any($2)`, r.repo.ID, paths); err != nil {
		return err
	}
	_, err := r.tx.Exec(ctx, `
		insert into included (repository, path, blob) select $1, u.path, u.blob from unnest($2::text[], $3::text[]) as u (path, blob)
		on conflict (repository, path) do update set blob = excluded.blob where included.blob <> excluded.blob`, r.repo.ID, paths, blobs)
	return err
}

// findings writes down what looks wrong between the configuration and the files, for the issue and the page.
func (r *observation) findings(ctx context.Context) error {
	off := r.o.ConfigFacts != nil && r.o.Config == nil
	if r.o.Findings == nil && !off {
		return nil
	}
	found := []config.Finding{}
	if r.o.Findings != nil {
		found = *r.o.Findings
	}
	tag, err := r.tx.Exec(ctx, `update repositories set config_findings = $2 where id = $1 and config_findings <> $2`, r.repo.ID, toJSON(found))
	if err == nil && tag.RowsAffected() > 0 {
		r.dirty[issueUnit] = true
	}
	return err
}
