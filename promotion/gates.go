package promotion

import (
	"fmt"
	"slices"
	"strings"
	"time"
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
	DueAt  time.Time `json:"due_at,omitzero"` // when time alone may change it
}

// rule is one kind of gate: a pure function over the snapshot for a release that is to enter an environment.
type rule func(s *Snapshot, env *Environment, release Release, now time.Time) Gate

// rules are the gates in the order in which people read them.
func rules() []rule {
	return []rule{upstreamGate, soakGate, holdGate}
}

// evaluate returns every gate of the release on its way into the environment.
func (s *Snapshot) evaluate(env *Environment, release Release, now time.Time) []Gate {
	var gates []Gate
	for _, r := range rules() {
		gates = append(gates, r(s, env, release, now))
	}
	return gates
}

// upstreamGate is open while each `from` environment (any of them, under `any`) has converged on the release and is not degraded on it.
func upstreamGate(s *Snapshot, env *Environment, release Release, _ time.Time) Gate {
	gate := Gate{Name: "upstream", State: GateOpen}
	if len(env.From) == 0 {
		gate.Reason = "the first environment: nothing is upstream of it"
		return gate
	}
	var good, bad []string
	for _, name := range env.From {
		up := s.Find(name)
		d := up.deploymentOf(release)
		switch {
		case d == nil:
			bad = append(bad, fmt.Sprintf("%s does not run it", name))
		case d.ConvergedAt.IsZero():
			bad = append(bad, strings.TrimSuffix(fmt.Sprintf("not converged in %s yet: %s", name, d.Message), ": "))
		case !d.Ended && d.State != DeploymentConverged:
			bad = append(bad, fmt.Sprintf("%s in %s: %s", d.State, name, d.Message))
		case d.Ended && d.Soaked == 0: // degradation sets the soak back to nothing, and what replaced it does not heal it
			bad = append(bad, fmt.Sprintf("it was not healthy in %s when another release replaced it", name))
		default:
			good = append(good, fmt.Sprintf("converged in %s at %s", name, instant(d.ConvergedAt)))
		}
	}
	if len(bad) > 0 && (!env.FromAny || len(good) == 0) {
		gate.State, gate.Reason = GateWaiting, strings.Join(bad, "; ")
		return gate
	}
	gate.Reason = strings.Join(good, "; ")
	return gate
}

// soakGate is open once the release has run healthily for long enough in each `from` environment (in any, under `any`).
func soakGate(s *Snapshot, env *Environment, release Release, now time.Time) Gate {
	gate := Gate{Name: "soak", State: GateOpen}
	if env.Soak == 0 || len(env.From) == 0 {
		gate.Reason = "none asked for"
		return gate
	}
	open := 0
	var reasons []string
	for _, name := range env.From {
		one := soakIn(s.Find(name), env.Soak, release, now)
		reasons = append(reasons, one.Reason)
		if one.State == GateOpen {
			open++
			continue
		}
		gate.DueAt = soonest(gate.DueAt, one.DueAt)
	}
	if open < len(env.From) && (!env.FromAny || open == 0) {
		gate.State = GateWaiting
	} else {
		gate.DueAt = time.Time{}
	}
	gate.Reason = strings.Join(reasons, "; ")
	return gate
}

func soakIn(up *Environment, need time.Duration, release Release, now time.Time) Gate {
	d := up.deploymentOf(release)
	if d == nil || d.ConvergedAt.IsZero() {
		return Gate{State: GateWaiting, Reason: "starts when the release has converged upstream"}
	}
	heard := assess(up.Environment, *d, up.Reports, now).heard
	had := up.soaked(release, now)
	switch {
	case had >= need:
		return Gate{State: GateOpen, Reason: fmt.Sprintf("%s in %s are done", duration(need), up.Name)}
	case d.Ended:
		return Gate{State: GateWaiting, Reason: fmt.Sprintf("%s of %s in %s, where another release has replaced it", duration(had), duration(need), up.Name)}
	case !heard.IsZero():
		return Gate{State: GateWaiting, Reason: fmt.Sprintf("stands still: the agent of %s is silent since %s", up.Name, instant(heard))}
	case d.HealthyFrom.IsZero():
		return Gate{State: GateWaiting, Reason: fmt.Sprintf("%s of %s in %s, where it is not healthy now", duration(had), duration(need), up.Name)}
	}
	due := now.Add(need - had)
	return Gate{State: GateWaiting, Reason: fmt.Sprintf("%s in %s, done at %s", duration(need), up.Name, instant(due)), DueAt: due}
}

// soaked returns for how long the release has run healthily in the environment, over all its deployments there since the last degradation.
func (e *Environment) soaked(release Release, now time.Time) time.Duration {
	var total time.Duration
	ended := now
	for i := range e.History {
		d := &e.History[i]
		if d.Release.Same(release) {
			total += d.soakedAt(now, time.Time{})
			if e.degradedDuring(d, ended) {
				break
			}
		}
		ended = d.Since
	}
	return total
}

// degradedDuring says whether the release degraded in the deployment, which ended then: its own soak knows that, the soak of the deployments
// before it does not.
func (e *Environment) degradedDuring(d *Deployment, ended time.Time) bool {
	if d.State == DeploymentDegraded || d.State == DeploymentFailed {
		return true
	}
	return slices.ContainsFunc(e.Reports, func(r Report) bool {
		return !d.ConvergedAt.IsZero() && r.DegradedAt.After(d.ConvergedAt) && !r.DegradedAt.After(ended)
	})
}

// holdGate is closed while a person holds the app, the environment, or the app there.
func holdGate(_ *Snapshot, env *Environment, _ Release, now time.Time) Gate {
	for _, h := range env.Holds {
		if !h.Until.IsZero() && !h.Until.After(now) {
			continue
		}
		gate := Gate{Name: "hold", State: GateClosed, Reason: h.words(), DueAt: h.Until}
		return gate
	}
	return Gate{Name: "hold", State: GateOpen, Reason: "nobody holds it"}
}

// words says who holds what, until when, why, and how it is lifted.
func (h Hold) words() string { return h.held() + " (" + h.lift() + " lifts it)" }

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

func (h Hold) held() string {
	s := fmt.Sprintf("%s holds %s", h.Actor, h.what())
	if !h.Until.IsZero() {
		s += " until " + instant(h.Until)
	}
	if h.Reason != "" {
		s += ": " + h.Reason
	}
	return s
}

// lift is the command that lifts exactly this hold, wherever it is written.
func (h Hold) lift() string {
	if h.App == "" && h.Environment == "" {
		return "/resume all"
	}
	return strings.TrimSpace(strings.ReplaceAll("/resume "+h.App+" "+h.Environment, "  ", " "))
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
