package promotion_test

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"ferry/forge"
	"ferry/promotion"
	"ferry/promotion/config"
)

// simTrains is the wide world with a group of which other apps are in turn, or none.
func simTrains() simWorld {
	w := simWide()
	w.name, w.groups, w.configs = "trains", []string{"shop"}, nil
	for i, members := range [][]string{{"cart", "checkout"}, {"cart", "checkout", "web"}, {"checkout", "web"}, nil, {"cart", "checkout", "web"}} {
		text := append(simWideConfigs(), simTrainConfig())[[]int{0, 1, 2, 3, 3}[i]]
		for _, app := range members {
			text += "  - {name: " + app + ", group: shop}\n"
		}
		w.configs = append(w.configs, text)
	}
	return w
}

// simTrainConfig asks for little, so that trains go.
func simTrainConfig() string {
	return `apiVersion: ferry/v1
mode: release
environments:
  - {name: dev}
  - {name: staging, from: [dev]}
  - {name: canary, from: [dev], soak: 5m, window: 10m}
  - {name: prod, from: [staging], approvals: 1, merge: auto, unprotected: allow}
  - {name: prod-eu, from: {any: [staging, canary]}, supersede: queue, merge: auto, unprotected: allow}` + simApps
}

// groupOf returns the group that the app travels with; "" where it goes alone.
func (s *sim) groupOf(app string) string { return s.travels[app] }

func (s *sim) isGroup(name string) bool { return slices.Contains(s.groups, name) }

// names are those of everything that has pull requests: apps, and groups.
func (s *sim) names() []string { return slices.Concat(s.apps, s.groups) }

// membersOf returns the apps that travel with the group, in the order of their names.
func (s *sim) membersOf(group string) (list []string) {
	for _, app := range s.apps {
		if group != "" && s.groupOf(app) == group {
			list = append(list, app)
		}
	}
	return list
}

// travelsWith returns the apps that go with the app, itself among them.
func (s *sim) travelsWith(app string) []string {
	if group := s.groupOf(app); group != "" {
		return s.membersOf(group)
	}
	return []string{app}
}

// leaveLines notes who travels with whom from now on. Who does not open pull requests under that name any more waits in no line.
func (s *sim) leaveLines() {
	before := s.travels
	s.travels = map[string]string{}
	for _, app := range s.apps {
		settings, _ := s.config.App(app, "apps/"+app+"/dev/kustomization.yaml")
		s.travels[app] = settings.Group
	}
	for place := range s.waiting {
		if before[place.app] != s.travels[place.app] || s.isGroup(place.app) && len(s.membersOf(place.app)) == 0 {
			delete(s.waiting, place)
		}
	}
}

// isDirty says whether something happened since the app or the group was decided.
func (s *sim) isDirty(name string) bool {
	return s.facts[name].dirty || slices.ContainsFunc(s.membersOf(name), func(app string) bool { return s.facts[app].dirty })
}

// trainEvent lets somebody take an app out of a train, or let one on that stays behind.
func (s *sim) trainEvent() {
	place := simPlace{simPick(s, s.groups), simPick(s, simEnvironments()[1:])}
	c := simComment{permission: simPick(s, simPersons()[:2]).Permission, login: "ann", said: s.now}
	app := simPick(s, s.apps)
	if p := s.forge.openOn(place); p != nil {
		c.place, c.number = place, p.number
		app = simPick(s, carsOf(p.shows, "")).App
	}
	if s.r.IntN(3) > 0 {
		app = simPick(s, s.apps)
		c.body = "/override " + simPick(s, []string{"soak", "checks", "policy", "freeze", "upstream"}) + " " + app + " " + place.env + " we know\n"
	} else {
		c.body = "/drop " + app + " " + place.env + "\n"
	}
	s.note("somebody who may %s says %q under %v", c.permission, c.body, c.place)
	s.people.unheard = append(s.people.unheard, c)
}

// carryOutOfTrains writes down what is taken out of trains, and what is let on.
func (s *sim) carryOutOfTrains(out promotion.Outcome) {
	p := &s.people
	for _, d := range out.Drops {
		p.drops = append(slices.DeleteFunc(slices.Clone(p.drops), func(x promotion.Dropped) bool { return x.App == d.App && x.Environment == d.Environment }), d)
		s.met["taken out of a train"]++
	}
	for _, w := range out.Waived {
		p.waived = append(slices.DeleteFunc(slices.Clone(p.waived), func(x promotion.Waived) bool {
			return x.App == w.App && x.Environment == w.Environment && x.Gate == w.Gate
		}), w)
		s.met["let onto a train"]++
	}
}

// writeOfTrains forgets what a plan says is over.
func (s *sim) writeOfTrains(app string, plan promotion.Plan) {
	p := &s.people
	p.drops = slices.DeleteFunc(p.drops, func(d promotion.Dropped) bool { return d.App == app && slices.Contains(plan.DropsDone, d.Environment) })
	p.waived = slices.DeleteFunc(p.waived, func(w promotion.Waived) bool {
		return slices.ContainsFunc(plan.WaivedEnded, func(x promotion.Waived) bool {
			return x.App == w.App && x.Environment == w.Environment && x.Gate == w.Gate
		})
	})
}

// fillOfTrains puts into a place of the snapshot what was taken out of trains there, and let on.
func (s *sim) fillOfTrains(place simPlace, env *promotion.Environment) {
	if d := s.droppedAt(place); d != nil {
		env.Drop = &d.Drop
	}
	for _, w := range s.people.waived {
		if w.App == place.app && w.Environment == place.env {
			env.Waived = append(env.Waived, w)
		}
	}
}

func (s *sim) droppedAt(place simPlace) *promotion.Dropped {
	i := slices.IndexFunc(s.people.drops, func(d promotion.Dropped) bool { return d.App == place.app && d.Environment == place.env })
	if i < 0 {
		return nil
	}
	return &s.people.drops[i]
}

// group is what the database would give of a group.
func (s *sim) group(name string) (g promotion.Group) {
	for _, app := range s.membersOf(name) {
		g.Apps = append(g.Apps, s.snapshot(app))
	}
	g.Train = s.train(name, g.Apps)
	return g
}

// planGroup plans a group.
func (s *sim) planGroup(g promotion.Group, at time.Time) promotion.GroupPlan {
	plan := promotion.PlanGroup(g, at)
	for i, snapshot := range g.Apps {
		plan.Apps[i].View.SeenSince(s.facts[snapshot.App.Name].plan.View, at)
	}
	return plan
}

// train is what the database would give of the group's own.
func (s *sim) train(group string, apps []promotion.Snapshot) promotion.Snapshot {
	t := promotion.Snapshot{Repository: forge.Repo{ID: 1, Owner: "acme", Name: "environments"}, DefaultBranch: "main", Self: simSelf(), ForgeURL: "https://forge.example",
		App: config.App{Name: group}, Refusals: map[string]promotion.Refusal{}}
	goesTo := func(env config.Environment) *promotion.Environment {
		if t.Find(env.Name) == nil {
			t.Environments = append(t.Environments, promotion.Environment{Environment: config.Environment{Name: env.Name, MaxOpen: env.MaxOpen}})
		}
		return t.Find(env.Name)
	}
	for _, snapshot := range apps {
		for _, env := range snapshot.Environments {
			goesTo(env.Environment)
		}
	}
	for _, app := range s.apps {
		for _, m := range s.facts[app].promotions {
			if m.Train == group && (m.living() || m.open) {
				m.stands(goesTo(config.Environment{Name: m.env}))
			}
		}
	}
	for i := range t.Environments {
		s.fillRoom(simPlace{group, t.Environments[i].Name}, &t.Environments[i])
	}
	return t
}

// stands puts one promotion of a train into the train's environment.
func (m *simPromotion) stands(env *promotion.Environment) {
	one := m.Promotion
	one.Train = ""
	if m.living() {
		env.Cars = append(env.Cars, promotion.Car{App: m.app, Release: one.Release, Intent: one.Intent, Asker: one.Asker, Superseded: one.Superseded})
		env.Promotion = &one
	}
	if m.open {
		env.Pull = &promotion.Pull{Number: m.Number, HeadSHA: m.head, Known: m.known, Pusher: m.pusher, Armed: m.armed}
		if env.Promotion == nil {
			env.Promotion = &one
		}
	}
}

// decideGroup plans the apps that travel together, and writes the plan down.
func (s *sim) decideGroup(group string) {
	g := s.group(group)
	if s.facts[group].planned.stands(g, s.now) {
		s.facts[group].dirty = false
		for _, app := range s.membersOf(group) {
			s.facts[app].dirty = false
			s.writeAgain(app)
		}
		s.writeAgain(group)
		return
	}
	plan := s.planGroup(g, s.now)
	s.facts[group].planned = simPlanned{s.now, plan.DueAt(), g}
	s.groupPlanned(group, g, plan)
	s.writeRooms(group, g.Train, plan.Train) // before what is wanted at once takes one place more
	s.writePulls(group, plan.Train)
	for i, snapshot := range g.Apps {
		s.write(snapshot.App.Name, snapshot, plan.Apps[i])
	}
	f := s.facts[group]
	f.plan, f.due, f.dirty = plan.Train, plan.DueAt(), false
	s.writeMerges(group, plan.Train)
	s.post(group, plan.Train.Contributions)
}

func carNames(cars []promotion.Car) string {
	var names []string
	for _, c := range cars {
		names = append(names, fmt.Sprint(c.App, " ", c.Release.Version()))
	}
	return strings.Join(names, ", ")
}
