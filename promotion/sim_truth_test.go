package promotion_test

import (
	"fmt"
	"slices"
	"time"

	"github.com/Masterminds/semver/v3"

	"ferry/promotion"
	"ferry/promotion/config"
)

// What stands here says by the words of the design what is true, from what happened alone.

// simSaid is what an agent said that counted.
type simSaid struct {
	env, cluster string
	seq          int64
	health       promotion.Health
	at           time.Time
	every        time.Duration
	seen         map[string]bool // by the decisions of which apps, while it counted
	well         int64           // the revision at which it was healthy by what counted before,
	before       int             // and where that stands in the log
}

// simStay is one tag at one place, from the revision first on until another replaces it.
type simStay struct {
	tag         string // "" where nothing whole stands
	first, last int64  // last is 0 for the one that stands now
	from, until time.Time
	baseline    bool
}

// stays returns what has stood at a place, the oldest first, as far as Ferry has observed the branch.
func (s *sim) stays(place simPlace) (list []simStay) {
	if s.staysAt != s.heads {
		s.staysAt, s.staysOf = s.heads, map[simPlace][]simStay{}
	}
	if known := s.staysOf[place]; known != nil {
		return known
	}
	defer func() { s.staysOf[place] = list }()
	for _, rev := range s.forge.line {
		if rev.place != place || rev.seq > s.heads {
			continue
		}
		tag := rev.tag
		if n := len(list); n > 0 {
			if list[n-1].tag == tag && tag != "" {
				continue
			}
			list[n-1].last, list[n-1].until = rev.seq-1, s.observedAt[rev.seq]
		}
		list = append(list, simStay{tag: tag, first: rev.seq, from: s.observedAt[rev.seq], baseline: len(list) == 0})
	}
	return list
}

func (s *sim) stands(place simPlace) simStay {
	list := s.stays(place)
	return list[len(list)-1]
}

// settings returns the environment of the configuration; false where it has none of that name.
func (s *sim) settings(env string) (config.Environment, bool) { return s.config.Environment(env) }

// healthyNow says whether every cluster's counting report is healthy at the stay, and whether one says that it is degraded or failed there.
func (s *sim) healthyNow(env config.Environment, stay simStay) (healthy, bad bool) {
	if env.Converge == config.ConvergeMerge {
		return true, false
	}
	healthy = true
	for _, cluster := range env.Clusters {
		a := s.agents[env.Name+"/"+cluster]
		there := a != nil && a.counts.Seq >= stay.first && a.counts.Seq <= s.heads
		healthy = healthy && there && a.counts.Health == promotion.HealthHealthy
		bad = bad || there && (a.counts.Health == promotion.HealthDegraded || a.counts.Health == promotion.HealthFailed)
	}
	return healthy, bad
}

// arrives notes which reports count, and which releases have converged, when Ferry looks.
func (s *sim) arrives(app string) {
	for _, a := range s.agents {
		if a.counts.Seq <= s.heads { // else nobody can tell what it is about
			s.said[a.said].seen[app] = true
		}
	}
	for _, name := range simEnvironments() {
		place := simPlace{app, name}
		env, ok := s.settings(name)
		stay := s.stands(place)
		if !ok {
			env = config.Environment{Name: name, Clusters: []string{config.DefaultCluster}} // dropped
		}
		if healthy, _ := s.healthyNow(env, stay); healthy && stay.tag != "" {
			s.arrived[place.String()+stay.tag] = true
		}
	}
}

// converged says whether the tag has converged where releases of the environment come from.
func (s *sim) converged(place simPlace, tag string) bool {
	env, _ := s.settings(place.env)
	n := 0
	for _, from := range env.From {
		if s.arrived[simPlace{place.app, from}.String()+tag] {
			n++
		}
	}
	return n == len(env.From) || env.FromAny && n > 0
}

// soakedAtMost bounds for how long the tag has run healthily at a place since it last degraded there: from the first time that an agent said so.
func (s *sim) soakedAtMost(place simPlace, tag string) (total time.Duration) {
	for _, stay := range s.stays(place) {
		until := s.now
		if stay.last != 0 {
			until = stay.until
		}
		if stay.tag != tag {
			continue
		}
		healthy := time.Time{}
		if s.everMerged[place.env] {
			healthy = stay.from
		}
		for _, said := range s.said {
			switch {
			case said.env != place.env || said.seq < stay.first || stay.last != 0 && said.seq > stay.last || said.at.After(until):
			case said.health == promotion.HealthHealthy && healthy.IsZero():
				healthy = said.at
				if healthy.Before(stay.from) {
					healthy = stay.from
				}
			case (said.health == promotion.HealthDegraded || said.health == promotion.HealthFailed) && !s.everMerged[place.env] && !s.severalClusters[place.env]:
				// While the clock stood still, a degradation that was overtaken before Ferry looked is seen where Ferry looks soon. Here it may look after
				// hours; and then nobody can tell.
				if said.seen[place.app] || said.well >= stay.first && s.said[said.before].seen[place.app] {
					healthy, total = time.Time{}, 0
				}
			}
		}
		if !healthy.IsZero() {
			total += until.Sub(healthy)
		}
	}
	return total
}

// mayHaveSoaked says whether the tag can have soaked for what the environment asks.
func (s *sim) mayHaveSoaked(place simPlace, tag string) bool {
	env, _ := s.settings(place.env)
	n := 0
	for _, from := range env.From {
		if s.soakedAtMost(simPlace{place.app, from}, tag) >= env.Soak {
			n++
		}
	}
	return env.Soak == 0 || n == len(env.From) || env.FromAny && n > 0
}

// newer says by the words of the design whether tag a of the app is newer than b.
func (s *sim) newer(app, a, b string) bool {
	va, errA := semver.StrictNewVersion(a)
	vb, errB := semver.StrictNewVersion(b)
	if errA == nil && errB == nil {
		return va.GreaterThan(vb)
	}
	first := func(tag string) int64 {
		at := int64(0)
		for _, env := range simEnvironments() {
			for _, stay := range s.stays(simPlace{app, env}) {
				if stay.tag == tag && (env == "dev" || stay.baseline) && (at == 0 || stay.first < at) {
					at = stay.first
				}
			}
		}
		return at
	}
	return first(a) > 0 && first(b) > 0 && first(a) > first(b)
}

// active says whether a hold, or what somebody froze, is on the place now.
func (s *sim) active(h promotion.Hold, place simPlace) bool {
	return (h.App == "" || h.App == place.app || h.App == s.groupOf(place.app) || slices.Contains(h.Apps, place.app)) && (h.Environment == "" || h.Environment == place.env) && (h.Until.IsZero() || h.Until.After(s.now))
}

func (s *sim) isHeld(place simPlace) bool {
	return slices.ContainsFunc(s.people.holds, func(h promotion.Hold) bool { return len(h.RolledBack) == 0 && s.active(h, place) })
}

// isRolledBack says whether the hold of a rollback stands there, which lets in what is newer.
func (s *sim) isRolledBack(place simPlace) bool {
	return s.back[place] || slices.ContainsFunc(s.people.holds, func(h promotion.Hold) bool { return len(h.RolledBack) > 0 && s.active(h, place) })
}

func (s *sim) isFrozenBySomebody(place simPlace) bool {
	return slices.ContainsFunc(s.people.freezes, func(f promotion.Freeze) bool { return s.active(promotion.Hold(f), place) })
}

// inWindow says whether it is the first quarter of an hour in an environment that is shut then.
func (s *sim) inWindow(env string, at time.Time) bool {
	e, ok := s.settings(env)
	return ok && len(e.Freezes) > 0 && at.Minute() < 15
}

// isBlocked says whether the tag is blocked there, or anywhere it would have come through.
func (s *sim) isBlocked(place simPlace, tag string) bool {
	behind := map[string]bool{"": true, place.env: true}
	for range 5 {
		for _, e := range s.config.Environments {
			for _, from := range e.From {
				behind[from] = behind[from] || behind[e.Name]
			}
		}
	}
	return slices.ContainsFunc(s.people.blocks, func(b promotion.Block) bool { return b.App == place.app && b.Image.Tag == tag && behind[b.Environment] })
}

func (s *sim) isRejected(place simPlace, tag string) bool {
	return slices.ContainsFunc(s.people.rejections, func(r promotion.StandingRejection) bool {
		return r.App == place.app && r.Environment == place.env && r.Release.Version() == tag
	})
}

// mustCome returns a tag that has converged wherever it has to, that is newer than what stands at the place, that nobody is against and that has
// never been there, and which therefore has to be proposed, or a newer one; "" where there is none for certain.
func (s *sim) mustCome(place simPlace) string {
	env, ok := s.settings(place.env)
	if !ok || env.Mode == config.ModeObserve || len(env.From) == 0 || env.FromAny || env.Supersede != config.SupersedeLatest || env.Window > 0 || s.isRolledBack(place) || simUrgent(s.people.intents[place].Kind) {
		return ""
	}
	tag := ""
	for _, from := range env.From {
		up, stay := config.Environment{}, s.stands(simPlace{place.app, from})
		up, _ = s.settings(from)
		if healthy, _ := s.healthyNow(up, stay); !healthy || stay.baseline || stay.tag == "" || tag != "" && stay.tag != tag {
			return ""
		}
		tag = stay.tag
	}
	stands := s.stands(place)
	readable := simTagForm.MatchString(s.forge.content[place])
	hasStood := slices.ContainsFunc(s.stays(place), func(x simStay) bool { return x.tag == tag })
	if s.isBlocked(place, tag) || s.isRejected(place, tag) || hasStood || !readable || stands.tag != "" && !s.newer(place.app, tag, stands.tag) {
		return ""
	}
	return tag
}

func (s *sim) label(place simPlace, tag string) string { return fmt.Sprintf("%s into %v", tag, place) }
