package promotion_test

import (
	"fmt"
	"slices"
	"strings"

	"ferry/forge"
	"ferry/promotion"
)

// simWorld is what .ferry.yaml says in turn, and which apps there are.
type simWorld struct {
	name    string
	wide    bool // people approve, override and arm, CI posts checks, and hotfixes come
	apps    []string
	groups  []string
	configs []string
}

func simWorlds() []simWorld { return []simWorld{simPlain(), simWide(), simTrains()} }

func simPlain() simWorld {
	return simWorld{name: "plain", apps: []string{"cart", "checkout"}, configs: simConfigs()}
}

func simWide() simWorld {
	return simWorld{name: "wide", wide: true, apps: []string{"cart", "checkout", "web"}, configs: simWideConfigs()}
}

// What the policies of the wide world say; policiesLet says it by other means.
const (
	simNoMains = `{name: no-mains, rule: 'intent == "rollback" || !release.version.startsWith("main-")'}`
	simSoaked  = `{name: soaked, rule: 'upstream.all(u, u.soaked >= duration("15m"))'}`
)

func simWideConfigs() []string {
	const top = "apiVersion: ferry/v1\nmode: release\nenvironments:\n  - {name: dev}\n"
	return []string{
		top + `
  - {name: staging, from: [dev], checks: [e2e], merge: auto, unprotected: allow}
  - {name: canary, from: [dev], max_open: 1, supersede: queue}
  - {name: prod, from: [staging], approvals: 1, merge: auto, unprotected: allow, max_open: 1, rollback: auto}
  - {name: prod-eu, from: {any: [staging, canary]}, merge: auto, unprotected: allow, max_open: 2, policy: [` + simNoMains + `]}` + simApps,
		top + `
  - {name: staging, from: [dev], soak: 5m, approvals: 1, merge: auto, unprotected: allow, max_open: 1}
  - {name: canary, from: [dev], merge: auto, unprotected: allow, rollback: auto}
  - {name: prod, from: [canary], approvals: 2, checks: [e2e, {name: scan, posted_by: trivy}], freeze: [{kind: deny, schedule: "0 * * * *", duration: 15m, reason: the hour begins}]}
  - {name: prod-eu, from: [canary], supersede: batch, window: 20m, max_open: 1, merge: auto, unprotected: allow, policy: [` + simSoaked + `]}` + simApps,
		top + `
  - {name: staging, from: [dev], merge: auto, unprotected: allow}
  - {name: canary, from: [dev], max_open: 2, supersede: batch}
  - {name: prod, from: [staging, canary], merge: auto, unprotected: allow, rollback: pr, max_open: 1, supersede: queue}
  - {name: prod-eu, from: [staging], approvals: 1, soak: 10m, checks: [e2e], rollback: auto, freeze: [{kind: deny, schedule: "0 * * * *", duration: 15m, reason: the hour begins}]}` + simApps,
	}
}

// wideEvent lets one thing happen of those that the plain world does not have.
func (s *sim) wideEvent() {
	switch n := s.r.IntN(100); {
	case n < 25:
		s.review()
	case n < 45:
		s.postCheck()
	case n < 55:
		s.arm()
	case n < 75:
		s.sayUnder()
	case n < 79:
		s.hotfix()
	case n < 83:
		s.lift()
	case n < 93:
		s.report()
	default:
		s.mergeByHand()
	}
}

// sayUnder lets somebody say something about exactly what a pull request shows, now and then late.
func (s *sim) sayUnder() {
	open := s.openPulls()
	if len(open) == 0 {
		return
	}
	p, who := simPick(s, open), simPick(s, append(simPersons(), simPersons()[0], simPersons()[0]))
	c := simComment{place: p.place, permission: who.Permission, login: who.Login, number: p.number, said: s.now}
	c.body = simPick(s, []string{"/approve", "/approve", "/override soak we are late", "/override approvals nobody is there", "/override checks they lie", "/override freeze it burns",
		"/override policy just this once", "/override hotfix it has it", "/override upstream it will be well", "/override hold no"}) + "\n"
	s.note("%s says %q on #%d", who.Login, c.body, p.number)
	s.people.unheard = append(s.people.unheard, c)
}

// lift lets somebody take back whatever was stopped: else histories end with everything stopped.
func (s *sim) lift() {
	c := simComment{permission: forge.PermissionMaintain, login: "ann", body: "/thaw all\n/resume all\n"}
	for _, b := range s.people.blocks {
		c.body += "/unblock " + b.App + " " + b.Image.Tag + "\n"
	}
	s.note("ann lifts everything")
	s.people.unheard = append(s.people.unheard, c)
}

// hotfix lets somebody ask for a release that upstream never had.
func (s *sim) hotfix() {
	c := simComment{permission: simPick(s, simPersons()[:2]).Permission, login: "ann"}
	c.body = fmt.Sprintf("/hotfix %s %s %s it burns\n", simPick(s, s.apps), simPick(s, simEnvironments()[1:]), simPick(s, []string{"burning", fmt.Sprintf("1.%d.7", s.r.IntN(s.minor+2))}))
	s.note("somebody who may %s says %q", c.permission, c.body)
	s.people.unheard = append(s.people.unheard, c)
}

// fillBrought puts into a place of the snapshot what the database would give of the promotions that were merged there.
func (f *simFacts) fillBrought(env *promotion.Environment) {
	for _, m := range f.promotions {
		if m.env != env.Name || m.MergeSHA == "" {
			continue
		}
		if m.Intent == promotion.IntentHotfix {
			env.Hotfix = &promotion.Hotfix{Release: m.Release, Actor: m.Asker, Reason: m.Reason, At: m.OpenedAt}
		}
		if one := m.Promotion; one.State != promotion.PromotionSuperseded {
			env.Brought = &one
		}
	}
}

// fillWide puts into a place of the snapshot what the database would give of approvals, overrides, arming and rooms.
func (s *sim) fillWide(f *simFacts, place simPlace, env *promotion.Environment) {
	s.fillRoom(place, env)
	s.fillOfTrains(place, env)
	if m := f.living(env.Name); m != nil && env.Pull != nil {
		env.Pull.Armed, env.Pull.Edit = m.armed, s.showed[m.head].edit
		s.fillPeople(m, env)
	}
}

// knows puts into the snapshot what is known of sources and checks.
func (s *sim) knows(out *promotion.Snapshot, f *simFacts) {
	out.Self = simSelf()
	for n := len(f.sources); n < s.minor; n++ {
		tag := simTagOf(n + 1)
		image := promotion.Image{Name: "ghcr.io/acme/" + out.App.Name, Tag: tag}
		f.sources = append(f.sources, promotion.Announced{Image: image, Source: "acme/" + out.App.Name, Commit: simSource(tag)})
		if who := simAuthor(tag); who != "" {
			a := promotion.Author{Source: "acme/" + out.App.Name, Commit: simSource(tag)}
			a.ID, a.Login = simID(who), who
			f.authors = append(f.authors, a)
		}
	}
	out.Sources, out.Authors = slices.Clip(f.sources), slices.Clip(f.authors)
	out.CheckWants, out.Checked = slices.Clone(f.wants), s.checked()
}

// writeWide writes down what a plan says of checks, rooms and back-fills.
func (s *sim) writeWide(app string, before promotion.Snapshot, plan promotion.Plan) {
	f := s.facts[app]
	s.want(f, plan.CheckWants)
	s.writeRooms(app, before, plan)
	for _, w := range plan.Intents {
		s.met["a back-fill"]++
		s.people.intents[simPlace{app, w.Environment}] = w.Intent
		f.dirty = true
	}
}

// meets counts how often a gate was shut, and overridden.
func (s *sim) meets(g promotion.Gate) {
	switch {
	case strings.HasPrefix(g.Reason, "overridden by "):
		s.met["overridden"]++
	case g.State == promotion.GateOpen || !slices.Contains([]string{"approvals", "checks", "policy", "room", "queue"}, g.Name):
	case g.Name == "approvals" && g.State == promotion.GateClosed:
		s.met["somebody wants changes"]++
	default:
		s.met[map[string]string{"approvals": "lacks approvals", "checks": "lacks a check", "policy": "a policy says no", "room": "waits for room", "queue": "waits in a queue"}[g.Name]]++
	}
}
