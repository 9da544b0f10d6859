package promotion

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Room is how full an environment is of open promotions, and who waits for a place there.
type Room struct {
	Taken   int       // by the promotions that are open, or about to be, of others than this app
	Waiting []Waiter  // of the others, those who come first, as many as have places
	Since   time.Time // since when the app itself waits; zero: it does not
}

// Waiter is who waits for a place in an environment. The oldest comes first.
type Waiter struct {
	Name  string
	Since time.Time
}

// RoomWish says that a promotion waits until there is room for one more in its environment.
type RoomWish struct {
	Environment string
	Since       time.Time
}

// roomGate is the name of what keeps a promotion from being opened while as many as max_open are: no gate of a pull request, for there is none yet.
const roomGate = "room"

// needsRoom says whether the promotion is one that waits for a place. What brings an environment back, or is in a hurry, takes one more.
func (c choice) needsRoom() bool { return c.intent == IntentPromotion || c.intent == IntentUpdate }

// hasRoom says whether a place is free for who waits since then, and those who come first have theirs too.
func (e *Environment) hasRoom(name string, since time.Time) bool {
	if e.MaxOpen == 0 {
		return true
	}
	free := e.MaxOpen - e.Room.Taken
	for _, w := range e.Room.Waiting {
		if w.Since.Before(since) || w.Since.Equal(since) && w.Name < name {
			free--
		}
	}
	return free > 0
}

// waits says whether the promotion, which is to be opened, waits for its time or for a place first; then the view says so.
func (p *planner) waits(env *Environment, view *EnvironmentView, c choice) bool {
	switch {
	case env.Promotion != nil:
		return false
	case c.wait.Name != "":
		view.Gates = append(slices.Clone(view.Gates), c.wait)
		return true
	}
	return c.needsRoom() && p.waitsForRoom(env, view, c)
}

func (p *planner) waitsForRoom(env *Environment, view *EnvironmentView, c choice) bool {
	since := env.Room.Since
	if since.IsZero() {
		since = p.s.since(env, c, p.now)
	}
	return p.full(env, view, since)
}

// full says whether there is no place for who waits since then, and notes that it waits.
func (p *planner) full(env *Environment, view *EnvironmentView, since time.Time) bool {
	if env.hasRoom(p.s.App.Name, since) {
		return false
	}
	p.plan.Rooms = append(p.plan.Rooms, RoomWish{Environment: env.Name, Since: since})
	view.RoomSince, view.MaxOpen = since, env.MaxOpen
	view.Gates = append(slices.Clone(view.Gates), Gate{Name: roomGate, State: GateWaiting,
		Reason: fmt.Sprintf("max_open is %d in %s, and as many promotions are open; the oldest is next when one of them is merged or closed", env.MaxOpen, env.Name)})
	return true
}

// since returns since when the release could have gone into the environment: since a person asked for it, CI announced it, or it converged upstream.
func (s *Snapshot) since(env *Environment, c choice, now time.Time) time.Time {
	var at time.Time
	if env.Intent != nil && env.Intent.Release.Same(c.release) {
		return env.Intent.At
	}
	for _, name := range env.From {
		d := s.Find(name).deploymentOf(c.release)
		switch {
		case d == nil || d.ConvergedAt.IsZero():
		case env.FromAny:
			at = soonest(at, d.ConvergedAt)
		case d.ConvergedAt.After(at):
			at = d.ConvergedAt
		}
	}
	for _, a := range s.Announced {
		if image, ok := c.release.Image(a.Image.Name); len(env.From) == 0 && ok && NewRelease(image).Same(NewRelease(a.Image)) && a.At.After(at) {
			at = a.At
		}
	}
	if at.IsZero() {
		return now
	}
	return at
}

// roomQueue returns the apps that wait for a place in the environment, who comes first first.
func roomQueue(views []View, environment string) (names []string) {
	var queue []Waiter
	for _, v := range views {
		if cell := v.Find(environment); cell != nil && !cell.RoomSince.IsZero() {
			queue = append(queue, Waiter{v.App, cell.RoomSince})
		}
	}
	slices.SortFunc(queue, func(a, b Waiter) int {
		if c := a.Since.Compare(b.Since); c != 0 {
			return c
		}
		return strings.Compare(a.Name, b.Name)
	})
	for _, w := range queue {
		names = append(names, w.Name)
	}
	return names
}

// RoomWords says of each environment how many wait for a place there, and who is next. It is nothing where nobody waits.
func RoomWords(environments []string, views []View) (lines []string) {
	for _, name := range environments {
		if words := roomWords(name, views); words != "" {
			lines = append(lines, words)
		}
	}
	return lines
}

func roomWords(environment string, views []View) string {
	names := roomQueue(views, environment)
	if len(names) == 0 {
		return ""
	}
	most := 0
	for _, v := range views {
		if cell := v.Find(environment); cell != nil {
			most = max(most, cell.MaxOpen)
		}
	}
	verb := "wait"
	if len(names) == 1 {
		verb = "waits"
	}
	return fmt.Sprintf("%s: %d %s for room: max_open is %d; next: %s", environment, len(names), verb, most, clip(strings.Join(names[:min(len(names), 10)], ", "), 300))
}

// placeInLine says which of those who wait for a place in the environment the app is, for /status.
func (e *execution) placeInLine(app string, cell EnvironmentView) string {
	names := roomQueue(e.Views, cell.Name)
	if i := slices.Index(names, app); i >= 0 {
		return fmt.Sprintf("\n- %d of the %d that wait for room in %s", i+1, len(names), escape(cell.Name))
	}
	return ""
}
