package promotion_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"ferry/forge"
	"ferry/promotion"
)

// act brings one pull request to its wish. A crash comes between the forge's answer and the database's commit.
func (s *sim) act(app, env string, crash bool) {
	f := s.facts[app]
	w := f.wishes[env]
	if w == nil || w.done {
		return
	}
	place := simPlace{app, env}
	if !w.desired.Open {
		s.actClose(place, w, crash)
		return
	}
	base, same := s.basesOf(w.desired)
	if !same {
		f.dirty = true // a manifest changed since the edit was planned
		return
	}
	p := s.forge.openOn(place)
	switch {
	case w.number == 0 && p != nil && !p.known:
		s.observePulls()
		return
	case w.number == 0 && p == nil:
		p = &simPull{number: len(s.forge.pulls) + 1, place: place, open: true}
		s.forge.pulls = append(s.forge.pulls, p)
		s.note("#%d is opened: %s", p.number, w.desired.Title)
	case w.number > 0:
		if p = s.forge.pull(w.number); !p.open || !p.known && !p.anew {
			s.observePulls()
			f.dirty = true
			return
		}
	}
	if p.shows.Edit != w.desired.Edit || !slices.Equal(p.shows.Blobs, w.desired.Blobs) || p.shows.Message != w.desired.Message {
		s.ids++
		s.showsOther(p, w.desired)
		p.head, p.known, p.anew, p.base = forge.SHA(fmt.Sprintf("%040x", 2_000_000+s.ids)), true, false, base
		p.headAt, p.heads = s.now, append(p.heads, p.head)
		s.showed[p.head] = simShowed{edit: w.desired.Edit, content: contentOf(w.desired)}
		s.note("#%d shows %s", p.number, carNames(carsOf(w.desired, app)))
	}
	p.shows, p.title, p.body = w.desired, w.desired.Title, promotion.MergeBody(p.body, w.desired.Body)
	if crash {
		s.met["a crash"]++
		s.note("a crash")
		return
	}
	w.number, w.applied, w.done = p.number, w.desired, true
	s.shown(p)
}

// basesOf returns what stands in the files that a wish changes, and whether that is what it was made on.
func (s *sim) basesOf(w promotion.PullWish) (base map[simPlace]string, same bool) {
	base = map[simPlace]string{}
	for i, f := range w.Files {
		place := simPlaceOf(f.Path)
		in := s.facts[place.app].in(place.env)
		if in.file.Blob != w.Blobs[i] {
			return nil, false
		}
		base[place] = string(in.file.Content)
	}
	return base, true
}

// contentOf is all that a wish brings.
func contentOf(w promotion.PullWish) string {
	if len(w.Files) == 1 {
		return string(w.Files[0].Content)
	}
	var b strings.Builder
	for _, f := range w.Files {
		fmt.Fprintf(&b, "%s\n%s\n", f.Path, f.Content)
	}
	return b.String()
}

// simBrings names what the pull request brings.
func simBrings(p *simPull) string { return carNames(carsOf(p.shows, p.place.app)) }

func (s *sim) actClose(place simPlace, w *simWish, crash bool) {
	f := s.facts[place.app]
	number := w.number
	if number == 0 {
		number = w.desired.Number
	}
	if number == 0 {
		if p := s.forge.openOn(place); p != nil {
			number = p.number
		}
	}
	if number == 0 {
		delete(f.wishes, place.env)
		return
	}
	p := s.forge.pull(number)
	if p.merged || !p.known || !p.open && !p.said {
		s.observePulls()
		f.dirty = true
		if rows := s.rowsOf(number); len(rows) > 0 && !slices.ContainsFunc(rows, (*simPromotion).living) {
			delete(f.wishes, place.env) // the plan that follows has nothing to close
		}
		return
	}
	if p.open {
		p.open, p.armed, p.closer, p.said = false, "", simFerry, true
		s.met["superseded"]++
		s.note("#%d is closed as superseded: %s", p.number, w.desired.Reason)
	}
	if crash {
		s.note("a crash")
		return
	}
	for _, m := range s.rowsOf(number) {
		if m.living() {
			m.State, m.open = promotion.PromotionSuperseded, false
			s.facts[m.app].dirty = true
		}
	}
	s.sawOf(number).open = false
	delete(f.wishes, place.env)
	f.dirty = true
}

// actMerge merges a pull request where everything heard until now still lets it.
func (s *sim) actMerge(app, env string) {
	f := s.facts[app]
	before, ok := f.merges[env]
	if !ok {
		return
	}
	s.hear()
	s.decide(app)
	now, still := f.merges[env]
	if !still || !reflect.DeepEqual(now, before) {
		return
	}
	p := s.forge.pull(now.Number)
	if !p.open || p.head != now.Head || !s.forge.merges(p) {
		s.observePulls()
		s.observeHead(s.forge.seq)
		f.dirty = true
		return
	}
	s.note("Ferry merges #%d, %s into %s", p.number, simBrings(p), env)
	s.mayMerge(p)
	s.forge.merge(p)
	s.met["merged by Ferry"]++
	if s.r.IntN(2) == 0 {
		s.observePulls() // before the revision is observed
	}
}

// settle works until there is nothing left to do.
func (s *sim) settle() {
	for range 60 {
		before := s.everything()
		s.observePulls()
		s.observeHead(s.forge.seq)
		s.observePulls()
		s.hear()
		s.readChecks()
		for _, name := range s.names() {
			s.decide(name)
			s.actDisarms(name)
			for _, env := range simEnvironments() {
				s.act(name, env, false)
				s.actMerge(name, env)
			}
			if s.isDirty(name) {
				s.decide(name)
			}
		}
		if before == s.everything() {
			return
		}
	}
	s.wrong("Ferry never comes to rest")
}

// everything is a digest of what the forge shows and what Ferry wishes.
func (s *sim) everything() string {
	out := fmt.Sprint(s.forge.seq, s.heads, s.forge.posted, len(s.people.unheard), s.waiting)
	for _, p := range s.forge.pulls {
		out += fmt.Sprint(" ", p.number, p.open, p.merged, p.head, p.title, p.armed, len(p.body))
	}
	for _, name := range s.names() {
		f := s.facts[name]
		for _, env := range simEnvironments() {
			if w := f.wishes[env]; w != nil {
				out += fmt.Sprint(" ", env, w.done, w.number, w.desired.Open, w.desired.Edit)
			}
			if in := f.in(env); len(in.history) > 0 {
				out += fmt.Sprint(f.living(env) != nil, len(in.history), in.history[0].State)
			}
		}
	}
	return out
}

// someWork does a few steps of what is to do, in any order, some of them twice: hints come late, doubled, reordered or not at all.
func (s *sim) someWork() {
	for range s.r.IntN(4) {
		app, env := simPick(s, s.names()), simPick(s, simEnvironments())
		switch s.r.IntN(9) {
		case 0:
			if behind := s.forge.seq - s.heads; behind > 0 {
				s.observeHead(s.heads + 1 + s.r.Int64N(behind))
			}
		case 1:
			s.observePulls()
		case 2:
			s.hear()
			s.readChecks()
		case 3, 4:
			s.decide(app)
			s.decide(app)
			s.actDisarms(app)
		case 5, 7, 8:
			s.act(app, env, s.r.IntN(2) == 0)
		case 6:
			s.actMerge(app, env)
		}
	}
}
