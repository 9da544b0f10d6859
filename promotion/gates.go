package promotion

import (
	"fmt"
	"strings"
	"time"

	"ferry/forge"
)

// GateState is whether a gate lets a promotion through.
type GateState string

// A gate is open; waiting, and will open by itself or by somebody's act; or closed by a person.
const (
	GateOpen    GateState = "open"
	GateWaiting GateState = "waiting"
	GateClosed  GateState = "closed"
)

// Gate is one condition on a promotion, with a reason that a person can act on.
type Gate struct {
	Name   string    `json:"name"`
	State  GateState `json:"state"`
	Reason string    `json:"reason"`
	DueAt  time.Time `json:"due_at,omitzero"` // when time alone may change it, be it open now or not
}

// rule is one kind of gate: a pure function over the snapshot for a release that is to enter an environment.
type rule func(s *Snapshot, env *Environment, release Release, now time.Time) Gate

// rules are the gates in the order in which people read them.
func rules() []rule {
	return []rule{upstreamGate, soakGate, checksGate, approvalsGate, policyGate, freezeGate, holdGate, blockGate, hotfixGate}
}

// Waiver is a person's word that one gate need not be open for one release on its way into an environment.
type Waiver struct {
	Gate    string
	Release Release
	Actor   string
	Reason  string
	At      time.Time
}

// evaluate returns every gate of the release on its way into the environment. One that is shut and waived is open, and says who waived it, why, and
// what it would have said.
func (s *Snapshot) evaluate(env *Environment, release Release, now time.Time) []Gate {
	var gates []Gate
	for _, r := range rules() {
		if g := r(s, env, release, now); g.Name != "" {
			gates = append(gates, env.skipped(env.waived(g, release), release))
		}
	}
	return gates
}

// overridden begins the reason of a gate that somebody waived.
const overridden = "overridden by "

func (e *Environment) waived(g Gate, release Release) Gate {
	if g.State == GateOpen {
		return g
	}
	for _, w := range e.Waivers {
		if w.Gate == g.Name && w.Release.Same(release) {
			g.State, g.Reason = GateOpen, overridden+w.Actor+": "+w.Reason+" (without that: "+g.Reason+")"
			return g
		}
	}
	return g
}

// deploymentOf returns the newest deployment of the release in the environment, or nil; nil also where the app is not there.
func (e *Environment) deploymentOf(release Release) *Deployment {
	if e == nil {
		return nil
	}
	for i := range e.History {
		if d := &e.History[i]; d.Problem == "" && d.Release.Same(release) {
			return d
		}
	}
	return nil
}

// verdict folds gates into a status: closed beats waiting beats open.
func verdict(gates []Gate) (GateState, []Gate) {
	state := GateOpen
	var shut []Gate
	for _, g := range gates {
		if g.State == GateOpen {
			continue
		}
		shut = append(shut, g)
		if state != GateClosed {
			state = g.State
		}
	}
	return state, shut
}

// noneAskedFor is the reason of a gate that is open because the configuration asks for nothing there.
const noneAskedFor = "none asked for"

// gatesTable lists the gates, each with its reason. Those of which nothing is asked share one line.
func gatesTable(b *strings.Builder, gates []Gate) {
	b.WriteString("\n### Gates\n\n| gate | state | why |\n| --- | --- | --- |\n")
	var none []string
	for _, g := range gates {
		if g.State == GateOpen && g.Reason == noneAskedFor {
			none = append(none, g.Name)
			continue
		}
		fmt.Fprintf(b, "| %s | %s | %s |\n", g.Name, g.State, escape(clip(g.Reason, mostReason)))
	}
	if len(none) > 0 {
		fmt.Fprintf(b, "\nNot asked for here: %s.\n", strings.Join(none, ", "))
	}
}

// status is what a commit status says of the state.
func (g GateState) status() forge.State {
	switch g {
	case GateOpen:
		return forge.Success
	case GateWaiting:
		return forge.Pending
	}
	return forge.Failure
}

func soonest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// instant writes a time as people read it in a pull request: an instant, so that the text never has to be rewritten.
func instant(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// duration writes d as the configuration would: 24h as 24h, not 24h0m0s.
func duration(d time.Duration) string {
	s := d.Round(time.Second).String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
