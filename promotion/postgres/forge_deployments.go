package postgres

import (
	"context"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"ferry/forge"
	"ferry/promotion"
)

// DeploymentWish is a deployment that should stand at the forge.
type DeploymentWish struct {
	Target string                 `json:"target"` // as in StatusWish
	SHA    forge.SHA              `json:"sha"`
	At     string                 `json:"at"` // the environment, by the name under which the forge knows it: Ferry's own may change
	Status forge.DeploymentStatus `json:"status"`
}

// target returns a source repository as wishes name it: sources and manifests may be in one repository.
func (d *decision) target(fullName string) string {
	if strings.EqualFold(fullName, d.repo.Repo.FullName()) {
		return ""
	}
	return fullName
}

// recorded reads which deployments the app has at the forge that are not inactive, where some are asked for.
func (d *decision) recorded(ctx context.Context, s *promotion.Snapshot) error {
	asked := false
	for _, env := range s.Environments {
		asked = asked || env.Deployments
	}
	if !asked {
		return nil
	}
	rows, err := d.tx.Query(ctx, `
		select target, sha, environment, state, description, url from forge_deployments
		where repository = $1 and app = $2 and state <> 'inactive' order by environment, target, sha`, d.repo.ID, s.App.Name)
	if err != nil {
		return err
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[promotion.ForgeDeployment])
	if err != nil {
		return err
	}
	for _, one := range found {
		if one.Target == "" {
			one.Target = d.repo.Repo.FullName()
		}
		if env := s.Find(one.Environment); env != nil {
			env.Recorded = append(env.Recorded, one)
		}
	}
	return nil
}

// writeForgeDeployments writes what the app contributes to the forge's deployments and folds each that changed anew.
func (d *decision) writeForgeDeployments(ctx context.Context, app string, _ promotion.Snapshot, p promotion.Plan) error {
	for _, one := range p.ForgeDeployments {
		one.Target = d.target(one.Target)
		tag, err := d.tx.Exec(ctx, `
			insert into forge_deployments (repository, app, environment, target, sha, state, description, url) values ($1, $2, $3, $4, $5, $6, $7, $8)
			on conflict (repository, app, environment, target, sha) do update set state = excluded.state, description = excluded.description, url = excluded.url
			where (forge_deployments.state, forge_deployments.description, forge_deployments.url) is distinct from (excluded.state, excluded.description, excluded.url)`,
			d.repo.ID, app, one.Environment, one.Target, one.SHA, one.State, one.Description, one.URL)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			continue
		}
		if err := d.foldDeployment(ctx, one, app); err != nil {
			return err
		}
	}
	return nil
}

// foldDeployment makes one deployment of all apps' contributions. As in fold, two apps meet at the row of the wish.
func (d *decision) foldDeployment(ctx context.Context, one promotion.ForgeDeployment, app string) error {
	key := statusKey(one.Target, one.SHA, one.Environment)
	if _, err := d.tx.Exec(ctx, `update wishes set key = key where repository = $1 and kind = 'deployment' and key = $2`, d.repo.ID, key); err != nil {
		return err
	}
	rows, err := d.tx.Query(ctx, `select app, state, description, url from forge_deployments where repository = $1 and target = $2 and sha = $3 and environment = $4`,
		d.repo.ID, one.Target, one.SHA, one.Environment)
	if err != nil {
		return err
	}
	byApp := map[string]promotion.ForgeDeployment{}
	var name string
	var x promotion.ForgeDeployment
	if _, err := pgx.ForEachRow(rows, []any{&name, &x.State, &x.Description, &x.URL}, func() error { byApp[name] = x; return nil }); err != nil {
		return err
	}
	wish := DeploymentWish{Target: one.Target, SHA: one.SHA, At: one.Environment, Status: promotion.FoldDeployment(d.mind.URL, byApp)}
	return d.wish(ctx, "deployment", key, app, wish, time.Time{})
}
