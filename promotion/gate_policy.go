package promotion

import (
	"slices"
	"strings"
	"time"

	"github.com/Masterminds/semver/v3"

	"ferry/promotion/config"
	"ferry/promotion/policy"
)

// policyGate is open where every policy of the environment holds for the release.
func policyGate(s *Snapshot, env *Environment, release Release, now time.Time) Gate {
	gate := JudgePolicies(env.Policies, s.policyFacts(env, release, now))
	for _, p := range env.Policies {
		gate.DueAt = soonest(gate.DueAt, s.soakReaches(env, release, p.Rule.SoakLengths(), now))
	}
	return gate
}

// awaitsApproval says whether nothing but who has approved keeps the policies from being open for the release.
func awaitsApproval(s *Snapshot, env *Environment, release Release, now time.Time) bool {
	others := slices.DeleteFunc(slices.Clone(env.Policies), func(p config.Policy) bool { return p.Rule.AsksApprovals() })
	return len(others) < len(env.Policies) && JudgePolicies(others, s.policyFacts(env, release, now)).State == GateOpen
}

// JudgePolicies returns the gate of policies over facts: open where all hold, closed where one is false, and waiting where one cannot be evaluated.
func JudgePolicies(policies []config.Policy, facts policy.Facts) Gate {
	gate := Gate{Name: "policy", State: GateOpen}
	var reasons, good []string
	for _, p := range policies {
		allowed, err := p.Rule.Allows(facts)
		switch {
		case err != nil:
			reasons = append(reasons, p.Name+" cannot be evaluated: "+clip(oneLine(err.Error()), 200)+"; correct it in "+config.File)
			if gate.State == GateOpen {
				gate.State = GateWaiting
			}
		case !allowed && p.Reason != "":
			gate.State, reasons = GateClosed, append(reasons, p.Name+": "+oneLine(p.Reason))
		case !allowed:
			gate.State, reasons = GateClosed, append(reasons, p.Name+" does not hold: "+clip(oneLine(p.Rule.String()), 200))
		default:
			good = append(good, p.Name)
		}
	}
	switch {
	case len(reasons) > 0:
		gate.Reason = strings.Join(reasons, "; ")
	case len(good) == 0:
		gate.Reason = noneAskedFor
	case len(good) == 1:
		gate.Reason = good[0] + " holds"
	default:
		gate.Reason = strings.Join(good, ", ") + " hold"
	}
	return gate
}

// foreseenPolicies returns the gate of those policies that can be judged as soon as a person has named the release.
func (e *execution) foreseenPolicies(app string, env config.Environment, i Intent) Gate {
	settings, _ := e.Config.App(app)
	facts := PolicyFacts(settings, env, i.From, i.Release)
	facts.Intent, facts.Asker = i.Kind, i.Actor
	return JudgePolicies(slices.DeleteFunc(slices.Clone(env.Policies), func(p config.Policy) bool { return !p.Rule.NeedsNoHistory() }), facts)
}

// policyFacts returns what the policies of the environment may ask about the release.
func (s *Snapshot) policyFacts(env *Environment, release Release, now time.Time) policy.Facts {
	var current Release
	if d := env.Current(); d != nil && d.Problem == "" {
		current = d.Release
	}
	f := PolicyFacts(s.App, env.Environment, current, release)
	if env.Intent != nil && env.Intent.Release.Same(release) {
		f.Asker = lastAsker(env.Intent.Actor)
	}
	if env.shownNow(release) {
		f.Approvals, _, _ = s.said(env)
	}
	if env.urges(release) {
		f.Intent = env.Intent.Kind
	}
	for i, image := range release {
		if a, ok := s.source(image); ok {
			f.Release.Images[i].Commit = string(a.Commit)
		}
	}
	for _, name := range env.From {
		up := policy.Upstream{Environment: name}
		if from := s.Find(name); from != nil {
			d := from.deploymentOf(release)
			up.Converged = d != nil && !d.ConvergedAt.IsZero()
			up.Healthy = d != nil && !d.Ended && d.State == DeploymentConverged
			up.Soaked = from.soaked(release, now)
		}
		f.Upstream = append(f.Upstream, up)
	}
	return f
}

// PolicyFacts returns the facts that follow from what stands in an environment and what is to enter it. Upstream and who asked are not among them.
func PolicyFacts(app config.App, env config.Environment, current, release Release) policy.Facts {
	f := policy.Facts{
		App:         policy.App{Name: app.Name, Group: app.Group, Source: app.Source},
		Environment: policy.Environment{Name: env.Name, Clusters: env.Clusters},
		Release:     policyRelease(release), Current: policyRelease(current),
		Change: changeWord(current, release), Intent: IntentPromotion,
	}
	if len(env.From) == 0 {
		f.Intent = IntentUpdate
	}
	return f
}

func policyRelease(r Release) policy.Release {
	out := policy.Release{Images: make([]policy.Image, len(r))}
	if len(r) > 0 {
		out.Version = r.Version()
	}
	for i, image := range r {
		out.Images[i] = policy.Image{Name: image.Name, Tag: image.Tag, Digest: image.Digest}
	}
	return out
}

// changeWord says how far the release is from what stands: one of policy.Changes.
func changeWord(current, release Release) string {
	words := policy.Changes()
	farthest := 0
	for _, image := range release {
		old, ok := current.Image(image.Name)
		if !ok {
			return "unordered"
		}
		farthest = max(farthest, slices.Index(words, imageChange(old, image)))
	}
	if len(current) != len(release) || words[farthest] == "older" && release.compareVersions(current) != Older {
		return "unordered"
	}
	return words[farthest]
}

func imageChange(old, image Image) string {
	if old.Tag == image.Tag {
		if NewRelease(old).Same(NewRelease(image)) {
			return "none"
		}
		return "digest"
	}
	a, errA := semver.StrictNewVersion(strings.TrimPrefix(old.Tag, "v"))
	b, errB := semver.StrictNewVersion(strings.TrimPrefix(image.Tag, "v"))
	switch {
	case errA != nil || errB != nil:
		return "unordered"
	case b.LessThan(a):
		return "older"
	case a.Major() != b.Major():
		return "major"
	case a.Minor() != b.Minor():
		return "minor"
	}
	return "patch"
}

// soakReaches returns when a soak of the release upstream next reaches one of the lengths; zero where none does by time alone.
func (s *Snapshot) soakReaches(env *Environment, release Release, lengths []time.Duration, now time.Time) (due time.Time) {
	for _, name := range env.From {
		up := s.Find(name)
		d := up.deploymentOf(release)
		if d == nil || d.Ended || d.HealthyFrom.IsZero() {
			continue
		}
		had := up.soaked(release, now)
		for _, length := range lengths {
			switch {
			case length > had:
				due = soonest(due, now.Add(length-had))
			case length == had: // a policy may ask for more than that
				due = soonest(due, now.Add(time.Second))
			}
		}
	}
	return due
}

// longestSoak returns the longest healthy time that anything may ask for before the environment is promoted into.
func (e *Environment) longestSoak() time.Duration {
	longest := e.Soak
	for _, p := range e.Policies {
		for _, length := range p.Rule.SoakLengths() {
			longest = max(longest, length)
		}
	}
	return longest
}
