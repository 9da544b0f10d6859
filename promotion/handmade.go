package promotion

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"ferry/forge"
	"ferry/promotion/config"
)

// HandMadeGates returns ferry/gates of a pull request that somebody made by hand: shut by a hold, a freeze or a block on what it
// changes, or a hotfix that it takes away; else open at once. The time is when time alone may change that. It fails where changes is not what an observation wrote.
func HandMadeGates(c *config.Config, head forge.SHA, changes []byte, stops Stops, now time.Time) (out Contribution, due time.Time, err error) {
	var places []Change
	if err := json.Unmarshal(changes, &places); err != nil {
		return out, due, err
	}
	out = Contribution{SHA: head, Context: GatesContext, State: forge.Success, Description: "it changes no release"}
	if len(places) > 0 {
		out.Description = fmt.Sprintf("nothing stops what it changes: %s in %s", places[0].app(), places[0].Environment)
		if len(places) > 1 {
			out.Description = fmt.Sprintf("nothing stops the %d releases it changes", len(places))
		}
	}
	for _, p := range places {
		state, shut, next := stops.gates(c, p, now)
		if due = soonest(due, next); out.State == forge.Success && state != GateOpen || out.State == forge.Pending && state == GateClosed {
			out.State, out.Description = state.status(), fmt.Sprintf("it changes %s in %s; %s", p.app(), p.Environment, gatesWords(shut))
		}
	}
	return out, due, nil
}

// Moves returns the releases that a configuration changes which a pull request proposes, as the one in force calls their places. Where not everything was
// looked at, that may be any release.
func Moves(was, will *config.Config, landings []Landing, cut bool) (list []Change) {
	for _, l := range landings {
		list = append(list, Change{Place: l.Place, Images: l.Release})
		for _, place := range formerly(will, l.Place) {
			list = append(list, Change{Place: place, Images: l.Release})
		}
	}
	for _, env := range was.Environments {
		if cut {
			list = append(list, Change{Place: config.Place{Environment: env.Name}})
		}
	}
	return list
}

// formerly returns the names that a place had before, as a configuration says.
func formerly(c *config.Config, place config.Place) (before []config.Place) {
	apps, environments := []string{place.App}, []string{place.Environment}
	for was, now := range c.FormerApps() {
		if now == place.App {
			apps = append(apps, was)
		}
	}
	for was, now := range c.FormerEnvironments() {
		if now == place.Environment {
			environments = append(environments, was)
		}
	}
	for _, app := range apps {
		for _, environment := range environments {
			if one := (config.Place{App: app, Environment: environment}); one != place {
				before = append(before, one)
			}
		}
	}
	return before
}

// WithMoves adds to what an observation found a pull request to change the releases that its configuration changes. It fails where changes is not what an
// observation wrote.
func WithMoves(changes []byte, moved []Change) ([]byte, error) {
	var places []Change
	if err := json.Unmarshal(changes, &places); err != nil || len(moved) == 0 {
		return changes, err
	}
	return json.Marshal(OnePerPlace(append(places, moved...)))
}

// app is what a pull request changes at the place.
func (c Change) app() string { return cmp.Or(c.App, "more than was looked at") }

// OnePerPlace returns the changes ordered by place, with all that several files say of one place together.
func OnePerPlace(list []Change) []Change {
	slices.SortStableFunc(list, func(a, b Change) int {
		return cmp.Or(strings.Compare(a.App, b.App), strings.Compare(a.Environment, b.Environment))
	})
	var out []Change
	for _, c := range list {
		if n := len(out); n == 0 || out[n-1].Place != c.Place {
			out = append(out, Change{Place: c.Place})
		}
		last := &out[len(out)-1]
		for _, i := range c.Images {
			if !slices.Contains(last.Images, i) {
				last.Images = append(last.Images, i)
			}
		}
	}
	return out
}

// ConfigStatus returns what the status ferry/config says on the commit that changed .ferry.yaml.
// empty are environments for which no manifest was found: often a name or a pattern that is written wrongly.
func ConfigStatus(sha forge.SHA, c *config.Config, problem string, empty []string) Contribution {
	out := Contribution{SHA: sha, Context: ConfigContext, State: forge.Success, Description: config.File + " is gone: Ferry is off here"}
	switch {
	case problem != "" && c != nil:
		out.State, out.Description = forge.Failure, problem+" (the last good one stays in force)"
	case problem != "":
		out.State, out.Description = forge.Failure, problem
	case c != nil:
		out.Description = fmt.Sprintf("in force: %d environments", len(c.Environments))
		if len(empty) > 0 {
			out.Description += "; no manifest was found for " + strings.Join(empty, ", ")
		}
	}
	return out
}
