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
	planned    simPlanned
	sources    []promotion.Announced
	authors    []promotion.Author
}

// simPlanned is what the last plan was made of, and until when time alone does not change it: notDueYet holds plans to that. Until then the same facts
// need no other plan, as Ferry itself makes none.
type simPlanned struct {
	at, due time.Time
	of      promotion.Group // of an app that goes alone, just that
}

// stands says whether a plan of those facts at that time would be the same.
func (p simPlanned) stands(of promotion.Group, at time.Time) bool {
	return !p.at.IsZero() && (at.Equal(p.at) || p.due.IsZero() || at.Before(p.due)) && reflect.DeepEqual(p.of, of)
}

type simFactsIn struct {
	file    *promotion.File
	history []promotion.Deployment
}

// simPromotion is a promotion with what was observed of its pull request.
type simPromotion struct {
	promotion.Promotion
	app, env string
	*simSeen
}

// simSeen is what was observed of a pull request. The promotions of a train share it.
type simSeen struct {
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
		if len(s.rowsOf(p.number)) == 0 { // its opening was not heard of: the head tells what it shows
			if waiting := s.rowsOn(p.place); len(waiting) == 0 || waiting[0].Number != 0 {
				continue
			}
			s.shown(p)
		}
		seen := s.sawOf(p.number)
		seen.open, seen.head, seen.known, seen.pusher = p.open, p.head, p.known, p.pusher
		s.observePeople(seen, p)
		for _, m := range s.rowsOf(p.number) {
			s.observeRow(p, m)
		}
	}
}

// observeRow draws what follows from a pull request for the promotion of one app.
func (s *sim) observeRow(p *simPull, m *simPromotion) {
	f := s.facts[m.app]
	switch byPerson := !p.open && !p.merged && p.closer == "ann"; {
	case p.merged && m.State != promotion.PromotionMerged && m.State != promotion.PromotionConverged && (m.living() || m.MergeSHA == ""):
		m.State, m.MergeSHA = promotion.PromotionMerged, sha(p.mergeSeq)
	case p.open && !m.living():
		s.people.lift(p.number)
		s.wantedAgain(m)
		if living := f.living(m.env); living != nil && living.Number > 0 {
			return // the next plan closes the one that was reopened
		} else if living != nil {
			living.State = promotion.PromotionSuperseded
		}
		m.State = promotion.PromotionOpen
	case byPerson && m.living():
		m.State = promotion.PromotionRejected
		s.people.reject(promotion.StandingRejection{Place: config.Place{App: m.app, Environment: m.env},
			Rejection: promotion.Rejection{Release: m.Release, Number: p.number, Actor: "ann", At: s.now}})
	case !p.open && !p.merged && m.living():
		m.State = promotion.PromotionSuperseded
	default:
		return
	}
	f.dirty = true
}

// wantedAgain takes up what was wanted at once, where a person had closed its pull request and somebody has reopened it.
func (s *sim) wantedAgain(m *simPromotion) {
	place := simPlace{m.app, m.env}
	stands := s.facts[m.app].in(m.env).history[0]
	if _, wanted := s.people.intents[place]; m.State == promotion.PromotionRejected && simUrgent(m.Intent) && !wanted && stands.Problem == "" && !stands.Since.After(m.OpenedAt) {
		s.people.intents[place] = simIntent{Kind: m.Intent, Release: m.Release, From: stands.Release, Actor: m.Asker, Reason: m.Reason, At: s.now}
	}
}

// sawOf returns what was observed of the pull request of that number; of one that has none yet, nothing was.
func (s *sim) sawOf(number int) *simSeen {
	if number == 0 {
		return &simSeen{}
	}
	if s.saw[number] == nil {
		s.saw[number] = &simSeen{}
	}
	return s.saw[number]
}

// rowsOf returns the promotions of that pull request, in the order of the apps' names.
func (s *sim) rowsOf(number int) (list []*simPromotion) {
	for _, app := range s.apps {
		if m := s.facts[app].numbered(number); m != nil && number > 0 {
			list = append(list, m)
		}
	}
	return list
}

// rowsOn returns the living promotions on the branch of that name.
func (s *sim) rowsOn(branch simPlace) (list []*simPromotion) {
	for _, app := range s.apps {
		if m := s.facts[app].living(branch.env); m != nil && m.branch() == branch {
			list = append(list, m)
		}
	}
	return list
}

// branch names the app or the group whose pull request it is.
func (m *simPromotion) branch() simPlace {
	if m.Train != "" {
		return simPlace{m.Train, m.env}
	}
	return simPlace{m.app, m.env}
}

// shown writes down what a pull request shows: a promotion for each app in it, and none any more for what has left it.
func (s *sim) shown(p *simPull) {
	for _, c := range carsOf(p.shows, p.place.app) {
		s.showsCar(p, c)
	}
	for _, m := range slices.Concat(s.rowsOn(p.place), s.rowsOf(p.number)) { // one that ended was reopened beside what is open for its app
		if !slices.ContainsFunc(carsOf(p.shows, p.place.app), func(c promotion.Car) bool { return c.App == m.app }) {
			m.State, m.Number, m.simSeen = promotion.PromotionSuperseded, 0, s.sawOf(0)
			s.facts[m.app].dirty = true
		}
	}
}

func (s *sim) showsCar(p *simPull, c promotion.Car) {
	f := s.facts[c.App]
	m := f.numbered(p.number)
	if m == nil {
		m = f.living(p.place.env)
	}
	if m == nil {
		m = s.row(p.place, p.shows, c)
	}
	if !m.living() || m.branch() != p.place { // it has ended, or something else is open for the app: the next plan sees to it
		return
	}
	m.Number, m.State, m.Release, m.Intent, m.Asker, m.Superseded = p.number, promotion.PromotionOpen, c.Release, c.Intent, c.Asker, c.Superseded
	m.simSeen = s.sawOf(p.number)
	m.open, m.head, m.known, m.pusher, m.headAt = p.open, p.head, p.known, p.pusher, p.headAt
	f.dirty = true
}

// row writes down a promotion that is to be opened.
func (s *sim) row(branch simPlace, w promotion.PullWish, c promotion.Car) *simPromotion {
	s.ids++
	m := &simPromotion{app: c.App, env: branch.env, simSeen: s.sawOf(0), Promotion: promotion.Promotion{ID: s.ids, Release: c.Release, Intent: c.Intent, Asker: c.Asker,
		Superseded: c.Superseded, State: promotion.PromotionWaiting, OpenedAt: s.now, Train: w.Group}}
	f := s.facts[c.App]
	f.promotions, f.dirty = append(f.promotions, m), true
	return m
}

// carsOf returns what the pull request of an app or a group brings.
func carsOf(w promotion.PullWish, name string) []promotion.Car {
	if w.Group != "" {
		return w.Cars
	}
	return []promotion.Car{{App: name, Release: w.Release, Intent: w.Intent, Asker: w.Asker, Superseded: w.Superseded}}
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
	env.Files, env.History, env.Reports = []promotion.File{*in.file}, slices.Clone(in.history), s.reports(env.Name)
	env.Holds, env.Frozen = stops.On(app, env.Name, s.groupOf(app))
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
		case m.open && (m.State == promotion.PromotionRejected || m.State == promotion.PromotionSuperseded && m.MergeSHA == ""):
			env.Reopened = &promotion.Outgrown{Branch: promotion.PromotionBranch(env.Name, app), Number: m.Number, Head: m.head, Known: m.known, Pusher: m.pusher, Train: m.Train}
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

// decide plans an app, or the group that it travels with, and writes the plan down.
func (s *sim) decide(name string) {
	s.people.endStops(s.now)
	s.back = map[simPlace]bool{}
	if group := s.groupOf(name); group != "" {
		name = group
	}
	if s.isGroup(name) {
		s.decideGroup(name)
		return
	}
	snapshot := s.snapshot(name)
	f, of := s.facts[name], promotion.Group{Apps: []promotion.Snapshot{snapshot}}
	if f.planned.stands(of, s.now) {
		f.dirty = false
		s.writeAgain(name)
		return
	}
	plan := promotion.MakePlan(snapshot, s.now)
	f.planned = simPlanned{s.now, plan.DueAt, of}
	if s.r.IntN(16) == 0 {
		s.pure(snapshot, plan)
	}
	s.planned(name, snapshot, plan)
	s.write(name, snapshot, plan)
}

// write writes the plan of an app down.
func (s *sim) write(app string, snapshot promotion.Snapshot, plan promotion.Plan) {
	f := s.facts[app]
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
	s.writeOfTrains(app, plan)
	s.people.holds = slices.DeleteFunc(s.people.holds, func(h promotion.Hold) bool { return slices.Contains(plan.HoldsEnded, h.ID) })
	s.writeWide(app, snapshot, plan)
	s.writePulls(app, plan)
	s.writeMerges(app, plan)
	s.post(app, plan.Contributions)
}

// writeAgain writes down what a plan says that was made before. Only which of its wishes are true can have changed since.
func (s *sim) writeAgain(name string) {
	plan := s.facts[name].plan
	s.writePulls(name, plan)
	s.writeMerges(name, plan)
	s.post(name, plan.Contributions)
}

func (s *sim) writeMerges(name string, plan promotion.Plan) {
	f := s.facts[name]
	f.merges = map[string]promotion.MergeWish{}
	for _, m := range plan.Merges {
		if w := f.wishes[m.Environment]; w != nil && w.done {
			f.merges[m.Environment] = m
		}
	}
}

// writePulls writes the wishes down. One whose pull request is closed begins anew.
func (s *sim) writePulls(name string, plan promotion.Plan) {
	f := s.facts[name]
	for env, w := range f.wishes {
		if seen := s.saw[w.number]; seen != nil && !seen.open {
			w.number, w.applied, w.done = 0, promotion.PullWish{}, false
		}
		if !slices.ContainsFunc(plan.Pulls, func(p promotion.PullWish) bool { return p.Environment == env }) && w.number == 0 && w.desired.Open {
			delete(f.wishes, env)
		}
	}
	for _, p := range plan.Pulls {
		branch := simPlace{name, p.Environment}
		rows := s.rowsOn(branch)
		for _, m := range rows {
			if !p.Open && !m.open {
				m.State = promotion.PromotionSuperseded
				s.facts[m.app].dirty = true
			}
		}
		if p.Open && len(rows) == 0 {
			s.opens(branch, p)
			for _, c := range carsOf(p, name) {
				s.row(branch, p, c)
			}
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
