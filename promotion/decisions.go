package promotion

import (
	"fmt"
	"time"

	"go.yaml.in/yaml/v4"

	"ferry/forge"
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

// Decisions are those that no pull request holds.
type Decisions struct {
	Holds    []Hold
	Baseline []Baseline
}

type decisionsFile struct {
	APIVersion string         `yaml:"apiVersion"`
	Holds      []holdLine     `yaml:"holds,omitempty"`
	Baseline   []baselineLine `yaml:"baseline,omitempty"`
}

type holdLine struct {
	App         string    `yaml:"app,omitempty"`
	Environment string    `yaml:"environment,omitempty"`
	Reason      string    `yaml:"reason,omitempty"`
	By          string    `yaml:"by"`
	At          time.Time `yaml:"at"`
	Until       time.Time `yaml:"until,omitempty"`
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
		file.Holds = append(file.Holds, holdLine{h.App, h.Environment, h.Reason, h.Actor, h.At, h.Until})
	}
	for _, b := range d.Baseline {
		line := baselineLine{App: b.App, Environment: b.Environment, Revision: string(b.Revision)}
		for _, i := range b.Release {
			line.Images = append(line.Images, i.String())
		}
		file.Baseline = append(file.Baseline, line)
	}
	out, err := yaml.Marshal(file)
	if err != nil {
		return nil, fmt.Errorf("writing the decisions: %w", err)
	}
	return append([]byte(decisionsHeader), out...), nil
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
		d.Holds = append(d.Holds, Hold{App: h.App, Environment: h.Environment, Reason: h.Reason, Actor: h.By, At: h.At, Until: h.Until})
	}
	for _, b := range file.Baseline {
		one := Baseline{App: b.App, Environment: b.Environment}
		if b.Revision != "" {
			sha, err := forge.ParseSHA(b.Revision)
			if err != nil {
				return Decisions{}, fmt.Errorf("%s on the branch %s: the baseline of %s in %s: %w", StateFile, StateBranch, b.App, b.Environment, err)
			}
			one.Revision = sha
		}
		for _, ref := range b.Images {
			one.Release = append(one.Release, ParseImage(ref))
		}
		d.Baseline = append(d.Baseline, one)
	}
	return d, nil
}
