package promotion

import (
	"fmt"
	"slices"
	"strings"

	"ferry/promotion/config"
)

func (e *execution) promote(c Command) {
	app, environment, rest := e.target(c.Words)
	if len(rest) > 0 {
		e.unknownWords(c, rest)
		return
	}
	if app == "" {
		app = e.App
	}
	if environment == "" && app == e.App {
		environment = e.Environment
	}
	if app == "" {
		e.refuse("`/promote` what? Name an app (%s), or `all`.", e.appChoices())
		return
	}
	found := 0
	for _, v := range e.Views {
		if !e.means(app, v.App) {
			continue
		}
		moves := e.movesOf(v, environment)
		for _, m := range moves {
			m.named, m.placed, m.sure = app == v.App, environment != "", app == v.App && (environment != "" || len(moves) == 1)
			e.promoteInto(m)
		}
		found += len(moves)
	}
	e.sumUp(mostTold)
	if found == 0 {
		e.say("There is nothing to promote: %s has no other release upstream.", code(app))
	}
}

// move is what /promote would bring into one environment.
type move struct {
	app   string
	cell  EnvironmentView
	up    *EnvironmentView // from where
	order Order            // of what comes to what stands
	// What the comment names: the app, and not only its group or all; the environment; and whether it can mean only this move.
	named, placed, sure bool
}

// movesOf returns what may come of the app, for each environment that stands elsewhere than its upstream: for the named one, else for all of them.
func (e *execution) movesOf(v View, environment string) (moves []move) {
	for _, cell := range v.Environments {
		env, ok := e.Config.Settings(v.App, cell.Name)
		if !ok || len(env.From) == 0 || environment != "" && cell.Name != environment {
			continue
		}
		if up, order := upstreamOf(v, env, cell); up != nil {
			moves = append(moves, move{app: v.App, cell: cell, up: up, order: order})
		}
	}
	return moves
}

// upstreamOf returns the first `from` environment where another release stands than in the cell, of those where a newer one does if there are any, and how
// that stands to the cell's; nil where there is none, or where the app has no manifest that could show it.
func upstreamOf(v View, env config.Environment, cell EnvironmentView) (first *EnvironmentView, order Order) {
	if cell.Release == nil && cell.Problem == "" {
		return nil, Unordered
	}
	for _, name := range env.From {
		up := v.Find(name)
		if up == nil || len(up.Release) == 0 || up.Problem != "" || cell.Problem == "" && up.Release.Same(cell.Release) {
			continue
		}
		if o := cell.orderFrom(up); first == nil || o == Newer && order != Newer {
			first, order = up, o
		}
	}
	return first, order
}

// orderFrom says where what stands upstream stands to what stands in the cell. What comes makes a cell whole that disagrees in itself, and counts as newer.
func (v EnvironmentView) orderFrom(up *EnvironmentView) Order {
	if v.Problem != "" {
		return Newer
	}
	if o := up.Release.compareVersions(v.Release); o != Unordered {
		return o
	}
	return v.ByTime[up.Name]
}

// promoteInto asks for one move, unless something keeps it out; the answer says so then.
func (e *execution) promoteInto(m move) {
	to, environment := m.up.Release, m.cell.Name
	if g := blockedBy(e.BlocksOn(m.app, environment, FromOf(e.Config, m.app)), to); g.State != GateOpen {
		e.tell("do not go into "+code(environment)+", for somebody blocks them", code(m.app+" "+to.Version()), "%s does not go to %s: %s.", code(to.Version()), code(environment), escape(g.Reason))
		return
	}
	if e.leavesOut(m) || e.mayNotGoBack(m) || e.keepsUrgent(m) {
		return
	}
	if e.out.Intents[m.app] == nil {
		e.out.Intents[m.app] = map[string]Intent{}
	}
	i := Intent{Release: to, Actor: e.Login, At: e.Now}
	if m.order == Older {
		i.From = m.cell.Release // nothing else is taken back for it
		e.tell("go back in "+code(environment)+" as soon as their gates are open", code(m.app), "%s goes back to %s in %s as soon as its gates are open: that is older than %s, which stands there.",
			code(m.app), code(to.versionBeside(i.From)), code(environment), code(i.From.versionBeside(to)))
	} else {
		e.tell(e.goes(environment), code(m.app), "%s goes to %s in %s as soon as its gates are open.", code(m.app), code(to.Version()), code(environment))
	}
	e.out.Intents[m.app][environment] = i
	e.out.Drops = slices.DeleteFunc(slices.Clone(e.out.Drops), m.isDropped) // of the same comment
}

func (m move) isDropped(x Dropped) bool {
	return x.App == m.app && x.Environment == m.cell.Name && x.Release.Same(m.up.Release)
}

// leavesOut says, and answers, that the move is not meant by so wide a word: nobody takes an app back, or lifts what somebody else decided, without naming it.
func (e *execution) leavesOut(m move) bool {
	here, upstream := code(m.cell.Name), code(m.up.Name)
	to, from := code(m.up.Release.versionBeside(m.cell.Release)), code(m.cell.Release.versionBeside(m.up.Release))
	var outcome, why string
	rejection := e.rejectedHere(m.app, m.cell.Name, m.up.Release)
	drops := slices.Concat(e.out.Drops, e.Dropped)
	drop := slices.IndexFunc(drops, m.isDropped)
	switch {
	case m.order == Older && !m.sure:
		outcome, why = "older than what stands there", fmt.Sprintf("%s is older than %s, which stands there", to, from)
	case m.named:
		return false
	case m.order == Unordered && !(m.up.Baseline && m.cell.Baseline): // what stood there at the first look came along the chain, as far as anybody knows
		outcome, why = "in no order to what stands there", fmt.Sprintf("%s cannot be ordered to %s, which stands there", to, from)
	case rejection != nil:
		outcome, why = "rejected there", fmt.Sprintf("%s rejected %s by closing #%d", escape(rejection.Actor), code(m.up.Release.Version()), rejection.Number)
	case drop >= 0:
		outcome, why = "taken out of the train there", fmt.Sprintf("%s took %s out of #%d", escape(drops[drop].Actor), code(m.up.Release.Version()), drops[drop].Number)
	default:
		return false
	}
	way := code("/promote " + m.app + " " + m.cell.Name)
	e.tell(fmt.Sprintf("are left out of %s, for what stands in %s is %s (%s all the same)", here, upstream, outcome, code("/promote APP "+m.cell.Name)), code(m.app+" "+m.up.Release.Version()),
		"%s is left out of %s: %s. %s brings it all the same.", code(m.app), here, why, way)
	return true
}

// mayNotGoBack says, and answers, that the author may not take the app back: that is what a rollback does, and needs the same right.
func (e *execution) mayNotGoBack(m move) bool {
	spec, _ := specOf(IntentRollback)
	if m.order != Older || e.mayIn(spec, m.cell.Name) {
		return false
	}
	e.refuse("%s in %s stays as it is: %s in %s is older than %s, and who takes an app back must be one who may `/rollback`. Let one of them say %s.", code(m.app), code(m.cell.Name),
		code(m.up.Release.versionBeside(m.cell.Release)), code(m.up.Name), code(m.cell.Release.versionBeside(m.up.Release)), code("/promote "+m.app+" "+m.cell.Name))
	e.mayNot(spec, m.cell.Name)
	return true
}

// keepsUrgent says, and answers, that what a person wants in the environment at once is not given up for a promotion: only who may ask for the like gives it
// up, by naming the environment.
func (e *execution) keepsUrgent(m move) bool {
	app, cell := m.app, m.cell
	if cell.Urgent == "" {
		return false
	}
	what := strings.ReplaceAll(cell.Urgent, IntentBackfill, IntentHotfix)
	spec, ok := specOf(what)
	stays := "stay as they are in " + code(cell.Name) + ", where something urgent is under way"
	switch {
	case ok && !e.mayIn(spec, cell.Name):
		e.tell(stays, code(app), "%s in %s stays as it is: a %s is under way there, and who gives that up must be one who may `/%s`.", code(app), code(cell.Name), cell.Urgent, what)
	case !m.placed:
		e.tell(stays, code(app), "%s in %s stays as it is: a %s is under way there. `/promote %s %s` gives that up.", code(app), code(cell.Name), cell.Urgent, app, cell.Name)
	default:
		e.tell("were urgent in "+code(cell.Name)+", which is given up", code(app), "The %s of %s in %s is given up.", cell.Urgent, code(app), code(cell.Name))
		return false
	}
	return true
}
