package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"ferry/forge"
	"ferry/promotion"
	"ferry/promotion/config"
)

// ReviewedPull is an open pull request of Ferry's own, with what it depends on who may approve it.
type ReviewedPull struct {
	Number    int
	Place     config.Place
	Release   promotion.Release
	Announced []promotion.Announced // what CI announced of the release's images
	Authors   []promotion.Author    // of their source commits, as far as they are known
	Commented []promotion.Review    // what people said by /approve
}

// ReviewedPulls returns those of Ferry's open pull requests that are among numbers; with all, every one.
func (s *Store) ReviewedPulls(ctx context.Context, repository int64, numbers []int, all bool) (list []ReviewedPull, err error) {
	defer wrap(&err, "ReviewedPulls(%d)", repository)
	rows, err := s.pool.Query(ctx, `
		select m.number, m.app, m.environment, m.release,
		       (select coalesce(json_agg(json_build_object('Image', json_build_object('name', a.image, 'tag', a.tag), 'Commit', a.commit_sha)), '[]') from announced a
		         where a.repository = m.repository and m.release @> jsonb_build_array(jsonb_build_object('name', a.image, 'tag', a.tag))),
		       (select coalesce(json_agg(json_build_object('Source', a.source, 'Commit', a.sha, 'ID', a.author)), '[]') from authors a where a.repository = m.repository
		         and (m.release::text like '%' || a.sha || '%' or exists (select from announced x where x.repository = a.repository and x.commit_sha = a.sha
		               and m.release @> jsonb_build_array(jsonb_build_object('name', x.image, 'tag', x.tag)))))
		from promotions m where m.repository = $1 and m.state = 'open' and m.number <> 0 and ($3 or m.number = any($2)) order by m.number`, repository, numbers, all)
	if err != nil {
		return nil, err
	}
	list, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (p ReviewedPull, err error) {
		var release, announced, authors []byte
		if err := row.Scan(&p.Number, &p.Place.App, &p.Place.Environment, &release, &announced, &authors); err != nil {
			return p, err
		}
		return p, errors.Join(json.Unmarshal(release, &p.Release), json.Unmarshal(announced, &p.Announced), json.Unmarshal(authors, &p.Authors))
	})
	for i := 0; i < len(list) && err == nil; i++ {
		list[i].Commented, err = storedReviews(ctx, s.pool, repository, []int{list[i].Number})
		list[i].Commented = slices.DeleteFunc(list[i].Commented, func(v promotion.Review) bool { return v.Comment == 0 })
	}
	return list, err
}

// HeadIsUnknown says whether there is an open pull request of that number of which Ferry does not know since when it stands at its head.
func (s *Store) HeadIsUnknown(ctx context.Context, repository int64, number int) (unknown bool, err error) {
	defer wrap(&err, "HeadIsUnknown(%d, %d)", repository, number)
	err = s.pool.QueryRow(ctx, `
		select exists (select from pulls p where p.repository = $1 and p.number = $2 and p.open and not exists (
		  select from heads h where h.repository = p.repository and h.number = p.number and h.sha = p.head_sha))`, repository, number).Scan(&unknown)
	return unknown, err
}

// people writes down what people say of pull requests, when those came to stand at their heads, and who made source commits.
func (r *observation) people(ctx context.Context) error {
	for _, h := range r.o.Heads {
		if err := seeHead(ctx, r.tx, r.repo.ID, h); err != nil {
			return err
		}
	}
	for _, a := range r.o.Authors {
		if _, err := r.tx.Exec(ctx, `
			insert into authors (repository, source, sha, author, login, co_authors) values ($1, $2, $3, $4, $5, coalesce($6::text[], '{}'))
			on conflict (repository, source, sha) do update set author = excluded.author, login = excluded.login, co_authors = excluded.co_authors`,
			r.repo.ID, a.Source, a.Commit, a.ID, a.Login, a.With); err != nil {
			return err
		}
	}
	if err := recordUntold(ctx, r.tx, r.repo.ID, r.o.CoAuthors, r.now); err != nil {
		return err
	}
	for _, f := range r.o.Reviews {
		if err := r.reviews(ctx, f); err != nil {
			return err
		}
	}
	return r.awaken(ctx, r.o.Reviewed)
}

// awaken makes the merges due soon that the forge refused and whose pull requests were reviewed since: a review may be what they lacked, also one that no
// gate of Ferry's asks for. A forge shows it only a little later. A merge that is written to just now is left alone.
func (r *observation) awaken(ctx context.Context, numbers []int) error {
	if len(numbers) == 0 {
		return nil
	}
	_, err := r.tx.Exec(ctx, `
		update wishes set act_at = $3 where id in (
		  select id from wishes where repository = $1 and kind = 'merge' and refusal <> '' and act_at > $3 and (desired ->> 'number')::int = any($2) for update skip locked)`,
		r.repo.ID, numbers, r.now.Add(5*time.Second))
	return err
}

// seeHead notes by when a pull request stood at a head. The earliest time counts; but where it stood at another one in between, when it came back.
func seeHead(ctx context.Context, tx pgx.Tx, repository int64, h promotion.HeadSeen) error {
	if h.By.IsZero() || h.SHA == "" {
		return nil
	}
	_, err := tx.Exec(ctx, `
		insert into heads (repository, number, sha, since) values ($1, $2, $3, $4)
		on conflict (repository, number, sha) do update set since = case
		  when exists (select from heads o where o.repository = $1 and o.number = $2 and o.sha <> $3 and o.since > heads.since and o.since <= excluded.since) then excluded.since
		  else least(heads.since, excluded.since) end`, repository, h.Number, h.SHA, h.By)
	return err
}

// reviews brings what is stored of a pull request's reviews to what the forge says. Where that is news, it has an event, and the app is planned again.
func (r *observation) reviews(ctx context.Context, f promotion.ReviewFacts) error {
	var app, environment string
	err := r.tx.QueryRow(ctx, `select app, environment from promotions where repository = $1 and number = $2`, r.repo.ID, f.Number).Scan(&app, &environment)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	before, err := storedReviews(ctx, r.tx, r.repo.ID, []int{f.Number})
	if err != nil {
		return err
	}
	for _, b := range before {
		if b.Comment != 0 || slices.ContainsFunc(f.Reviews, func(one promotion.Review) bool { return one.ID == b.ID }) {
			continue
		}
		if _, err := r.tx.Exec(ctx, `delete from reviews where repository = $1 and number = $2 and actor = $3 and comment = 0`, r.repo.ID, f.Number, b.ID); err != nil {
			return err
		}
		r.dirty[appUnit(app)] = true // the account is gone
	}
	for _, one := range f.Reviews {
		i := slices.IndexFunc(before, func(b promotion.Review) bool { return b.ID == one.ID && b.Comment == one.Comment })
		if i >= 0 && sameReview(before[i], one) {
			continue
		}
		if err := insertReview(ctx, r.tx, r.repo.ID, f.Number, one); err != nil {
			return err
		}
		r.dirty[appUnit(app)] = true
		if i >= 0 && before[i].Verdict == one.Verdict && before[i].SHA == one.SHA {
			continue // they may do otherwise than before
		}
		if err := addEvent(ctx, r.tx, event{repository: r.repo.ID, environment: environment, app: app, kind: "review " + string(one.Verdict), actor: nameOr(one.Login), cause: r.cause,
			at: r.now, detail: reviewDetail(f.Number, one.SHA)}); err != nil {
			return err
		}
	}
	return nil
}

func sameReview(a, b promotion.Review) bool {
	return a.Verdict == b.Verdict && a.SHA == b.SHA && a.At.Equal(b.At) && a.Login == b.Login && a.Permission == b.Permission && slices.Equal(a.Teams, b.Teams) && a.Unknown == b.Unknown
}

func nameOr(login string) string {
	if login == "" {
		return "somebody whose account is gone"
	}
	return login
}

func reviewDetail(number int, head forge.SHA) string {
	return fmt.Sprintf("#%d at %s", number, head.Short())
}

// insertReview writes what somebody says of a pull request. What the same person said before by the same way is no more.
func insertReview(ctx context.Context, tx pgx.Tx, repository int64, number int, v promotion.Review) error {
	_, err := tx.Exec(ctx, `
		insert into reviews (repository, number, actor, comment, login, bot, verdict, sha, edit, at, permission, teams, unknown)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
		on conflict (repository, number, actor, comment) do update
		set login = excluded.login, bot = excluded.bot, verdict = excluded.verdict, sha = excluded.sha, edit = excluded.edit, at = excluded.at,
		    permission = excluded.permission, teams = excluded.teams, unknown = excluded.unknown`,
		repository, number, v.ID, v.Comment, v.Login, v.Bot, v.Verdict, v.SHA, v.Edit, v.At, int(v.Permission), toJSON(emptyNotNull(v.Teams)), v.Unknown)
	return err
}

// storedReviews returns what people say of the pull requests. What a head showed is known of heads that Ferry made.
func storedReviews(ctx context.Context, tx querier, repository int64, numbers []int) (list []promotion.Review, err error) {
	rows, err := tx.Query(ctx, `
		select r.actor, r.login, r.bot, r.permission, r.teams, r.unknown, r.verdict, r.sha, coalesce(nullif(r.edit, ''), c.shows ->> 'edit', ''), r.at, r.comment
		from reviews r left join commits c on c.repository = r.repository and c.sha = r.sha
		where r.repository = $1 and r.number = any($2) order by r.at, r.actor, r.comment`, repository, numbers)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (v promotion.Review, err error) {
		var teams []byte
		if err := row.Scan(&v.ID, &v.Login, &v.Bot, &v.Permission, &teams, &v.Unknown, &v.Verdict, &v.SHA, &v.Edit, &v.At, &v.Comment); err != nil {
			return v, err
		}
		v.At = v.At.UTC()
		if err := json.Unmarshal(teams, &v.Teams); err != nil {
			return v, err
		}
		if len(v.Teams) == 0 {
			v.Teams = nil
		}
		return v, nil
	})
}

// peoples puts what people say of the living pull requests at the environments of the snapshot: approvals and the like, and which gates they overrode.
func (d *decision) peoples(ctx context.Context, s *promotion.Snapshot) error {
	asked := false
	for i := range s.Environments {
		env := &s.Environments[i]
		if env.Pull == nil || env.Promotion == nil {
			continue
		}
		other, err := d.showedOther(ctx, env.Pull)
		if err != nil {
			return err
		}
		if err := d.overridden(ctx, env, other); err != nil {
			return err
		}
		if !promotion.NeedsReviews(env.Environment) {
			continue
		}
		asked = true
		if env.Reviews, err = storedReviews(ctx, d.tx, d.repo.ID, []int{env.Pull.Number}); err != nil {
			return err
		}
		for i := range env.Reviews {
			if r := &env.Reviews[i]; r.At.Before(other) {
				r.SHA, r.Edit = "", "" // it is about what the pull request has ceased to show
			}
		}
	}
	if !asked {
		return nil
	}
	var err error
	if s.Authors, err = d.authors(ctx, s.Sources); err != nil {
		return err
	}
	return d.untold(ctx, s)
}

// authors returns who made the source commits, as far as that is known.
func (d *decision) authors(ctx context.Context, sources []promotion.Announced) ([]promotion.Author, error) {
	var commits []forge.SHA
	for _, a := range sources {
		commits = append(commits, a.Commit)
	}
	rows, err := d.tx.Query(ctx, `select source, sha, author, login, co_authors from authors where repository = $1 and sha = any($2) order by source, sha`, d.repo.ID, commits)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (a promotion.Author, err error) {
		return a, row.Scan(&a.Source, &a.Commit, &a.ID, &a.Login, &a.With)
	})
}

// showedOther returns when the pull request last came to show something else than now, in the forge's clock; zero where that is not known. What was said
// of it before does not count again because the same comes back.
func (d *decision) showedOther(ctx context.Context, p *promotion.Pull) (time.Time, error) {
	var at *time.Time
	err := d.tx.QueryRow(ctx, `
		select max(h.since) from heads h join commits c on c.repository = h.repository and c.sha = h.sha
		where h.repository = $1 and h.number = $2 and h.sha <> $3 and $4 <> '' and c.shows ->> 'edit' <> $4 and not starts_with(c.shows ->> 'edit', $5) and not starts_with($4, $5)`,
		d.repo.ID, p.Number, p.HeadSHA, p.Edit, recoveredEdit).Scan(&at)
	return timeOf(at), err
}

// overridden lets the gates be waived that somebody overrode for exactly what the pull request shows.
func (d *decision) overridden(ctx context.Context, env *promotion.Environment, other time.Time) error {
	rows, err := d.tx.Query(ctx, `
		select o.gate, o.login, o.reason, o.at from overrides o left join commits c on c.repository = o.repository and c.sha = o.sha
		where o.repository = $1 and o.number = $2 and (o.sha = $3 or $4 <> '' and coalesce(nullif(o.edit, ''), c.shows ->> 'edit') = $4) and o.at >= $5 order by o.at desc, o.comment desc`,
		d.repo.ID, env.Pull.Number, env.Pull.HeadSHA, env.Pull.Edit, other)
	if err != nil {
		return err
	}
	waivers, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (w promotion.Waiver, err error) {
		w.Release = env.Promotion.Release
		err = row.Scan(&w.Gate, &w.Actor, &w.Reason, &w.At)
		w.At = w.At.UTC()
		return w, err
	})
	if env.Pull.Known {
		env.Waivers = append(env.Waivers, waivers...)
	}
	return err
}

// shownTo returns what the pull request of a comment showed when the comment was made; nil where it stands under none of Ferry's.
func (d *decision) shownTo(ctx context.Context, c pendingCommand) (*promotion.Shown, error) {
	s := promotion.Shown{Number: c.number}
	var release, cars []byte
	var open, known bool
	var since *time.Time
	err := d.tx.QueryRow(ctx, `
		select (select coalesce(jsonb_agg(i order by x.app), '[]') from promotions x, jsonb_array_elements(x.release) i where x.repository = m.repository and x.number = m.number),
		       p.open, p.head_sha, coalesce(k.shows ->> 'edit', ''), k.sha is not null and p.author = $3 and p.head_repo = $4 and p.base_branch = $5,
		       (select h.since from heads h where h.repository = p.repository and h.number = p.number and h.sha = p.head_sha and not exists (
		          select from heads o where o.repository = h.repository and o.number = h.number and o.sha <> h.sha and o.since > h.since)),
		       (select coalesce(jsonb_agg(jsonb_build_object('app', x.app, 'release', x.release) order by x.app), '[]')
		         from promotions x where x.repository = m.repository and x.number = m.number and x.train <> '' and x.state in ('waiting', 'open'))
		from promotions m join pulls p on p.repository = m.repository and p.number = m.number
		     left join commits k on k.repository = p.repository and k.sha = p.head_sha and k.branch = m.branch
		where m.repository = $1 and m.number = $2 order by m.app limit 1`, d.repo.ID, c.number, d.mind.Self.ID, d.repo.Repo.ID, d.repo.DefaultBranch).
		Scan(&release, &open, &s.Head, &s.Edit, &known, &since, &cars)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	s.Void = promotion.VoidAt(c.number, open, known, timeOf(since), c.said)
	return &s, errors.Join(json.Unmarshal(release, &s.Release), json.Unmarshal(cars, &s.Cars))
}

// uncounted finds out why an approval by who wrote the comment does not count, as the gate itself sees it.
func (d *decision) uncounted(ctx context.Context, c pendingCommand, commands []promotion.Command, scene *promotion.CommandScene) error {
	if scene.Shown == nil || !slices.ContainsFunc(commands, func(c promotion.Command) bool { return c.Name == promotion.CommandApprove }) {
		return nil
	}
	var apps []string
	for _, car := range scene.Shown.Cars {
		apps = append(apps, car.App)
	}
	if len(apps) == 0 {
		apps = []string{scene.App}
	}
	scene.Shown.Uncounted = map[string]string{}
	for _, app := range apps {
		s, err := d.snapshot(ctx, app)
		if err != nil {
			return err
		}
		scene.Shown.Uncounted[app] = s.Uncounted(scene.Environment, c.person())
	}
	return nil
}

// person is who wrote the comment.
func (c pendingCommand) person() promotion.Person {
	return promotion.Person{User: forge.User{ID: c.actor, Login: c.login}, Permission: c.permission, Teams: c.teams, Unknown: c.unknown}
}

// writePeople writes down what the comment gives a pull request.
func (d *decision) writePeople(ctx context.Context, c pendingCommand, cause string, scene promotion.CommandScene, out promotion.Outcome) error {
	who := c.person()
	tell := func(kind, detail string) error {
		d.dirty[appUnit(scene.App)] = true
		return addEvent(ctx, d.tx, event{repository: d.repo.ID, environment: scene.Environment, app: scene.App, kind: kind, actor: c.login, cause: cause, at: d.now, detail: detail})
	}
	for _, a := range out.Approvals {
		v := promotion.Review{Person: who, Verdict: promotion.VerdictApproved, SHA: a.Head, Edit: a.Edit, At: c.said, Comment: c.comment}
		if err := insertReview(ctx, d.tx, d.repo.ID, a.Number, v); err != nil {
			return err
		}
		if err := tell("approve", reviewDetail(a.Number, a.Head)+scene.Shown.Detail()); err != nil {
			return err
		}
	}
	for _, o := range out.Overrides {
		if err := insertOverride(ctx, d.tx, d.repo.ID, c.comment, o); err != nil {
			return err
		}
		if err := tell("override", o.Gate+": "+o.Reason); err != nil {
			return err
		}
	}
	return nil
}

func insertOverride(ctx context.Context, tx pgx.Tx, repository, comment int64, o promotion.Override) error {
	_, err := tx.Exec(ctx, `
		insert into overrides (repository, number, gate, comment, actor, login, reason, sha, edit, at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) on conflict do nothing`,
		repository, o.Number, o.Gate, comment, o.Actor.ID, o.Actor.Login, o.Reason, o.Head, o.Edit, o.At)
	return err
}
