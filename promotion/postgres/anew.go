package postgres

import (
	"context"
	"errors"
	"slices"

	"github.com/jackc/pgx/v5"

	"ferry/forge"
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

// OpenPullOn returns the open pull request of a promotion on the branch, and its head, where that is a commit of Ferry's own; ErrNotFound where there is none.
func (s *Store) OpenPullOn(ctx context.Context, repository int64, branch string) (number int, head forge.SHA, err error) {
	defer wrap(&err, "OpenPullOn(%d, %s)", repository, branch)
	err = s.pool.QueryRow(ctx, `
		select p.number, p.head_sha from pulls p
		where p.repository = $1 and p.head_branch = $2 and p.open
		  and exists (select from promotions m where m.repository = p.repository and m.number = p.number and m.branch = $2 and m.state = 'open')
		  and exists (select from commits c where c.repository = p.repository and c.sha = p.head_sha and c.branch = $2)
		order by p.number desc limit 1`, repository, branch).Scan(&number, &head)
	if errors.Is(err, pgx.ErrNoRows) {
		err = ErrNotFound
	}
	return number, head, err
}

// MakeAnew lets the open pull request of a branch get a new commit on the base's head as it is observed, with the same edit: it has to contain its base.
func (s *Store) MakeAnew(ctx context.Context, repository int64, branch string) (err error) {
	defer wrap(&err, "MakeAnew(%s)", branch)
	return s.transact(ctx, pgx.ReadCommitted, func(tx pgx.Tx) error {
		ids, err := collectTx[int64](ctx, tx, `
			update wishes set applied = applied || '{"message": ""}', applied_version = 0, act_at = null
			where repository = $1 and kind = 'pull' and key = $2 and applied ? 'number' and (desired ->> 'open')::boolean returning id`, repository, branch)
		if err != nil {
			return err
		}
		for _, id := range ids {
			if err := s.enqueue(ctx, tx, ActArgs{Wish: id}); err != nil {
				return err
			}
		}
		return nil
	})
}
