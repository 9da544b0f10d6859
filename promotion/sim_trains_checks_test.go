package promotion_test

import (
	"encoding/json"
	"reflect"
	"slices"

	"ferry/forge"
	"ferry/promotion"
	"ferry/promotion/config"
)

// groupPlanned holds the plan of a group against the rules, whatever Ferry has still to hear of.
func (s *sim) groupPlanned(group string, g promotion.Group, plan promotion.GroupPlan) {
	if s.r.IntN(16) == 0 {
		s.groupPure(group, g, plan)
	}
	if due := plan.DueAt(); !due.IsZero() && !due.After(s.now) {
		s.wrong("the plan of %s is due at %v, which is not later than now", group, due)
	}
	for i, snapshot := range g.Apps {
		s.planned(snapshot.App.Name, snapshot, plan.Apps[i])
	}
	for _, w := range plan.Train.Pulls {
		if w.Branch != "ferry/"+w.Environment+"/"+group || w.Group != group {
			s.wrong("a wish of %s for the branch %s of %q", group, w.Branch, w.Group)
		}
		if w.Open {
			s.trainProposed(group, g, w)
		}
	}
	for _, m := range plan.Train.Merges {
		env, _ := s.settings(m.Environment)
		if p := s.forge.pull(m.Number); !env.AutoMerge || env.Mode != config.ModeRelease || !s.sawOf(m.Number).known || p.place != (simPlace{group, m.Environment}) {
			s.wrong("Ferry wants to merge #%d into %s, where it may not", m.Number, m.Environment)
		}
		s.trainLetIn(m.Number, "merged")
	}
	s.trainContributed(group, plan)
}

func (s *sim) groupPure(group string, g promotion.Group, plan promotion.GroupPlan) {
	was, _ := json.Marshal(g)
	again := s.planGroup(g, s.now)
	if is, _ := json.Marshal(g); string(is) != string(was) {
		s.wrong("planning %s changed its snapshot", group)
	}
	if !reflect.DeepEqual(again, plan) {
		s.wrong("planning %s twice says\n%+v\nand\n%+v", group, plan, again)
	}
}

// trainLetIn fails where something keeps anything out of its environment that the train shows, as far as Ferry knows.
func (s *sim) trainLetIn(number int, what string) {
	for _, m := range s.rowsOf(number) {
		if m.living() {
			s.letsIn(simPlace{m.app, m.env}, m.Promotion, what)
		}
	}
}

// trainProposed holds a train against what holds of each of its cars, and against what people read.
func (s *sim) trainProposed(group string, g promotion.Group, w promotion.PullWish) {
	name, said := promotion.ParseCars(w.Message)
	if len(w.Cars) == 0 || len(w.Files) != len(w.Cars) || len(said) != len(w.Cars) || name != group {
		s.wrong("the train %s of %s changes %d files and says in its commit\n%s", w.Branch, carNames(w.Cars), len(w.Files), w.Message)
	}
	for i, c := range w.Cars {
		place := simPlace{c.App, w.Environment}
		n := slices.IndexFunc(g.Apps, func(x promotion.Snapshot) bool { return x.App.Name == c.App })
		if n < 0 || slices.ContainsFunc(w.Cars[:i], func(x promotion.Car) bool { return x.App == c.App }) || simUrgent(c.Intent) || !says(said[i], place, c) {
			s.wrong("%s goes with %s, which has %s and says in its commit\n%s", s.label(place, c.Release.Version()), w.Branch, carNames(w.Cars), w.Message)
		}
		file := slices.IndexFunc(w.Files, func(f forge.NewFile) bool { return simPlaceOf(f.Path) == place })
		if file < 0 {
			s.wrong("%s goes with %s, which changes no file of it", s.label(place, c.Release.Version()), w.Branch)
		}
		s.comes(place, g.Apps[n], c)
		s.edits(place, g.Apps[n], c, w.Files[file])
		s.boards(place, g.Train.Find(w.Environment), g.Apps[n].Find(w.Environment), c)
		s.words(w, group, w.Environment, c.App, c.Release.Version())
	}
	if len(w.Cars) > 1 {
		s.met["a train of several"]++
	}
}

// boards fails where an app is in a train that it may not be in.
func (s *sim) boards(place simPlace, train, before *promotion.Environment, c promotion.Car) {
	env, _ := s.settings(place.env)
	tag := c.Release.Version()
	if d := s.droppedAt(place); d != nil && d.Release.Same(c.Release) && c.Asker == "" && !s.isHeld(place) {
		s.wrong("%s is in the train, and %s took it out", s.label(place, tag), d.Actor)
	}
	if env.Supersede != config.SupersedeLatest && train.Promotion != nil && before.Promotion == nil && c.Asker == "" {
		s.wrong("%s comes into a train that is open, where one is %s", s.label(place, tag), env.Supersede)
	}
	if before.Promotion != nil && before.Promotion.Release.Same(c.Release) {
		return // it may wait where it is
	}
	shut := func(gate string) bool {
		return !s.isWaived(place, tag, gate) && (before.Promotion == nil || !s.overrode(place.app, before.Promotion.Number, gate))
	}
	switch {
	case shut("soak") && !s.mayHaveSoaked(place, tag):
		s.wrong("%s comes into the train without its soak", s.label(place, tag))
	case shut("checks") && !s.checksGreen(place, tag):
		s.wrong("%s comes into the train without its checks", s.label(place, tag))
	}
}

// isWaived says whether somebody let the release on, in the place of what stands there.
func (s *sim) isWaived(place simPlace, tag, gate string) bool {
	return slices.ContainsFunc(s.people.waived, func(w promotion.Waived) bool {
		from := ""
		if len(w.From) > 0 {
			from = w.From.Version()
		}
		return w.App == place.app && w.Environment == place.env && w.Gate == gate && w.Release.Version() == tag && from == s.stands(place).tag
	})
}

// trainContributed holds ferry/gates of a train against the gates that people see of each of its apps.
func (s *sim) trainContributed(group string, plan promotion.GroupPlan) {
	for _, c := range plan.Train.Contributions {
		if c.Context != promotion.GatesContext || c.Description == "" {
			s.wrong("a train posts %+v", c)
		}
		i := slices.IndexFunc(s.apps, func(app string) bool {
			return slices.ContainsFunc(s.facts[app].promotions, func(m *simPromotion) bool { return m.open && m.head == c.SHA && m.Train == group })
		})
		if i < 0 {
			s.wrong("ferry/gates is posted on %s, which is the head of nothing that is open", c.SHA)
		}
		m := s.facts[s.apps[i]].promotions[slices.IndexFunc(s.facts[s.apps[i]].promotions, func(m *simPromotion) bool { return m.open && m.head == c.SHA })]
		if !m.known && c.State != forge.Failure {
			s.wrong("ferry/gates of #%d is %s, and somebody pushed on top", m.Number, c.State)
		}
		if c.State == forge.Success {
			s.trainLetIn(m.Number, "let in by ferry/gates")
			s.allOpen(m.Number, plan)
		}
	}
}

// allOpen fails where ferry/gates of a train is green, and people read that a gate of one of its apps is not open.
func (s *sim) allOpen(number int, plan promotion.GroupPlan) {
	for _, m := range s.rowsOf(number) {
		i := slices.Index(s.membersOf(m.Train), m.app)
		if i < 0 {
			s.wrong("ferry/gates of #%d is green, and %s is not in the group any more", number, m.app)
		}
		v := plan.Apps[i].View.Find(m.env)
		if m.living() && (v == nil || slices.ContainsFunc(v.Gates, func(g promotion.Gate) bool { return g.State != promotion.GateOpen })) {
			s.wrong("ferry/gates of #%d is green, and people read %+v of %s", number, v, m.app)
		}
	}
}

// isUrgentBeside says whether the pull request brings what is wanted at once, and the other one was reopened with somebody's commit on top.
func (p *simPull) isUrgentBeside(other *simPull) bool {
	urgent := []string{promotion.IntentRollback, promotion.IntentHotfix, promotion.IntentBackfill}
	return slices.Contains(urgent, p.shows.Intent) && other.reopened && !other.known
}

// inOnePull fails where an app is in two open pull requests of one environment: it would move twice. What people reopened is closed once Ferry looks, but
// where somebody pushed upon it: that person's is not Ferry's to end, and what is wanted at once does not wait for it.
func (s *sim) inOnePull() {
	in := map[simPlace]*simPull{}
	for _, p := range s.forge.pulls {
		if !p.open || p.reopened && !s.rested {
			continue
		}
		for _, c := range carsOf(p.shows, p.place.app) {
			place := simPlace{c.App, p.place.env}
			if other := in[place]; other != nil && !p.isUrgentBeside(other) && !other.isUrgentBeside(p) {
				s.wrong("%v is in #%d and in #%d", place, other.number, p.number)
			}
			in[place] = p
		}
	}
}

// groupAtRest holds a group against what should be once nothing is left to do.
func (s *sim) groupAtRest(group string) {
	again := promotion.GroupPlan{Train: s.facts[group].plan}
	g := s.group(group)
	for _, snapshot := range g.Apps {
		again.Apps = append(again.Apps, s.facts[snapshot.App.Name].plan)
	}
	if !s.facts[group].planned.stands(g, s.now) {
		again = s.planGroup(g, s.now)
	}
	for i, snapshot := range g.Apps {
		if was := s.facts[snapshot.App.Name].plan; changes(again.Apps[i]) || !sameWishes(again.Apps[i], was) {
			s.wrong("planning %s of %s again is not the same (rule 6):\n%s", snapshot.App.Name, group, simDifference(was, again.Apps[i]))
		}
	}
	if was := s.facts[group].plan; !sameWishes(again.Train, was) {
		s.wrong("planning %s again is not the same (rule 6):\n%s", group, simDifference(was, again.Train))
	}
	if s.r.IntN(4) == 0 {
		s.groupNotDueYet(group, g, again)
	}
	for _, env := range simEnvironments() {
		s.branchAtRest(simPlace{group, env}, again.Train)
		s.trainAtRest(simPlace{group, env})
		for i, snapshot := range g.Apps {
			place := simPlace{snapshot.App.Name, env}
			s.branchAtRest(place, again.Apps[i])
			s.statusAtRest(place)
			s.boardsAtRest(place, simPlace{group, env}, again.Apps[i])
		}
	}
}

// groupNotDueYet fails where a plan changes by time alone before it said that it may.
func (s *sim) groupNotDueYet(group string, g promotion.Group, plan promotion.GroupPlan) {
	for _, at := range s.beforeDue(plan.DueAt()) {
		p := s.planGroup(g, at)
		for i, snapshot := range g.Apps {
			if moves(snapshot, p.Apps[i]) || !sameWishes(unsilenced(p.Apps[i]), unsilenced(plan.Apps[i])) {
				s.wrong("%s of %s changes at %v by time alone, and is due at %v:\n%s", snapshot.App.Name, group, at, plan.DueAt(), simDifference(plan.Apps[i], p.Apps[i]))
			}
		}
		if !sameWishes(p.Train, plan.Train) {
			s.wrong("%s changes at %v by time alone, and is due at %v:\n%s", group, at, plan.DueAt(), simDifference(plan.Train, p.Train))
		}
	}
}

// trainAtRest fails unless the head of an open train, its commit and the database say the same.
func (s *sim) trainAtRest(place simPlace) {
	p := s.forge.openOn(place)
	if p == nil || !p.known {
		return
	}
	var rows []promotion.Car
	for _, m := range s.rowsOn(place) {
		rows = append(rows, promotion.Car{App: m.app, Release: m.Release})
		if m.Number != p.number {
			s.wrong("%s is in #%d, and the database says #%d", m.app, p.number, m.Number)
		}
	}
	if carNames(rows) != carNames(p.shows.Cars) {
		s.wrong("#%d shows %s, and the database says %s", p.number, carNames(p.shows.Cars), carNames(rows))
	}
}

// boardsAtRest fails where an app stays behind a train with nothing against it.
func (s *sim) boardsAtRest(place, branch simPlace, plan promotion.Plan) {
	tag, env := s.mustCome(place), config.Environment{}
	env, _ = s.settings(place.env)
	d := s.droppedAt(place)
	stopped := slices.ContainsFunc(s.travelsWith(place.app), func(app string) bool { return s.isHeld(simPlace{app, place.env}) }) || s.isFrozenBySomebody(place)
	own := env.Soak > 0 || len(env.Checks)+len(env.Policies) > 0 || env.Window > 0
	if tag == "" || own || stopped || s.isFull(branch) || d != nil && d.Release.Version() == tag || s.lacksHotfix(place, tag) || s.forge.openOn(place) != nil {
		return
	}
	p := s.forge.openOn(branch)
	if p != nil && !p.known {
		return
	}
	s.met["must board"]++
	if p == nil || !slices.ContainsFunc(p.shows.Cars, func(c promotion.Car) bool {
		return c.App == place.app && (c.Release.Version() == tag || !s.newer(place.app, tag, c.Release.Version()))
	}) {
		s.wrong("%s has to board the train, and it says %+v", s.label(place, tag), plan.View.Find(place.env))
	}
}
