package promotion

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// A gate of an app that travels with others keeps that app alone out of the train: no pull request shows it, to which an override could be bound. So it is
// bound to the change itself, and stands on the branch ferry-state with the other decisions that no pull request holds.

// Waived is a person's word that one gate need not be open for one release of an app in an environment, in the place of what stands there.
type Waived struct {
	App         string
	Environment string
	From        Release // what stood there when it was said; nothing: no one release
	Waiver
}

// Detail is what events say of it.
func (w Waived) Detail() string {
	return fmt.Sprintf("%s of %s: %s", w.Gate, w.Release.Version(), w.Reason)
}

// stands says whether the environment is as it was when that was said: else it is about another change.
func (w Waived) stands(env *Environment) bool {
	current := env.Current()
	if current == nil || current.Problem != "" {
		return len(w.From) == 0
	}
	return len(w.From) > 0 && current.Release.Same(w.From)
}

// waive lets the gates be open that somebody overrode for what is to come, and ends what is about another change.
func (p *planner) waive(env *Environment) {
	env.Waivers = slices.Clone(env.Waivers)
	for _, w := range env.Waived {
		if w.stands(env) {
			env.Waivers = append(env.Waivers, w.Waiver)
			continue
		}
		p.plan.WaivedEnded = append(p.plan.WaivedEnded, w)
	}
}

// waivedTrailers name who overrode which gate of the release, for whoever reads the history.
func waivedTrailers(b *strings.Builder, env *Environment, release Release) {
	for _, w := range env.Waived {
		if w.Release.Same(release) && w.stands(env) {
			fmt.Fprintf(b, "Ferry-Override: %s by %s: %s\n", oneLine(w.Gate), oneLine(w.Actor), oneLine(w.Reason))
		}
	}
}

// stayBehind lists in the pull request what does not go with the train, with the gate that keeps it out.
func (t *coupling) stayBehind(b *strings.Builder, riders []*car) {
	begun := false
	for _, c := range t.cars {
		g := c.notReady()
		if !c.brings() || g.Name == "" || slices.Contains(riders, c) {
			continue
		}
		if !begun {
			b.WriteString("\n### What stays behind\n\n| app | release | gate | why |\n| --- | --- | --- | --- |\n")
			begun = true
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s |\n", escape(c.p.s.App.Name), code(c.c.release.Version()), g.Name, escape(clip(g.Reason, mostReason)))
	}
	if begun {
		b.WriteString("\nThe others do not wait for them. `/override GATE APP reason` lets that release of an app on.\n")
	}
}

// SeenSince notes since when each release has been what is to come next, by what the plan before said.
func (v *View) SeenSince(before View, now time.Time) {
	for i := range v.Environments {
		cell := &v.Environments[i]
		if cell.Train == "" || cell.Proposed == nil {
			continue
		}
		cell.ProposedSince = now
		if was := before.Find(cell.Name); was != nil && was.Train != "" && !was.ProposedSince.IsZero() && was.Proposed.Same(cell.Proposed) {
			cell.ProposedSince = was.ProposedSince
		}
	}
}

// waivedLine is an override that no pull request holds, as the file of decisions has it.
type waivedLine struct {
	App         string    `yaml:"app"`
	Environment string    `yaml:"environment"`
	Gate        string    `yaml:"gate"`
	Images      []string  `yaml:"images"`
	From        []string  `yaml:"from,omitempty"`
	Reason      string    `yaml:"reason"`
	By          string    `yaml:"by"`
	At          time.Time `yaml:"at"`
}

func waivedLines(list []Waived) (lines []waivedLine) {
	for _, w := range list {
		lines = append(lines, waivedLine{w.App, w.Environment, w.Gate, references(w.Release), references(w.From), w.Reason, w.Actor, w.At})
	}
	return lines
}

// readWaived reads them back. It fails where one is about no release.
func readWaived(lines []waivedLine) (list []Waived, err error) {
	for _, l := range lines {
		if len(l.Images) == 0 || l.Gate == "" {
			return nil, fmt.Errorf("%s on the branch %s: what %s overrode for %s in %s has no gate or no images", StateFile, StateBranch, l.By, l.App, l.Environment)
		}
		list = append(list, Waived{l.App, l.Environment, releaseOf(l.From), Waiver{Gate: l.Gate, Release: releaseOf(l.Images), Actor: l.By, Reason: l.Reason, At: l.At}})
	}
	return list, nil
}
