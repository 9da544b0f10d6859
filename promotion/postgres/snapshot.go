package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"ferry/forge"
	"ferry/promotion"
	"ferry/promotion/config"
)

// Mind is what a decision needs besides the facts in the database.
type Mind struct {
	Self     forge.User // Ferry's own account at the forge
	ForgeURL string     // the forge's pages, for links
	Labels   bool       // registries are read
	URL      string     // Ferry's own public address
	// Config returns the configuration of that name; content is read only where the name is new to it.
	Config func(name ConfigName, content func() (ConfigContent, error)) (*config.Config, error)
}

// decision is the transaction in which one unit is decided, on one REPEATABLE READ snapshot.
type decision struct {
	*Store
	tx     pgx.Tx
	mind   Mind
	repo   Repository
	config *config.Config // nil: Ferry is off here
	unit   string
	now    time.Time
	cause  string
	acts   map[int64]bool  // wishes to act on
	dirty  map[string]bool // units to decide
	reads  []river.JobArgs // of sources
	told   []string        // the numbers under which a comment tells of trouble with the app

	contended *bool   // set where it meets other decisions at one row
	tried     *tryout // nil: this is no simulation
}

// historyLength is how many deployments of an environment a plan looks back on.
const historyLength = 50

// snapshot reads everything the plan of one app looks at.
func (d *decision) snapshot(ctx context.Context, app string) (promotion.Snapshot, error) {
	s := promotion.Snapshot{Repository: d.repo.Repo, DefaultBranch: d.repo.DefaultBranch, Self: d.mind.Self, ForgeURL: d.mind.ForgeURL, Refusals: map[string]promotion.Refusal{}}
	all, err := d.appFiles(ctx, app)
	if err != nil {
		return s, err
	}
	called := d.tried.called(app, all)
	d.tried.files(called, all)
	files, paths := manifestsOf(all)
	s.App, s.Off = d.appConfig(called.app, paths)
	s.Prefix = d.prefix()
	if err := d.environments(ctx, &s, called, files, paths); err != nil {
		return s, err
	}
	called.formerly(&s)
	for _, step := range []func(context.Context, *promotion.Snapshot) error{
		d.reports, d.rejections, d.intents, d.livingPromotions, d.brought, d.anew, d.hotfixes, d.rooms, d.drops, d.waived, d.announcements, d.changes, d.peoples, d.refusals, d.lacks, d.unposted, d.recorded, d.checks, d.armed,
	} {
		if err := step(ctx, &s); err != nil {
			return s, err
		}
	}
	called.now(&s)
	d.moved(&s, all, paths)
	d.tried.land(&s, called, d.now)
	return s, d.stopped(ctx, &s)
}

// prefix returns what commands stand behind; empty where nothing is needed.
func (d *decision) prefix() string {
	if d.config == nil {
		return ""
	}
	return d.config.CommandPrefix
}

func (d *decision) appConfig(app string, paths []string) (c config.App, off bool) {
	if d.config != nil {
		if c, ok := d.config.App(app, paths...); ok {
			return c, false
		}
	}
	return config.App{Name: app}, true
}

// appFile is a file of an app as it is stored.
type appFile struct {
	promotion.File
	also bool
}

func (d *decision) appFiles(ctx context.Context, app string) (map[string][]appFile, error) {
	rows, err := d.tx.Query(ctx, `
		select m.environment, m.path, m.blob, m.executable, m.images, m.problem, m.also, coalesce(b.content, '')
		from manifests m left join blobs b on b.repository = m.repository and b.sha = m.blob
		where m.repository = $1 and m.branch = $2 and m.app = $3 order by m.environment, m.path`, d.repo.ID, d.repo.DefaultBranch, app)
	if err != nil {
		return nil, err
	}
	out := map[string][]appFile{}
	var environment string
	var f appFile
	var images, content []byte
	_, err = pgx.ForEachRow(rows, []any{&environment, &f.Path, &f.Blob, &f.Executable, &images, &f.Problem, &f.also, &content}, func() error {
		file := f
		file.Content, file.Images = append([]byte(nil), content...), nil
		if err := json.Unmarshal(images, &file.Images); err != nil {
			return err
		}
		out[environment] = append(out[environment], file)
		return nil
	})
	return out, err
}

// manifestsOf returns the manifests among the files by environment, and their paths.
func manifestsOf(all map[string][]appFile) (files map[string][]promotion.File, paths []string) {
	files = map[string][]promotion.File{}
	for environment, list := range all {
		for _, f := range list {
			if !f.also {
				files[environment], paths = append(files[environment], f.File), append(paths, f.Path)
			}
		}
	}
	slices.Sort(paths)
	return files, paths
}

// moved fills in what moves with the app's releases, and where the configuration's keys lead to its images.
func (d *decision) moved(s *promotion.Snapshot, all map[string][]appFile, paths []string) {
	if d.config == nil || s.Off {
		return
	}
	for i := range s.Environments {
		env := &s.Environments[i]
		var files []promotion.File
		for _, f := range all[env.Name] {
			files = append(files, f.File)
		}
		env.Moved = promotion.MovedValues(d.config, s.App.Name, env.Name, files, paths...)
		for j := range env.Files {
			env.Files[j].FindTargets(d.config, s.App, env.Name)
		}
	}
}

// settings returns the environments as they are for the app, upstream first; as they are for all where the configuration does not know the app.
func (d *decision) settings(app string, paths []string) []config.Environment {
	if d.config == nil {
		return nil
	}
	if own := d.config.EnvironmentsOf(app, paths...); len(own) > 0 {
		return own
	}
	all := d.config.Order()
	for i := range all {
		all[i].Mode = config.ModeObserve
	}
	return all
}

// environments fills in the environments the app has a manifest in or had a deployment in, upstream first.
func (d *decision) environments(ctx context.Context, s *promotion.Snapshot, called calling, files map[string][]promotion.File, paths []string) error {
	history, err := d.history(ctx, called.was)
	if err != nil {
		return err
	}
	rename(called, history)
	known := map[string]bool{}
	for _, env := range d.settings(s.App.Name, paths) {
		known[env.Name] = true
		if len(files[env.Name]) == 0 && len(history[env.Name]) == 0 {
			continue
		}
		s.Environments = append(s.Environments, promotion.Environment{Environment: env, Mode: env.Mode, Files: files[env.Name], History: history[env.Name]})
	}
	for _, name := range slices.Sorted(maps.Keys(history)) { // of an environment that the configuration dropped: what is open there is closed
		if !known[name] {
			s.Environments = append(s.Environments, promotion.Environment{Environment: config.Environment{Name: name, Clusters: []string{config.DefaultCluster}}, Dropped: true, History: history[name]})
		}
	}
	return nil
}

func (d *decision) history(ctx context.Context, app string) (map[string][]promotion.Deployment, error) {
	rows, err := d.tx.Query(ctx, `
		select environment, id, release, problem, first_seq, first_sha, last_seq is not null, baseline, state, message, since, converged_at, healthy_from, soaked, settled, recovered_at, brought_by, judged, degraded_from, answered, counted_from,
		       brought_also || array(select unnest(array[author_login, merged_by]) from pulls p where p.repository = d.repository and p.merged and p.merge_sha = d.first_sha),
		       coalesce(promoted, '[]')
		from (select *, row_number() over (partition by environment order by first_seq desc) as n from deployments
		      where repository = $1 and branch = $2 and app = $3) d
		left join (select distinct on (environment, merge_sha) environment as promoted_into, merge_sha, release as promoted from promotions
		           where repository = $1 and app = $3 and merge_sha <> '' order by environment, merge_sha, id desc) m on promoted_into = environment and merge_sha = first_sha
		where n <= $4 or id in ( -- when what stands anywhere came first: the order of releases depends on it, however long ago it was
		  select min(id) from deployments where repository = $1 and branch = $2 and app = $3 and release in (
		    select release from deployments where repository = $1 and branch = $2 and app = $3 and last_seq is null)
		  group by environment, release)
		order by environment, first_seq desc`, d.repo.ID, d.repo.DefaultBranch, app, historyLength)
	if err != nil {
		return nil, err
	}
	out := map[string][]promotion.Deployment{}
	var environment string
	var x promotion.Deployment
	var release, promoted []byte
	var converged, healthy, recovered, degraded, counted *time.Time
	_, err = pgx.ForEachRow(rows, []any{&environment, &x.ID, &release, &x.Problem, &x.FirstSeq, &x.FirstSHA, &x.Ended, &x.Baseline, &x.State, &x.Message,
		&x.Since, &converged, &healthy, &x.Soaked, &x.Settled, &recovered, &x.BroughtBy, &x.Judged, &degraded, &x.Answered, &counted, &x.BroughtAlso, &promoted}, func() error {
		one := x
		one.BroughtAlso = slices.Clone(x.BroughtAlso)
		one.Since, one.ConvergedAt, one.HealthyFrom, one.Recovered, one.DegradedFrom = x.Since.UTC(), timeOf(converged), timeOf(healthy), timeOf(recovered), timeOf(degraded)
		one.CountedFrom, one.Release, one.Promoted = timeOf(counted), nil, nil
		if err := errors.Join(json.Unmarshal(release, &one.Release), json.Unmarshal(promoted, &one.Promoted)); err != nil {
			return err
		}
		out[environment] = append(out[environment], one)
		return nil
	})
	return out, err
}

// reports reads, for each environment and cluster, the newer of the report about this app and the one about all apps.
func (d *decision) reports(ctx context.Context, s *promotion.Snapshot) error {
	rows, err := d.tx.Query(ctx, `
		select distinct on (r.environment, r.cluster) r.environment, r.cluster, r.revision, coalesce(v.seq, 0), r.health, r.images, r.message, r.received_at, r.degraded_at, r.every_ns
		from reports r left join revisions v on v.repository = r.repository and v.branch = $2 and v.sha = r.revision
		where r.repository = $1 and r.app in ('', $3)
		order by r.environment, r.cluster, r.observed_at desc, r.app desc`, d.repo.ID, d.repo.DefaultBranch, s.App.Name)
	if err != nil {
		return err
	}
	var environment string
	var r promotion.Report
	var images []byte
	var degraded *time.Time
	_, err = pgx.ForEachRow(rows, []any{&environment, &r.Cluster, &r.Revision, &r.Seq, &r.Health, &images, &r.Message, &r.ReceivedAt, &degraded, &r.Every}, func() error {
		env := s.Find(environment)
		if env == nil {
			return nil
		}
		one := r
		one.ReceivedAt, one.DegradedAt, one.Images = r.ReceivedAt.UTC(), timeOf(degraded), nil
		if err := json.Unmarshal(images, &one.Images); err != nil {
			return err
		}
		env.Reports = append(env.Reports, one)
		return nil
	})
	return err
}

func (d *decision) rejections(ctx context.Context, s *promotion.Snapshot) error {
	rows, err := d.tx.Query(ctx, `
		select environment, release, number, actor, at from rejections where repository = $1 and app = $2 and lifted_at is null order by at desc`, d.repo.ID, s.App.Name)
	if err != nil {
		return err
	}
	var environment string
	var r promotion.Rejection
	var release []byte
	_, err = pgx.ForEachRow(rows, []any{&environment, &release, &r.Number, &r.Actor, &r.At}, func() error {
		one := r
		one.Release = nil
		if err := json.Unmarshal(release, &one.Release); err != nil {
			return err
		}
		if env := s.Find(environment); env != nil {
			env.Rejections = append(env.Rejections, one)
		}
		return nil
	})
	return err
}

func (d *decision) intents(ctx context.Context, s *promotion.Snapshot) error {
	rows, err := d.tx.Query(ctx, `select environment, kind, release, came_from, actor, reason, at from intents where repository = $1 and app = $2`, d.repo.ID, s.App.Name)
	if err != nil {
		return err
	}
	var environment string
	var i promotion.Intent
	var release, from []byte
	_, err = pgx.ForEachRow(rows, []any{&environment, &i.Kind, &release, &from, &i.Actor, &i.Reason, &i.At}, func() error {
		one := i
		one.Release, one.From = nil, nil
		if err := json.Unmarshal(release, &one.Release); err != nil {
			return err
		}
		if err := json.Unmarshal(from, &one.From); err != nil {
			return err
		}
		if env := s.Find(environment); env != nil {
			env.Intent = &one
		}
		return nil
	})
	return err
}

// overrunLooked is on how many merged promotions that gave way to something else a plan looks back.
const overrunLooked = 20

// livingPromotions reads the promotions that are waiting, open or merged, with the pull request of the open one as the forge shows it.
func (d *decision) livingPromotions(ctx context.Context, s *promotion.Snapshot) error {
	rows, err := d.tx.Query(ctx, `
		select m.environment, m.branch, m.train, m.id, m.number, m.release, m.intent, m.asker, m.reason, m.superseded, m.state, m.opened_at, m.merge_sha,
		       exists (select from revisions v where v.repository = m.repository and v.branch = $5 and v.sha = m.merge_sha), coalesce(p.open, false), coalesce(p.head_sha, ''), coalesce(p.pusher, ''),
		       coalesce((select c.shows ->> 'edit' from commits c where c.repository = m.repository and c.sha = p.head_sha), ''), exists (select from commits c where c.repository = m.repository and c.sha = p.head_sha and c.branch = m.branch)
		       and p.author = $3 and p.head_repo = $4 and p.base_branch = $5
		from promotions m left join pulls p on p.repository = m.repository and p.number = m.number and m.number <> 0
		where m.repository = $1 and m.app = $2 and (m.state in ('waiting', 'open', 'merged') or p.open and (m.train = '' and m.branch <> 'ferry/' || m.environment || '/' || m.app or m.state in ('rejected', 'superseded'))
		  or m.id in (select id from promotions where repository = $1 and app = $2 and state = 'superseded' and merge_sha <> '' order by id desc limit $6)) order by m.id`,
		d.repo.ID, s.App.Name, d.mind.Self.ID, d.repo.Repo.ID, d.repo.DefaultBranch, overrunLooked)
	if err != nil {
		return err
	}
	var environment, branch string
	var m promotion.Promotion
	var release, superseded []byte
	var open bool
	var known *bool
	var p promotion.Pull
	_, err = pgx.ForEachRow(rows, []any{&environment, &branch, &m.Train, &m.ID, &m.Number, &release, &m.Intent, &m.Asker, &m.Reason, &superseded, &m.State, &m.OpenedAt, &m.MergeSHA, &m.Read, &open, &p.HeadSHA, &p.Pusher, &p.Edit, &known}, func() error {
		one, pull := m, p
		one.Release, one.Superseded = nil, nil
		if err := json.Unmarshal(release, &one.Release); err != nil {
			return err
		}
		if err := json.Unmarshal(superseded, &one.Superseded); err != nil {
			return err
		}
		env := s.Find(environment)
		switch {
		case env == nil:
		case open && one.Train == "" && branch != promotion.PromotionBranch(environment, s.App.Name):
			env.Outgrown = append(env.Outgrown, promotion.Outgrown{Branch: branch, Number: one.Number, Head: pull.HeadSHA, Known: known != nil && *known})
		case open && (one.State == promotion.PromotionRejected || one.State == promotion.PromotionSuperseded && one.MergeSHA == ""):
			env.Reopened = &promotion.Outgrown{Branch: branch, Number: one.Number, Head: pull.HeadSHA, Known: known != nil && *known, Pusher: pull.Pusher, Train: one.Train}
		case one.State == promotion.PromotionMerged:
			env.Merged = append(env.Merged, one)
		case one.State == promotion.PromotionSuperseded && one.MergeSHA != "":
			env.Overrun = append(env.Overrun, one.Release)
		default:
			env.Promotion = &one
			if open {
				pull.Number, pull.Known = one.Number, known != nil && *known
				env.Pull = &pull
			}
		}
		return nil
	})
	return err
}

func tagsOf(r promotion.Release) (tags []string) {
	for _, i := range r {
		tags = append(tags, i.Tag)
	}
	return tags
}

// refusals reads why the forge did not take the pull requests, commits and merges that were wished.
func (d *decision) refusals(ctx context.Context, s *promotion.Snapshot) error {
	rows, err := d.tx.Query(ctx, `
		select desired ->> 'environment', refusal, refused_at from wishes
		where repository = $1 and app = $2 and refusal <> '' and kind in ('pull', 'commit', 'merge', 'disarm') order by refused_at`, d.repo.ID, s.App.Name)
	if err != nil {
		return err
	}
	var environment, reason string
	var since *time.Time
	_, err = pgx.ForEachRow(rows, []any{&environment, &reason, &since}, func() error {
		s.Refusals[environment] = promotion.Refusal{Reason: reason, Since: timeOf(since)}
		return nil
	})
	return err
}

// unposted reads which statuses and deployments the forge did not take, or others post over.
func (d *decision) unposted(ctx context.Context, s *promotion.Snapshot) error {
	var gates []string
	for _, env := range s.Environments {
		if env.Pull != nil {
			gates = append(gates, statusKey("", env.Pull.HeadSHA, promotion.GatesContext))
		}
	}
	rows, err := d.tx.Query(ctx, `
		select coalesce(desired -> 'status' ->> 'Context', 'ferry/' || (desired ->> 'at')), desired ->> 'target', desired ->> 'sha', refusal from wishes
		where repository = $1 and (app = $2 or key = any($3)) and refusal <> '' and kind in ('status', 'deployment') order by refused_at desc limit 100`, d.repo.ID, s.App.Name, gates)
	if err != nil {
		return err
	}
	s.Unposted, err = pgx.CollectRows(rows, pgx.RowToStructByPos[promotion.UnpostedStatus])
	return err
}
