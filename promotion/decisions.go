package promotion

import (
	"fmt"
	"slices"
	"time"

	"go.yaml.in/yaml/v4"

	"ferry/forge"
	"ferry/promotion/config"
)

// The home of decisions at the forge: one YAML file on an orphan branch, from where a lost database reads them back.
const (
	StateBranch = "ferry-state"
	StateFile   = "decisions.yaml"

	apiVersion = "ferry/v1"
)

// Baseline is what Ferry found the first time it saw an app in an environment.
type Baseline struct {
	App         string
	Environment string
	Release     Release
	Revision    forge.SHA // at which it stood there; empty in a file of before Ferry wrote that
}

// Asked is what a person asked for with /promote and what has not come yet.
type Asked struct {
	App         string
	Environment string
	Intent
}

// Decisions are those that no pull request holds.
type Decisions struct {
	Stops
	Lifts    []Lift
	Asked    []Asked
	Drops    []Dropped
	Waived   []Waived
	Baseline []Baseline
}

// Renamed returns the decisions with the names that apps and environments have now. A baseline that stands under both names is the one under the new.
func (d Decisions) Renamed(c *config.Config) Decisions {
	out := Decisions{Stops: Stops{Holds: slices.Clone(d.Holds), Freezes: slices.Clone(d.Freezes), Blocks: slices.Clone(d.Blocks)},
		Lifts: slices.Clone(d.Lifts), Asked: slices.Clone(d.Asked), Drops: slices.Clone(d.Drops), Waived: slices.Clone(d.Waived)}
	rename := func(app, environment *string) {
		now := c.Current(config.Place{App: *app, Environment: *environment})
		*app, *environment = now.App, now.Environment
	}
	for i := range out.Holds {
		renameStop(c, &out.Holds[i])
	}
	for i := range out.Freezes {
		renameStop(c, (*Hold)(&out.Freezes[i]))
	}
	for i := range out.Blocks {
		rename(&out.Blocks[i].App, &out.Blocks[i].Environment)
	}
	for i := range out.Lifts {
		rename(&out.Lifts[i].App, &out.Lifts[i].Environment)
	}
	for i := range out.Asked {
		rename(&out.Asked[i].App, &out.Asked[i].Environment)
	}
	for i := range out.Drops {
		rename(&out.Drops[i].App, &out.Drops[i].Environment)
	}
	for i := range out.Waived {
		rename(&out.Waived[i].App, &out.Waived[i].Environment)
	}
	for _, b := range d.Baseline {
		was := config.Place{App: b.App, Environment: b.Environment}
		now := c.Current(was)
		taken := slices.ContainsFunc(d.Baseline, func(other Baseline) bool { return other.App == now.App && other.Environment == now.Environment })
		if was != now && taken {
			continue
		}
		b.App, b.Environment = now.App, now.Environment
		out.Baseline = append(out.Baseline, b)
	}
	return out
}

func renameStop(c *config.Config, h *Hold) {
	now := c.Current(config.Place{App: h.App, Environment: h.Environment})
	h.App, h.Environment, h.Apps = now.App, now.Environment, slices.Clone(h.Apps)
	for i, app := range h.Apps {
		h.Apps[i] = c.Current(config.Place{App: app}).App
	}
}

type decisionsFile struct {
	APIVersion string         `yaml:"apiVersion"`
	Holds      []stopLine     `yaml:"holds,omitempty"`
	Freezes    []stopLine     `yaml:"freezes,omitempty"`
	Blocks     []blockLine    `yaml:"blocks,omitempty"`
	Lifts      []liftLine     `yaml:"lifted,omitempty"`
	Asked      []askedLine    `yaml:"asked,omitempty"`
	Drops      []dropLine     `yaml:"dropped,omitempty"`
	Waived     []waivedLine   `yaml:"overridden,omitempty"`
	Baseline   []baselineLine `yaml:"baseline,omitempty"`
}

// saidLine is whose decision it is, and of when.
type saidLine struct {
	By string    `yaml:"by"`
	At time.Time `yaml:"at"`
}

// stopLine is a hold or a freeze.
type stopLine struct {
	App         string   `yaml:"app,omitempty"`
	Environment string   `yaml:"environment,omitempty"`
	Apps        []string `yaml:"apps,omitempty"`
	Reason      string   `yaml:"reason,omitempty"`
	saidLine    `yaml:",inline"`
	Until       time.Time `yaml:"until,omitempty"`
	RolledBack  []string  `yaml:"rolledBack,omitempty"`
}

type blockLine struct {
	App         string   `yaml:"app"`
	Environment string   `yaml:"environment,omitempty"`
	Release     string   `yaml:"release"`
	With        []string `yaml:"with,omitempty"`
	Reason      string   `yaml:"reason,omitempty"`
	saidLine    `yaml:",inline"`
}

type liftLine struct {
	App         string `yaml:"app"`
	Environment string `yaml:"environment"`
	Number      int    `yaml:"pull"`
	saidLine    `yaml:",inline"`
}

type askedLine struct {
	App         string   `yaml:"app"`
	Environment string   `yaml:"environment"`
	Intent      string   `yaml:"intent,omitempty"`
	Images      []string `yaml:"images"`
	From        []string `yaml:"from,omitempty"`
	Reason      string   `yaml:"reason,omitempty"`
	saidLine    `yaml:",inline"`
}

// dropLine is what somebody took out of a train.
type dropLine struct {
	App         string   `yaml:"app"`
	Environment string   `yaml:"environment"`
	Images      []string `yaml:"images"`
	Number      int      `yaml:"pull"`
	saidLine    `yaml:",inline"`
}

type baselineLine struct {
	App         string   `yaml:"app"`
	Environment string   `yaml:"environment"`
	Images      []string `yaml:"images"`
	Revision    string   `yaml:"revision,omitempty"`
}

const decisionsHeader = "# Ferry's decisions that no pull request holds. Ferry writes this file before it answers a command; do not edit it.\n"

// Marshal returns the decisions as the file that stands on the branch.
func (d Decisions) Marshal() ([]byte, error) {
	file := decisionsFile{APIVersion: apiVersion}
	for _, h := range d.Holds {
		file.Holds = append(file.Holds, lineOf(h))
	}
	for _, f := range d.Freezes {
		file.Freezes = append(file.Freezes, lineOf(Hold(f)))
	}
	for _, b := range d.Blocks {
		file.Blocks = append(file.Blocks, blockLine{b.App, b.Environment, b.Image.named(), references(b.Rest), b.Reason, saidLine{b.Actor, b.At}})
	}
	for _, l := range d.Lifts {
		file.Lifts = append(file.Lifts, liftLine{l.App, l.Environment, l.Number, saidLine{l.Actor, l.At}})
	}
	for _, a := range d.Asked {
		kind := a.Kind
		if kind == IntentPromotion {
			kind = ""
		}
		file.Asked = append(file.Asked, askedLine{a.App, a.Environment, kind, references(a.Release), references(a.From), a.Reason, saidLine{a.Actor, a.At}})
	}
	for _, x := range d.Drops {
		file.Drops = append(file.Drops, dropLine{x.App, x.Environment, references(x.Release), x.Number, saidLine{x.Actor, x.At}})
	}
	file.Waived = waivedLines(d.Waived)
	for _, b := range d.Baseline {
		file.Baseline = append(file.Baseline, baselineLine{b.App, b.Environment, references(b.Release), string(b.Revision)})
	}
	out, err := yaml.Marshal(file)
	if err != nil {
		return nil, fmt.Errorf("writing the decisions: %w", err)
	}
	return append([]byte(decisionsHeader), out...), nil
}

func lineOf(h Hold) stopLine {
	return stopLine{h.App, h.Environment, h.Apps, h.Reason, saidLine{h.Actor, h.At}, h.Until, references(h.RolledBack)}
}

func (l stopLine) hold() Hold {
	return Hold{App: l.App, Environment: l.Environment, Apps: l.Apps, Reason: l.Reason, Actor: l.By, At: l.At, Until: l.Until, RolledBack: releaseOf(l.RolledBack)}
}

func references(r Release) (list []string) {
	for _, i := range r {
		list = append(list, i.String())
	}
	return list
}

func releaseOf(references []string) (r Release) {
	for _, ref := range references {
		r = append(r, ParseImage(ref))
	}
	return r
}

// ParseDecisions reads the file back. It fails on anything that Ferry would not have written.
func ParseDecisions(content []byte) (Decisions, error) {
	var file decisionsFile
	if err := yaml.Load(content, &file, yaml.WithKnownFields()); err != nil {
		return Decisions{}, fmt.Errorf("%s on the branch %s: %w", StateFile, StateBranch, err)
	}
	if file.APIVersion != apiVersion {
		return Decisions{}, fmt.Errorf("%s on the branch %s: apiVersion is %q, and this version of Ferry reads %s", StateFile, StateBranch, file.APIVersion, apiVersion)
	}
	var d Decisions
	for _, h := range file.Holds {
		d.Holds = append(d.Holds, h.hold())
	}
	for _, f := range file.Freezes {
		d.Freezes = append(d.Freezes, Freeze(f.hold()))
	}
	for _, b := range file.Blocks {
		image, ok := parseNamed(b.Release)
		if !ok {
			return Decisions{}, fmt.Errorf("%s on the branch %s: %q, which %s blocks of %s, is no release", StateFile, StateBranch, b.Release, b.By, b.App)
		}
		d.Blocks = append(d.Blocks, Block{App: b.App, Environment: b.Environment, Image: image, Rest: releaseOf(b.With), Reason: b.Reason, Actor: b.By, At: b.At})
	}
	for _, l := range file.Lifts {
		d.Lifts = append(d.Lifts, Lift{config.Place{App: l.App, Environment: l.Environment}, l.Number, l.By, l.At})
	}
	for _, a := range file.Asked {
		if len(a.Images) == 0 {
			return Decisions{}, fmt.Errorf("%s on the branch %s: what was asked for %s in %s has no images", StateFile, StateBranch, a.App, a.Environment)
		}
		d.Asked = append(d.Asked, Asked{a.App, a.Environment, Intent{Kind: a.Intent, Release: releaseOf(a.Images), From: releaseOf(a.From), Actor: a.By, Reason: a.Reason, At: a.At}})
	}
	for _, x := range file.Drops {
		if len(x.Images) == 0 {
			return Decisions{}, fmt.Errorf("%s on the branch %s: what %s took out of #%d of %s has no images", StateFile, StateBranch, x.By, x.Number, x.App)
		}
		d.Drops = append(d.Drops, Dropped{x.App, x.Environment, Drop{Release: releaseOf(x.Images), Number: x.Number, Actor: x.By, At: x.At}})
	}
	var err error
	if d.Waived, err = readWaived(file.Waived); err != nil {
		return Decisions{}, err
	}
	for _, b := range file.Baseline {
		one := Baseline{App: b.App, Environment: b.Environment, Release: releaseOf(b.Images)}
		if b.Revision != "" {
			sha, err := forge.ParseSHA(b.Revision)
			if err != nil {
				return Decisions{}, fmt.Errorf("%s on the branch %s: the baseline of %s in %s: %w", StateFile, StateBranch, b.App, b.Environment, err)
			}
			one.Revision = sha
		}
		d.Baseline = append(d.Baseline, one)
	}
	return d, nil
}
