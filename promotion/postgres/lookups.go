package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"ferry/forge"
	"ferry/promotion"
)

// LookupArgs asks for the commit to be looked up that an image was built from.
type LookupArgs struct {
	Lookup int64 `json:"lookup"`
}

// Kind names the job.
func (LookupArgs) Kind() string { return "observe_source" }

// lookups reads what was looked up of the app's images.
func (d *decision) lookups(ctx context.Context, s *promotion.Snapshot) error {
	s.Labels = d.mind.Labels
	if s.App.Source == "" {
		return nil
	}
	var names []string
	for _, i := range s.App.Images {
		names = append(names, i.Name)
	}
	rows, err := d.tx.Query(ctx, `
		select image, tag, digest, source, refs, label, state, problem, apps @> array[$4] from image_lookups where repository = $1 and image = any($2) and source = $3 order by id`,
		d.repo.ID, names, s.App.Source, s.App.Name)
	if err != nil {
		return err
	}
	s.Lookups, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (l promotion.Lookup, err error) {
		return l, row.Scan(&l.Image.Name, &l.Image.Tag, &l.Image.Digest, &l.Source, &l.Refs, &l.Label, &l.State, &l.Problem, &l.Asked)
	})
	return err
}

// writeLookups makes due what the plan wants to be looked up. What another app asked for already is shared with it.
func (d *decision) writeLookups(ctx context.Context, app string, _ promotion.Snapshot, p promotion.Plan) error {
	for _, l := range p.Lookups {
		if err := d.wanted(ctx, func(id int64) river.JobArgs { return LookupArgs{Lookup: id} }, `
			insert into image_lookups as l (repository, image, tag, digest, source, refs, label, apps) values ($1, $2, $3, $4, $5, coalesce($6, '{}'::text[]), $7, array[$8])
			on conflict (repository, image, tag, digest, source, refs, label) do update set apps = l.apps || excluded.apps where not l.apps @> excluded.apps
			returning id`, d.repo.ID, l.Image.Name, l.Image.Tag, l.Image.Digest, l.Source, l.Refs, l.Label, app); err != nil {
			return err
		}
	}
	return nil
}

// PendingLookup is a lookup that is to be done.
type PendingLookup struct {
	ID         int64
	Repository Repository
	promotion.Lookup
	Attempts int
}

// LoadLookup returns a lookup that is still to be done, or ErrNotFound.
func (s *Store) LoadLookup(ctx context.Context, id int64, now time.Time) (l PendingLookup, err error) {
	defer wrap(&err, "LoadLookup(%d)", id)
	l.ID = id
	l.Repository, l.Attempts, err = lookupQueue().load(ctx, s, id, now, `image, tag, digest, source, refs, label`,
		&l.Image.Name, &l.Image.Tag, &l.Image.Digest, &l.Source, &l.Refs, &l.Label)
	return l, err
}

// RecordLookup writes down the commit that was found, or, where it is empty, the lookup's problem, and lets the apps of the image be decided anew. What CI
// said stands. It fails with ErrFenced where the lease was taken over.
func (s *Store) RecordLookup(ctx context.Context, lease Lease, l PendingLookup, commit forge.SHA, now time.Time) (err error) {
	defer wrap(&err, "RecordLookup(%d)", l.ID)
	state := promotion.LookupUnknown
	if commit != "" {
		state = promotion.LookupFound
	}
	return s.transact(ctx, pgx.ReadCommitted, func(tx pgx.Tx) error {
		if err := checkFence(ctx, tx, lease); err != nil {
			return err
		}
		units, err := collectTx[string](ctx, tx, `
			with ended as (update image_lookups set state = $2, problem = $3, read_at = $4 where id = $1 and state = 'pending' returning apps)
			select 'app:' || app from ended, unnest(apps) app`, l.ID, state, l.Problem, now)
		if err != nil || len(units) == 0 {
			return err
		}
		if commit != "" {
			if _, err := tx.Exec(ctx, `
				insert into announced as a (repository, image, tag, digest, source, commit_sha, at, found) values ($1, $2, $3, $4, $5, $6, $7, true)
				on conflict (repository, image, tag) do update set commit_sha = excluded.commit_sha, digest = case when a.found then excluded.digest else a.digest end
				where a.found or a.commit_sha = '' and (a.digest = '' or excluded.digest in ('', a.digest))`,
				l.Repository.ID, l.Image.Name, l.Image.Tag, l.Image.Digest, l.Source, commit, now); err != nil {
				return err
			}
		}
		return s.raiseUnits(ctx, tx, l.Repository.ID, units)
	})
}

// forgetFound removes what was found of an image that CI announces: what CI says counts, and comes in its own order.
func forgetFound(ctx context.Context, tx pgx.Tx, repository int64, image promotion.Image) error {
	_, err := tx.Exec(ctx, `delete from announced where repository = $1 and image = $2 and tag = $3 and found`, repository, image.Name, image.Tag)
	return err
}

// lookAgain forgets the lookups of an image of which CI said something new.
func lookAgain(ctx context.Context, tx pgx.Tx, repository int64, image promotion.Image) error {
	_, err := tx.Exec(ctx, `delete from image_lookups where repository = $1 and image = $2 and tag = $3`, repository, image.Name, image.Tag)
	return err
}

// PutOffLookup writes down when a lookup is tried again.
func (s *Store) PutOffLookup(ctx context.Context, id int64, until time.Time) (err error) {
	defer wrap(&err, "PutOffLookup(%d)", id)
	return lookupQueue().putOff(ctx, s, id, until)
}
