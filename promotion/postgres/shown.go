package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"ferry/forge"
	"ferry/promotion"
)

// What a pull request of Ferry's own shows is learned in two ways, in any order: from the answer to the act that made it, and from observing it. What
// was observed since the act began is the later truth and stands; and a promotion's end is never taken back by an answer.

// ownPromotion is the promotion behind a pull request.
type ownPromotion struct {
	id               int64
	environment, app string
	branch, train    string
	state            promotion.PromotionState
	release          promotion.Release
}

// outgrown says whether its branch is of a name that its app or environment had before: it is closed, and opened anew on another.
func (m ownPromotion) outgrown() bool {
	name := m.app
	if m.train != "" {
		name = m.train
	}
	return m.branch != promotion.PromotionBranch(m.environment, name)
}

func (m ownPromotion) living() bool {
	return m.state == promotion.PromotionOpen || m.state == promotion.PromotionWaiting
}

// showPromotion writes down that the pull request shows what was wished of it, and returns its promotion: the one of that number, else the living one,
// else a new one. One that has ended stays as it is. It says whether another release, or another pull request, is shown than before.
func showPromotion(ctx context.Context, tx pgx.Tx, repository int64, app string, wish promotion.PullWish, number int, now time.Time) (m ownPromotion, changed bool, err error) {
	var before int
	m = ownPromotion{environment: wish.Environment, app: app, branch: wish.Branch}
	var release []byte
	err = tx.QueryRow(ctx, `
		select id, state, number, release from promotions
		where repository = $1 and (number = $4 or environment = $2 and app = $3 and state in ('waiting', 'open')) order by number = $4 desc limit 1 for update`,
		repository, wish.Environment, app, number).Scan(&m.id, &m.state, &before, &release)
	if errors.Is(err, pgx.ErrNoRows) {
		// The plan took the wish back while the pull request was being opened: what is open is Ferry's all the same, for the next plan to close.
		m.state, m.release = promotion.PromotionOpen, wish.Release
		err = tx.QueryRow(ctx, `
			insert into promotions (repository, environment, app, branch, number, release, intent, asker, superseded, state, opened_at, reason)
			values ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'open', $10, $11) returning id`,
			repository, wish.Environment, app, wish.Branch, number, toJSON(wish.Release), wish.Intent, wish.Asker, toJSON(emptyNotNull(wish.Superseded)), now, wish.Asked).Scan(&m.id)
		return m, true, err
	}
	if err == nil {
		err = json.Unmarshal(release, &m.release)
	}
	if err != nil || !m.living() {
		return m, false, err
	}
	changed = m.state != promotion.PromotionOpen || before != number || !slices.Equal(m.release, wish.Release)
	m.state, m.release = promotion.PromotionOpen, wish.Release
	_, err = tx.Exec(ctx, `
		update promotions set state = 'open', number = $2, release = $3, intent = $4, asker = $5, superseded = $6, reason = $7 where id = $1`,
		m.id, number, toJSON(wish.Release), wish.Intent, wish.Asker, toJSON(emptyNotNull(wish.Superseded)), wish.Asked)
	return m, changed, err
}

func opened(repository int64, m ownPromotion, number int, cause string, now time.Time) event {
	return event{repository: repository, environment: m.environment, app: m.app, kind: "promotion open", actor: "ferry", cause: cause, at: now,
		detail: fmt.Sprintf("#%d %s", number, m.release.Version())}
}

// followPull writes down what the forge answered about Ferry's own pull request, and lets the app be planned again: its gates have a head now.
func (s *Store) followPull(ctx context.Context, tx pgx.Tx, w Wish, a Applied, now time.Time) error {
	var wish promotion.PullWish
	if err := json.Unmarshal(w.Desired, &wish); err != nil {
		return err
	}
	observed, err := observedSince(ctx, tx, w, *a.Pull)
	if err != nil {
		return err
	}
	if !observed {
		if err := s.saveAnswer(ctx, tx, w, promotion.PullFacts{PullRequest: *a.Pull}); err != nil {
			return err
		}
	}
	if err := seeHead(ctx, tx, w.Repository.ID, promotion.HeadSeen{Number: a.Pull.Number, SHA: a.Pull.HeadSHA, By: a.Pull.UpdatedAt}); err != nil {
		return err
	}
	if a.Closed {
		return s.supersede(ctx, tx, w, wish, a.Pull.Number, now)
	}
	if err := s.shownByAct(ctx, tx, w, wish, *a.Pull, now); err != nil {
		return err
	}
	if a.Disarmed != "" {
		if err := s.disarmed(ctx, tx, w, a.Pull.Number, "it shows something else", a.Disarmed, now); err != nil {
			return err
		}
	}
	return s.raiseUnits(ctx, tx, w.Repository.ID, []string{appUnit(w.App)})
}

// saveAnswer writes down what the forge answered, and makes the head due that Ferry's act made the pull request leave.
func (s *Store) saveAnswer(ctx context.Context, tx pgx.Tx, w Wish, p promotion.PullFacts) error {
	left, err := leaves(ctx, tx, w.Repository.ID, p)
	if err != nil {
		return err
	}
	if err := savePull(ctx, tx, w.Repository.ID, p, seen{answered: true, generation: w.Repository.Observed}); err != nil || left == "" {
		return err
	}
	return s.raiseUnits(ctx, tx, w.Repository.ID, []string{left})
}

// observedSince says whether the pull request was observed since the act on it began, and stands otherwise than the forge answered: somebody ended it,
// or pushed to it. At another commit of Ferry's own it stands because the observation read it before the act.
func observedSince(ctx context.Context, tx pgx.Tx, w Wish, p forge.PullRequest) (observed bool, err error) {
	err = tx.QueryRow(ctx, `
		select observed > $3 and (merged or not open and $4 or open and head_sha <> $5 and not exists (
		         select from commits c where c.repository = pulls.repository and c.sha = pulls.head_sha and c.branch = pulls.head_branch))
		from pulls where repository = $1 and number = $2 for update`,
		w.Repository.ID, p.Number, w.Repository.Observed, p.Open, p.HeadSHA).Scan(&observed)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	return observed, err
}

// shownByAct draws what follows from an act that opened a pull request, or changed what it shows.
func (s *Store) shownByAct(ctx context.Context, tx pgx.Tx, w Wish, wish promotion.PullWish, p forge.PullRequest, now time.Time) error {
	living, err := s.show(ctx, tx, w.Repository.ID, w.App, wish, p.Number, "wish", now)
	if err != nil {
		return err
	}
	// Where its end was observed before anybody could tell whose pull request it was, it is read once more.
	tag, err := tx.Exec(ctx, `update pulls set open = true, merged = false where repository = $1 and number = $2 and not open and $3`, w.Repository.ID, p.Number, living)
	if err != nil || tag.RowsAffected() == 0 {
		return err
	}
	return s.raiseRepository(ctx, tx, w.Repository.ID, true)
}

// show writes down what the pull request shows, with its events, and makes due what has left a train. It says whether the promotion is open.
func (s *Store) show(ctx context.Context, tx pgx.Tx, repository int64, app string, wish promotion.PullWish, number int, cause string, now time.Time) (living bool, err error) {
	var news []ownPromotion
	var left []string
	if wish.Group != "" {
		living = true
		news, left, err = showTrain(ctx, tx, repository, wish, number, now)
	} else {
		var m ownPromotion
		var changed bool
		m, changed, err = showPromotion(ctx, tx, repository, app, wish, number, now)
		if living = m.living(); changed {
			news = append(news, m)
		}
	}
	if err != nil {
		return false, err
	}
	for _, m := range news {
		if err := addEvent(ctx, tx, opened(repository, m, number, cause, now)); err != nil {
			return false, err
		}
	}
	units := make([]string, len(left))
	for i, app := range left {
		units[i] = appUnit(app)
		if err := addEvent(ctx, tx, event{repository: repository, environment: wish.Environment, app: app, kind: "promotion superseded", actor: "ferry", cause: cause, at: now,
			detail: fmt.Sprintf("it left the train of %s, #%d", wish.Group, number)}); err != nil {
			return false, err
		}
	}
	return living, s.raiseUnits(ctx, tx, repository, units)
}

// supersede ends the promotion whose pull request Ferry closed, and makes due what that was about.
func (s *Store) supersede(ctx context.Context, tx pgx.Tx, w Wish, wish promotion.PullWish, number int, now time.Time) error {
	apps, err := collectTx[string](ctx, tx, `
		update promotions set state = 'superseded', ended_at = $3 where repository = $1 and number = $2 and state in ('waiting', 'open') returning app`, w.Repository.ID, number, now)
	if err != nil {
		return err
	}
	units := []string{appUnit(w.App)}
	for _, app := range apps {
		if unit := appUnit(app); !slices.Contains(units, unit) {
			units = append(units, unit)
		}
		if err := addEvent(ctx, tx, event{repository: w.Repository.ID, environment: wish.Environment, app: app, kind: "promotion superseded", actor: "ferry", cause: "wish", at: now, detail: wish.Reason}); err != nil {
			return err
		}
	}
	if err := s.raiseUnits(ctx, tx, w.Repository.ID, units); err != nil || len(apps) == 0 {
		return err
	}
	return s.leftRoom(ctx, tx, w.Repository.ID, wish.Environment)
}

// keepMade keeps the wish of a pull request that was taken back while it was being opened: its branch is still to go, once it is closed or merged.
func keepMade(ctx context.Context, tx pgx.Tx, w Wish, a Applied) error {
	if a.Pull == nil || !a.Pull.Open {
		return nil
	}
	_, err := tx.Exec(ctx, `
		insert into wishes (repository, kind, key, app, desired, version, applied_version, applied) values ($1, $2, $3, $4, $5, $6, $6, $7) on conflict do nothing`,
		w.Repository.ID, w.Kind, w.Key, w.App, w.Desired, w.Version, toJSON(a.State))
	return err
}

// shown returns the promotions that an observed pull request shows, several for a train; none where it is not Ferry's. Of one whose opening, or newer
// edit, Ferry has not heard the answer to yet, its head tells: Ferry remembers a commit, and what it shows, before any branch stands at it.
func (r *observation) shown(ctx context.Context, p promotion.PullFacts) ([]ownPromotion, error) {
	list, err := r.ownPromotions(ctx, p.Number)
	if err != nil {
		return nil, err
	}
	known := len(list) > 0
	if known && !slices.ContainsFunc(list, ownPromotion.living) || !known && (p.Author.ID != r.self.ID || p.BaseBranch != r.branch()) {
		return list, nil
	}
	c, err := r.commitOf(ctx, p, known)
	if err != nil || c == nil {
		return list, err
	}
	if _, err := r.show(ctx, r.tx, r.repo.ID, c.app, c.wish, p.Number, r.cause, r.now); err != nil {
		return nil, err
	}
	if !known {
		if err := r.answered(ctx, p, *c); err != nil {
			return nil, err
		}
	}
	return r.ownPromotions(ctx, p.Number)
}

func (r *observation) ownPromotions(ctx context.Context, number int) (list []ownPromotion, err error) {
	rows, err := r.tx.Query(ctx, `select id, environment, app, branch, train, state, release from promotions where repository = $1 and number = $2 order by app for update`, r.repo.ID, number)
	if err != nil {
		return nil, err
	}
	var m ownPromotion
	var release []byte
	_, err = pgx.ForEachRow(rows, []any{&m.id, &m.environment, &m.app, &m.branch, &m.train, &m.state, &release}, func() error {
		one := m
		one.release = nil
		list = append(list, one)
		return json.Unmarshal(release, &list[len(list)-1].release)
	})
	return list, err
}

// shownCommit is a commit of Ferry's own on a promotion's branch.
type shownCommit struct {
	sha  forge.SHA
	app  string
	wish promotion.PullWish
}

// commitOf returns the commit of Ferry's own by which a pull request is known: its head; beneath somebody else's, where it is open and new to Ferry, the
// newest on its branch. It returns nil where there is none, or where the branch is another pull request's by now.
func (r *observation) commitOf(ctx context.Context, p promotion.PullFacts, known bool) (*shownCommit, error) {
	var c shownCommit
	var raw []byte
	err := r.tx.QueryRow(ctx, `
		select sha, shows from commits c where repository = $1 and branch = $2 and shows is not null and (sha = $3 or $4) and not exists (
		  select from promotions m where m.repository = $1 and m.branch = $2 and m.state = 'open' and m.number <> $5)
		order by sha = $3 desc, made_at desc limit 1`, r.repo.ID, p.HeadBranch, p.HeadSHA, p.Open && !known, p.Number).Scan(&c.sha, &raw)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(raw, &c.wish); err != nil {
		return nil, err
	}
	c.app = strings.TrimPrefix(c.wish.Branch, promotion.PromotionBranch(c.wish.Environment, ""))
	return &c, nil
}

// answered lets the wish know its pull request, whose opening the observation has told of before its answer.
func (r *observation) answered(ctx context.Context, p promotion.PullFacts, c shownCommit) error {
	_, err := r.tx.Exec(ctx, `
		update wishes set applied = applied || $3 where repository = $1 and kind = 'pull' and key = $2 and not (applied ? 'number')`, r.repo.ID, p.HeadBranch,
		toJSON(map[string]any{"number": p.Number, "head": c.sha, "edit": c.wish.Edit, "message": c.wish.Message}))
	return err
}
