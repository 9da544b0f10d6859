package promotion

import (
	"fmt"
	"strings"
	"time"

	"ferry/promotion/window"
)

// Freeze is a person's order that nothing enters an environment, an app's environments, or any. What is said of it is what is said of a hold; but
// what waits behind it goes on following what is newest.
type Freeze Hold

// words says who froze what, until when, why, and how it is lifted.
func (f Freeze) words() string {
	return Hold(f).said("froze") + " (" + Hold(f).lift("/thaw") + " lifts it)"
}

// freezeGate is closed while a person has frozen the environment or the app, and waits while a window of .ferry.yaml keeps it shut.
func freezeGate(_ *Snapshot, env *Environment, release Release, now time.Time) Gate {
	if env.rollsBackTo(release) { // a window was made for what is planned
		return frozen(env.Frozen, nil, now)
	}
	return frozen(env.Frozen, env.Freezes, now)
}

// frozen is the gate of people's freezes and of windows together. It is open only where neither stops anything.
func frozen(people []Freeze, windows []window.Window, now time.Time) Gate {
	gate := windowGate(windows, now)
	var reasons []string
	for _, f := range people {
		if Hold(f).over(now) {
			continue
		}
		gate.DueAt, reasons = soonest(gate.DueAt, f.Until), append(reasons, f.words())
	}
	if len(reasons) == 0 {
		return gate
	}
	if gate.State != GateOpen {
		reasons = append(reasons, gate.Reason)
	}
	gate.State, gate.Reason = GateClosed, strings.Join(reasons, "; ")
	return gate
}

// windowGate is what the windows of .ferry.yaml say. Where no window ever opens again, it is closed.
func windowGate(windows []window.Window, now time.Time) Gate {
	gate := Gate{Name: "freeze", State: GateOpen, Reason: "nothing is frozen"}
	v := window.At(windows, now)
	if gate.DueAt = v.Changes; v.Changes.IsZero() {
		gate.DueAt = v.Foreseen
	}
	switch {
	case v.Open && !v.Changes.IsZero():
		gate.Reason = "open until " + instant(v.Changes)
	case v.Open:
	case gate.DueAt.IsZero():
		gate.State, gate.Reason = GateClosed, "no window opens any more: "+windowWords(v.By)
	default:
		gate.State, gate.Reason = GateWaiting, untilWords(v)+": "+windowWords(v.By)
	}
	return gate
}

// untilWords names when it opens, also as the clock shows it where the window was made.
func untilWords(v window.Verdict) string {
	at := v.Changes
	if at.IsZero() {
		return "it does not open by itself, as far as Ferry looks ahead (" + instant(v.Foreseen) + ")"
	}
	words := "until " + instant(at)
	if v.By == nil || v.By.Zone().String() == "UTC" {
		return words
	}
	return words + fmt.Sprintf(" (%s in %s)", at.In(v.By.Zone()).Format("Mon 15:04"), v.By.Zone())
}

// windowWords names the window that keeps it shut, by what the team says of it first.
func windowWords(by *window.Window) string {
	switch {
	case by == nil:
		return ".ferry.yaml allows it at no time"
	case by.Reason != "":
		return by.Reason + "; " + by.String()
	}
	return by.String()
}
