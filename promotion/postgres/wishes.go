package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"ferry/forge"
	"ferry/promotion"
)

// Wish is what should be true of one object at the forge, and what Ferry last made of it.
type Wish struct {
	ID             int64
	Kind           string
	Key            string
	App            string
	Desired        json.RawMessage
	Version        int64
	AppliedVersion int64
	Applied        json.RawMessage
	Attempts       int
	ActAt          time.Time
	Refusal        string
	Repository     Repository
}

// LoadWish returns a wish, or ErrNotFound where it was taken back.
func (s *Store) LoadWish(ctx context.Context, id int64) (w Wish, err error) {
	defer wrap(&err, "LoadWish(%d)", id)
	var repository int64
	var at *time.Time
	err = s.pool.QueryRow(ctx, `
		select id, repository, kind, key, app, desired, version, applied_version, applied, attempts, act_at, refusal from wishes where id = $1`, id).
		Scan(&w.ID, &repository, &w.Kind, &w.Key, &w.App, &w.Desired, &w.Version, &w.AppliedVersion, &w.Applied, &w.Attempts, &at, &w.Refusal)
	if errors.Is(err, pgx.ErrNoRows) {
		return w, ErrNotFound
	}
	if err != nil {
		return w, err
	}
	w.ActAt = timeOf(at)
	w.Repository, err = s.LoadRepository(ctx, repository)
	return w, err
}

// Applied is what an act has made true.
type Applied struct {
	State     any                // kept with the wish, for the next act on it
	Number    int                // of the pull request, where one was opened, changed or closed
	Pull      *forge.PullRequest // as the forge answered
	Issue     int                // number of Ferry's issue
	Done      bool               // the wish is fulfilled and of no more use
	Closed    bool               // Ferry closed the pull request
	Queued    string             // who has added the pull request to the merge queue
	Disarmed  string             // what of the pull request's arming Ferry took back, in words
	Overwrote forge.SHA          // a commit of somebody else's on the branch ferry-state, which says no more what is in force
}

// EditBase returns the head, and its tree, on which an edit of the files may be committed: at it they are still the blobs the edit was made on.
// It returns ErrNotFound where they are not.
func (s *Store) EditBase(ctx context.Context, r Repository, paths []string, blobs []forge.SHA) (head, tree forge.SHA, err error) {
	defer wrap(&err, "EditBase(%s)", r.Repo.FullName())
	err = s.pool.QueryRow(ctx, `
		select head, tree from branches b where repository = $1 and branch = $2 and not exists (
		  select from unnest($3::text[], $4::text[]) as e (path, blob) where not exists (
		    select from manifests m where m.repository = $1 and m.branch = $2 and m.path = e.path and m.blob = e.blob))`,
		r.ID, r.DefaultBranch, paths, blobs).Scan(&head, &tree)
	if errors.Is(err, pgx.ErrNoRows) {
		err = ErrNotFound
	}
	return head, tree, err
}

// RecordApplied writes down that the wish's version was made true. It returns false where the wish moved meanwhile: the act is repeated then.
func (s *Store) RecordApplied(ctx context.Context, lease Lease, w Wish, a Applied, now time.Time) (current bool, err error) {
	defer wrap(&err, "RecordApplied(%s %s)", w.Kind, w.Key)
	err = s.transact(ctx, pgx.ReadCommitted, func(tx pgx.Tx) error {
		if err := checkFence(ctx, tx, lease); err != nil {
			return err
		}
		if err := w.lockUnit(ctx, tx, a); err != nil {
			return err
		}
		var version int64
		err := tx.QueryRow(ctx, `
			update wishes set applied = $2, applied_version = $3, applied_at = $4, refusal = '', refused_at = null, attempts = 0,
			       act_at = case when version = $3 then null else act_at end
			where id = $1 returning version`, w.ID, toJSON(a.State), w.Version, now).Scan(&version)
		if errors.Is(err, pgx.ErrNoRows) { // taken back meanwhile: what was made stays a fact
			version, err = w.Version, keepMade(ctx, tx, w, a)
		}
		if err != nil {
			return err
		}
		current = version == w.Version
		return s.follow(ctx, tx, w, a, now)
	})
	return current, err
}

// lockUnit locks the unit of the wish's app where the act's outcome will raise it: the decision that wished writes the wish too.
func (w Wish) lockUnit(ctx context.Context, tx pgx.Tx, a Applied) error {
	if w.App == "" || a.Pull == nil && a.Queued == "" && w.Refusal == "" && w.Kind != "disarm" {
		return nil
	}
	return lockUnitOf(ctx, tx, w.Repository.ID, w.App)
}

// follow writes the facts an act made, and makes due what depends on them.
func (s *Store) follow(ctx context.Context, tx pgx.Tx, w Wish, a Applied, now time.Time) error {
	repository := w.Repository.ID
	if a.Done {
		if _, err := tx.Exec(ctx, `delete from wishes where id = $1 and version = $2`, w.ID, w.Version); err != nil {
			return err
		}
	}
	if a.Issue != 0 {
		if _, err := tx.Exec(ctx, `update repositories set issue = $2 where id = $1`, repository, a.Issue); err != nil {
			return err
		}
	}
	if a.Overwrote != "" {
		if err := addEvent(ctx, tx, event{repository: repository, kind: "decisions overwritten", actor: "ferry", cause: "branch " + promotion.StateBranch, at: now,
			detail: "somebody else's commit " + string(a.Overwrote) + " on it is not in force; it stays in the history of the branch"}); err != nil {
			return err
		}
	}
	if a.Queued != "" {
		return s.enqueued(ctx, tx, w, a.Number, a.Queued, now)
	}
	if w.Kind == "disarm" {
		return s.disarmedByWish(ctx, tx, w, a.Disarmed, now)
	}
	if w.Kind == "status" {
		if err := s.statusStands(ctx, tx, w); err != nil {
			return err
		}
	}
	if w.Kind == "state" {
		if err := s.releaseAnswers(ctx, tx, repository); err != nil {
			return err
		}
		if w.Refusal != "" || w.Attempts >= patientTries {
			return s.raiseUnits(ctx, tx, repository, []string{issueUnit})
		}
	}
	if a.Pull == nil {
		if w.Refusal != "" && w.App != "" {
			return s.raiseUnits(ctx, tx, repository, []string{appUnit(w.App)})
		}
		return nil
	}
	return s.followPull(ctx, tx, w, a, now)
}

// releaseAnswers makes the answers due that waited for the branch ferry-state, and the pull requests of what somebody wants at once.
func (s *Store) releaseAnswers(ctx context.Context, tx pgx.Tx, repository int64) error {
	rows, err := tx.Query(ctx, `update wishes set act_at = null where repository = $1 and version <> applied_version
		  and (kind = 'answer' or kind = 'pull' and (desired ->> 'open')::boolean and desired ->> 'intent' in ('rollback', 'hotfix', 'backfill')) returning id`, repository)
	if err != nil {
		return err
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return err
	}
	for _, id := range ids {
		if err := s.enqueue(ctx, tx, ActArgs{Wish: id}); err != nil {
			return err
		}
	}
	return nil
}

// patientTries is how often the branch ferry-state is tried before nobody waits for it any more: about a minute, by how long the pauses grow.
const patientTries = 6

// unkept says why the branch ferry-state does not say what it should, and will not soon: the forge refuses it, or has not taken it for a minute. It says
// nothing where it does, or is about to.
const unkept = `
	select coalesce((select case when act_at is null then '' when refusal <> '' then refusal when attempts >= $2 then 'the forge has not taken it for a minute' else '' end
	  from wishes where repository = $1 and kind = 'state' and version <> applied_version), '')`

// StateStands says whether the branch ferry-state is about to be written, and why it is not, where it neither is nor says what it should.
func (s *Store) StateStands(ctx context.Context, repository int64) (waits bool, trouble string, err error) {
	defer wrap(&err, "StateStands(%d)", repository)
	if err := s.pool.QueryRow(ctx, unkept, repository, patientTries).Scan(&trouble); err != nil || trouble != "" {
		return false, trouble, err
	}
	err = s.pool.QueryRow(ctx, `select exists (select from wishes where repository = $1 and kind = 'state' and version <> applied_version)`, repository).Scan(&waits)
	return waits, "", err
}

// PutOffWish writes down that an act is to be tried again at a later time, unless it moved meanwhile or
// somebody else is at it by now.
func (s *Store) PutOffWish(ctx context.Context, lease Lease, w Wish, until time.Time) (err error) {
	defer wrap(&err, "PutOffWish(%s %s)", w.Kind, w.Key)
	_, err = s.pool.Exec(ctx, `
		update wishes set act_at = $2, attempts = attempts + 1
		where id = $1 and version = $6 and exists (select from leases where name = $3 and holder = $4 and fence = $5)`,
		w.ID, until, lease.Name, lease.Holder, lease.Fence, w.Version)
	return err
}

// KeepWaiting writes down when an act looks again that waits for something of Ferry's own. It has not failed, and counts no attempt. Where the wish
// moved meanwhile, or somebody else is at it by now, it does nothing.
func (s *Store) KeepWaiting(ctx context.Context, lease Lease, w Wish, until time.Time) (err error) {
	defer wrap(&err, "KeepWaiting(%s %s)", w.Kind, w.Key)
	_, err = s.pool.Exec(ctx, `
		update wishes set act_at = $2, attempts = 0
		where id = $1 and version = $6 and exists (select from leases where name = $3 and holder = $4 and fence = $5)`,
		w.ID, until, lease.Name, lease.Holder, lease.Fence, w.Version)
	return err
}

// RefuseWish writes down why the forge does not take a wish. The plan shows it as a gate; it is tried again at the time given, on changed
// content, or when somebody says /retry. One that moved meanwhile is not
// refused: it has not been asked for. It fails with ErrFenced where the lease was taken over.
func (s *Store) RefuseWish(ctx context.Context, lease Lease, w Wish, reason string, again, now time.Time) (err error) {
	defer wrap(&err, "RefuseWish(%s %s)", w.Kind, w.Key)
	return s.transact(ctx, pgx.ReadCommitted, func(tx pgx.Tx) error {
		if err := checkFence(ctx, tx, lease); err != nil {
			return err
		}
		if w.App != "" && reason != w.Refusal {
			if err := lockUnitOf(ctx, tx, w.Repository.ID, w.App); err != nil {
				return err
			}
		}
		tag, err := tx.Exec(ctx, `
			update wishes set refusal = $2, refused_at = case when refusal = $2 then refused_at else $3 end, act_at = $4, attempts = attempts + 1 where id = $1 and version = $5`,
			w.ID, reason, now, again, w.Version)
		if err != nil || tag.RowsAffected() == 0 || w.App == "" && w.Kind != "state" || reason == w.Refusal {
			return err
		}
		unit := issueUnit
		if w.App != "" {
			unit = appUnit(w.App)
		}
		return s.raiseUnits(ctx, tx, w.Repository.ID, []string{unit})
	})
}

// Hint makes a repository due for observation: an act found something that Ferry did not know.
func (s *Store) Hint(ctx context.Context, repository int64) (err error) {
	defer wrap(&err, "Hint(%d)", repository)
	return s.transact(ctx, pgx.ReadCommitted, func(tx pgx.Tx) error { return s.raiseRepository(ctx, tx, repository, true) })
}

// RaiseApp makes an app due for a new plan.
func (s *Store) RaiseApp(ctx context.Context, repository int64, app string) (err error) {
	defer wrap(&err, "RaiseApp(%d, %s)", repository, app)
	return s.transact(ctx, pgx.ReadCommitted, func(tx pgx.Tx) error { return s.raiseUnits(ctx, tx, repository, []string{appUnit(app)}) })
}
