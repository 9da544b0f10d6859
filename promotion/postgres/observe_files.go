package postgres

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"

	"ferry/forge"
	"ferry/promotion"
	"ferry/promotion/config"
)

// files writes the manifests down, one revision after the other, and for every app and environment they touch, which release stands there since which
// revision: what stood only between two looks at the branch was a deployment too.
func (r *observation) files(ctx context.Context) error {
	facts := slices.Concat(r.o.Earlier, r.o.Files)
	slices.SortStableFunc(facts, func(a, b promotion.FileFacts) int { return cmp.Compare(r.seqs[a.Revision], r.seqs[b.Revision]) })
	for len(facts) > 0 {
		n := slices.IndexFunc(facts, func(f promotion.FileFacts) bool { return r.seqs[f.Revision] != r.seqs[facts[0].Revision] })
		if n < 0 {
			n = len(facts)
		}
		touched := map[config.Place]forge.SHA{}
		for _, f := range facts[:n] {
			if err := r.file(ctx, touched, f); err != nil {
				return err
			}
		}
		if err := r.standings(ctx, touched); err != nil {
			return err
		}
		facts = facts[n:]
	}
	if !r.o.Full {
		return nil
	}
	touched := map[config.Place]forge.SHA{}
	if err := r.forgetWhere(ctx, touched, r.headSHA(), `not path || E'\x01' || app || E'\x01' || environment = any($3)`, joined(r.o.Files)); err != nil {
		return err
	}
	return r.standings(ctx, touched)
}

// file writes one manifest down, or that it is gone, and notes the places it touches.
func (r *observation) file(ctx context.Context, touched map[config.Place]forge.SHA, f promotion.FileFacts) error {
	if f.Gone {
		return r.forgetWhere(ctx, touched, f.Revision, `path = $3`, f.Path)
	}
	if _, err := r.tx.Exec(ctx, `
		insert into manifests (repository, branch, path, app, environment, blob, executable, images, problem, also) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
		on conflict (repository, branch, path, app, environment) do update
		set blob = excluded.blob, executable = excluded.executable, images = excluded.images, problem = excluded.problem, also = excluded.also`,
		r.repo.ID, r.branch(), f.Path, f.Place.App, f.Place.Environment, f.Blob, f.Executable, toJSON(f.Images), f.Problem, f.Also); err != nil {
		return err
	}
	r.touch(touched, f.Place, f.Revision)
	return nil
}

func (r *observation) standings(ctx context.Context, touched map[config.Place]forge.SHA) error {
	places := slices.SortedFunc(maps.Keys(touched), func(a, b config.Place) int {
		return cmp.Or(cmp.Compare(a.App, b.App), cmp.Compare(a.Environment, b.Environment))
	})
	for _, place := range places {
		if err := r.standing(ctx, place, touched[place]); err != nil {
			return fmt.Errorf("%s in %s: %w", place.App, place.Environment, err)
		}
	}
	return nil
}

func joined(files []promotion.FileFacts) []string {
	out := []string{}
	for _, f := range files {
		out = append(out, f.Path+"\x01"+f.Place.App+"\x01"+f.Place.Environment)
	}
	return out
}

func (r *observation) forgetWhere(ctx context.Context, touched map[config.Place]forge.SHA, revision forge.SHA, where string, arg any) error {
	rows, err := r.tx.Query(ctx, `delete from manifests where repository = $1 and branch = $2 and `+where+` returning app, environment`, r.repo.ID, r.branch(), arg)
	if err != nil {
		return err
	}
	var place config.Place
	_, err = pgx.ForEachRow(rows, []any{&place.App, &place.Environment}, func() error { r.touch(touched, place, revision); return nil })
	return err
}

// touch notes the last revision that changed something of the place.
func (r *observation) touch(touched map[config.Place]forge.SHA, place config.Place, revision forge.SHA) {
	if old, ok := touched[place]; !ok || r.seqs[revision] > r.seqs[old] {
		touched[place] = revision
	}
}

func (r *observation) branch() string {
	if r.o.Repository != nil {
		return r.o.Repository.DefaultBranch
	}
	return r.repo.DefaultBranch
}

func (r *observation) headSHA() forge.SHA {
	if r.o.Head != nil {
		return r.o.Head.SHA
	}
	return r.repo.Head
}

// standing compares what stands at the place with the current deployment, and where it is another release ends that and begins one.
func (r *observation) standing(ctx context.Context, place config.Place, revision forge.SHA) error {
	release, problem, err := r.standingRelease(ctx, place)
	if err != nil {
		return err
	}
	current, first, err := r.currentDeployment(ctx, place)
	if err != nil {
		return err
	}
	if current == nil && release == nil && problem == "" { // nothing was there and nothing is: at most a file with values that move with an app's releases
		return nil
	}
	r.dirty[appUnit(place.App)] = true
	if current != nil && current.Problem == problem && current.Release.Same(release) && (release != nil || problem != "") {
		return r.learnDigests(ctx, current, release)
	}
	seq, ok := r.seqs[revision]
	if !ok { // the configuration changed and the branch did not move since
		revision = r.headSHA()
		if err := r.tx.QueryRow(ctx, `select seq from branches where repository = $1 and branch = $2`, r.repo.ID, r.branch()).Scan(&seq); err != nil {
			return err
		}
	}
	if current != nil {
		if err := r.endDeployment(ctx, current, seq); err != nil {
			return err
		}
	}
	if release == nil && problem == "" {
		return nil
	}
	return r.beginDeployment(ctx, place, release, problem, seq, revision, first)
}

// learnDigests completes the release of a deployment with digests that came to stand beside its tags later: it is the same release.
func (r *observation) learnDigests(ctx context.Context, d *promotion.Deployment, standing promotion.Release) error {
	learned := slices.Clone(d.Release)
	for i := range learned {
		if learned[i].Digest == "" {
			learned[i].Digest = standing[i].Digest
		}
	}
	if slices.Equal(learned, d.Release) {
		return nil
	}
	_, err := r.tx.Exec(ctx, `update deployments set release = $2 where id = $1`, d.ID, toJSON(learned))
	return err
}

func (r *observation) standingRelease(ctx context.Context, place config.Place) (promotion.Release, string, error) {
	if r.o.Config == nil {
		return nil, "", nil
	}
	rows, err := r.tx.Query(ctx, `
		select path, images, problem from manifests where repository = $1 and branch = $2 and app = $3 and environment = $4 and not also order by path`,
		r.repo.ID, r.branch(), place.App, place.Environment)
	if err != nil {
		return nil, "", err
	}
	var files []promotion.File
	var f promotion.File
	var images []byte
	if _, err := pgx.ForEachRow(rows, []any{&f.Path, &images, &f.Problem}, func() error {
		file := f
		file.Images = nil
		if err := json.Unmarshal(images, &file.Images); err != nil {
			return err
		}
		files = append(files, file)
		return nil
	}); err != nil {
		return nil, "", err
	}
	paths := make([]string, len(files))
	for i := range files {
		paths[i] = files[i].Path
	}
	app, ok := r.o.Config.App(place.App, paths...)
	if !ok {
		return nil, "", nil
	}
	release, problem := promotion.Standing(app, files)
	return release, problem, nil
}

func (r *observation) currentDeployment(ctx context.Context, place config.Place) (current *promotion.Deployment, first bool, err error) {
	var d promotion.Deployment
	var release []byte
	err = r.tx.QueryRow(ctx, `
		select id, release, problem, first_seq from deployments
		where repository = $1 and branch = $2 and environment = $3 and app = $4 and last_seq is null for update`,
		r.repo.ID, r.branch(), place.Environment, place.App).Scan(&d.ID, &release, &d.Problem, &d.FirstSeq)
	if err == nil {
		return &d, false, json.Unmarshal(release, &d.Release)
	}
	if !errors.Is(err, pgx.ErrNoRows) {
		return nil, false, err
	}
	err = r.tx.QueryRow(ctx, `select not exists (select from deployments where repository = $1 and branch = $2 and environment = $3 and app = $4)`,
		r.repo.ID, r.branch(), place.Environment, place.App).Scan(&first)
	return nil, first, err
}

// endDeployment ends a deployment at the revision that replaced it: its soak's clock stops. A degradation that was reported since that began, and of which
// no plan has been made yet, sets it back: the reports of what comes next would hide it.
func (r *observation) endDeployment(ctx context.Context, d *promotion.Deployment, seq int64) error {
	_, err := r.tx.Exec(ctx, `
		update deployments d set last_seq = $2, state = 'superseded', healthy_from = null, soaked = case when exists (
		         select from reports p where p.repository = d.repository and p.environment = d.environment and p.app in ('', d.app)
		           and p.degraded_at > coalesce(d.counted_from, '-infinity')) then 0 else t.total end
		from (select soaked + coalesce((extract(epoch from ($3::timestamptz - healthy_from)) * 1e9)::bigint, 0) as total from deployments where id = $1) t
		where d.id = $1`, d.ID, max(seq, d.FirstSeq), r.now)
	if err != nil {
		return err
	}
	return r.forgetSoaks(ctx, d)
}

// forgetSoaks takes back what the release had soaked in deployments before the one that ends, where it degraded in that: a plan would have done so, and
// none has seen it yet.
func (r *observation) forgetSoaks(ctx context.Context, d *promotion.Deployment) error {
	_, err := r.tx.Exec(ctx, `
		update deployments e set soaked = 0 from deployments d
		where d.id = $1 and e.repository = d.repository and e.branch = d.branch and e.app = d.app and e.environment = d.environment and e.release = d.release and e.id <> d.id and e.soaked > 0
		  and exists (
		    select from reports p left join revisions v on v.repository = p.repository and v.branch = d.branch and v.sha = p.revision
		    where p.repository = d.repository and p.environment = d.environment and p.app in ('', d.app)
		      and (p.degraded_at > d.converged_at or p.degraded_at > d.since and p.health in ('degraded', 'failed') and (v.seq >= d.first_seq or p.revision = '')))`, d.ID)
	return err
}

func (r *observation) beginDeployment(ctx context.Context, place config.Place, release promotion.Release, problem string, seq int64, revision forge.SHA, first bool) error {
	if _, err := r.tx.Exec(ctx, `insert into apps (repository, name) values ($1, $2) on conflict do nothing`, r.repo.ID, place.App); err != nil {
		return err
	}
	if release == nil {
		release = promotion.Release{}
	}
	var by promotion.Bringers
	if r.o.Head != nil {
		by = r.o.Head.Bringers[revision]
	}
	if _, err := r.tx.Exec(ctx, `
		insert into deployments (repository, branch, environment, app, release, problem, first_seq, first_sha, baseline, since, brought_by, judged, brought_also)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, coalesce($13::text[], '{}'))
		on conflict (repository, branch, environment, app, first_seq) do update
		set release = excluded.release, problem = excluded.problem, last_seq = null, state = 'pending', since = excluded.since,
		    converged_at = null, healthy_from = null, soaked = 0, counted_from = null, settled = false,
		    brought_by = excluded.brought_by, brought_also = excluded.brought_also, judged = excluded.judged, degraded_from = null, answered = false`,
		r.repo.ID, r.branch(), place.Environment, place.App, toJSON(release), problem, seq, revision, first, r.now, by.Login, first || by.Bot || by.ID != 0 && by.ID == r.self.ID, by.Also); err != nil {
		return err
	}
	if err := r.overHotfixes(ctx, place.App, place.Environment); err != nil {
		return err
	}
	kind, what := "deployed", release.Version()
	if first {
		kind = "baseline"
		r.dirty[stateUnit] = true
	}
	if problem != "" {
		kind, what = "unreadable", problem
	}
	return addEvent(ctx, r.tx, event{repository: r.repo.ID, environment: place.Environment, app: place.App, kind: kind, actor: "git " + revision.Short(), cause: r.cause, at: r.now, detail: what})
}
