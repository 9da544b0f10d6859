package promotion

import (
	"fmt"
	"strings"
	"time"
)

// shownFor is how long what waits has to have been on show before anybody can mean it: the forge's clock and Ferry's need not agree.
const shownFor = 5 * time.Second

// unseen says why what a comment says about the release that waits in a cell is void; "" where it was on show when the comment was made.
func (e *execution) unseen(app string, cell EnvironmentView) string {
	since := cell.ProposedSince
	if !since.IsZero() && since.Add(shownFor).Before(e.Said) {
		return ""
	}
	what := code(app + " " + cell.Proposed.Version())
	if since.IsZero() {
		return fmt.Sprintf("Ferry cannot tell whether %s was to come into %s when you wrote that. Look at it, and say it again", what, code(cell.Name))
	}
	return fmt.Sprintf("%s is what is to come into %s since %s only. Look at it, and say it again", what, code(cell.Name), instant(since))
}

// ofTrain reads an override of a gate that is an app's own, by the name of an app that travels with others. It returns the words without that name, and
// false where it is none.
func (e *execution) ofTrain(c Command) (app, environment string, words []string, ok bool) {
	if c.Name != CommandOverride {
		return "", "", nil, false
	}
	app, environment, words = e.target(c.Words)
	if app == "" && environment == "" && len(words) > 1 {
		gate := words[0]
		app, environment, words = e.target(words[1:])
		words = append([]string{gate}, words...)
	}
	return app, environment, words, app != "" && app != "all" && !e.isGroup(app) && e.groupOf(app) != ""
}

// waive overrides a gate of an app that stays behind its train.
func (e *execution) waive(app, environment string, words []string) {
	if environment == "" && e.App == e.groupOf(app) {
		environment = e.Environment
	}
	if len(words) == 0 {
		e.refuse("`/override` which gate of %s? `/override gate %s the reason`.", code(app), app)
		return
	}
	gate, reason := strings.ToLower(strings.Trim(words[0], "`,:")), clip(oneLine(strings.Join(words[1:], " ")), 300)
	if way, ok := ownWayOut(gate); ok {
		e.refuse("%s is not overridden: %s.", code(gate), way)
		return
	}
	cell, ok := e.carCell(app, environment, gate)
	if !ok {
		return
	}
	standing, void := gateNamed(cell.Gates, gate), e.unseen(app, cell)
	switch {
	case standing.State == "":
		e.refuse("%s is no gate of %s in %s.%s", code(clip(gate, 60)), code(app), code(cell.Name), e.ownGates(app, cell))
	case standing.State == GateOpen:
		e.say("%s is open for %s in %s: there is nothing to override.", code(gate), code(app+" "+cell.Proposed.Version()), code(cell.Name))
	case whole(gate) && cell.Behind != gate:
		e.refuse("%s shuts the whole train, and is not %s's alone: say `/override %s` and the reason under its pull request.", code(gate), code(app), gate)
	case void != "":
		e.refuse("`/override` is void: %s.", void)
	case reason == "":
		e.refuse("`/override %s %s` why? Everybody who looks at it reads the reason: `/override %s %s %s the reason`.", gate, app, gate, app, cell.Name)
	default:
		w := Waived{App: app, Environment: cell.Name, From: cell.Release, Waiver: Waiver{Gate: gate, Release: cell.Proposed, Actor: e.Login, Reason: reason, At: e.Now}}
		e.out.Waived = append(e.out.Waived, w)
		e.say("Overridden: %s for %s in %s, by %s: %s. That holds for this release of it in the place of what stands there, and for nothing else in the train.",
			code(gate), code(app+" "+w.Release.Version()), code(cell.Name), escape(e.Login), escape(reason))
	}
}

// carCell returns the cell of the app that a command about its gate means: of the named environment, else the one where that gate is shut. It returns
// false after a refusal.
func (e *execution) carCell(app, environment, gate string) (cell EnvironmentView, ok bool) {
	var cars, shut []EnvironmentView
	for _, v := range e.Views {
		for _, one := range v.Environments {
			if v.App != app || environment != "" && one.Name != environment || one.Proposed == nil || one.Train == "" {
				continue
			}
			cars = append(cars, one)
			if g := gateNamed(one.Gates, gate); g.State != "" && g.State != GateOpen {
				shut = append(shut, one)
			}
		}
	}
	if len(shut) > 0 {
		cars = shut
	}
	switch len(cars) {
	case 1:
		return cars[0], true
	case 0:
		e.refuse("No release of %s is to come with a train%s. `/status %s` says what is.", code(app), strings.TrimSuffix(" into "+code(environment), " into "), app)
	default:
		var names []string
		for _, one := range cars {
			names = append(names, code(one.Name))
		}
		e.refuse("`/override %s %s` where? Name one of %s.", gate, app, choices(names))
	}
	return cell, false
}

// ownGates names the gates that keep the app out of its train, and that an override would open.
func (e *execution) ownGates(app string, cell EnvironmentView) string {
	var names []string
	for _, g := range cell.Gates {
		if _, ownWay := ownWayOut(g.Name); !ownWay && g.State != GateOpen && (!whole(g.Name) || cell.Behind == g.Name) {
			names = append(names, fmt.Sprintf("`/override %s %s %s reason`", g.Name, app, cell.Name))
		}
	}
	if len(names) == 0 {
		return ""
	}
	return fmt.Sprintf(" What keeps it out of the train opens with %s.", strings.Join(names, " and "))
}

// behindHere says which apps stay behind the train of the pull request, and how they are let on; "" where none does, or none can be.
func (e *execution) behindHere() string {
	var words strings.Builder
	for _, v := range e.Views {
		if cell := v.Find(e.Environment); cell != nil && cell.Train != "" && cell.Train == e.App && cell.Behind != "" {
			if ways := e.ownGates(v.App, *cell); ways != "" {
				fmt.Fprintf(&words, " %s stays behind.%s", code(v.App+" "+cell.Proposed.Version()), ways)
			}
		}
	}
	return words.String()
}
