package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"ferry/forge"
)

// StoreDelivery stores a delivery and makes its observation due, and returns once both are durable. It returns false for a delivery that is
// stored already. Of the event it uses only which repository or installation it is about. Deliveries that wait together share one transaction; what
// is wrong with one of them fails that one alone.
func (s *Store) StoreDelivery(ctx context.Context, d forge.Delivery, e forge.Event, now time.Time) (fresh bool, err error) {
	defer wrap(&err, "StoreDelivery(%s, %s)", d.Forge, d.ID)
	if e.Kind == forge.EventInstallation {
		return s.storeAlone(ctx, d, e, now)
	}
	became, own := blocked, fmt.Sprintf("%s/%d", d.Forge, e.Repo.ID)
	if !s.intake.open(own) {
		became, err = s.intake.through(ctx, commonLane, newArrival(d, e, now), s.storeTogether(s.common, crowded))
	}
	if became == blocked && err == nil {
		became, err = s.intake.through(ctx, own, newArrival(d, e, now), s.storeTogether(s.pool, 0))
	}
	if became == stored || became == known || err != nil {
		return became == stored, err
	}
	return s.storeAlone(ctx, d, e, now)
}

// storeAlone stores a delivery that makes its repository known, changes what is known of it, or is about an installation.
func (s *Store) storeAlone(ctx context.Context, d forge.Delivery, e forge.Event, now time.Time) (fresh bool, err error) {
	if e.Check != nil {
		return s.storeCheck(ctx, arrival{delivery: d, event: e, at: now})
	}
	err = s.transact(ctx, pgx.ReadCommitted, func(tx pgx.Tx) error {
		fresh = false
		repository, back, err := s.repositoryOf(ctx, tx, d.Forge, e)
		if err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, `
			insert into deliveries (forge, id, event, repository, installation, received_at, body)
			values ($1, $2, $3, $4, $5, $6, $7)
			on conflict do nothing`,
			d.Forge, d.ID, d.Name, repository, e.Installation, now, d.Body)
		if err != nil || tag.RowsAffected() == 0 {
			return err
		}
		fresh = true
		if back {
			return s.raiseRepository(ctx, tx, *repository, true)
		}
		return s.hint(ctx, tx, d.Forge, repository, e)
	})
	return fresh, err
}

// hint raises the generation of what the event is about, in the transaction that stores the delivery.
func (s *Store) hint(ctx context.Context, tx pgx.Tx, kind forge.Kind, repository *int64, e forge.Event) error {
	switch {
	case e.Kind == forge.EventInstallation:
		return s.touchInstallation(ctx, tx, kind, e)
	case !hints(e) || repository == nil:
		return nil
	}
	return s.raiseRepository(ctx, tx, *repository, false)
}

// hints says whether the event hints at something in its repository that may have changed.
func hints(e forge.Event) bool {
	return e.Kind != forge.EventUnused && e.Kind != forge.EventPing && e.Kind != forge.EventCheck
}

func (s *Store) touchInstallation(ctx context.Context, tx pgx.Tx, kind forge.Kind, e forge.Event) error {
	account, gone := "", false
	if e.Access != nil {
		account, gone = e.Access.Account, e.Access.Gone
	}
	if _, err := tx.Exec(ctx, `
		insert into installations (forge, id, account, gone, generation) values ($1, $2, $3, $4, 1)
		on conflict (forge, id) do update set generation = installations.generation + 1, access = installations.access + 1, gone = excluded.gone, observe_at = null`,
		kind, e.Installation, account, gone); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `update examinations set due_at = '-infinity' where forge = $1`, kind); err != nil {
		return err
	}
	// Whatever changed there may be what the forge refused something for.
	if _, err := tx.Exec(ctx, `
		update wishes w set act_at = null from repositories r where r.id = w.repository and r.forge = $1 and r.installation = $2 and w.refusal <> ''`,
		kind, e.Installation); err != nil {
		return err
	}
	return s.enqueue(ctx, tx, InstallationArgs{Forge: string(kind), Installation: e.Installation})
}

// raiseRepository raises a repository's generation and enqueues its observation. With sweep, everything there is read again.
func (s *Store) raiseRepository(ctx context.Context, tx pgx.Tx, repository int64, sweep bool) error {
	if _, err := tx.Exec(ctx, `
		update repositories set generation = generation + 1, sweep = sweep or $2, observe_at = null where id = $1`,
		repository, sweep); err != nil {
		return err
	}
	return s.enqueue(ctx, tx, ObserveArgs{Repository: repository})
}

// repositoryOf returns the row of the event's repository, made where it is missing; nil where the event names none. It is back where it is known,
// and was renamed, moved to another installation, or had been hidden from Ferry.
func (s *Store) repositoryOf(ctx context.Context, tx pgx.Tx, kind forge.Kind, e forge.Event) (repository *int64, back bool, err error) {
	if e.Repo.ID == 0 {
		return nil, false, nil
	}
	var id, installation int64
	var owner, name string
	var accessible bool
	err = tx.QueryRow(ctx, `select id, installation, owner, name, accessible from repositories where forge = $1 and forge_id = $2`, kind, e.Repo.ID).
		Scan(&id, &installation, &owner, &name, &accessible)
	if err == nil && accessible && (e.Installation == 0 || e.Installation == installation) && owner == e.Repo.Owner && name == e.Repo.Name {
		return &id, false, nil
	}
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return nil, false, err
	}
	back = err == nil
	// A repository that is new here, was renamed, or came back under another installation is read anew.
	err = tx.QueryRow(ctx, `
		insert into repositories (forge, forge_id, owner, name, default_branch, installation, sweep)
		values ($1, $2, $3, $4, $5, $6, true)
		on conflict (forge, forge_id) do update
		set installation = case when excluded.installation <> 0 then excluded.installation else repositories.installation end,
		    accessible = true, sweep = true
		returning id`,
		kind, e.Repo.ID, e.Repo.Owner, e.Repo.Name, e.Repo.DefaultBranch, e.Installation).Scan(&id)
	return &id, back, err
}

// Replay makes Ferry work a stored delivery off again. It returns ErrNotFound where there is none of that id, or its body is not kept any more.
func (s *Store) Replay(ctx context.Context, id string) (err error) {
	defer wrap(&err, "Replay(%s)", id)
	return s.transact(ctx, pgx.ReadCommitted, func(tx pgx.Tx) error {
		var kind forge.Kind
		var repository *int64
		var installation int64
		err := tx.QueryRow(ctx, `update deliveries set processed_at = null, result = '' where id = $1 and body <> '' returning forge, repository, installation`, id).
			Scan(&kind, &repository, &installation)
		switch {
		case errors.Is(err, pgx.ErrNoRows):
			return ErrNotFound
		case err != nil:
			return err
		case repository != nil:
			return s.raiseRepository(ctx, tx, *repository, false)
		case installation != 0:
			if _, err := tx.Exec(ctx, `update installations set generation = generation + 1, observe_at = null where forge = $1 and id = $2`, kind, installation); err != nil {
				return err
			}
			return s.enqueue(ctx, tx, InstallationArgs{Forge: string(kind), Installation: installation})
		}
		return nil
	})
}
