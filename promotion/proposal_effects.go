package promotion

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Effects is what merging a pull request would make of releases and promotions, as things stand now.
type Effects struct {
	Landings           []Landing
	Later              []string // what becomes of promotions once that runs where it has landed
	Open, Close, Merge []string // promotions, as "checkout into prod", and trains with their apps
	Change             []string // promotions that would bring something else
	Gates              []string // of open promotions, whose gates would stand otherwise
	Left               int      // apps that were not looked at
	Fork               bool     // nothing was looked at

	behind [][]string // the gates that are shut of each of Open
}

// Compare returns what becomes of releases and promotions where the one trial holds instead of the other. Both are used up.
func Compare(was, will Trial, now time.Time) Effects {
	before, after := was.run(now), will.run(now)
	e := before.becomes(after)
	if e.Landings = will.Landings; len(e.Landings) > 0 {
		will.arrive(now)
		e.Later = after.becomes(will.run(now)).phrases()
	}
	return e
}

// becomes compares what is open with what is open then.
func (before outcome) becomes(after outcome) (e Effects) {
	for _, branch := range slices.Sorted(maps.Keys(after.shown)) {
		shown := after.shown[branch]
		old, stood := before.shown[branch]
		switch {
		case !stood:
			e.Open = append(e.Open, shown.words())
			e.behind = append(e.behind, gateNames(after.gates[branch]))
		case !maps.EqualFunc(old.cars, shown.cars, Release.Same):
			e.Change = append(e.Change, shown.changedWords(old))
		default:
			e.gates(shown, before.gates[branch], after.gates[branch])
		}
		if after.merges[branch] && !before.merges[branch] {
			e.Merge = append(e.Merge, shown.words())
		}
	}
	for _, branch := range slices.Sorted(maps.Keys(before.shown)) {
		if _, stays := after.shown[branch]; !stays {
			e.Close = append(e.Close, before.shown[branch].words())
		}
	}
	return e
}

// phrases says what becomes of promotions, each with its verb.
func (e Effects) phrases() (list []string) {
	for i, words := range e.Open {
		list = append(list, "open "+words+either(len(e.behind[i]) > 0, ", behind "+strings.Join(e.behind[i], ", "), ""))
	}
	for _, x := range e.lists() {
		for _, words := range x.list {
			if x.verb != "" && x.verb != "open" {
				list = append(list, x.verb+" "+words)
			}
		}
	}
	return list
}

func (e *Effects) gates(shown shownPromotion, was, will []Gate) {
	before, _ := verdict(was)
	after, shut := verdict(will)
	decides := slices.IndexFunc(shut, func(g Gate) bool { return g.State == after })
	if before == after || len(was) == 0 || len(will) == 0 {
		return
	}
	words := fmt.Sprintf("%s: %s → %s", shown.words(), before, after)
	if decides >= 0 {
		words += " (" + shut[decides].Name + ")"
	}
	e.Gates = append(e.Gates, words)
}

func (s shownPromotion) words() string {
	apps := strings.Join(slices.Sorted(maps.Keys(s.cars)), ", ")
	if s.group == "" {
		return apps + " into " + s.environment
	}
	return fmt.Sprintf("%s into %s (%s)", s.group, s.environment, clip(apps, 300))
}

// changedWords says what it brings otherwise than before.
func (s shownPromotion) changedWords(was shownPromotion) string {
	var words []string
	for _, app := range slices.Sorted(maps.Keys(was.cars)) {
		if now, stays := s.cars[app]; !stays {
			words = append(words, app+" leaves")
		} else if !now.Same(was.cars[app]) {
			words = append(words, fmt.Sprintf("%s %s → %s", app, was.cars[app].Version(), now.Version()))
		}
	}
	for _, app := range slices.Sorted(maps.Keys(s.cars)) {
		if _, stood := was.cars[app]; !stood {
			words = append(words, app+" joins")
		}
	}
	return fmt.Sprintf("%s: %s", s.words(), strings.Join(words, ", "))
}
