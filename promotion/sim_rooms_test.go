package promotion_test

import (
	"cmp"
	"slices"
	"time"

	"ferry/promotion"
	"ferry/promotion/config"
)

// livingIn returns how many pull requests are open, or about to be, into the environment; of others than the app or group.
func (s *sim) livingIn(env, but string) int {
	branches := map[string]bool{}
	for _, app := range s.apps {
		if m := s.facts[app].living(env); m != nil && m.branch().app != but {
			branches[m.branch().app] = true
		}
	}
	return len(branches)
}

// ahead returns who waits for a place in the environment, of others than the app, who comes first first.
func (s *sim) ahead(place simPlace) (list []promotion.Waiter) {
	for _, app := range s.names() {
		if since, waits := s.waiting[simPlace{app, place.env}]; waits && app != place.app {
			list = append(list, promotion.Waiter{Name: app, Since: since})
		}
	}
	slices.SortFunc(list, func(a, b promotion.Waiter) int {
		return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.Name, b.Name))
	})
	return list
}

func (s *sim) isFull(place simPlace) bool {
	env, _ := s.settings(place.env)
	return env.MaxOpen > 0 && s.livingIn(place.env, place.app) >= env.MaxOpen
}

func (s *sim) fillRoom(place simPlace, env *promotion.Environment) {
	ahead := s.ahead(place)
	env.Room = promotion.Room{Taken: s.livingIn(place.env, place.app), Since: s.waiting[place], Waiting: ahead[:min(len(ahead), env.MaxOpen)]}
}

// writeRooms writes down who waits for a place.
func (s *sim) writeRooms(app string, before promotion.Snapshot, plan promotion.Plan) {
	for _, env := range before.Environments {
		place := simPlace{app, env.Name}
		i := slices.IndexFunc(plan.Rooms, func(w promotion.RoomWish) bool { return w.Environment == env.Name })
		_, waits := s.waiting[place]
		switch {
		case i < 0:
			s.inLine(place, plan)
			delete(s.waiting, place)
		case !waits:
			s.waiting[place] = plan.Rooms[i].Since
		}
	}
}

// opens fails where a promotion is opened that has no place, or out of its turn.
func (s *sim) opens(place simPlace, w promotion.PullWish) {
	env, ok := s.settings(place.env)
	switch w.Intent {
	case promotion.IntentHotfix:
		s.met["a hotfix"]++
	case promotion.IntentPromotion:
		if !ok || !s.wide {
			return
		}
		free := env.MaxOpen - s.livingIn(place.env, place.app)
		if free <= 0 {
			s.wrong("%s is opened, and %d are open where max_open is %d", s.label(place, w.Release.Version()), s.livingIn(place.env, place.app), env.MaxOpen)
		}
		for _, c := range carsOf(w, place.app) {
			if c.Asker == "" && env.Supersede == config.SupersedeQueue {
				s.inTurn(simPlace{c.App, place.env}, c.Release.Version())
			}
		}
	}
}

// inLine fails where who waits for a place takes the one that somebody has who waits for longer.
func (s *sim) inLine(place simPlace, plan promotion.Plan) {
	since, waits := s.waiting[place]
	i := slices.IndexFunc(plan.Pulls, func(w promotion.PullWish) bool { return w.Environment == place.env && w.Open })
	if !waits || i < 0 || plan.Pulls[i].Intent != promotion.IntentPromotion || len(s.rowsOn(place)) > 0 {
		return
	}
	env, _ := s.settings(place.env)
	before := slices.DeleteFunc(s.ahead(place), func(w promotion.Waiter) bool {
		return w.Since.After(since) || w.Since.Equal(since) && w.Name > place.app
	})
	if free := env.MaxOpen - s.livingIn(place.env, place.app); len(before) >= free {
		s.wrong("%s is opened before %+v, where %d places are free", s.label(place, plan.Pulls[i].Release.Version()), before, free)
	}
	s.met["left the line"]++
}

// roomAtRest fails where somebody waits for a place that is free, or what is open was opened for more than there are places.
func (s *sim) roomAtRest(place simPlace, plan promotion.Plan) {
	if _, waits := s.waiting[place]; waits && !s.isFull(place) && len(s.ahead(place)) == 0 {
		s.wrong("%v waits for room, and there is a place: %+v", place, plan.View.Find(place.env))
	}
}

// inTurn fails where a queue opens a release before the one that stands there has converged and soaked, or before an older one that could come.
func (s *sim) inTurn(place simPlace, tag string) {
	env, _ := s.settings(place.env)
	for _, app := range s.travelsWith(place.app) {
		s.hasComeToRest(simPlace{app, place.env}, s.label(place, tag))
	}
	if env.FromAny || env.Soak > 0 {
		return
	}
	for _, older := range s.stays(simPlace{place.app, env.From[0]}) {
		if older.tag != "" && older.last == 0 && s.newer(place.app, tag, older.tag) && s.mayStillCome(place, older.tag) {
			s.wrong("the queue opens %s before %s, which is older", s.label(place, tag), older.tag)
		}
	}
}

// hasComeToRest fails where a queue opens what, and what stands at the place has not converged and soaked.
func (s *sim) hasComeToRest(place simPlace, what string) {
	env, _ := s.settings(place.env)
	stands := s.stands(place)
	if stands.tag == "" || stands.baseline {
		return
	}
	var need time.Duration
	for _, down := range s.config.Environments {
		if slices.Contains(down.From, place.env) {
			need = max(need, down.Soak)
		}
	}
	if _, bad := s.healthyNow(env, stands); bad || !s.arrived[place.String()+stands.tag] || s.soakedAtMost(place, stands.tag) < need {
		s.wrong("the queue opens %s, and %s of %s has not converged and soaked", what, stands.tag, place.app)
	}
}

// mayStillCome says whether nothing is against the tag: it has converged where it comes from and stands there still, or a newer one does; it is newer
// than what stands at the place, and was never there; and nobody blocked or rejected it.
func (s *sim) mayStillCome(place simPlace, tag string) bool {
	env, _ := s.settings(place.env)
	for _, from := range env.From {
		up := s.stands(simPlace{place.app, from})
		if up.tag == "" || up.tag != tag && !s.newer(place.app, up.tag, tag) || !s.arrived[simPlace{place.app, from}.String()+tag] {
			return false
		}
	}
	stands := s.stands(place)
	hasStood := slices.ContainsFunc(s.stays(place), func(x simStay) bool { return x.tag == tag })
	return stands.tag != "" && s.newer(place.app, tag, stands.tag) && !hasStood && !s.isBlocked(place, tag) && !s.isRejected(place, tag) && !s.isRolledBack(place)
}

// supersedes fails where a batch is changed that is open and could still be merged as it is.
func (s *sim) supersedes(app string, before promotion.Snapshot, plan promotion.Plan) {
	for _, w := range plan.Pulls {
		env := before.Find(w.Environment)
		place := simPlace{app, w.Environment}
		if !w.Open || w.Asker != "" || simUrgent(w.Intent) || env.Supersede != config.SupersedeBatch || env.Promotion == nil || env.Promotion.Asker != "" || simUrgent(env.Promotion.Intent) {
			continue
		}
		shown := env.Promotion.Release.Version()
		if shown == w.Release.Version() {
			s.met["a batch stays"]++
		} else if s.mayStillCome(place, shown) {
			s.wrong("a batch that shows %s is changed to %s", s.label(place, shown), w.Release.Version())
		}
	}
}
