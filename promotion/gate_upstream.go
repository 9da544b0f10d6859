package promotion

import (
	"fmt"
	"strings"
	"time"
)

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
