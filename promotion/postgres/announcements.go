package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"ferry/promotion"
)

// Announce stores that CI has built an image, and makes due the apps of the token's repository that use it. It returns how many those are.
func (s *Store) Announce(ctx context.Context, t Token, a promotion.Announced, now time.Time) (apps []string, err error) {
	defer wrap(&err, "Announce(%s, %s)", t.FullName, a.Image)
	err = s.transact(ctx, pgx.ReadCommitted, func(tx pgx.Tx) error {
		apps, err = collectTx[string](ctx, tx, `
			select distinct app from deployments d where repository = $1 and last_seq is null and exists (
			  select from jsonb_array_elements(release) i where i ->> 'name' = $2) order by app`, t.Repository, a.Image.Name)
		if err != nil {
			return err
		}
		if err := forgetFound(ctx, tx, t.Repository, a.Image); err != nil {
			return err
		}
		if news, err := announce(ctx, tx, t.Repository, a, now); err != nil || !news {
			return err
		}
		if err := lookAgain(ctx, tx, t.Repository, a.Image); err != nil {
			return err
		}
		if err := addEvent(ctx, tx, event{repository: t.Repository, kind: "announced", actor: "CI", cause: "POST /api/v1/images", at: now, detail: a.Image.String()}); err != nil {
			return err
		}
		units := make([]string, len(apps))
		for i, app := range apps {
			units[i] = appUnit(app)
		}
		return s.raiseUnits(ctx, tx, t.Repository, units)
	})
	return apps, err
}

// announce writes down what CI announced, as the last of its image, and says whether that is news. Said again it is none where CI has announced no other
// image of the name since.
func announce(ctx context.Context, tx pgx.Tx, repository int64, a promotion.Announced, now time.Time) (news bool, err error) {
	tag, err := tx.Exec(ctx, `
		insert into announced (repository, image, tag, digest, source, commit_sha, at) values ($1, $2, $3, $4, $5, $6, $7)
		on conflict (repository, image, tag) do update set digest = excluded.digest, source = excluded.source, at = excluded.at, seq = default,
		  commit_sha = case when (announced.digest, announced.source) is distinct from (excluded.digest, excluded.source) or excluded.commit_sha <> ''
		               then excluded.commit_sha else announced.commit_sha end
		where (announced.digest, announced.source) is distinct from (excluded.digest, excluded.source) or excluded.commit_sha not in ('', announced.commit_sha)
		   or exists (select from announced x where x.repository = announced.repository and x.image = announced.image and x.seq > announced.seq and not x.found)`,
		repository, a.Image.Name, a.Image.Tag, a.Image.Digest, a.Source, a.Commit, now)
	return err == nil && tag.RowsAffected() > 0, err
}

// mostAnnounced is how many images of a name that CI announced, the last ones, a plan chooses among.
const mostAnnounced = 20

// announcements reads what CI announced: the last of each image, and what stands anywhere or is on its way.
func (d *decision) announcements(ctx context.Context, s *promotion.Snapshot) error {
	var names, tags []string
	for _, i := range s.App.Images {
		names = append(names, i.Name)
	}
	for _, env := range s.Environments {
		if env.Intent != nil {
			tags = append(tags, tagsOf(env.Intent.Release)...)
		}
		if env.Promotion != nil {
			tags = append(tags, tagsOf(env.Promotion.Release)...)
		}
		for _, x := range env.History {
			tags = append(tags, tagsOf(x.Release)...)
		}
	}
	rows, err := d.tx.Query(ctx, `
		select a.image, a.tag, a.digest, a.source, a.commit_sha, a.seq, a.at, a.found
		from unnest($2::text[]) as n cross join lateral (
		  (select * from announced where repository = $1 and image = n and not found order by seq desc limit $4)
		  union select * from announced where repository = $1 and image = n and tag = any($3)) a
		order by a.seq`, d.repo.ID, names, tags, mostAnnounced)
	if err != nil {
		return err
	}
	var a promotion.Announced
	var found bool
	_, err = pgx.ForEachRow(rows, []any{&a.Image.Name, &a.Image.Tag, &a.Image.Digest, &a.Source, &a.Commit, &a.Seq, &a.At, &found}, func() error {
		s.Sources = append(s.Sources, a)
		if !found {
			s.Announced = append(s.Announced, a)
		}
		return nil
	})
	if err != nil {
		return err
	}
	s.AddTagSources()
	return d.lookups(ctx, s)
}
