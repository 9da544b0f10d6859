package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"ferry/forge"
	"ferry/promotion"
)

// KnowsApps says whether any app of the repository was ever read. Where the branch ferry-state stands and none was, a database was lost.
func (s *Store) KnowsApps(ctx context.Context, repository int64) (known bool, err error) {
	defer wrap(&err, "KnowsApps(%d)", repository)
	err = s.pool.QueryRow(ctx, `select exists (select from apps where repository = $1) or exists (select from deployments where repository = $1)`, repository).Scan(&known)
	return known, err
}

// decisions takes over the holds, freezes and blocks, and what people asked for, that an earlier database had, where this one has none.
func (r *observation) decisions(ctx context.Context) error {
	if r.o.Decisions == nil {
		return nil
	}
	var known bool
	if err := r.tx.QueryRow(ctx, `
		select exists (select from holds where repository = $1) or exists (select from freezes where repository = $1)
		    or exists (select from blocks where repository = $1) or exists (select from intents where repository = $1)
		    or exists (select from drops where repository = $1) or exists (select from waived where repository = $1)`, r.repo.ID).Scan(&known); err != nil || known {
		return err
	}
	for _, a := range r.o.Decisions.Asked {
		if err := insertIntent(ctx, r.tx, r.repo.ID, a.App, a.Environment, a.Intent); err != nil {
			return err
		}
		r.dirty[appUnit(a.App)] = true
	}
	for _, h := range r.o.Decisions.Holds {
		if err := r.takeOver(ctx, holdKind(), h); err != nil {
			return err
		}
	}
	for _, f := range r.o.Decisions.Freezes {
		if err := r.takeOver(ctx, freezeKind(), promotion.Hold(f)); err != nil {
			return err
		}
	}
	for _, x := range r.o.Decisions.Drops {
		if err := insertDrop(ctx, r.tx, r.repo.ID, x); err != nil {
			return err
		}
	}
	for _, w := range r.o.Decisions.Waived {
		if err := insertWaived(ctx, r.tx, r.repo.ID, w); err != nil {
			return err
		}
	}
	for _, b := range r.o.Decisions.Blocks {
		if err := insertBlock(ctx, r.tx, r.repo.ID, b); err != nil {
			return err
		}
		if err := addEvent(ctx, r.tx, event{repository: r.repo.ID, environment: b.Environment, app: b.App, kind: "block", actor: b.Actor,
			cause: "branch " + promotion.StateBranch, at: r.now, detail: b.Detail()}); err != nil {
			return err
		}
	}
	return nil
}

// lifts takes back the rejections that somebody had taken back by /unblock.
func (r *observation) lifts(ctx context.Context) error {
	if r.o.Decisions == nil {
		return nil
	}
	for _, l := range r.o.Decisions.Lifts {
		if _, err := r.tx.Exec(ctx, `
			insert into rejections (repository, environment, app, release, number, actor, at, lifted_at, lifted_by) values ($1, $2, $3, '[]', $4, '', $5, $5, $6)
			on conflict do nothing`, r.repo.ID, l.Environment, l.App, l.Number, l.At, l.Actor); err != nil { // of one that the forge does not tell of any more
			return err
		}
		if err := liftRejection(ctx, r.tx, r.repo.ID, l); err != nil {
			return err
		}
	}
	return nil
}

func (r *observation) takeOver(ctx context.Context, kind stopKind, h promotion.Hold) error {
	if err := insertStop(ctx, r.tx, r.repo.ID, kind, h); err != nil {
		return err
	}
	return addEvent(ctx, r.tx, event{repository: r.repo.ID, environment: h.Environment, app: h.App, kind: kind.begin, actor: h.Actor, cause: "branch " + promotion.StateBranch, at: r.now, detail: h.Reason})
}

// recovery writes down what the forge remembers of an earlier database.
func (r *observation) recovery(ctx context.Context) error {
	b := r.o.Recovery
	if b == nil {
		return nil
	}
	for _, past := range b.Past {
		if err := r.past(ctx, past); err != nil {
			return err
		}
	}
	for _, p := range b.Promotions {
		if err := r.pastPromotion(ctx, p); err != nil {
			return err
		}
	}
	if err := r.lifts(ctx); err != nil {
		return err
	}
	// Who asked for an app there took back that somebody had not wanted it.
	if _, err := r.tx.Exec(ctx, `
		update rejections j set lifted_at = $2 from intents i
		where j.repository = $1 and i.repository = $1 and i.environment = j.environment and i.app = j.app and i.kind = 'promotion' and j.lifted_at is null and j.at <= i.at`, r.repo.ID, r.now); err != nil {
		return err
	}
	for _, a := range b.Sources {
		if _, err := r.tx.Exec(ctx, `insert into announced (repository, image, tag, digest, source, commit_sha, at) values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing`,
			r.repo.ID, a.Image.Name, a.Image.Tag, a.Image.Digest, a.Source, a.Commit, a.At); err != nil {
			return err
		}
	}
	for _, c := range b.Contributions {
		if _, err := r.tx.Exec(ctx, `
			insert into contributions (repository, target, sha, context, app, state, description) values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing`,
			r.repo.ID, r.target(c.Target), c.SHA, c.Context, c.App, c.State, c.Description); err != nil {
			return err
		}
	}
	for _, s := range b.Statuses {
		wish := StatusWish{Target: r.target(s.Target), SHA: s.SHA, Status: s.Status}
		if err := r.standsAlready(ctx, "status", statusKey(wish.Target, s.SHA, s.Status.Context), "", wish, map[string]any{"status": s.Status}); err != nil {
			return err
		}
	}
	for _, left := range b.Left {
		r.dirty[leftUnit(left.Number, left.SHA)] = true
	}
	if r.o.Issue != 0 { // it is edited once a minute at most, and agents speak within that
		at := map[string]any{"number": r.o.Issue, "at": r.now}
		if err := r.standsAlready(ctx, "issue", "issue", "", IssueWish{Title: promotion.IssueTitle}, at); err != nil {
			return err
		}
	}
	return addEvent(ctx, r.tx, event{repository: r.repo.ID, kind: "recovered", actor: "ferry", cause: "branch " + promotion.StateBranch, at: r.now, detail: "read back from the forge"})
}

func (r *observation) target(fullName string) string {
	if strings.EqualFold(fullName, r.repo.Repo.FullName()) {
		return ""
	}
	return fullName
}

// statusKey names the wish of one commit status.
func statusKey(target string, sha forge.SHA, statusContext string) string {
	return strings.TrimSpace(strings.Join([]string{target, string(sha), statusContext}, " "))
}

// standsAlready writes a wish down as fulfilled: a plan that wishes the same makes nothing of it.
func (r *observation) standsAlready(ctx context.Context, kind, key, app string, desired, applied any) error {
	_, err := r.tx.Exec(ctx, `
		insert into wishes (repository, kind, key, app, desired, applied_version, applied) values ($1, $2, $3, $4, $5, 1, $6) on conflict do nothing`,
		r.repo.ID, kind, key, app, toJSON(desired), toJSON(applied))
	return err
}

// past writes down the deployments of one place, the last of which may have ended too.
func (r *observation) past(ctx context.Context, past promotion.Past) error {
	if len(past.Deployments) == 0 {
		return nil
	}
	if _, err := r.tx.Exec(ctx, `insert into apps (repository, name) values ($1, $2) on conflict do nothing`, r.repo.ID, past.Place.App); err != nil {
		return err
	}
	r.dirty[appUnit(past.Place.App)] = true
	base := r.seq - int64(len(r.o.Head.Revisions)) // what came before was not read back
	for i, d := range past.Deployments {
		var last *int64
		if d.Ended {
			last = new(r.seq)
			if i+1 < len(past.Deployments) {
				last = new(base + past.Deployments[i+1].FirstSeq)
			}
		}
		release := d.Release
		if release == nil {
			release = promotion.Release{}
		}
		since, recovered := d.Since, nullTime(r.now)
		if d.Recovered.IsZero() && !d.Ended { // it came while the database was gone: news
			since, recovered = r.now, nil
		}
		if since.IsZero() {
			since = r.now
		}
		if _, err := r.tx.Exec(ctx, `
			insert into deployments (repository, branch, environment, app, release, problem, first_seq, first_sha, last_seq, baseline, state, message, since, converged_at, healthy_from,
			                         soaked, settled, recovered_at, brought_by, judged, degraded_from, brought_also)
			values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, coalesce($22::text[], '{}'))`,
			r.repo.ID, r.branch(), past.Place.Environment, past.Place.App, toJSON(release), d.Problem, base+d.FirstSeq, d.FirstSHA, last, d.Baseline, d.State, d.Message, since,
			nullTime(d.ConvergedAt), nullTime(d.HealthyFrom), d.Soaked, d.Settled, recovered, d.BroughtBy, recovered != nil, nullTime(d.DegradedFrom), d.BroughtAlso); err != nil {
			return err
		}
	}
	return nil
}

// pastPromotion writes one of Ferry's own pull requests down: open, it is followed again; closed by a person, it rejects.
func (r *observation) pastPromotion(ctx context.Context, p promotion.PastPromotion) error {
	if err := savePull(ctx, r.tx, r.repo.ID, p.Pull, seen{byPerson: p.State == promotion.PromotionRejected, generation: r.repo.Generation}); err != nil {
		return err
	}
	if p.Own {
		if _, err := r.tx.Exec(ctx, `insert into commits (repository, sha, branch, made_at) values ($1, $2, $3, $4) on conflict do nothing`,
			r.repo.ID, p.Pull.HeadSHA, p.Pull.HeadBranch, p.Pull.CreatedAt); err != nil {
			return err
		}
	}
	if err := r.pastSame(ctx, p); err != nil {
		return err
	}
	if p.Pull.Open && p.State != promotion.PromotionOpen { // on a branch of Ferry's, and nothing of Ferry's in it
		return nil
	}
	release := p.Release
	if release == nil {
		release = promotion.Release{}
	}
	outgrown := ownPromotion{environment: p.Place.Environment, app: p.Place.App, branch: p.Pull.HeadBranch, train: p.Train}.outgrown()
	if outgrown && p.State == promotion.PromotionOpen { // the next plan closes it, and opens it anew
		p.State = promotion.PromotionSuperseded
	}
	tag, err := r.tx.Exec(ctx, `
		insert into promotions (repository, environment, app, branch, number, release, intent, asker, state, merge_sha, opened_at, ended_at, reason, train)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) on conflict do nothing`,
		r.repo.ID, p.Place.Environment, p.Place.App, p.Pull.HeadBranch, p.Pull.Number, toJSON(release), p.Intent, p.Asker, p.State, p.Pull.MergeSHA, p.Pull.CreatedAt, nullTime(p.Pull.ClosedAt), p.Reason, p.Train)
	if err != nil || tag.RowsAffected() == 0 {
		return err
	}
	switch {
	case p.Rejected:
		_, err = r.tx.Exec(ctx, `insert into rejections (repository, environment, app, release, number, actor, at) values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing`,
			r.repo.ID, p.Place.Environment, p.Place.App, toJSON(release), p.Pull.Number, p.Pull.Closer.Login, p.Pull.ClosedAt)
		if err == nil {
			err = r.pastGiven(ctx, p)
		}
	case p.State == promotion.PromotionOpen:
		err = r.pastOpen(ctx, p)
	case outgrown && p.Pull.Open:
		err = r.pastAsked(ctx, p)
	}
	return err
}

// pastAsked writes down who asked for what an open pull request brings.
func (r *observation) pastAsked(ctx context.Context, p promotion.PastPromotion) error {
	if p.Asker == "" || p.Intent == promotion.IntentUpdate {
		return nil
	}
	return insertIntent(ctx, r.tx, r.repo.ID, p.Place.App, p.Place.Environment,
		promotion.Intent{Kind: p.Intent, Release: p.Release, Actor: p.Asker, Reason: p.Reason, At: p.Pull.CreatedAt})
}

// pastOpen writes down what Ferry last made of an open pull request, and who asked for it.
func (r *observation) pastOpen(ctx context.Context, p promotion.PastPromotion) error {
	if err := r.pastAsked(ctx, p); err != nil {
		return err
	}
	if err := r.pastGiven(ctx, p); err != nil {
		return err
	}
	name := p.Place.App
	if p.Train != "" {
		name = p.Train
	}
	return r.standsAlready(ctx, "pull", p.Pull.HeadBranch, name, pastWish(p), p.Applied)
}

// pastWish is what was wished of a pull request, as far as it tells.
func pastWish(p promotion.PastPromotion) promotion.PullWish {
	wish := promotion.PullWish{Environment: p.Place.Environment, Branch: p.Pull.HeadBranch, Open: true, Release: p.Release, Intent: p.Intent, Asker: p.Asker, Asked: p.Reason}
	if p.Train != "" {
		wish.Release, wish.Group, wish.Cars, wish.Intent, wish.Asker = nil, p.Train, p.Cars, promotion.IntentPromotion, ""
	}
	return wish
}

// pastSame writes down that earlier heads of an open pull request have the same edit as the one that stands. What that is called, the first act on it
// finds out.
func (r *observation) pastSame(ctx context.Context, p promotion.PastPromotion) error {
	if len(p.Same) == 0 {
		return nil
	}
	shows := pastWish(p)
	shows.Edit = recoveredEdit + string(p.Pull.HeadSHA)
	for _, sha := range append(p.Same, p.Pull.HeadSHA) {
		if _, err := r.tx.Exec(ctx, `
			insert into commits (repository, sha, branch, made_at, shows) values ($1, $2, $3, $4, $5) on conflict (repository, sha) do update set shows = excluded.shows`,
			r.repo.ID, sha, p.Pull.HeadBranch, p.Pull.CreatedAt, toJSON(shows)); err != nil {
			return err
		}
	}
	return nil
}

// pastGiven writes down what people gave an open pull request by commands.
func (r *observation) pastGiven(ctx context.Context, p promotion.PastPromotion) error {
	for _, g := range p.Given {
		var err error
		if slices.Contains(p.Same, g.Head) {
			g.Edit = "" // its commit tells
		}
		switch g.Command {
		case promotion.CommandApprove:
			err = insertReview(ctx, r.tx, r.repo.ID, p.Pull.Number, promotion.Review{Person: g.Person, Verdict: promotion.VerdictApproved, SHA: g.Head, Edit: g.Edit, At: g.At, Comment: g.Comment})
		case promotion.CommandOverride:
			err = insertOverride(ctx, r.tx, r.repo.ID, g.Comment, promotion.Override{Number: p.Pull.Number, Gate: g.Gate, Head: g.Head, Edit: g.Edit, Actor: g.Person.User, Reason: g.Reason, At: g.At})
		}
		if err != nil {
			return err
		}
		if err := addEvent(ctx, r.tx, event{repository: r.repo.ID, environment: p.Place.Environment, app: p.Place.App, kind: g.Command, actor: g.Person.Login,
			cause: fmt.Sprintf("comment %d on #%d", g.Comment, p.Pull.Number), at: r.now, detail: strings.TrimSpace(g.Gate + " " + g.Reason)}); err != nil {
			return err
		}
	}
	return nil
}
