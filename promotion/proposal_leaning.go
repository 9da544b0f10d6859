package promotion

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"ferry/promotion/config"
	"ferry/promotion/window"
)

// Leaning says whether a changed setting asks for less than before, for more, or for something else.
type Leaning string

// The leanings. What lets Ferry do more by itself, more people do something, or fewer things be waited for loosens.
const (
	Loosens  Leaning = "loosens"
	Tightens Leaning = "tightens"
	Changes  Leaning = "changes"
)

// delta is one changed setting. What of is not among its words: many may change alike.
type delta struct {
	leaning Leaning
	setting string
	change  string // what stands behind the environment
}

// setting is one setting of an environment in words, and how loose it is: a larger number is looser. Without loose it only changes.
type setting struct {
	name  string
	words func(config.Environment) string
	loose func(config.Environment) int64
}

// comparedSettings are the settings that have one value.
func comparedSettings() []setting {
	type env = config.Environment
	return []setting{
		{"mode", func(e env) string { return string(e.Mode) }, func(e env) int64 {
			return placeOf(e.Mode, config.ModeObserve, config.ModePropose, config.ModeRelease)
		}},
		{"soak", func(e env) string { return duration(e.Soak) }, func(e env) int64 { return -int64(e.Soak) }},
		{"approvals", func(e env) string { return fmt.Sprint(e.Approvals) }, func(e env) int64 { return -int64(e.Approvals) }},
		{"merge", func(e env) string { return either(e.AutoMerge, "auto", "manual") }, func(e env) int64 { return truth(e.AutoMerge) }},
		{"unprotected", func(e env) string { return either(e.AllowUnprotected, "allow", "") }, func(e env) int64 { return truth(e.AllowUnprotected) }},
		{"rollback", func(e env) string { return string(e.Rollback) }, func(e env) int64 {
			return placeOf(e.Rollback, config.RollbackManual, config.RollbackPR, config.RollbackAuto)
		}},
		{"watch", func(e env) string { return duration(e.Watch) }, func(e env) int64 { return -int64(e.Watch) }},
		{"settle", func(e env) string { return duration(e.Settle) }, func(e env) int64 { return int64(e.Settle) }},
		{"max_open", func(e env) string { return fmt.Sprint(e.MaxOpen) }, func(e env) int64 { return int64(e.MaxOpen) }},
		{"converge", func(e env) string { return string(e.Converge) }, func(e env) int64 { return placeOf(e.Converge, config.ConvergeReport, config.ConvergeMerge) }},
		{"draft", func(e env) string { return fmt.Sprint(e.PullRequest.Draft) }, func(e env) int64 { return -truth(e.PullRequest.Draft) }},
		{"supersede", func(e env) string { return string(e.Supersede) }, nil},
		{"window", func(e env) string { return duration(e.Window) }, nil},
		{"update", func(e env) string { return string(e.Update) }, func(e env) int64 { return placeOf(e.Update, config.UpdateNone, config.UpdatePR, config.UpdateCommit) }},
		{"report_timeout", func(e env) string { return duration(e.ReportTimeout) }, nil},
		{"digest", func(e env) string { return fmt.Sprint(e.Digest) }, nil},
		{"deployments", func(e env) string { return fmt.Sprint(e.Deployments) }, nil},
		{"url", func(e env) string { return e.URL }, nil},
		{"dir", func(e env) string { return e.Dir }, nil},
		{"pull_request title", func(e env) string { return e.PullRequest.Title }, nil},
		{"labels", func(e env) string { return strings.Join(e.PullRequest.Labels, ", ") }, nil},
		{"assignees", func(e env) string { return strings.Join(e.PullRequest.Assignees, ", ") }, nil},
		{"reviewers", func(e env) string { return strings.Join(e.PullRequest.Reviewers, ", ") }, nil},
	}
}

func placeOf[T comparable](value T, strictestFirst ...T) int64 {
	return int64(slices.Index(strictestFirst, value))
}

func either(which bool, yes, no string) string {
	if which {
		return yes
	}
	return no
}

func truth(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// deltasOf returns how an environment, with its settings as they are resolved, becomes another one.
func deltasOf(was, will config.Environment) (out []delta) {
	for _, s := range comparedSettings() {
		if a, b := s.words(was), s.words(will); a != b {
			out = append(out, delta{s.leaning(was, will), s.name, fromTo(a, b)})
		}
	}
	for _, more := range []func(was, will config.Environment) []delta{fromDelta, checkDeltas, freezeDeltas, policyDeltas, roleDeltas, clusterDeltas} {
		out = append(out, more(was, will)...)
	}
	return out
}

func (s setting) leaning(was, will config.Environment) Leaning {
	if s.loose == nil {
		return Changes
	}
	return leaning(s.loose(will) > s.loose(was), s.loose(will) < s.loose(was))
}

// leaning returns what it is that is looser, stricter, or neither or both of them.
func leaning(looser, stricter bool) Leaning {
	switch {
	case looser && !stricter:
		return Loosens
	case stricter && !looser:
		return Tightens
	}
	return Changes
}

func fromTo(was, will string) string {
	return fmt.Sprintf(" %s → %s", clip(cmp.Or(was, "none"), 200), clip(cmp.Or(will, "none"), 200))
}

// fromDelta compares what a release has to have converged in.
func fromDelta(was, will config.Environment) []delta {
	if sameSet(was.From, will.From) && (was.FromAny == will.FromAny || len(was.From) < 2) {
		return nil
	}
	d := delta{Changes, "from", fromTo(fromWords(was), fromWords(will))}
	if len(was.From) > 0 && len(will.From) > 0 {
		d.leaning = leaning(suffices(was, will), suffices(will, was))
	}
	return []delta{d}
}

// suffices says whether whatever has converged as the one environment asks has converged as the other one asks.
func suffices(one, other config.Environment) bool {
	switch {
	case !one.FromAny && !other.FromAny:
		return within(other.From, one.From)
	case one.FromAny && other.FromAny:
		return within(one.From, other.From)
	case other.FromAny:
		return slices.ContainsFunc(one.From, func(name string) bool { return slices.Contains(other.From, name) })
	}
	return len(one.From) == 1 && sameSet(one.From, other.From)
}

// within says whether each of the one list is in the other.
func within(list, of []string) bool {
	return !slices.ContainsFunc(list, func(x string) bool { return !slices.Contains(of, x) })
}

func sameSet(a, b []string) bool { return within(a, b) && within(b, a) }

// inLists words what is in one list and not in the other. What is new leans as added says, and what is gone leans as removed.
func inLists(what string, was, will []string, added, removed Leaning) (out []delta) {
	for _, x := range was {
		if !slices.Contains(will, x) {
			out = append(out, delta{removed, what, ": " + clip(x, 200) + " is gone"})
		}
	}
	for _, x := range will {
		if !slices.Contains(was, x) {
			out = append(out, delta{added, what, ": " + clip(x, 200) + " is new"})
		}
	}
	return out
}

func clusterDeltas(was, will config.Environment) []delta {
	return inLists("clusters", was.Clusters, will.Clusters, Tightens, Loosens)
}

func checkDeltas(was, will config.Environment) []delta {
	out := inLists("checks", checkNames(was.Checks), checkNames(will.Checks), Tightens, Loosens)
	for _, a := range was.Checks {
		for _, b := range will.Checks {
			if a.Name == b.Name && a.PostedBy != b.PostedBy {
				by := fromTo(cmp.Or(a.PostedBy, "anybody"), cmp.Or(b.PostedBy, "anybody"))
				out = append(out, delta{leaning(b.PostedBy == "", a.PostedBy == ""), "checks", ": " + clip(a.Name, 200) + " posted by" + by})
			}
		}
	}
	return out
}

// freezeDeltas compares windows. One that denies makes it stricter; so does the first one that allows, and each further one looser.
func freezeDeltas(was, will config.Environment) []delta {
	out := inLists("freeze", windowsOf(was, window.Deny), windowsOf(will, window.Deny), Tightens, Loosens)
	before, after := windowsOf(was, window.Allow), windowsOf(will, window.Allow)
	added, removed := leaning(len(before) > 0, len(before) == 0), leaning(len(after) == 0, len(after) > 0)
	return append(out, inLists("freeze", before, after, added, removed)...)
}

func windowsOf(env config.Environment, kind window.Kind) (texts []string) {
	for _, w := range env.Freezes {
		if w.Kind == kind && !slices.Contains(texts, w.String()) {
			texts = append(texts, w.String())
		}
	}
	return texts
}

// policyDeltas compares policies by name and rule: their reasons are words. Another rule under the same name is one that is gone and one that is new.
func policyDeltas(was, will config.Environment) []delta {
	return inLists("policy", rulesOf(was), rulesOf(will), Tightens, Loosens)
}

func rulesOf(env config.Environment) (rules []string) {
	for _, p := range env.Policies {
		rules = append(rules, p.Name+" ("+clip(oneLine(p.Rule.String()), 150)+")")
	}
	return rules
}

// roleDeltas compares who may give each command.
func roleDeltas(was, will config.Environment) (out []delta) {
	for _, spec := range commandSpecs() {
		a, b := roleIn(was.Roles, spec), roleIn(will.Roles, spec)
		if wider, narrower := !covers(a, b), !covers(b, a); wider || narrower {
			more := !within(lowered(b.Users), lowered(a.Users)) // whoever else may do it no more, somebody new may
			out = append(out, delta{leaning(wider, narrower && !more), "roles", ": /" + spec.Name + " by" + fromTo(roleWords(a), roleWords(b))})
		}
	}
	return out
}

// covers says whether everybody who plays the other role plays this one.
func covers(role, other config.Role) bool {
	permitted := other.Permission == "" || role.Permission != "" && permissionOf(role.Permission) <= permissionOf(other.Permission)
	return permitted && within(lowered(other.Teams), lowered(role.Teams)) && within(lowered(other.Users), lowered(role.Users))
}

func lowered(names []string) (out []string) {
	for _, name := range names {
		out = append(out, strings.ToLower(name))
	}
	return out
}
