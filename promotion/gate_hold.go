package promotion

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// holdGate is closed while a person holds the app, the environment, or the app there; after a rollback, for all that is not newer than what that took
// away.
func holdGate(s *Snapshot, env *Environment, release Release, now time.Time) Gate {
	gate := heldBy(plainHolds(env.Holds), now)
	if gate.State != GateOpen || env.urges(release) {
		return gate
	}
	return s.rolledBackGate(env, release, gate)
}

func heldBy(holds []Hold, now time.Time) Gate {
	for _, h := range holds {
		if !h.over(now) {
			return Gate{Name: "hold", State: GateClosed, Reason: h.words(), DueAt: h.Until}
		}
	}
	return Gate{Name: "hold", State: GateOpen, Reason: "nobody holds it"}
}

// over says whether the hold has ended by itself.
func (h Hold) over(now time.Time) bool { return !h.Until.IsZero() && !h.Until.After(now) }

// covers says whether the hold is one on the app in the environment, too.
func (h Hold) covers(app, environment string) bool {
	return (h.App == "" || h.App == app || slices.Contains(h.Apps, app)) && (h.Environment == "" || h.Environment == environment)
}

// words says who holds what, until when, why, and how it is lifted.
func (h Hold) words() string { return h.said("holds") + " (" + h.lift("/resume") + " lifts it)" }

// what names what is held.
func (h Hold) what() string {
	switch {
	case h.App != "" && h.Environment != "":
		return h.App + " in " + h.Environment
	case h.App != "":
		return h.App
	case h.Environment != "":
		return h.Environment
	}
	return "everything"
}

func (h Hold) said(verb string) string {
	s := fmt.Sprintf("%s %s %s", h.Actor, verb, h.what())
	if len(h.RolledBack) > 0 {
		s += " since the rollback from " + h.RolledBack.Version() + ", until something newer comes"
	}
	if !h.Until.IsZero() {
		s += " until " + instant(h.Until)
	}
	if h.Reason != "" {
		s += ": " + h.Reason
	}
	return s
}

// lift is the command that lifts exactly this, wherever it is written.
func (h Hold) lift(command string) string {
	if h.App == "" && h.Environment == "" {
		return command + " all"
	}
	return strings.TrimSpace(strings.ReplaceAll(command+" "+h.App+" "+h.Environment, "  ", " "))
}
