package promotion_test

import (
	"fmt"
	"slices"
	"strings"

	"ferry/forge"
	"ferry/promotion"
)

// arm lets somebody tell the forge to merge a pull request by itself, or take that back.
func (s *sim) arm() {
	open := s.openPulls()
	if len(open) == 0 {
		return
	}
	p := simPick(s, open)
	if p.armed != "" {
		s.note("%s takes auto-merge back from #%d", p.armed, p.number)
		p.armed = ""
		return
	}
	if s.gatesOf(p).State == forge.Success { // then there is nothing to wait for
		return
	}
	p.armed = simPick(s, []string{"bob", "cyn"})
	s.note("%s enables auto-merge of #%d", p.armed, p.number)
}

func (s *sim) gatesOf(p *simPull) forge.Status {
	return s.forge.statuses[fmt.Sprint(p.head, " ", promotion.GatesContext)]
}

// mergesItself lets the forge merge what is armed and has become green.
func (s *sim) mergesItself(head forge.SHA, status forge.Status) {
	for _, p := range s.forge.pulls {
		if p.armed != "" && p.head == head && status.Context == promotion.GatesContext && status.State == forge.Success && s.forge.merges(p) {
			s.note("the forge merges #%d, %s into %v, for %s", p.number, simBrings(p), p.place, p.armed)
			s.met["merged by the forge itself"]++
			s.forge.merge(p)
		}
	}
}

// actDisarms takes back what a plan wants taken back.
func (s *sim) actDisarms(app string) {
	f := s.facts[app]
	for _, d := range f.plan.Disarms {
		p, m := s.forge.pull(d.Number), s.sawOf(d.Number)
		if p.armed == "" || m.armed.AutoMerge == "" {
			continue
		}
		s.note("Ferry disarms #%d: %s", p.number, d.Reason)
		s.met["disarmed"]++
		m.armed.Disarmed = promotion.DisarmedWords(forge.Armed{AutoMerge: p.armed}, d.Reason)
		p.armed, m.armed.AutoMerge, f.dirty = "", "", true
	}
}

// showsOther takes back, before a pull request shows something else, that the forge merges it by itself: that was said of what it showed.
func (s *sim) showsOther(p *simPull, w promotion.PullWish) {
	if p.armed == "" || len(s.rowsOf(p.number)) == 0 {
		return
	}
	m := s.sawOf(p.number)
	s.met["disarmed"]++
	m.armed = promotion.Armed{At: m.armed.At, Disarmed: promotion.DisarmedWords(forge.Armed{AutoMerge: p.armed}, w.ShowsOther())}
	p.armed, s.facts[p.place.app].dirty = "", true
}

// readsChecks says whether what is open stays as it is, which it does for a bounded time.
func (s *sim) readsChecks(p *simPull) bool {
	return slices.ContainsFunc(s.rowsOf(p.number), func(m *simPromotion) bool {
		return strings.HasPrefix(s.facts[m.app].viewOf(m.env).Why, "Ferry reads the checks of ")
	})
}

// armedAtRest fails where the forge would merge what somebody has stopped.
func (s *sim) armedAtRest(p *simPull) {
	if p == nil || p.armed == "" {
		return
	}
	status := s.gatesOf(p)
	stopped := status.State == forge.Failure
	if s.readsChecks(p) {
		return
	}
	for _, m := range s.rowsOf(p.number) {
		place := simPlace{m.app, m.env}
		stopped = stopped || s.isHeld(place) || s.isFrozenBySomebody(place) && !s.overrode(m.app, p.number, "freeze")
	}
	if stopped {
		s.wrong("#%d is armed by %s, and ferry/gates is %+v", p.number, p.armed, status)
	}
}

// viewOf returns what the last plan showed of the environment.
func (f *simFacts) viewOf(env string) promotion.EnvironmentView {
	i := slices.IndexFunc(f.plan.View.Environments, func(v promotion.EnvironmentView) bool { return v.Name == env })
	if i < 0 {
		return promotion.EnvironmentView{}
	}
	return f.plan.View.Environments[i]
}
