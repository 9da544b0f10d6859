package promotion

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"ferry/promotion/config"
	"ferry/promotion/window"
)

// Stops are what people have stopped in an environment repository, and nobody has lifted.
type Stops struct {
	Holds      []Hold
	Freezes    []Freeze
	Blocks     []Block
	Mended     []Mended // hotfixes that stand, where that was asked for
	Overposted []string // why gates of hand-made pull requests do not stand, where that was asked for
	Unkept     string   // why the branch ferry-state cannot be written, where that was asked for
}

// UnkeptWords says what follows where the branch of decisions cannot be written, for that reason, and what is to be done.
func UnkeptWords(reason string) string {
	return fmt.Sprintf("⚠ What people decide here is in force, but could not be written to the branch `%s`: %s. Would Ferry's database be lost, it would be forgotten. "+
		"Let Ferry's App make and update that branch: leave it out of rules that are for all branches, or let the App bypass them, and see that the App may write contents. Ferry tries again every hour, and at `/retry`.",
		StateBranch, escape(clip(oneLine(reason), 400)))
}

// On returns the holds and freezes on the app in the environment, with those on the groups that it travels with, and on those with which it did
// when they were stopped.
func (s Stops) On(app, environment string, groups ...string) (holds []Hold, freezes []Freeze) {
	covers := func(h Hold) bool {
		return h.covers(app, environment) || slices.ContainsFunc(groups, func(g string) bool { return g != "" && h.covers(g, environment) })
	}
	for _, h := range s.Holds {
		if covers(h) {
			holds = append(holds, h)
		}
	}
	for _, f := range s.Freezes {
		if covers(Hold(f)) {
			freezes = append(freezes, f)
		}
	}
	return holds, freezes
}

// None says whether nothing is stopped.
func (s Stops) None() bool { return len(s.Holds)+len(s.Freezes)+len(s.Blocks) == 0 }

// NextEnd returns when the first of them ends by itself; zero where none does.
func (s Stops) NextEnd() (at time.Time) {
	for _, h := range s.Holds {
		at = soonest(at, h.Until)
	}
	for _, f := range s.Freezes {
		at = soonest(at, f.Until)
	}
	return at
}

// list writes the stops for Ferry's issue. What names something that is no more covers nothing, and is listed all the same until somebody lifts it.
func (s Stops) list(b *strings.Builder, n naming) {
	if len(s.Freezes) > 0 {
		b.WriteString("\n### Freezes\n\n")
	}
	for _, f := range s.Freezes {
		fmt.Fprintf(b, "- %s, since %s%s\n", escape(f.words()), instant(f.At), n.idle(f.App, f.Environment, f.Apps...))
	}
	if len(s.Holds) > 0 {
		b.WriteString("\n### Holds\n\n")
	}
	for _, h := range s.Holds {
		fmt.Fprintf(b, "- %s, since %s%s\n", escape(h.words()), instant(h.At), n.idle(h.App, h.Environment, h.Apps...))
	}
	if len(s.Blocks) > 0 {
		b.WriteString("\n### Blocks\n\n")
	}
	for i, x := range s.Blocks {
		if i == mostListed {
			fmt.Fprintf(b, "- … and %d more\n", len(s.Blocks)-i)
			break
		}
		fmt.Fprintf(b, "- %s, since %s%s\n", escape(x.words()), instant(x.At), n.idle(x.App, x.Environment))
	}
}

// mostListed bounds what the issue lists of one kind.
const mostListed = 60

// gates returns what stops somebody's own change of a release at a place, and when time alone may change that. Of a change that could not be looked at,
// which names no app, that is what stops any app there.
func (s Stops) gates(c *config.Config, change Change, now time.Time) (state GateState, shut []Gate, due time.Time) {
	all := s.gatesOn(c, change, now)
	if change.App == "" {
		all = s.gatesOnAny(c, change.Environment, now)
	}
	for _, g := range all {
		due = soonest(due, g.DueAt)
	}
	state, shut = verdict(all)
	return state, shut, due
}

// gatesOnAny returns the gates of every app at which something is stopped in the environment, each once; of what is blocked, as if it came.
func (s Stops) gatesOnAny(c *config.Config, environment string, now time.Time) (all []Gate) {
	images := map[string]Release{"": nil}
	if c != nil {
		for _, app := range c.NamedApps() { // they may have windows of their own
			images[app] = nil
		}
	}
	for _, h := range s.Holds {
		images[h.App] = nil
	}
	for _, f := range s.Freezes {
		images[f.App] = nil
	}
	for _, b := range s.Blocks {
		images[b.App] = append(append(images[b.App], b.Image), b.Rest...)
	}
	for _, app := range sortedKeys(images) {
		for _, g := range s.gatesOn(c, Change{Place: config.Place{App: app, Environment: environment}, Images: images[app]}, now) {
			if !slices.Contains(all, g) {
				all = append(all, g)
			}
		}
	}
	for _, m := range s.Mended {
		if m.Environment == environment {
			all = append(all, Gate{Name: "hotfix", State: GateClosed, Reason: fmt.Sprintf("%s of %s stands there, which may go (/rollback or /hotfix goes over it)", m.Hotfix.Release.Version(), m.Hotfix.Actor)})
		}
	}
	return all
}

// gatesOn returns the gates of somebody's own change of a release at a place.
func (s Stops) gatesOn(c *config.Config, change Change, now time.Time) []Gate {
	var group string
	if c != nil {
		app, _ := c.App(change.App)
		group = app.Group
	}
	holds, freezes := s.On(change.App, change.Environment, group)
	all := []Gate{
		frozen(freezes, windowsOn(c, change.App, change.Environment), now), heldBy(plainHolds(holds), now),
		blockedBy(s.BlocksOn(change.App, change.Environment, FromOf(c, change.App)), change.Images),
	}
	if g := s.mendedGate(change); g.Name != "" {
		all = append(all, g)
	}
	return all
}

// windowsOn returns the windows of .ferry.yaml for the app in the environment; for the environment's own where the app is "".
func windowsOn(c *config.Config, app, environment string) []window.Window {
	if c == nil {
		return nil
	}
	if e, ok := c.Settings(app, environment); ok {
		return e.Freezes
	}
	e, _ := c.Environment(environment)
	return e.Freezes
}
