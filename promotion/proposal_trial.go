package promotion

import (
	"slices"
	"time"
)

// Trial is the apps that a configuration is tried on, as it would have them: each alone, or with its group.
type Trial struct {
	Units []Group // of an app that goes alone, the train has no name
	// Open are the branches of the promotions that are open into each environment, and Waiting who waits for a place there; also those of others.
	Open    map[string]map[string]bool
	Waiting map[string][]Waiter
	// Landings are what its apps' releases have become by what is tried.
	Landings []Landing
}

// outcome is what a trial comes to, by the branch of each promotion that is open in the end.
type outcome struct {
	shown  map[string]shownPromotion
	merges map[string]bool
	gates  map[string][]Gate
}

// shownPromotion is a promotion that is open, and what it brings.
type shownPromotion struct {
	environment, group string
	cars               map[string]Release // by app
}

// mostRounds is how often all units are planned again on what the others did. One leaves a train, which changes, and then goes alone: a few are enough.
const mostRounds = 6

// run plans all units until nothing changes any more.
func (t *Trial) run(now time.Time) outcome {
	t.forgetWaiters()
	out := outcome{merges: map[string]bool{}, gates: map[string][]Gate{}}
	for range mostRounds {
		clear(out.merges)
		clear(out.gates)
		stays := true
		for i := range t.Units {
			changed := t.plan(&t.Units[i], &out, now)
			stays = stays && !changed
		}
		if stays {
			break
		}
	}
	out.shown = t.shown()
	return out
}

// forgetWaiters takes those out of the lines who do not go under that name.
func (t *Trial) forgetWaiters() {
	gone := map[string]bool{}
	for _, u := range t.Units {
		if name := u.Train.App.Name; name != "" {
			gone[name] = len(u.Apps) == 0
			for _, s := range u.Apps {
				gone[s.App.Name] = true
			}
		}
	}
	for env, list := range t.Waiting {
		t.Waiting[env] = slices.DeleteFunc(list, func(w Waiter) bool { return gone[w.Name] })
	}
}

// plan plans a unit, and takes down what it wishes. It says whether that is anything new.
func (t *Trial) plan(u *Group, out *outcome, now time.Time) (changed bool) {
	if u.Train.App.Name == "" {
		t.room(&u.Apps[0])
		return t.takeDown(&u.Apps[0], MakePlan(u.Apps[0], now), out)
	}
	t.room(&u.Train)
	plan := PlanGroup(*u, now)
	for i := range u.Apps {
		changed = t.takeDown(&u.Apps[i], plan.Apps[i], out) || changed
	}
	return t.takeDown(&u.Train, plan.Train, out) || changed
}

// room fills in who takes places, and who waits for one, as far as the trial has come.
func (t *Trial) room(s *Snapshot) {
	for i := range s.Environments {
		env := &s.Environments[i]
		open := t.Open[env.Name]
		env.Room = Room{Taken: len(open)}
		if open[PromotionBranch(env.Name, s.App.Name)] {
			env.Room.Taken--
		}
		for _, w := range t.Waiting[env.Name] {
			if w.Name == s.App.Name {
				env.Room.Since = w.Since
			} else {
				env.Room.Waiting = append(env.Room.Waiting, w)
			}
		}
	}
}

func (t *Trial) takeDown(s *Snapshot, plan Plan, out *outcome) (changed bool) {
	for _, w := range plan.Pulls {
		changed = t.pull(s, w) || changed
	}
	for _, m := range plan.Merges {
		out.merges[PromotionBranch(m.Environment, s.App.Name)] = true
	}
	for _, cell := range plan.View.Environments {
		if env := s.Find(cell.Name); env != nil && env.Promotion != nil && env.Promotion.Release.Same(cell.Proposed) {
			branch := env.Promotion.branch(env.Name, s.App.Name)
			out.gates[branch] = append(out.gates[branch], cell.Gates...)
		}
	}
	for _, r := range plan.Rooms {
		waits := func(w Waiter) bool { return w.Name == s.App.Name }
		if !slices.ContainsFunc(t.Waiting[r.Environment], waits) {
			t.Waiting[r.Environment] = append(t.Waiting[r.Environment], Waiter{Name: s.App.Name, Since: r.Since})
			changed = true
		}
	}
	return changed
}

// branch returns the branch on which the app's promotion is open.
func (p *Promotion) branch(environment, app string) string {
	if p.Train != "" {
		app = p.Train
	}
	return PromotionBranch(environment, app)
}

// pull does what is wished of a pull request, and says whether that is anything new.
func (t *Trial) pull(s *Snapshot, w PullWish) (changed bool) {
	env := s.Find(w.Environment)
	own := w.Branch == PromotionBranch(env.Name, s.App.Name)
	if !w.Open {
		delete(t.Open[env.Name], w.Branch)
		if !own {
			env.Outgrown = slices.DeleteFunc(slices.Clone(env.Outgrown), func(o Outgrown) bool { return o.Branch == w.Branch })
			return true
		}
		env.Promotion, env.Pull, env.Cars = nil, nil, nil
		t.cars(w)
		return true
	}
	if env.shows(w) {
		return false
	}
	if t.Open[env.Name] == nil {
		t.Open[env.Name] = map[string]bool{}
	}
	t.Open[env.Name][w.Branch] = true
	t.Waiting[env.Name] = slices.DeleteFunc(t.Waiting[env.Name], func(x Waiter) bool { return x.Name == s.App.Name })
	env.open(w, Car{Release: w.Release, Intent: w.Intent, Asker: w.Asker, Superseded: w.Superseded})
	env.Cars = w.Cars
	t.cars(w)
	return true
}

// shows says whether what is open brings what is wished.
func (e *Environment) shows(w PullWish) bool {
	if w.Group == "" {
		return e.Promotion != nil && e.Promotion.Release.Same(w.Release)
	}
	return slices.EqualFunc(e.Cars, w.Cars, func(a, b Car) bool { return a.App == b.App && a.Release.Same(b.Release) })
}

// open lets the pull request stand open, with what it brings of one app.
func (e *Environment) open(w PullWish, c Car) {
	m := Promotion{State: PromotionOpen}
	if e.Promotion != nil {
		m = *e.Promotion
	}
	m.Release, m.Intent, m.Asker, m.Superseded, m.Train = c.Release, c.Intent, c.Asker, c.Superseded, w.Group
	e.Promotion, e.Pull = &m, &Pull{Known: true, Edit: w.Edit} // what was approved was another edit
}

// cars lets each app have what a train brings of it, and those that have left it nothing.
func (t *Trial) cars(w PullWish) {
	if w.Group == "" {
		return
	}
	for i := range t.Units {
		for j := range t.Units[i].Apps {
			s := &t.Units[i].Apps[j]
			env := s.Find(w.Environment)
			if env == nil {
				continue
			}
			at := slices.IndexFunc(w.Cars, func(c Car) bool { return c.App == s.App.Name })
			switch {
			case at >= 0:
				env.open(w, w.Cars[at])
			case env.Promotion != nil && env.Promotion.Train == w.Group:
				env.Promotion, env.Pull = nil, nil
			}
		}
	}
}

// shown returns what is open of the trial's apps.
func (t *Trial) shown() map[string]shownPromotion {
	out := map[string]shownPromotion{}
	for _, u := range t.Units {
		for _, s := range u.Apps {
			for _, env := range s.Environments {
				if env.Promotion == nil {
					continue
				}
				branch := env.Promotion.branch(env.Name, s.App.Name)
				if _, known := out[branch]; !known {
					out[branch] = shownPromotion{environment: env.Name, group: env.Promotion.Train, cars: map[string]Release{}}
				}
				out[branch].cars[s.App.Name] = env.Promotion.Release
			}
		}
	}
	return out
}
