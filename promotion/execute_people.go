package promotion

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"ferry/forge"
)

// Override is a person's word that one gate need not be open for exactly what a pull request shows.
type Override struct {
	Number int
	Gate   string
	Head   forge.SHA
	Edit   string
	Actor  forge.User
	Reason string
	At     time.Time
}

// Approval is a person's word, by comment, that exactly what a pull request shows may go where it is to go.
type Approval struct {
	Number int
	Head   forge.SHA
	Edit   string
}

// ownWayOut says of the gates that nobody overrides what opens them: a person's decision is lifted by its own command, so that nobody goes over
// somebody else's by the way; and what Ferry or the forge cannot do, no word of a person's makes possible.
func ownWayOut(gate string) (string, bool) {
	way, ok := map[string]string{
		"hold":      "`/resume` lifts a hold",
		"block":     "`/unblock` lifts a block",
		"foreign":   "Ferry merges nothing that it did not make; `/retry` makes it anew",
		"edit":      "Ferry is about to show another release",
		"manifest":  "the manifest has to be mended first",
		"forge":     "the forge refuses; `/retry` asks it again",
		"train":     "it goes with a later train; `/promote` of the app by its name brings it aboard",
		queueGate:   "`/promote` of the app by its name goes ahead of the queue",
		collectGate: "`/promote` of the app by its name goes ahead of the window",
		roomGate:    "it waits for its place in the line; closing or merging another one frees one",
	}[gate]
	return way, ok
}

func (e *execution) approve(c Command) {
	if !e.here(c) || !e.alone(c) {
		return
	}
	e.out.Approvals = append(e.out.Approvals, Approval{Number: e.Shown.Number, Head: e.Shown.Head, Edit: e.Shown.Edit})
	e.give(Given{Command: CommandApprove, Head: e.Shown.Head, Edit: e.Shown.Edit})
	asked := false
	for _, v := range e.Views {
		if settings, ok := e.Config.Settings(v.App, e.Environment); ok && e.means(e.App, v.App) {
			asked = asked || NeedsReviews(settings)
		}
	}
	words := fmt.Sprintf("Approved: %s in %s, as #%d shows it at %s. That holds until it shows something else.", e.shownWords(), code(e.Environment), e.Shown.Number, code(e.Shown.Head.Short()))
	if asked {
		words += e.uncounted()
	} else {
		words += fmt.Sprintf(" No approval is asked for in %s.", code(e.Environment))
	}
	e.say("%s", words)
}

func (e *execution) override(c Command) {
	if app, environment, words, ok := e.ofTrain(c); ok {
		e.waive(app, environment, words)
		return
	}
	_, _, rest := e.target(c.Words)
	if !e.here(c) {
		return
	}
	if len(rest) == 0 {
		e.refuse("`/override` which gate? %s", e.shutHere())
		return
	}
	gate := strings.ToLower(strings.Trim(rest[0], "`,:"))
	if way, ok := ownWayOut(gate); ok {
		e.refuse("%s is not overridden: %s.", code(gate), way)
		return
	}
	standing, known := e.gateHere(gate)
	reason := clip(oneLine(strings.Join(rest[1:], " ")), 300)
	switch {
	case !known:
		e.refuse("%s is no gate of #%d. %s", code(clip(gate, 60)), e.Shown.Number, e.shutHere())
	case standing.State == GateOpen:
		e.say("%s is open: there is nothing to override.", code(gate))
	case reason == "":
		e.refuse("`/override %s` why? Everybody who looks at it reads the reason: `/override %s the reason`.", gate, gate)
	default:
		o := Override{Number: e.Shown.Number, Gate: gate, Head: e.Shown.Head, Edit: e.Shown.Edit, Actor: forge.User{ID: e.Actor, Login: e.Login}, Reason: reason, At: e.Now}
		e.out.Overrides = append(e.out.Overrides, o)
		e.give(Given{Command: CommandOverride, Head: o.Head, Edit: o.Edit, Gate: gate, Reason: reason})
		e.say("Overridden: %s for %s in %s, by %s: %s. That holds until #%d shows something else.", code(gate), e.shownWords(), code(e.Environment),
			escape(e.Login), escape(reason), o.Number)
	}
}

// here refuses where the words name another place than the pull request's: what is bound to what a pull request shows is said under it.
func (e *execution) here(c Command) bool {
	app, environment, _ := e.target(c.Words)
	if app != "" && app != e.App || environment != "" && environment != e.Environment {
		e.refuse("`/%s` counts for what this pull request shows: %s in %s. Say it under the other one.", c.Name, code(e.App), code(e.Environment))
		return false
	}
	return true
}

// alone refuses an approval with words that name no place: they may be meant for another one, or be a condition.
func (e *execution) alone(c Command) bool {
	_, _, rest := e.target(c.Words)
	if len(rest) == 0 {
		return true
	}
	if !e.several(c, rest) {
		e.refuse("Nothing was approved: %s is no app and no environment here, and `/approve` takes no other words. Say it alone.", code(clip(rest[0], 60)))
	}
	return false
}

// give keeps in the answer what a person gave.
func (e *execution) give(g Given) { e.out.Given = append(e.out.Given, g) }

// gateHere returns the gate of that name, as the last plan of the pull request's place has it; of a train a shut one, where any of its apps has one.
func (e *execution) gateHere(name string) (gate Gate, known bool) {
	for _, g := range e.gatesHere() {
		if g.Name == name && (!known || gate.State == GateOpen) {
			gate, known = g, true
		}
	}
	return gate, known
}

func (e *execution) gatesHere() (gates []Gate) {
	for _, v := range e.Views {
		if cell := v.Find(e.Environment); e.means(e.App, v.App) && cell != nil && (v.App == e.App || cell.Number == e.Shown.Number) {
			gates = append(gates, cell.Gates...)
		}
	}
	return gates
}

// shutHere names the gates that an override would open.
func (e *execution) shutHere() string {
	var names []string
	for _, g := range e.gatesHere() {
		if _, ownWay := ownWayOut(g.Name); !ownWay && g.State != GateOpen && !slices.Contains(names, code(g.Name)) {
			names = append(names, code(g.Name))
		}
	}
	if len(names) == 0 {
		return "None is shut that can be overridden." + e.behindHere()
	}
	return "Shut are " + choices(names) + "." + e.behindHere()
}
