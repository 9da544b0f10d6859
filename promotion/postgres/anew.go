package postgres

import (
	"context"
	"slices"

	"ferry/promotion"
)

// anew notes of pull requests with somebody else's commit on top where a person said /retry since.
func (d *decision) anew(ctx context.Context, s *promotion.Snapshot) error {
	foreign := func(env promotion.Environment) bool { return env.Pull != nil && !env.Pull.Known }
	if !slices.ContainsFunc(s.Environments, foreign) {
		return nil
	}
	retried, err := collectTx[string](ctx, d.tx, `
		select key from wishes where repository = $1 and kind = 'pull' and app = $2 and (applied ->> 'anew')::boolean`, d.repo.ID, s.App.Name)
	for i := range s.Environments {
		env := &s.Environments[i]
		if foreign(*env) {
			env.Pull.Anew = slices.Contains(retried, promotion.PromotionBranch(env.Name, s.App.Name))
		}
	}
	return err
}
