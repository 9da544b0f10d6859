package promotion_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"ferry/forge"
	"ferry/promotion"
)

// simShowed is what a head that Ferry made shows.
type simShowed struct{ edit, content string }

func simPersons() []promotion.Person {
	return []promotion.Person{
		{User: forge.User{ID: 1, Login: "ann"}, Permission: forge.PermissionMaintain},
		{User: forge.User{ID: 2, Login: "bob"}, Permission: forge.PermissionWrite},
		{User: forge.User{ID: 3, Login: "cyn"}, Permission: forge.PermissionWrite},
		{User: forge.User{ID: 4, Login: "dan"}, Permission: forge.PermissionRead},
	}
}

func simSelf() forge.User { return forge.User{ID: 9, Login: simFerry, Bot: true} }

func simID(login string) int64 {
	for _, p := range simPersons() {
		if p.Login == login {
			return p.ID
		}
	}
	return 0
}

// simNumber returns which new tag this is; 0 for one that CI never built.
func simNumber(tag string) int {
	digits, isMain := strings.CutPrefix(tag, "main-")
	if !isMain {
		digits = strings.TrimSuffix(strings.TrimPrefix(tag, "1."), ".0")
	}
	if n, err := strconv.Atoi(digits); err == nil && n > 0 && simTagOf(n) == tag {
		return n
	}
	return 0
}

// simSource returns the commit that CI built a tag from.
func simSource(tag string) forge.SHA {
	return forge.SHA(fmt.Sprintf("%040x", 4_000_000+simNumber(tag)))
}

// simAuthor returns who made the commit that CI built a tag from; "" where nobody knows.
func simAuthor(tag string) string {
	if n := simNumber(tag); n > 0 {
		return []string{"ann", "bob", ""}[n%3]
	}
	return ""
}

// review lets somebody approve a pull request, want changes, or dismiss what somebody said; mostly of what it shows now.
func (s *sim) review() {
	open := s.openPulls()
	if len(open) == 0 {
		return
	}
	p, who := simPick(s, open), simPick(s, simPersons())
	r := promotion.Review{Person: who, Verdict: simPick(s, []promotion.Verdict{promotion.VerdictApproved, promotion.VerdictApproved, promotion.VerdictApproved, promotion.VerdictChanges}), SHA: p.head, At: s.now}
	if s.r.IntN(6) == 0 {
		r.SHA = simPick(s, p.heads)
	}
	mine := slices.IndexFunc(p.reviews, func(x promotion.Review) bool { return x.ID == who.ID })
	switch {
	case mine < 0:
		p.reviews = append(p.reviews, r)
	case p.reviews[mine].Verdict == promotion.VerdictChanges && s.r.IntN(2) == 0:
		p.reviews[mine].Verdict = promotion.VerdictDismissed
	default:
		p.reviews = slices.Clone(p.reviews)
		p.reviews[mine] = r
	}
	s.note("%s reviews #%d: %s at %s", who.Login, p.number, r.Verdict, r.SHA.Short())
}

// observePeople reads what people say of a pull request.
func (s *sim) observePeople(m *simSeen, p *simPull) {
	if m.headAt = p.headAt; m.armed.AutoMerge != p.armed {
		m.armed.AutoMerge = p.armed
		if p.armed != "" {
			m.armed.At, m.armed.Disarmed = s.now, ""
		}
	}
	m.reviews = slices.Clone(p.reviews)
	for i := range m.reviews {
		m.reviews[i].Edit = s.showed[m.reviews[i].SHA].edit
	}
}

// fillPeople puts what people gave the living pull request into the snapshot.
func (s *sim) fillPeople(m *simPromotion, env *promotion.Environment) {
	if promotion.NeedsReviews(env.Environment) {
		env.Reviews = slices.Concat(m.reviews, m.approvals)
	}
	for _, o := range slices.Backward(m.overrides) {
		if m.known && s.alike(o.Head, m.head) {
			env.Waivers = append(env.Waivers, promotion.Waiver{Gate: o.Gate, Release: m.Release, Actor: o.Actor.Login, Reason: o.Reason, At: o.At})
		}
	}
}

// alike says whether two heads show byte for byte the same.
func (s *sim) alike(a, b forge.SHA) bool {
	return a == b || s.showed[a].content != "" && s.showed[a].content == s.showed[b].content
}

// shownTo returns what the pull request of a comment showed when that was made, as far as Ferry knows.
func (s *sim) shownTo(c simComment) *promotion.Shown {
	if c.number == 0 {
		return nil
	}
	rows := s.rowsOf(c.number)
	if len(rows) == 0 {
		return nil
	}
	m := rows[0]
	shown := promotion.Shown{Number: m.Number, Head: m.head, Edit: s.showed[m.head].edit, Void: promotion.VoidAt(m.Number, m.open, m.known, m.headAt, c.said)}
	for _, m := range rows {
		shown.Release = append(shown.Release, m.Release...)
		if m.Train != "" && m.living() {
			shown.Cars = append(shown.Cars, promotion.Car{App: m.app, Release: m.Release})
		}
	}
	return &shown
}

// given writes down what a comment gives a pull request. It has to be about what that showed when the comment was made.
func (s *sim) given(c simComment, out promotion.Outcome) {
	if c.number == 0 || len(out.Approvals)+len(out.Overrides) == 0 {
		return
	}
	m, p := s.sawOf(c.number), s.forge.pull(c.number)
	if p.head == m.head && !p.headAt.Before(c.said) {
		s.wrong("%q on #%d counts for a head that came only then", c.body, c.number)
	}
	for _, a := range out.Approvals {
		s.ids++
		r := promotion.Review{Person: promotion.Person{User: forge.User{ID: simID(c.login), Login: c.login}, Permission: c.permission}, Verdict: promotion.VerdictApproved, SHA: a.Head, Edit: a.Edit, At: c.said, Comment: s.ids}
		m.approvals = append(m.approvals, r)
	}
	m.overrides = append(m.overrides, out.Overrides...)
}

// overrode says whether somebody who may overrode the gate for exactly what the pull request shows.
func (s *sim) overrode(app string, number int, gate string) bool {
	m := s.facts[app].numbered(number)
	return number > 0 && m != nil && m.known && slices.ContainsFunc(m.overrides, func(o promotion.Override) bool { return o.Gate == gate && s.alike(o.Head, m.head) })
}

// isApproved says whether as many people as the environment asks for approve exactly what the pull request shows, and nobody who may wants changes: of
// each person what they said last counts, not what the author or the asker says, nor what somebody says who may not.
func (s *sim) isApproved(place simPlace, of promotion.Promotion) bool {
	env, _ := s.settings(place.env)
	m := s.facts[place.app].numbered(of.Number)
	if env.Approvals == 0 {
		return true
	}
	if m == nil || !m.known {
		return false
	}
	approving := 0
	for _, who := range simPersons() {
		var last promotion.Review
		for _, r := range slices.Concat(m.reviews, m.approvals) {
			if r.Login == who.Login && (r.At.After(last.At) || r.At.Equal(last.At) && r.Verdict == promotion.VerdictChanges) {
				last = r
			}
		}
		switch {
		case who.Permission < forge.PermissionWrite, last.Verdict == "", last.Verdict == promotion.VerdictDismissed:
		case last.Verdict == promotion.VerdictChanges:
			return false
		case s.alike(last.SHA, m.head) && !slices.Contains(strings.Split(of.Asker, ", "), who.Login) && simAuthor(of.Release.Version()) != who.Login:
			approving++
		}
	}
	if approving >= env.Approvals {
		s.met["approved"]++
	}
	return approving >= env.Approvals
}
