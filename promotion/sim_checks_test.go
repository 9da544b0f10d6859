package promotion_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"ferry/forge"
	"ferry/promotion"
	"ferry/promotion/config"
)

// planned holds a plan against the rules, whatever Ferry has still to hear of.
func (s *sim) planned(app string, before promotion.Snapshot, plan promotion.Plan) {
	s.arrives(app)
	for _, r := range plan.RolledBack {
		s.back[simPlace{app, r.Environment}] = true
	}
	if !plan.DueAt.IsZero() && !plan.DueAt.After(s.now) {
		s.wrong("the plan is due at %v, which is not later than now", plan.DueAt)
	}
	branches := map[string]bool{}
	for _, w := range plan.Pulls {
		if branches[w.Branch] || w.Branch != "ferry/"+w.Environment+"/"+app {
			s.wrong("two wishes, or a wrong one, for the branch %s", w.Branch)
		}
		if branches[w.Branch] = true; w.Open && s.groupOf(app) != "" && !simUrgent(w.Intent) {
			s.wrong("%s is proposed alone, and the app travels with others", s.label(simPlace{app, w.Environment}, w.Release.Version()))
		}
		if w.Open {
			s.proposed(simPlace{app, w.Environment}, before, w)
		}
	}
	for _, m := range plan.Merges {
		p := s.forge.pull(m.Number)
		env, _ := s.settings(m.Environment)
		if !env.AutoMerge && (env.Rollback != config.RollbackAuto || !s.isRolledBack(p.place)) || env.Mode != config.ModeRelease || !s.facts[app].numbered(m.Number).known {
			s.wrong("Ferry wants to merge #%d into %s, where it may not", m.Number, m.Environment)
		}
		s.letsIn(p.place, s.facts[app].numbered(m.Number).Promotion, "merged")
	}
	for i := range plan.View.Environments {
		s.cell(simPlace{app, plan.View.Environments[i].Name}, plan.View.Environments[i])
	}
	s.contributed(app, before, plan)
	s.supersedes(app, before, plan)
}

// pure fails where planning changed its snapshot, or planned otherwise a second time.
func (s *sim) pure(snapshot promotion.Snapshot, plan promotion.Plan) {
	was, _ := json.Marshal(snapshot)
	again := promotion.MakePlan(snapshot, s.now)
	if is, _ := json.Marshal(snapshot); string(is) != string(was) {
		s.wrong("planning changed its snapshot")
	}
	if !reflect.DeepEqual(again, plan) {
		s.wrong("planning twice says\n%+v\nand\n%+v", plan, again)
	}
}

// proposed holds a wish for one app against rules 3, 4, 5 and 10, and against what people read.
func (s *sim) proposed(place simPlace, before promotion.Snapshot, w promotion.PullWish) {
	c := carsOf(w, place.app)[0]
	s.comes(place, before, c)
	s.edits(place, before, c, w.Files[0])
	t, ok := promotion.ParseTrailers(w.Message)
	if !ok || !says(t, place, c) {
		s.wrong("%s cannot be read back from its commit (rule 10): %+v of\n%s", s.label(place, c.Release.Version()), t, w.Message)
	}
	s.words(w, place.app, place.env, c.Release.Version())
}

func says(t promotion.Trailers, place simPlace, c promotion.Car) bool {
	return t.Place == config.Place{App: place.app, Environment: place.env} && t.Release.Same(c.Release) && t.Intent == c.Intent && t.Asker == c.Asker
}

// words fails where people do not read these words.
func (s *sim) words(w promotion.PullWish, list ...string) {
	for _, want := range list {
		if !strings.Contains(w.Title, want) || !strings.Contains(w.Body, want) {
			s.wrong("%s lacks %q: it has the title %q and the body\n%s", w.Branch, want, w.Title, w.Body)
		}
	}
}

// comes holds what is proposed of an app against rules 3, 4 and 5.
func (s *sim) comes(place simPlace, before promotion.Snapshot, w promotion.Car) {
	tag := w.Release.Version()
	env, ok := s.settings(place.env)
	held, urgent := s.isHeld(place), simUrgent(w.Intent)
	if w.Asker != "" {
		s.met["asked for"]++
	}
	switch {
	case !ok || env.Mode == config.ModeObserve:
		s.wrong("%s is proposed, where nothing may be", s.label(place, tag))
	case !s.converged(place, tag) && !held && !urgent:
		s.wrong("%s is proposed and has not converged upstream (rule 3)", s.label(place, tag))
	case s.isBlocked(place, tag):
		s.wrong("%s is proposed though it is blocked (rule 4)", s.label(place, tag))
	case s.isRejected(place, tag):
		s.wrong("%s is proposed though it was rejected (rule 4)", s.label(place, tag))
	}
	if stay := s.stands(place); stay.tag != "" && w.Asker == "" && !held && !urgent && !s.newer(place.app, tag, stay.tag) && !s.overHotfix(place, tag) {
		s.wrong("%s is proposed, where %s stands (rule 5)", s.label(place, tag), stay.tag)
	}
	if held && !urgent && before.Find(place.env).Promotion != nil && !before.Find(place.env).Promotion.Release.Same(w.Release) {
		s.wrong("%s is proposed in spite of a hold", s.label(place, tag))
	}
}

// edits fails where the edit of an app's file changes anything but its tags.
func (s *sim) edits(place simPlace, before promotion.Snapshot, c promotion.Car, file forge.NewFile) {
	tag := c.Release.Version()
	if simPlaceOf(file.Path) != place || simTag(string(file.Content)) != tag {
		s.wrong("%s is proposed, with the file %s: %q", s.label(place, tag), file.Path, file.Content)
	}
	was := string(before.Find(place.env).Files[0].Content)
	if blank := func(c string) string { return simTagForm.ReplaceAllString(c, "") }; blank(was) != blank(string(file.Content)) {
		s.wrong("%s changes more than tags:\n%s\nbecomes\n%s", s.label(place, tag), was, file.Content)
	}
}

// simUrgent says whether a promotion of that intent skips what is asked of releases on their way from upstream.
func simUrgent(intent string) bool {
	return intent == promotion.IntentRollback || intent == promotion.IntentHotfix || intent == promotion.IntentBackfill
}

// letsIn fails where something keeps the tag out of the place.
func (s *sim) letsIn(place simPlace, m promotion.Promotion, what string) {
	tag, urgent := m.Release.Version(), simUrgent(m.Intent)
	shut := func(gate string) bool { return !s.overrode(place.app, m.Number, gate) && !s.isWaived(place, tag, gate) }
	switch {
	case s.isHeld(place), s.isBlocked(place, tag), shut("freeze") && (s.isFrozenBySomebody(place) || m.Intent != promotion.IntentRollback && s.inWindow(place.env, s.now)):
		s.wrong("%s is %s in spite of a hold, a freeze or a block", s.label(place, tag), what)
	case shut("approvals") && !s.isApproved(place, m):
		s.wrong("%s is %s without its approvals", s.label(place, tag), what)
	case shut("policy") && !s.policiesLet(place, m):
		s.wrong("%s is %s in spite of a policy", s.label(place, tag), what)
	case urgent: // recorded, with who and why
	case shut("checks") && !s.checksGreen(place, tag):
		s.wrong("%s is %s without its checks", s.label(place, tag), what)
	case shut("hotfix") && s.lacksHotfix(place, tag):
		s.wrong("%s is %s over a hotfix that it may lack", s.label(place, tag), what)
	case shut("soak") && !s.mayHaveSoaked(place, tag):
		s.wrong("%s is %s without its soak", s.label(place, tag), what)
	case shut("upstream") && !s.converged(place, tag):
		s.wrong("%s is %s and has not converged upstream", s.label(place, tag), what)
	}
}

// mayMerge holds a merge of Ferry's against what is true at that moment.
func (s *sim) mayMerge(p *simPull) {
	for _, c := range carsOf(p.shows, p.place.app) {
		s.letsIn(simPlace{c.App, p.place.env}, promotion.Promotion{Number: p.number, Release: c.Release, Intent: c.Intent, Asker: c.Asker}, "merged")
	}
}

// cell holds what people see of a place against what is true.
func (s *sim) cell(place simPlace, v promotion.EnvironmentView) {
	if stay := s.stands(place); v.Problem == "" && v.Release.Version() != stay.tag || v.Problem != "" && stay.tag != "" {
		s.wrong("%v shows %s %s, and %q stands there", place, v.Release.Version(), v.Problem, stay.tag)
	}
	for _, g := range v.Gates {
		s.meets(g)
		if strings.HasPrefix(g.Reason, "overridden by ") {
			continue
		}
		if g.Reason == "" || !g.DueAt.IsZero() && !g.DueAt.After(s.now) {
			s.wrong("the gate %+v of %v says nothing, or is due already", g, place)
		}
		var want promotion.GateState
		switch g.Name {
		case "hold":
			if want = promotion.GateOpen; s.isHeld(place) {
				want = promotion.GateClosed
				s.met["held"]++
			}
			if want == promotion.GateClosed || !s.isRolledBack(place) {
				s.gate(place, g, want)
			}
		case "freeze":
			if want = promotion.GateOpen; s.isFrozenBySomebody(place) {
				want = promotion.GateClosed
				s.met["frozen"]++
			} else if s.inWindow(place.env, s.now) && v.Urgent != promotion.IntentRollback {
				want = promotion.GateWaiting
				s.met["in a window"]++
			}
			s.gate(place, g, want)
		case "upstream":
			if g.State != promotion.GateOpen {
				s.met["degraded upstream"]++
			}
		case "soak":
			if g.State != promotion.GateOpen {
				s.met["waiting for its soak"]++
			}
			foreign := slices.ContainsFunc(v.Gates, func(g promotion.Gate) bool { return g.Name == "foreign" }) // then the gates are those of what comes after it
			if g.State == promotion.GateOpen && !foreign && !strings.HasPrefix(g.Reason, "skipped: ") && !s.mayHaveSoaked(place, v.Proposed.Version()) {
				s.wrong("%s: the soak is done: %s", s.label(place, v.Proposed.Version()), g.Reason)
			}
		}
	}
	if v.Proposed == nil && strings.Contains(v.Why, " blocks ") {
		s.met["blocked"]++
	}
	if v.Proposed == nil && strings.Contains(v.Why, " rejected ") {
		s.met["rejected"]++
	}
	if v.Proposed == nil && v.Why == "" {
		s.wrong("nothing is on its way into %v, and nothing says why", place)
	}
	if words := v.Explain(place.app); !strings.Contains(words, place.env) {
		s.wrong("/status says %q of %v", words, place)
	}
}

func (s *sim) gate(place simPlace, g promotion.Gate, want promotion.GateState) {
	if g.State != want {
		s.wrong("the gate %s of %v is %s, want %s: %s", g.Name, place, g.State, want, g.Reason)
	}
}

// contributed holds the statuses against the reports, and ferry/gates against the gates that people see.
func (s *sim) contributed(app string, before promotion.Snapshot, plan promotion.Plan) {
	for _, c := range plan.Contributions {
		if strings.TrimSpace(c.Description) == "" || c.SHA == "" {
			s.wrong("a status without a word: %+v", c)
		}
		if c.Context != promotion.GatesContext {
			continue
		}
		m := slices.IndexFunc(s.facts[app].promotions, func(m *simPromotion) bool { return m.head == c.SHA && m.living() })
		if m < 0 {
			s.wrong("ferry/gates is posted on %s, which is the head of nothing that is open", c.SHA)
		}
		shown := s.facts[app].promotions[m]
		place := simPlace{app, shown.env}
		v := plan.View.Find(shown.env)
		open := v != nil && shown.known && !slices.ContainsFunc(v.Gates, func(g promotion.Gate) bool { return g.State != promotion.GateOpen })
		if c.State == forge.Success {
			s.letsIn(place, shown.Promotion, "let in by ferry/gates")
			if !open {
				s.wrong("ferry/gates of #%d is green, and people read %+v", shown.Number, v)
			}
		}
		frozen := s.isFrozenBySomebody(place) && !s.overrode(app, shown.Number, "freeze")
		if (s.isHeld(place) || frozen || !shown.known) && c.State != forge.Failure {
			s.wrong("ferry/gates of #%d is %s: %s", shown.Number, c.State, c.Description)
		}
	}
}

// seen holds what the forge shows against rule 2.
func (s *sim) seen() {
	open := map[simPlace]int{}
	for _, p := range s.forge.pulls {
		if p.open {
			if open[p.place]++; open[p.place] > 1 {
				s.wrong("two pull requests are open for %v (rule 2)", p.place)
			}
		}
	}
	s.inOnePull()
	for _, app := range s.apps {
		living := map[string]int{}
		for _, m := range s.facts[app].promotions {
			if m.living() {
				if living[m.env]++; living[m.env] > 1 {
					s.wrong("two promotions of %s into %s live (rule 2)", app, m.env)
				}
			}
		}
	}
}

// atRest holds everything against what should be once nothing is left to do.
func (s *sim) atRest() {
	for _, group := range s.groups {
		s.groupAtRest(group)
	}
	for _, app := range s.apps {
		if s.groupOf(app) != "" {
			continue
		}
		f := s.facts[app]
		snapshot := s.snapshot(app)
		again := f.plan
		if !f.planned.stands(promotion.Group{Apps: []promotion.Snapshot{snapshot}}, s.now) {
			again = promotion.MakePlan(snapshot, s.now)
		}
		if changes(again) || !sameWishes(again, f.plan) {
			s.wrong("planning %s again is not the same (rule 6):\n%s", app, simDifference(f.plan, again))
		}
		if s.r.IntN(4) == 0 {
			s.notDueYet(app, snapshot, again)
		}
		for _, env := range simEnvironments() {
			s.placeAtRest(simPlace{app, env}, again)
		}
	}
}

// changes says whether the plan writes anything down that a plan does once.
func changes(p promotion.Plan) bool {
	return len(p.Deployments)+len(p.Promotions)+len(p.IntentsDone)+len(p.RolledBack)+len(p.HoldsEnded)+len(p.DropsDone)+len(p.WaivedEnded)+len(p.Intents) > 0
}

func sameWishes(a, b promotion.Plan) bool {
	return reflect.DeepEqual(a.Pulls, b.Pulls) && reflect.DeepEqual(a.Merges, b.Merges) && reflect.DeepEqual(a.Commits, b.Commits) &&
		reflect.DeepEqual(a.Contributions, b.Contributions) && reflect.DeepEqual(a.View, b.View)
}

// notDueYet fails where a plan changes by time alone before it said that it may.
func (s *sim) notDueYet(app string, snapshot promotion.Snapshot, plan promotion.Plan) {
	for _, at := range s.beforeDue(plan.DueAt) {
		if p := promotion.MakePlan(snapshot, at); moves(snapshot, p) || !sameWishes(unsilenced(p), unsilenced(plan)) {
			s.wrong("%s changes at %v by time alone, and is due at %v:\n%s", app, at, plan.DueAt, simDifference(plan, p))
		}
	}
}

// beforeDue returns two times until which nothing that is due then may change: the last, and any.
func (s *sim) beforeDue(due time.Time) []time.Time {
	late := 1000 * time.Hour
	if !due.IsZero() {
		late = due.Sub(s.now) - 1
	}
	return []time.Time{s.now.Add(late), s.now.Add(time.Duration(s.r.Int64N(int64(late) + 1)))}
}

// moves says whether the plan lets anything come further than it is.
func moves(s promotion.Snapshot, p promotion.Plan) bool {
	return len(p.Promotions)+len(p.IntentsDone) > 0 || slices.ContainsFunc(p.Deployments, func(d promotion.Deployment) bool { return d.State != stateOf(s, d.ID) })
}

func stateOf(s promotion.Snapshot, deployment int64) promotion.DeploymentState {
	for _, env := range s.Environments {
		for _, d := range env.History {
			if d.ID == deployment {
				return d.State
			}
		}
	}
	return ""
}

// unsilenced returns the plan without what the matrix says of agents that do not speak as often as they promised. Where nothing depends on that, no
// plan is made for it, or every heartbeat of every app would cost one.
func unsilenced(p promotion.Plan) promotion.Plan {
	p.View.Environments = slices.Clone(p.View.Environments)
	for i := range p.View.Environments {
		if v := &p.View.Environments[i]; strings.Contains(v.Message, "the agent is silent since ") {
			v.Message = ""
		}
	}
	return p
}

func simWords(p promotion.Plan) string {
	raw, _ := json.MarshalIndent(p, "", " ")
	return string(raw)
}

// simDifference returns the lines in which two plans differ.
func simDifference(was, is promotion.Plan) string {
	a, b := strings.Split(simWords(was), "\n"), strings.Split(simWords(is), "\n")
	var out []string
	for _, line := range a {
		if !slices.Contains(b, line) {
			out = append(out, "- "+line)
		}
	}
	for _, line := range b {
		if !slices.Contains(a, line) {
			out = append(out, "+ "+line)
		}
	}
	return strings.Join(out, "\n")
}

// placeAtRest holds what stands at the forge for one place against the plan, and the plan against what has to come.
func (s *sim) placeAtRest(place simPlace, plan promotion.Plan) {
	s.branchAtRest(place, plan)
	p := s.forge.openOn(place)
	if s.mustCome(place) != "" && p != nil {
		s.met["must come"]++
	}
	m := s.facts[place.app].living(place.env)
	aboard := m != nil && m.Train != "" && !m.known // of a train that somebody pushed upon: it is that person's to end
	if tag := s.mustCome(place); tag != "" && !aboard && !s.isHeld(place) && !s.isFull(place) && (p == nil || p.known && tag != p.shows.Release.Version() && s.newer(place.app, tag, p.shows.Release.Version()) && s.soakAsked(place) == 0) {
		s.wrong("%s has to be proposed; open is %+v; it says %q", s.label(place, tag), p, plan.View.Find(place.env).Why)
	}
	s.statusAtRest(place)
}

// branchAtRest holds what is open of an app or a group against the plan.
func (s *sim) branchAtRest(place simPlace, plan promotion.Plan) {
	p := s.forge.openOn(place)
	i := slices.IndexFunc(plan.Pulls, func(w promotion.PullWish) bool { return w.Environment == place.env })
	switch {
	case p == nil && i >= 0:
		s.wrong("nothing is open for %v, and wished is %+v", place, plan.Pulls[i])
	case p != nil && p.known && i >= 0 && (!plan.Pulls[i].Open || p.title != plan.Pulls[i].Title || p.body != plan.Pulls[i].Body || p.shows.Edit != plan.Pulls[i].Edit):
		s.wrong("#%d is open with %q\n%s\nwished is %+v", p.number, p.title, p.body, plan.Pulls[i])
	}
	if p != nil {
		status, ok := s.forge.statuses[fmt.Sprint(p.head, " ", promotion.GatesContext)]
		env, known := s.settings(place.env)
		if known && env.Mode != config.ModeObserve && !ok {
			s.wrong("#%d has no ferry/gates", p.number)
		}
		if ok && env.AutoMerge && env.Mode == config.ModeRelease && p.known && status.State == forge.Success && !s.readsChecks(p) && !slices.ContainsFunc(s.rowsOf(p.number), func(m *simPromotion) bool { return s.isRolledBack(simPlace{m.app, m.env}) }) { // after a rollback, what is newer needs a person
			s.wrong("every gate of #%d is open, and Ferry does not merge it", p.number)
		}
	}
	s.armedAtRest(p)
	s.roomAtRest(place, plan)
	if p == nil || !p.known {
		return
	}
	for _, c := range carsOf(p.shows, place.app) {
		if in, tag := (simPlace{c.App, place.env}), c.Release.Version(); s.isBlocked(in, tag) || s.isRejected(in, tag) {
			s.wrong("#%d is open with %s %s, which is blocked or rejected", p.number, c.App, tag)
		}
	}
}

func (s *sim) soakAsked(place simPlace) time.Duration {
	env, _ := s.settings(place.env)
	return env.Soak
}

// statusAtRest holds the status on the revision that brought what stands against what the agents said of it.
func (s *sim) statusAtRest(place simPlace) {
	env, ok := s.settings(place.env)
	stay := s.stands(place)
	if !ok || env.Mode == config.ModeObserve || stay.baseline || stay.tag == "" {
		return
	}
	status := s.forge.statuses[fmt.Sprint(sha(stay.first), " ", promotion.EnvironmentContext(place.env))]
	healthy, bad := s.healthyNow(env, stay)
	switch {
	case bad && status.State != forge.Failure, healthy && status.State != forge.Success && !s.promises(env),
		!bad && !healthy && status.State == "", len([]rune(status.Description)) > forge.MaxStatusDescription:
		s.wrong("%s: healthy %t, degraded %t, and the status is %+v", s.label(place, stay.tag), healthy, bad, status)
	}
}

// promises says whether an agent of the environment promised to speak again: its silence is an error.
func (s *sim) promises(env config.Environment) bool {
	return slices.ContainsFunc(env.Clusters, func(cluster string) bool {
		a := s.agents[env.Name+"/"+cluster]
		return a != nil && a.counts.Every > 0
	})
}
