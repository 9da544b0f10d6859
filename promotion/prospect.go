package promotion

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"ferry/forge"
	"ferry/promotion/config"
)

// Prospect is what would be promoted into one environment, as far as the files alone tell.
type Prospect struct {
	Environment string
	From        []string
	Mode        config.Mode
	Old         Release // what stands there; nil where that is mixed or cannot be read
	New         Release // what would enter; nil where nothing would
	Title       string  // of the pull request
	Branch      string
	Files       []forge.NewFile // as they would become
	Why         string          // why nothing would enter
	Stuck       bool            // nothing would, though upstream stands something else that was not there before
	Refused     string          // why the edit cannot be made, though New would enter
	Waits       []string        // the gates that it would wait for, and that files say nothing of
}

// Prospects plans the app with MakePlan, from its files alone. What files do not say is supposed: what stands in an environment has
// converged there, and soaked; nobody holds, has frozen, blocked or rejected anything; Ferry saw every release arrive; and where versions do not order two
// releases, the one further upstream is the newer one. The environments are upstream first; only those into which something could be promoted
// have a prospect.
func Prospects(app config.App, repository forge.Repo, environments []Environment, now time.Time) []Prospect {
	s := Snapshot{Repository: repository, App: app, Environments: supposed(app, environments, now)}
	plan := MakePlan(s, now)
	var out []Prospect
	for i, env := range environments {
		view := plan.View.Find(env.Name)
		if len(env.From) == 0 || view == nil {
			continue
		}
		p := Prospect{Environment: env.Name, From: env.From, Mode: env.Mode, New: view.Proposed, Why: view.Why}
		if current := s.Environments[i].Current(); current.Problem == "" {
			p.Old = current.Release
		}
		p.Refused = gateNamed(view.Gates, "manifest").Reason
		for _, wish := range plan.Pulls {
			if wish.Environment == env.Name && wish.Open {
				p.Title, p.Branch, p.Files = wish.Title, PromotionBranch(env.Name, app.PromotedAs()), wish.Files
			}
		}
		p.Stuck = p.New == nil && p.Why != nothingNew
		if p.New != nil && env.Soak > 0 {
			p.Waits = append(p.Waits, fmt.Sprintf("soak %s in %s", duration(env.Soak), fromWords(env.Environment)))
		}
		if p.New != nil && env.Window > 0 {
			p.Waits = append(p.Waits, "window "+duration(env.Window))
		}
		for _, check := range env.Checks {
			if p.New != nil {
				p.Waits = append(p.Waits, "check "+check.Name)
			}
		}
		for _, w := range env.Freezes {
			if p.New != nil {
				p.Waits = append(p.Waits, "freeze "+w.String())
			}
		}
		if g := gateNamed(view.Gates, "policy"); p.New != nil && g.State != GateOpen {
			p.Waits = append(p.Waits, "policy "+g.Reason)
		}
		out = append(out, p)
	}
	return out
}

func fromWords(env config.Environment) string {
	if env.FromAny {
		return strings.Join(env.From, " or ")
	}
	return strings.Join(env.From, ", ")
}

// supposed returns the environments with the history that Prospects supposes.
func supposed(app config.App, environments []Environment, now time.Time) []Environment {
	out := slices.Clone(environments)
	depth := depths(out)
	var standing []Deployment
	var soaked time.Duration
	for i := range out {
		soaked = max(soaked, out[i].longestSoak())
	}
	for i := range out {
		env := &out[i]
		release, problem := Standing(app, env.Files)
		d := Deployment{Release: release, Problem: problem, FirstSeq: int64(len(out) - depth[env.Name]), State: DeploymentConverged, ConvergedAt: now, HealthyFrom: now, Since: now, Soaked: soaked}
		env.Mode, env.Environment.Mode, env.Converge, env.Soak, env.History = config.ModePropose, config.ModePropose, config.ConvergeMerge, 0, []Deployment{d}
		env.Checks, env.Window = nil, 0
		standing = append(standing, d)
	}
	slices.SortStableFunc(standing, func(a, b Deployment) int { return int(b.FirstSeq - a.FirstSeq) })
	for i := range out {
		if len(out[i].From) > 0 {
			continue
		}
		for _, d := range standing { // what stands further down entered here earlier, and was replaced; it says the order, and nothing else
			if d.Problem == "" && out[i].deploymentOf(d.Release) == nil {
				out[i].History = append(out[i].History, Deployment{Release: d.Release, FirstSeq: d.FirstSeq, Ended: true, Settled: true, State: DeploymentSuperseded})
			}
		}
	}
	return out
}

// depths returns how many promotions each environment is away from a first one. The environments are upstream first.
func depths(environments []Environment) map[string]int {
	depth := map[string]int{}
	for _, env := range environments {
		for _, from := range env.From {
			depth[env.Name] = max(depth[env.Name], depth[from]+1)
		}
	}
	return depth
}

// ErrNoChange is the error of an edit after which every byte would be what it is.
var ErrNoChange = errors.New("the edit would change nothing")

// Edit returns the files that change where the release, or a part of it, is to stand in the environment, as they would become; what is copied from
// upstream stays as it is, for no release comes from there. It fails with ErrNoChange where all stands there already, and with a reason that names
// file, line and column where the edit cannot be made.
func Edit(app config.App, env Environment, release Release) ([]forge.NewFile, error) {
	env.From = nil
	s := Snapshot{App: app}
	changed, _, problem := s.bump(&env, release)
	switch problem {
	case "":
		return changed, nil
	case ErrNoChange.Error():
		return nil, ErrNoChange
	}
	return nil, errors.New(problem)
}
