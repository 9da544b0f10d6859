package promotion_test

import (
	"fmt"
	"slices"
	"time"

	"ferry/forge"
	"ferry/promotion"
	"ferry/promotion/config"
)

// event lets one thing happen.
func (s *sim) event() {
	if len(s.groups) > 0 && s.r.IntN(12) == 0 {
		s.trainEvent()
		return
	}
	if s.wide && s.r.IntN(2) == 0 {
		s.wideEvent()
		return
	}
	app := simPick(s, s.apps)
	place := simPlace{app, simPick(s, simEnvironments()[1:])}
	switch n := s.r.IntN(100); {
	case n < 14:
		s.release(app)
	case n < 17: // dev goes back
		s.push(simPlace{app, "dev"}, simPick(s, s.tags()))
	case n < 55:
		s.report()
	case n < 68:
		s.mergeByHand()
	case n < 72:
		s.closeOne()
	case n < 74:
		s.reopenOne()
	case n < 77:
		s.push(place, simPick(s, append(s.tags(), "hotfix-1", "0.9.0", "9.0.0")))
	case n < 79:
		s.met["mixed"]++
		s.note("mixed or unreadable: %v", place)
		s.forge.commit(place, simPick(s, []string{simManifest(app, "1.0.0", "mixed"), simUnreadable}))
	case n < 81:
		s.revert(place)
	case n < 83:
		s.pushOnTop()
	case n < 93:
		s.comment()
	case n < 95:
		s.handMade()
	case n < 96:
		s.configure(simPick(s, s.configs))
		s.note(".ferry.yaml changes to the %dth", slices.Index(s.configs, s.config))
		s.observePulls()
		for _, f := range s.facts {
			f.dirty = true
		}
	default:
		s.timePasses()
	}
}

// simTagOf returns the nth new tag; some have no order by themselves.
func simTagOf(n int) string {
	if n%3 == 0 {
		return fmt.Sprintf("main-%d", n)
	}
	return fmt.Sprintf("1.%d.0", n)
}

// release lets a new release arrive in dev, now and then with a digest.
func (s *sim) release(app string) {
	s.minor++
	s.push(simPlace{app, "dev"}, simTagOf(s.minor))
}

func (s *sim) push(place simPlace, tag string) {
	s.note("somebody commits %s to %v", tag, place)
	s.forge.commit(place, simManifest(place.app, tag))
}

// revert lets somebody take back the last change of the place, as `git revert` does.
func (s *sim) revert(place simPlace) {
	var before []string
	for _, rev := range s.forge.line {
		if rev.place == place {
			before = append(before, rev.content)
		}
	}
	if len(before) > 1 {
		s.note("somebody reverts %v", place)
		s.forge.commit(place, before[len(before)-2])
	}
}

// timePasses moves the clock, at times far, and at times to just before and just to when a plan says that time alone may change it.
func (s *sim) timePasses() {
	if s.r.IntN(2) == 0 {
		s.now = s.now.Add(time.Duration(s.r.IntN(6*60)) * time.Minute)
		return
	}
	f := s.facts[simPick(s, s.apps)]
	if f.due.After(s.now) {
		s.now = f.due
	}
}

func (s *sim) openPulls() (list []*simPull) {
	for _, p := range s.forge.pulls {
		if p.open {
			list = append(list, p)
		}
	}
	return list
}

// mergeByHand lets a person merge a pull request whose gates are green, as where ferry/gates is a required status. Most of the time: the one that waits
// the longest.
func (s *sim) mergeByHand() {
	open := s.openPulls()
	if len(open) == 0 {
		return
	}
	p := simPick(s, open)
	if !s.forge.merges(p) || s.forge.statuses[fmt.Sprint(p.head, " ", promotion.GatesContext)].State != forge.Success {
		return
	}
	s.note("somebody merges #%d, %s into %v", p.number, simBrings(p), p.place)
	s.forge.merge(p)
	s.met["merged by hand"]++
}

// closeOne lets a person or another bot close a pull request.
func (s *sim) closeOne() {
	if open := s.openPulls(); len(open) > 0 {
		p := simPick(s, open)
		p.open, p.armed, p.closer = false, "", simPick(s, []string{"ann", "ann", "stale[bot]"})
		if p.closer != "ann" {
			s.met["closed by a bot"]++
		}
		s.note("%s closes #%d, %s into %v", p.closer, p.number, simBrings(p), p.place)
	}
}

func (s *sim) reopenOne() {
	var list []*simPull
	for _, p := range s.forge.pulls {
		if s.forge.reopens(p) {
			list = append(list, p)
		}
	}
	if len(list) > 0 {
		p := simPick(s, list)
		s.note("somebody reopens #%d", p.number)
		p.open, p.closer, p.reopened = true, "", true
		s.met["reopened"]++
	}
}

// pushOnTop lets somebody push onto a promotion's branch.
func (s *sim) pushOnTop() {
	if open := s.openPulls(); len(open) > 0 {
		p := simPick(s, open)
		s.ids++
		p.head, p.known, p.pusher, p.headAt = forge.SHA(fmt.Sprintf("%040x", 3_000_000+s.ids)), false, "bob", s.now
		s.met["pushed upon"]++
		s.note("bob pushes onto #%d", p.number)
	}
}

// simAgent is an agent, or what of several of one cluster counts.
type simAgent struct {
	counts promotion.Report
	at     time.Time // the sender's time of what counts
	said   int       // where that stands in the log
}

// report lets an agent say how it is: at the head or at something older, late, twice, or of a revision that nobody knows.
func (s *sim) report() {
	env := simPick(s, []string{"dev", "dev", "staging", "canary", "prod", "prod-eu"})
	cluster := config.DefaultCluster
	if settings, ok := s.config.Environment(env); ok {
		cluster = simPick(s, settings.Clusters)
	}
	r := promotion.Report{Cluster: cluster, Seq: s.forge.seq, ReceivedAt: s.now, Health: simPick(s, []promotion.Health{promotion.HealthHealthy, promotion.HealthHealthy, promotion.HealthHealthy,
		promotion.HealthHealthy, promotion.HealthProgressing, promotion.HealthDegraded, promotion.HealthFailed, promotion.HealthUnknown})}
	at := s.now
	switch s.r.IntN(10) {
	case 0:
		r.Seq = 1 + s.r.Int64N(s.forge.seq)
	case 1:
		at = at.Add(-time.Duration(s.r.IntN(40)) * time.Minute) // it comes late
	case 2, 3:
		r.Every = simPick(s, []time.Duration{time.Minute, 5 * time.Minute})
	}
	r.Revision = sha(r.Seq)
	a := s.agents[env+"/"+cluster]
	if a == nil {
		a = &simAgent{}
	}
	if at.Before(a.at) {
		s.note("%s/%s says too late that it was %s at %d", env, cluster, r.Health, r.Seq)
		return
	}
	s.note("%s/%s is %s at %d", env, cluster, r.Health, r.Seq)
	if r.DegradedAt = a.counts.DegradedAt; r.Health == promotion.HealthDegraded || r.Health == promotion.HealthFailed {
		r.DegradedAt = s.now
	}
	well := int64(0)
	if a.counts.Health == promotion.HealthHealthy {
		well = a.counts.Seq
	}
	before := a.said
	a.counts, a.at, a.said = r, at, len(s.said)
	s.said = append(s.said, simSaid{before: before, env: env, cluster: cluster, seq: r.Seq, health: r.Health, at: s.now, every: r.Every, well: well, seen: map[string]bool{}})
	s.agents[env+"/"+cluster] = a
	for _, f := range s.facts {
		f.dirty = true
	}
}
