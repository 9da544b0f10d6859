package postgres

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"ferry/promotion"
)

// pulls writes down what the forge says of pull requests, and what follows for Ferry's own ones.
func (r *observation) pulls(ctx context.Context) error {
	for _, p := range r.o.Pulls {
		if err := r.pull(ctx, p); err != nil {
			return fmt.Errorf("#%d: %w", p.Number, err)
		}
	}
	return nil
}

func (r *observation) pull(ctx context.Context, p promotion.PullFacts) error {
	if late, err := r.beforeAnswer(ctx, p); err != nil || late {
		return err
	}
	byPerson := !p.Open && !p.Merged && p.Closer.ID != 0 && !p.Closer.Bot && p.Closer.ID != r.self.ID
	if byPerson {
		// A branch that was moved to where its base stands, or stood, has nothing to promote any more: the forge closed it, whoever pushed.
		var emptied bool
		if err := r.tx.QueryRow(ctx, `select exists (select from revisions where repository = $1 and branch = $2 and sha = $3)`, r.repo.ID, r.branch(), p.HeadSHA).Scan(&emptied); err != nil {
			return err
		}
		byPerson = !emptied
	}
	left, err := leaves(ctx, r.tx, r.repo.ID, p)
	if err != nil {
		return err
	}
	if left != "" {
		r.dirty[left] = true
	}
	if err := savePull(ctx, r.tx, r.repo.ID, p, seen{byPerson: byPerson, generation: r.repo.Generation}); err != nil {
		return err
	}
	shown, err := r.shown(ctx, p)
	if err != nil {
		return err
	}
	if len(shown) == 0 {
		unfinished := p.Author.ID == r.self.ID && strings.HasPrefix(p.HeadBranch, "ferry/") // one whose opening was interrupted: the next try takes it up
		if p.BaseBranch == r.branch() && !unfinished {
			r.dirty[pullUnit(p.Number)] = true
		}
		return r.broughtBy(ctx, p)
	}
	for _, m := range shown {
		r.dirty[appUnit(m.app)] = true
		if m.train != "" {
			r.dirty[groupUnit(m.train)] = true
		}
		if err := r.promotion(ctx, p, m, byPerson); err != nil {
			return err
		}
	}
	return nil
}

// broughtBy lets the plans be made anew of what a pull request that people made has brought: whoever opened or merged it may not approve that.
func (r *observation) broughtBy(ctx context.Context, p promotion.PullFacts) error {
	if !p.Merged || p.MergeSHA == "" {
		return nil
	}
	rows, err := r.tx.Query(ctx, `select app from deployments where repository = $1 and first_sha = $2`, r.repo.ID, p.MergeSHA)
	if err != nil {
		return err
	}
	var app string
	_, err = pgx.ForEachRow(rows, []any{&app}, func() error {
		r.dirty[appUnit(app)] = true
		return nil
	})
	return err
}

// beforeAnswer says whether a sweep may have read the pull request before an act on it was answered: it stands otherwise than the answer said, and nobody
// has seen that since. It is then not believed, and read once more: of Ferry's own acts no delivery would tell.
func (r *observation) beforeAnswer(ctx context.Context, p promotion.PullFacts) (late bool, err error) {
	if p.Sender.ID != 0 || p.Merged {
		return false, nil
	}
	tag, err := r.tx.Exec(ctx, `update pulls set answered = false where repository = $1 and number = $2 and answered and (open <> $3 or head_sha <> $4)`,
		r.repo.ID, p.Number, p.Open, p.HeadSHA)
	if err != nil || tag.RowsAffected() == 0 {
		return false, err
	}
	return true, r.raiseRepository(ctx, r.tx, r.repo.ID, true)
}

// promotion draws what follows from the forge's word on one of Ferry's pull requests: merged; rejected, where a person closed it; repaired by
// the next plan, where anybody else did; and taken up again where a person reopened it.
func (r *observation) promotion(ctx context.Context, p promotion.PullFacts, m ownPromotion, byPerson bool) error {
	living := m.state == promotion.PromotionOpen || m.state == promotion.PromotionWaiting
	e := event{repository: r.repo.ID, environment: m.environment, app: m.app, cause: r.cause, at: r.now, detail: fmt.Sprintf("#%d %s", p.Number, m.release.Version())}
	switch {
	case p.Merged && m.state != promotion.PromotionMerged && m.state != promotion.PromotionConverged:
		e.kind, e.actor = "merged", p.MergedBy.Login
		if err := r.promotionBecomes(ctx, m, promotion.PromotionMerged, string(p.MergeSHA), e); err != nil {
			return err
		}
		return r.overHotfixes(ctx, m.app, m.environment)
	case p.Open && m.state == promotion.PromotionSuperseded && m.outgrown(): // the next plan closes it
		return nil
	case p.Open && (m.state == promotion.PromotionRejected || m.state == promotion.PromotionSuperseded):
		e.kind, e.actor = "reopened", p.Sender.Login
		if e.actor == "" {
			e.actor = "somebody"
		}
		if _, err := r.tx.Exec(ctx, `update rejections set lifted_at = $3 where repository = $1 and number = $2 and lifted_at is null`, r.repo.ID, p.Number, r.now); err != nil {
			return err
		}
		if m.outgrown() {
			return r.promotionBecomes(ctx, m, promotion.PromotionSuperseded, "", e)
		}
		if err := r.wantedAgain(ctx, m); err != nil {
			return err
		}
		return r.promotionBecomes(ctx, m, promotion.PromotionOpen, "", e)
	case !p.Open && !p.Merged && living && byPerson:
		e.kind, e.actor = "rejected", p.Closer.Login
		if _, err := r.tx.Exec(ctx, `
			insert into rejections (repository, environment, app, release, number, actor, at) values ($1, $2, $3, $4, $5, $6, $7)
			on conflict (repository, environment, app, number) do update set release = excluded.release, actor = excluded.actor, at = excluded.at, lifted_at = null, lifted_by = ''`,
			r.repo.ID, m.environment, m.app, toJSON(m.release), p.Number, p.Closer.Login, r.now); err != nil {
			return err
		}
		return r.promotionBecomes(ctx, m, promotion.PromotionRejected, "", e)
	case !p.Open && !p.Merged && living:
		e.kind, e.actor = "closed", "the forge"
		if p.Closer.Login != "" {
			e.actor = p.Closer.Login
		}
		return r.promotionBecomes(ctx, m, promotion.PromotionSuperseded, "", e)
	}
	return nil
}

func (r *observation) promotionBecomes(ctx context.Context, m ownPromotion, state promotion.PromotionState, mergeSHA string, e event) error {
	ended := nullTime(r.now)
	if state == promotion.PromotionOpen || state == promotion.PromotionMerged {
		ended = nil
	}
	if state == promotion.PromotionOpen { // a reopened one makes way for nobody: the living one, if any, was opened meanwhile
		// But one that has no pull request yet would have to take this very one, of the same branch: it lives on in it.
		if _, err := r.tx.Exec(ctx, `
			update promotions set state = 'superseded', ended_at = $4 where repository = $1 and environment = $2 and app = $3 and state = 'waiting' and number = 0`,
			r.repo.ID, m.environment, m.app, r.now); err != nil {
			return err
		}
		var living bool
		if err := r.tx.QueryRow(ctx, `
			select exists (select from promotions where repository = $1 and environment = $2 and app = $3 and state in ('waiting', 'open'))`,
			r.repo.ID, m.environment, m.app).Scan(&living); err != nil || living {
			return err
		}
	}
	if _, err := r.tx.Exec(ctx, `update promotions set state = $2, merge_sha = $3, ended_at = $4 where id = $1`, m.id, state, mergeSHA, ended); err != nil {
		return err
	}
	if m.living() && state != promotion.PromotionOpen {
		r.left[m.environment] = true
	}
	return addEvent(ctx, r.tx, e)
}

// seen is how a pull request's facts were learned.
type seen struct {
	byPerson   bool  // one that is closed was closed by a person
	answered   bool  // by the answer to an act, not by an observation
	generation int64 // of the repository
}

// savePull writes a pull request's facts.
func savePull(ctx context.Context, tx pgx.Tx, repository int64, p promotion.PullFacts, s seen) error {
	changes := p.Changes
	if changes == nil {
		changes = []promotion.Change{}
	}
	_, err := tx.Exec(ctx, `
		insert into pulls (repository, number, open, merged, merge_sha, head_branch, head_sha, head_repo, base_branch, author, author_login, closer, closed_by_person, changes, pusher, observed, answered, merged_at, commits, merged_by)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
		on conflict (repository, number) do update
		set open = excluded.open, merged = excluded.merged, merge_sha = excluded.merge_sha, head_sha = excluded.head_sha, head_repo = excluded.head_repo,
		    base_branch = excluded.base_branch, closer = excluded.closer, closed_by_person = excluded.closed_by_person, changes = excluded.changes,
		    pusher = excluded.pusher, observed = excluded.observed, answered = excluded.answered, merged_at = coalesce(excluded.merged_at, pulls.merged_at), commits = excluded.commits,
		    merged_by = coalesce(nullif(excluded.merged_by, ''), pulls.merged_by)`,
		repository, p.Number, p.Open, p.Merged, p.MergeSHA, p.HeadBranch, p.HeadSHA, p.HeadRepo, p.BaseBranch, p.Author.ID, p.Author.Login, p.Closer.Login, s.byPerson, toJSON(changes), p.Pusher, s.generation, s.answered, nullTime(p.MergedAt), emptyNotNull(p.Commits), p.MergedBy.Login)
	return err
}
