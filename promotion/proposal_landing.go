package promotion

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"ferry/forge"
	"ferry/promotion/config"
)

// Landing is what the merge of a pull request makes of an app's release in an environment.
type Landing struct {
	config.Place
	Was, Release Release // nothing where the app does not stand there
	Problem      string  // why what would stand there is no release
	Shut         []string
}

// Land lets the environment's files stand there as a revision that comes next has them, and says what that makes of the release; false where it stays the
// same.
func (s *Snapshot) Land(environment string, revision forge.SHA, now time.Time) (l Landing, changed bool) {
	env := s.Find(environment)
	if env == nil {
		return l, false
	}
	l.Place = config.Place{App: s.App.Name, Environment: environment}
	l.Release, l.Problem = Standing(s.App, env.Files)
	next := Deployment{Release: l.Release, Problem: l.Problem, FirstSHA: revision, FirstSeq: 1, Baseline: len(env.History) == 0, State: DeploymentPending, Since: now}
	next.Judged = next.Baseline
	gone := l.Release == nil && l.Problem == ""
	env.History = slices.Clone(env.History)
	if current := env.Current(); current != nil {
		if l.Was = current.Release; !gone && current.Problem == l.Problem && current.Release.Same(l.Release) {
			return l, false
		}
		current.Ended, current.State, current.Settled, current.HealthyFrom = true, DeploymentSuperseded, true, time.Time{}
		next.FirstSeq = current.FirstSeq + 1
	} else if gone {
		return l, false
	}
	if !gone {
		env.History = slices.Insert(env.History, 0, next)
	}
	return l, true
}

// StoppedBy notes which gates the pull request meets that brings it, as somebody's own change.
func (l *Landing) StoppedBy(c *config.Config, stops Stops, now time.Time) {
	_, shut, _ := stops.gates(c, Change{Place: l.Place, Images: l.Release}, now)
	l.Shut = gateNames(shut)
}

func gateNames(gates []Gate) (names []string) {
	for _, g := range gates {
		if g.State != GateOpen && !slices.Contains(names, g.Name) {
			names = append(names, g.Name)
		}
	}
	return names
}

// words says which release takes the place of which.
func (l Landing) words() string {
	place := l.App + " in " + l.Environment
	switch {
	case l.Problem != "":
		return place + ": " + l.Problem
	case l.Release == nil:
		return place + ": it stands there no more"
	case l.Was == nil:
		return place + ": " + l.Release.Version() + " is new there"
	}
	return fmt.Sprintf("%s: %s → %s", place, l.Was.versionBeside(l.Release), l.Release.versionBeside(l.Was))
}

// line is words, with what keeps the pull request from being merged.
func (l Landing) line() string {
	if len(l.Shut) == 0 {
		return l.words()
	}
	return l.words() + " (" + GatesContext + " is not green: " + strings.Join(l.Shut, ", ") + ")"
}

// arrive lets all that has landed run where it stands, healthily.
func (t *Trial) arrive(now time.Time) {
	for i := range t.Units {
		for j := range t.Units[i].Apps {
			for _, l := range t.Landings {
				if l.App == t.Units[i].Apps[j].App.Name {
					t.Units[i].Apps[j].Find(l.Environment).arrive(now)
				}
			}
		}
	}
}

func (e *Environment) arrive(now time.Time) {
	d := e.Current()
	if d == nil {
		return
	}
	e.Reports = nil
	for _, cluster := range e.Clusters {
		e.Reports = append(e.Reports, Report{Cluster: cluster, Revision: d.FirstSHA, Seq: d.FirstSeq, Health: HealthHealthy, ReceivedAt: now})
	}
}
