package promotion

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"ferry/forge"
	"ferry/promotion/config"
)

// The contexts of Ferry's commit statuses.
const (
	GatesContext  = "ferry/gates"
	ConfigContext = "ferry/config"
)

// EnvironmentContext returns the context of the status that says how far a commit has come in the environment.
func EnvironmentContext(environment string) string { return "ferry/" + environment }

// deployed contributes the statuses of every deployment whose end has not been said: on the revision that brought it, and on the commits
// its images were built from. A baseline was there before Ferry, and gets none.
func (p *planner) deployed(env *Environment) {
	index := p.index(env)
	for j := len(env.History) - 1; j >= 0; j-- {
		d := &env.History[j]
		if d.Baseline || d.Settled || env.Mode == config.ModeObserve && !p.s.Off {
			continue
		}
		seen := assessment{}
		if !d.Ended {
			seen = p.seen[index]
		}
		if seen.unheard && !seen.silent { // what stands at the forge is all that is known
			continue
		}
		state, words := p.s.deploymentWords(env, j, seen, p.now)
		if j == 0 && !d.Ended {
			words = p.offers[env.Name].offered(words, p.s.App.Name, env.Name)
		}
		c := Contribution{SHA: d.FirstSHA, Context: EnvironmentContext(env.Name), State: state, Description: words}
		p.plan.Contributions = append(p.plan.Contributions, c)
		for _, image := range d.Release {
			if a, ok := p.s.source(image); ok && a.Commit != "" && a.Source != "" {
				c.Target, c.SHA = a.Source, a.Commit
				p.plan.Contributions = appendOnce(p.plan.Contributions, c)
			}
		}
	}
}

// appendOnce keeps one contribution per status: the last one counts, since deployments come in their order.
func appendOnce(list []Contribution, c Contribution) []Contribution {
	for i := range list {
		if list[i].Target == c.Target && list[i].SHA == c.SHA && list[i].Context == c.Context {
			list[i] = c
			return list
		}
	}
	return append(list, c)
}

// unposted says why the forge does not keep Ferry's statuses of the open promotion, or of what stands in the environment, or "". What stood there once is of
// no interest any more.
func (s *Snapshot) unposted(env *Environment) string {
	at := slices.IndexFunc(s.Unposted, func(u UnpostedStatus) bool {
		return env.Pull != nil && u.Target == "" && u.SHA == env.Pull.HeadSHA && u.Context == GatesContext
	})
	if at >= 0 {
		return s.Unposted[at].Reason
	}
	d := env.Current()
	if d == nil {
		return ""
	}
	for _, u := range s.Unposted {
		concerns := u.Target == "" && u.SHA == d.FirstSHA
		for _, image := range d.Release {
			a, ok := s.source(image)
			concerns = concerns || ok && a.Commit == u.SHA && strings.EqualFold(a.Source, u.Target)
		}
		if concerns && u.Context == EnvironmentContext(env.Name) {
			return u.Reason
		}
	}
	return ""
}

func (p *planner) index(env *Environment) int {
	for i := range p.s.Environments {
		if &p.s.Environments[i] == env {
			return i
		}
	}
	return -1
}

// deploymentWords says how far a deployment is. Success, failure and silence all end in a state that is not pending.
func (s *Snapshot) deploymentWords(env *Environment, j int, seen assessment, now time.Time) (forge.State, string) {
	d := &env.History[j]
	what := s.App.Name + " " + d.Release.Version()
	switch {
	case d.Problem != "":
		return forge.Error, s.App.Name + ": " + d.Problem
	case d.Ended && d.ConvergedAt.IsZero():
		by := "another release"
		if j > 0 && env.History[j-1].Problem == "" {
			by = env.History[j-1].Release.Version()
		}
		return forge.Error, fmt.Sprintf("%s: superseded by %s before it converged", what, by)
	case d.Ended:
		return forge.Success, fmt.Sprintf("%s converged in %s at %s", what, env.Name, instant(d.ConvergedAt))
	case d.State == DeploymentConverged && seen.lost(now):
		return forge.Error, fmt.Sprintf("%s converged in %s, but its agent has stopped reporting: %s", what, env.Name, d.Message)
	case d.State == DeploymentConverged:
		return forge.Success, fmt.Sprintf("%s runs in %s since %s", what, env.Name, instant(d.ConvergedAt))
	case d.State == DeploymentDegraded || d.State == DeploymentFailed:
		return forge.Failure, fmt.Sprintf("%s: %s", what, d.Message)
	case seen.silent:
		return forge.Error, fmt.Sprintf("%s: no word from the agent since %s; last: %s", what, instant(seen.dueAt.Add(-env.ReportTimeout)), d.Message)
	}
	return forge.Pending, fmt.Sprintf("%s: %s", what, d.Message)
}

// gatesWords says in a status what is missing; never a bare "pending".
func gatesWords(shut []Gate) string {
	if len(shut) == 0 {
		return "every gate is open"
	}
	parts := make([]string, len(shut))
	for i, g := range shut {
		parts[i] = g.Name + ": " + g.Reason
	}
	return strings.Join(parts, "; ")
}

// LeftGates returns ferry/gates of a head that was green when its pull request was closed, or moved on: nobody looks at it any more.
func LeftGates(head forge.SHA) Contribution {
	return Contribution{SHA: head, Context: GatesContext, State: forge.Pending, Description: "no open pull request has this head any more; Ferry looks again once one has"}
}

// noApp says of what contributes to a status that it is no app: an app's name is not empty, and has no space.
func noApp(contributor string) bool { return contributor == "" || strings.Contains(contributor, " ") }

// Fold makes one status of what several apps contribute: the worst state wins, and where they are several the text counts. Where something else contributes
// too, such as a merge group or a pull request made by hand, the text is that of the worst.
func Fold(context, url string, byApp map[string]Contribution) forge.Status {
	order := []forge.State{forge.Success, forge.Pending, forge.Error, forge.Failure}
	out := forge.Status{Context: context, URL: url}
	done, worst := 0, -1
	var waiting []string
	for _, app := range sortedKeys(byApp) {
		c := byApp[app]
		if c.State == forge.Success {
			done++
		} else {
			waiting = append(waiting, app)
		}
		if r := indexOf(order, c.State); r > worst {
			worst, out.State, out.Description = r, c.State, c.Description
		}
	}
	if len(byApp) > 1 && !slices.ContainsFunc(slices.Collect(maps.Keys(byApp)), noApp) {
		out.Description = fmt.Sprintf("%d of %d apps", done, len(byApp))
		if len(waiting) > 0 {
			out.Description += ", waiting for " + strings.Join(waiting, ", ")
		}
	}
	out.Description = clip(oneLine(out.Description), forge.MaxStatusDescription)
	return out
}
