package promotion

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// soakGate is open once the release has run healthily for long enough in each `from` environment (in any, under `any`).
func soakGate(s *Snapshot, env *Environment, release Release, now time.Time) Gate {
	gate := Gate{Name: "soak", State: GateOpen}
	if env.Soak == 0 || len(env.From) == 0 {
		gate.Reason = noneAskedFor
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
	gate.Reason = strings.Join(reasons, "; ")
	switch {
	case env.FromAny && open > 0: // what else is said of each would have to be said anew by time alone
		gate.DueAt, gate.Reason = time.Time{}, fmt.Sprintf("%s in %s are done", duration(env.Soak), fromWords(env.Environment))
	case open < len(env.From):
		gate.State = GateWaiting
	}
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

// degradedAgain says whether the release stands in the environment, and is degraded there: what it has soaked in deployments before is nothing any more,
// also when it is healthy again later.
func (e *Environment) degradedAgain(release Release) bool {
	d := e.Current()
	return d != nil && d.Problem == "" && (d.State == DeploymentDegraded || d.State == DeploymentFailed) && d.Release.Same(release)
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
