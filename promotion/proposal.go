package promotion

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"ferry/forge"
	"ferry/promotion/config"
)

// Proposal is what a pull request of somebody's would make of the configuration and of manifests, as read at its head. Nothing is acted on from it.
type Proposal struct {
	Head      forge.SHA
	Config    *ProposedConfig // where it changes a part of the configuration, and what comes out can be read
	Removed   bool            // it removes .ferry.yaml
	Manifests int             // it changes
	Findings  []config.Finding
	Cut       bool // it changes more than was looked at
}

// ProposedConfig is what a configuration is read from.
type ProposedConfig struct {
	File     []byte
	Included []config.Included
}

// Parse returns the proposed configuration.
func (p ProposedConfig) Parse() (*config.Config, error) {
	return config.Parse(config.File, p.File, p.Included...)
}

// UnreadableFinding returns the finding of a manifest that cannot be read. The problem may begin with its place.
func UnreadableFinding(path, problem string) config.Finding {
	f := config.Finding{File: path, Line: 1, Column: 1, Severity: config.SeverityError, Rule: "manifest-unreadable", Message: problem, Do: "Mend the file as the message says."}
	if rest, ok := strings.CutPrefix(problem, path+":"); ok {
		var line, column int
		if n, err := fmt.Sscanf(rest, "%d:%d:", &line, &column); err == nil && n == 2 {
			_, f.Message, _ = strings.Cut(rest, ": ")
			f.Line, f.Column = line, column
		}
	}
	return f
}

// Effects is what a proposed configuration would do at once to the apps that Ferry knows.
type Effects struct {
	Open, Close, Merge []string // promotions, as "checkout into prod"
	Gates              []string // of open promotions, whose gates would stand otherwise
	Gone, Left         int      // apps that would not be Ferry's any more; apps that were not looked at
}

// Add compares what the plan makes of one app under the configuration in force with what it would make under the proposed one.
func (e *Effects) Add(before, after Snapshot, now time.Time) {
	was, would := MakePlan(before, now), MakePlan(after, now)
	if !before.Off && after.Off {
		e.Gone++
	}
	open, shut := wishedPulls(was)
	for _, w := range would.Pulls {
		into := before.App.Name + " into " + w.Environment
		living := living(before, w.Environment)
		switch {
		case w.Open && !living && !open[w.Environment]:
			e.Open = append(e.Open, into)
		case !w.Open && living && !shut[w.Environment]:
			e.Close = append(e.Close, into)
		}
	}
	for _, m := range would.Merges {
		if !slices.ContainsFunc(was.Merges, func(x MergeWish) bool { return x.Environment == m.Environment && x.Number == m.Number }) {
			e.Merge = append(e.Merge, before.App.Name+" into "+m.Environment)
		}
	}
	e.gates(before.App.Name, was.View, would.View)
}

// gates notes open promotions whose gates would be shut, or open, otherwise than they are.
func (e *Effects) gates(app string, was, would View) {
	for _, after := range would.Environments {
		before := was.Find(after.Name)
		if before == nil || after.Proposed == nil || !before.Proposed.Same(after.Proposed) {
			continue
		}
		then, _ := verdict(before.Gates)
		if now, shut := verdict(after.Gates); now != then {
			words := fmt.Sprintf("%s into %s: %s → %s", app, after.Name, then, now)
			if len(shut) > 0 {
				words += " (" + shut[0].Name + ")"
			}
			e.Gates = append(e.Gates, words)
		}
	}
}

func wishedPulls(p Plan) (open, shut map[string]bool) {
	open, shut = map[string]bool{}, map[string]bool{}
	for _, w := range p.Pulls {
		open[w.Environment], shut[w.Environment] = open[w.Environment] || w.Open, shut[w.Environment] || !w.Open
	}
	return open, shut
}

func living(s Snapshot, environment string) bool {
	env := s.Find(environment)
	return env != nil && env.Promotion != nil
}

// SameSettings says whether two configurations mean the same for an app whose manifests stand at the paths.
func SameSettings(a, b *config.Config, app string, paths []string) bool {
	was, ok := a.App(app, paths...)
	will, still := b.App(app, paths...)
	if ok != still || !reflect.DeepEqual(was, will) || !reflect.DeepEqual(a.EnvironmentsOf(app, paths...), b.EnvironmentsOf(app, paths...)) {
		return false
	}
	return !slices.ContainsFunc(paths, func(path string) bool { return !slices.Equal(a.Places(path), b.Places(path)) })
}

// SettingsChanges says in words what becomes of the environments' own settings.
func SettingsChanges(was, will *config.Config) (out []string) {
	for _, before := range was.Order() {
		if _, still := will.Environment(before.Name); !still {
			out = append(out, before.Name+" is gone")
		}
	}
	if was.Mode != will.Mode {
		out = append(out, fmt.Sprintf("mode %s → %s", was.Mode, will.Mode))
	}
	for _, after := range will.Order() {
		before, known := was.Environment(after.Name)
		if !known {
			out = append(out, after.Name+" is new")
			continue
		}
		for _, s := range settingsOf(before, after) {
			if s.was != s.will {
				out = append(out, fmt.Sprintf("%s's %s %s → %s", after.Name, s.name, cmp.Or(s.was, "none"), cmp.Or(s.will, "none")))
			}
		}
	}
	return out
}

type settingChange struct{ name, was, will string }

func settingsOf(a, b config.Environment) []settingChange {
	var out []settingChange
	for _, s := range []struct {
		name string
		of   func(config.Environment) any
	}{
		{"mode", func(e config.Environment) any { return e.Mode }},
		{"from", func(e config.Environment) any { return strings.Join(e.From, "+") }},
		{"soak", func(e config.Environment) any { return duration(e.Soak) }},
		{"checks", func(e config.Environment) any { return strings.Join(checkNames(e.Checks), "+") }},
		{"approvals", func(e config.Environment) any { return e.Approvals }},
		{"freeze windows", func(e config.Environment) any { return len(e.Freezes) }},
		{"policies", func(e config.Environment) any { return len(e.Policies) }},
		{"automatic merge", func(e config.Environment) any { return e.AutoMerge }},
		{"merge without protection", func(e config.Environment) any { return e.AllowUnprotected }},
		{"supersede", func(e config.Environment) any { return e.Supersede }},
		{"max_open", func(e config.Environment) any { return e.MaxOpen }},
		{"rollback", func(e config.Environment) any { return e.Rollback }},
		{"update", func(e config.Environment) any { return e.Update }},
		{"clusters", func(e config.Environment) any { return strings.Join(e.Clusters, "+") }},
		{"dir", func(e config.Environment) any { return e.Dir }},
		{"converge", func(e config.Environment) any { return e.Converge }},
	} {
		out = append(out, settingChange{s.name, fmt.Sprint(s.of(a)), fmt.Sprint(s.of(b))})
	}
	return out
}
