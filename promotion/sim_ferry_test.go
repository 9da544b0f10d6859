package promotion_test

import (
	"fmt"
	"reflect"
	"slices"
	"time"

	"ferry/forge"
	"ferry/promotion"
	"ferry/promotion/config"
	"ferry/promotion/manifest"
)

const simFerry = "ferry[bot]"

// simFacts is what Ferry's database knows of one app.
type simFacts struct {
	envs       map[string]*simFactsIn
	promotions []*simPromotion
	wishes     map[string]*simWish            // of pull requests, by environment
	merges     map[string]promotion.MergeWish // by environment
	due        time.Time
	dirty      bool // something happened since it was decided
	wants      []promotion.CheckWant
	plan       promotion.Plan
}

type simFactsIn struct {
	file    *promotion.File
	history []promotion.Deployment
}

// simPromotion is a promotion with what was observed of its pull request.
type simPromotion struct {
	promotion.Promotion
	env    string
	open   bool
	head   forge.SHA
	known  bool
	pusher string

	headAt    time.Time
	reviews   []promotion.Review // as they were read
	approvals []promotion.Review // by comment
	overrides []promotion.Override
	armed     promotion.Armed
}

func (m *simPromotion) living() bool {
	return m.State == promotion.PromotionOpen || m.State == promotion.PromotionWaiting
}

// simWish is what should be open, and what Ferry's last act made of it.
type simWish struct {
	desired promotion.PullWish
	applied promotion.PullWish
	number  int
	done    bool
}

func (f *simFacts) in(env string) *simFactsIn {
	if f.envs == nil {
		f.envs, f.wishes, f.merges = map[string]*simFactsIn{}, map[string]*simWish{}, map[string]promotion.MergeWish{}
	}
	if f.envs[env] == nil {
		f.envs[env] = &simFactsIn{}
	}
	return f.envs[env]
}

// living returns the environment's promotion that is waiting or open.
func (f *simFacts) living(env string) *simPromotion {
	for _, m := range f.promotions {
		if m.env == env && m.living() {
			return m
		}
	}
	return nil
}

func (f *simFacts) numbered(number int) *simPromotion {
	for _, m := range f.promotions {
		if m.Number == number {
			return m
		}
	}
	return nil
}

// observeHead reads the branch up to a revision.
func (s *sim) observeHead(upTo int64) {
	for _, rev := range s.forge.line {
		if rev.seq > s.heads && rev.seq <= upTo {
			s.observedAt[rev.seq] = s.now
			s.stand(rev)
		}
	}
	s.heads = max(s.heads, upTo)
	for _, f := range s.facts {
		f.dirty = true
	}
}

// stand observes what stands at a place from a revision on.
func (s *sim) stand(rev simRevision) {
	f := s.facts[rev.place.app].in(rev.place.env)
	path := "apps/" + rev.place.app + "/" + rev.place.env + "/kustomization.yaml"
	file := promotion.File{Path: path, Blob: forge.SHA(fmt.Sprintf("%040x", 1_000_000+rev.seq)), Content: []byte(rev.content)}
	name := "ghcr.io/acme/" + rev.place.app
	found, err := manifest.Find(path, file.Content, []manifest.Target{{Name: name}})
	for _, i := range found {
		file.Images = append(file.Images, promotion.Image{Name: name, Tag: i.Tag, Digest: i.Digest})
	}
	if err != nil {
		file.Problem = err.Error()
	}
	f.file = &file
	app, _ := s.config.App(rev.place.app, path)
	release, problem := promotion.Standing(app, []promotion.File{file})
	if len(f.history) > 0 {
		c := &f.history[0]
		if c.Problem == problem && c.Release.Same(release) {
			return
		}
		if !c.HealthyFrom.IsZero() {
			c.Soaked += s.now.Sub(c.HealthyFrom)
		}
		for _, r := range s.reports(rev.place.env) {
			if r.DegradedAt.After(c.CountedFrom) {
				c.Soaked = 0
			}
			bad := r.DegradedAt.After(c.Since) && (r.Health == promotion.HealthDegraded || r.Health == promotion.HealthFailed) && r.Seq >= c.FirstSeq
			for i := range f.history {
				if f.history[i].Release.Same(c.Release) && (bad || !c.ConvergedAt.IsZero() && r.DegradedAt.After(c.ConvergedAt)) {
					f.history[i].Soaked = 0
				}
			}
		}
		c.Ended, c.State, c.HealthyFrom = true, promotion.DeploymentSuperseded, time.Time{}
	}
	s.ids++
	f.history = slices.Insert(f.history, 0, promotion.Deployment{ID: s.ids, Release: release, Problem: problem, FirstSeq: rev.seq, FirstSHA: sha(rev.seq),
		Baseline: len(f.history) == 0, State: promotion.DeploymentPending, Since: s.now})
}

// observePulls reads every pull request.
func (s *sim) observePulls() {
	for _, p := range s.forge.pulls {
		f := s.facts[p.place.app]
		m := f.numbered(p.number)
		if m == nil { // its opening was not heard of: the head tells what it shows
			if m = f.living(p.place.env); m == nil || m.Number != 0 {
				continue
			}
			s.shows(f, m, p)
		}
		m.open, m.head, m.known, m.pusher = p.open, p.head, p.known, p.pusher
		s.observePeople(m, p)
		byPerson := !p.open && !p.merged && p.closer == "ann"
		switch {
		case p.merged && m.State != promotion.PromotionMerged && m.State != promotion.PromotionConverged && (m.living() || m.MergeSHA == ""):
			m.State, m.MergeSHA = promotion.PromotionMerged, sha(p.mergeSeq)
		case p.open && !m.living() && (f.living(p.place.env) == nil || f.living(p.place.env).Number == 0):
			if waiting := f.living(p.place.env); waiting != nil {
				waiting.State = promotion.PromotionSuperseded
			}
			s.people.lift(p.number)
			m.State = promotion.PromotionOpen
		case byPerson && m.living():
			m.State = promotion.PromotionRejected
			s.people.reject(promotion.StandingRejection{Place: config.Place{App: p.place.app, Environment: p.place.env},
				Rejection: promotion.Rejection{Release: m.Release, Number: p.number, Actor: "ann", At: s.now}})
		case !p.open && !p.merged && m.living():
			m.State = promotion.PromotionSuperseded
		default:
			continue
		}
		f.dirty = true
	}
}

// shows writes down what a pull request shows.
func (s *sim) shows(f *simFacts, m *simPromotion, p *simPull) {
	m.Number, m.State, m.Release, m.Intent, m.Asker, m.Superseded = p.number, promotion.PromotionOpen, p.shows.Release, p.shows.Intent, p.shows.Asker, p.shows.Superseded
	m.open, m.head, m.known, m.pusher, m.headAt = p.open, p.head, p.known, p.pusher, p.headAt
	f.dirty = true
}

// snapshot returns what the database would give of the app.
func (s *sim) snapshot(app string) promotion.Snapshot {
	f := s.facts[app]
	path := "apps/" + app + "/dev/kustomization.yaml"
	settings, _ := s.config.App(app, path)
	out := promotion.Snapshot{Repository: forge.Repo{ID: 1, Owner: "acme", Name: "environments"}, DefaultBranch: "main", ForgeURL: "https://forge.example", App: settings,
		Refusals: map[string]promotion.Refusal{}}
	named := map[string]bool{}
	for _, env := range s.config.EnvironmentsOf(app, path) {
		named[env.Name] = true
		out.Environments = append(out.Environments, promotion.Environment{Environment: env, Mode: env.Mode})
	}
	for _, env := range simEnvironments() {
		if !named[env] {
			out.Environments = append(out.Environments, promotion.Environment{Environment: config.Environment{Name: env, Clusters: []string{config.DefaultCluster}}, Dropped: true})
		}
	}
	stops := s.people.stops(s.now)
	for i := range out.Environments {
		s.fill(f, app, &out.Environments[i], stops)
	}
	if s.wide {
		s.knows(&out, f)
	}
	return out
}

func (s *sim) fill(f *simFacts, app string, env *promotion.Environment, stops promotion.Stops) {
	in, place := f.in(env.Name), simPlace{app, env.Name}
	env.Files, env.History, env.Reports = []promotion.File{*in.file}, in.history, s.reports(env.Name)
	env.Holds, env.Frozen = stops.On(app, env.Name)
	env.Blocks = stops.BlocksOn(app, env.Name, promotion.FromOf(s.config, app))
	for _, r := range s.people.rejections {
		if r.App == app && r.Environment == env.Name {
			env.Rejections = append(env.Rejections, r.Rejection)
		}
	}
	if i, ok := s.people.intents[place]; ok {
		env.Intent = &i
	}
	for _, m := range f.promotions {
		switch {
		case m.env != env.Name:
		case m.State == promotion.PromotionMerged:
			one := m.Promotion
			one.Read = s.forge.pull(m.Number).mergeSeq <= s.heads
			env.Merged = append(env.Merged, one)
		case m.living():
			one := m.Promotion
			env.Promotion = &one
			if m.open && m.Number > 0 {
				env.Pull = &promotion.Pull{Number: m.Number, HeadSHA: m.head, Known: m.known, Pusher: m.pusher}
			}
		}
	}
	f.fillBrought(env)
	if s.wide {
		s.fillWide(f, place, env)
	}
}

// reports returns what counts of what the environment's agents said. A revision that Ferry has not observed is unknown to it.
func (s *sim) reports(env string) (list []promotion.Report) {
	for _, cluster := range []string{config.DefaultCluster, "eu", "us"} {
		if a := s.agents[env+"/"+cluster]; a != nil {
			r := a.counts
			if r.Seq > s.heads {
				r.Seq = 0
			}
			list = append(list, r)
		}
	}
	return list
}

// decide plans an app and writes the plan down.
func (s *sim) decide(app string) {
	f := s.facts[app]
	s.people.endStops(s.now)
	snapshot := s.snapshot(app)
	plan := promotion.MakePlan(snapshot, s.now)
	s.planned(app, snapshot, plan)
	f.plan, f.due, f.dirty = plan, plan.DueAt, false
	for _, d := range plan.Deployments {
		for _, in := range f.envs {
			if i := slices.IndexFunc(in.history, func(x promotion.Deployment) bool { return x.ID == d.ID }); i >= 0 {
				in.history[i] = d
			}
		}
	}
	for _, c := range plan.Promotions {
		for _, m := range f.promotions {
			if m.ID == c.ID {
				m.State = c.State
			}
		}
	}
	for _, env := range plan.IntentsDone {
		delete(s.people.intents, simPlace{app, env})
	}
	for _, r := range plan.RolledBack {
		s.rolledBack(app, r)
	}
	s.people.holds = slices.DeleteFunc(s.people.holds, func(h promotion.Hold) bool { return slices.Contains(plan.HoldsEnded, h.ID) })
	s.writeWide(app, snapshot, plan)
	s.writePulls(app, plan)
	f.merges = map[string]promotion.MergeWish{}
	for _, m := range plan.Merges {
		if w := f.wishes[m.Environment]; w != nil && w.done {
			f.merges[m.Environment] = m
		}
	}
	s.post(app, plan.Contributions)
}

// writePulls writes the wishes down. One whose pull request is closed begins anew.
func (s *sim) writePulls(app string, plan promotion.Plan) {
	f := s.facts[app]
	for env, w := range f.wishes {
		if m := f.numbered(w.number); w.number > 0 && m != nil && !m.open {
			w.number, w.applied, w.done = 0, promotion.PullWish{}, false
		}
		if !slices.ContainsFunc(plan.Pulls, func(p promotion.PullWish) bool { return p.Environment == env }) && w.number == 0 && w.desired.Open {
			delete(f.wishes, env)
		}
	}
	for _, p := range plan.Pulls {
		m := f.living(p.Environment)
		if !p.Open && m != nil && !m.open {
			m.State = promotion.PromotionSuperseded
			f.dirty = true
		}
		if p.Open && m == nil {
			s.opens(simPlace{app, p.Environment}, p)
			s.ids++
			f.promotions = append(f.promotions, &simPromotion{env: p.Environment, Promotion: promotion.Promotion{ID: s.ids, Release: p.Release, Intent: p.Intent, Asker: p.Asker,
				Superseded: p.Superseded, State: promotion.PromotionWaiting, OpenedAt: s.now}})
			f.dirty = true
		}
		w := f.wishes[p.Environment]
		if w == nil {
			w = &simWish{}
			f.wishes[p.Environment] = w
		}
		if !reflect.DeepEqual(w.desired, p) {
			w.desired, w.done = p, false
		}
	}
}

// post posts the statuses that changed; the apps that speak of one status are folded into it.
func (s *sim) post(app string, list []promotion.Contribution) {
	for _, c := range list {
		key := fmt.Sprint(c.SHA, " ", c.Context)
		byApp := map[string]promotion.Contribution{app: c}
		for other, f := range s.facts {
			for _, o := range f.plan.Contributions {
				if other != app && o.SHA == c.SHA && o.Context == c.Context {
					byApp[other] = o
				}
			}
		}
		status := promotion.Fold(c.Context, "https://ferry.example", byApp)
		if s.forge.statuses == nil {
			s.forge.statuses = map[string]forge.Status{}
		}
		if s.forge.statuses[key] != status {
			s.forge.statuses[key] = status
			s.forge.posted++
			s.mergesItself(c.SHA, status)
		}
	}
}
