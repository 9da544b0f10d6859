package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"ferry/promotion"
	"ferry/promotion/config"
	"ferry/promotion/policy"
)

// policyCasesFile holds the cases of a repository, beside its configuration.
const policyCasesFile = ".ferry-policy.yaml"

// policyCase is one case: facts, and what the gate is to be on them.
type policyCase struct {
	Name        string                  `yaml:"name"`
	App         string                  `yaml:"app"`
	Environment string                  `yaml:"environment"`
	Current     caseRelease             `yaml:"current"`
	Release     caseRelease             `yaml:"release"`
	Commit      string                  `yaml:"commit"` // of every image of the release
	Asker       string                  `yaml:"asker"`
	Upstream    map[string]caseUpstream `yaml:"upstream"`
	Expect      promotion.GateState     `yaml:"expect"`
	Because     string                  `yaml:"because"` // what the reason has to contain

	path string
	line int
}

// caseUpstream is how the release fares in one environment. It has converged and is healthy unless said otherwise.
type caseUpstream struct {
	Converged *bool  `yaml:"converged"`
	Healthy   *bool  `yaml:"healthy"`
	Soaked    string `yaml:"soaked"`
}

// caseRelease is a release as people write it: a tag for all images of the app, or a list of references.
type caseRelease []string

// UnmarshalYAML reads one text or a list of them.
func (r *caseRelease) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		*r = caseRelease{n.Value} // also 1.10, which YAML takes for a number
		return nil
	}
	var refs []string
	if err := n.Decode(&refs); err != nil {
		return err
	}
	*r = refs
	return nil
}

// parsePolicyCases reads a file of cases. It fails where that is no such file, where a case lacks what it needs, and where there is none: a test
// that tries nothing would always pass.
func parsePolicyCases(name string, content []byte) ([]policyCase, error) {
	if len(content) > config.MaxSize {
		return nil, fmt.Errorf("%s: the file has %d bytes; at most %d are read", name, len(content), config.MaxSize)
	}
	var file struct {
		Cases []yaml.Node `yaml:"cases"`
	}
	if err := yaml.Load(content, &file, yaml.WithKnownFields()); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	var out []policyCase
	for i := range file.Cases {
		n := &file.Cases[i]
		one := policyCase{path: name, line: n.Line}
		err := n.Load(&one, yaml.WithKnownFields())
		if err == nil {
			err = one.complete()
		}
		if err != nil {
			return nil, fmt.Errorf("%s:%d:%d: case %d: %w", name, n.Line, n.Column, i+1, err)
		}
		out = append(out, one)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%s has no cases", name)
	}
	return out, nil
}

// complete says what the case lacks.
func (c *policyCase) complete() error {
	states := []promotion.GateState{promotion.GateOpen, promotion.GateClosed, promotion.GateWaiting}
	switch {
	case c.Name == "":
		return errors.New("name is missing: what the case shows")
	case c.App == "":
		return errors.New("app is missing")
	case c.Environment == "":
		return errors.New("environment is missing")
	case len(c.Release) == 0:
		return errors.New("release is missing: a tag, or a list of image references")
	case !slices.Contains(states, c.Expect):
		return errors.New("expect must be open, closed or waiting")
	}
	return nil
}

// facts returns the facts of the case.
func (c policyCase) facts(app config.App, env config.Environment) (policy.Facts, error) {
	current, err := c.Current.of(app)
	if err != nil {
		return policy.Facts{}, fmt.Errorf("current: %w", err)
	}
	release, err := c.Release.of(app)
	if err != nil {
		return policy.Facts{}, fmt.Errorf("release: %w", err)
	}
	f := promotion.PolicyFacts(app, env, current, release)
	f.Asker = c.Asker
	for i := range f.Release.Images {
		f.Release.Images[i].Commit = c.Commit
	}
	for name := range c.Upstream {
		if !slices.Contains(env.From, name) {
			return policy.Facts{}, fmt.Errorf("upstream: %s is not promoted into from %q; it has %s", env.Name, name, strings.Join(env.From, ", "))
		}
	}
	for _, name := range env.From {
		said := c.Upstream[name]
		up := policy.Upstream{Environment: name, Converged: said.Converged == nil || *said.Converged, Healthy: said.Healthy == nil || *said.Healthy}
		if said.Soaked != "" {
			if up.Soaked, err = config.ParseDuration(said.Soaked); err != nil {
				return policy.Facts{}, fmt.Errorf("upstream: soaked: %w", err)
			}
		}
		f.Upstream = append(f.Upstream, up)
	}
	return f, nil
}

// of returns the release of the app that is meant.
func (r caseRelease) of(app config.App) (promotion.Release, error) {
	var images []promotion.Image
	for _, configured := range app.Images {
		image := promotion.Image{Name: configured.Name}
		if len(r) == 1 && !strings.ContainsAny(r[0], ":/@") {
			image.Tag = r[0]
			images = append(images, image)
			continue
		}
		for _, ref := range r {
			if named := promotion.ParseImage(ref); named.Name == image.Name {
				images = append(images, named)
			}
		}
	}
	if len(r) > 0 && len(images) == 0 || len(r) > 1 && len(images) != len(r) {
		return nil, fmt.Errorf("%s are not references of the app's images", strings.Join(r, ", "))
	}
	return promotion.NewRelease(images...), nil
}

// holds says whether the gate is what the case expects, and else what it is.
func (c policyCase) holds(gate promotion.Gate) (bool, string) {
	switch {
	case gate.State != c.Expect:
		return false, fmt.Sprintf("expected %s, but it is %s: %s", c.Expect, gate.State, gate.Reason)
	case !strings.Contains(gate.Reason, c.Because):
		return false, fmt.Sprintf("it is %s as expected, but not because of %q: %s", gate.State, c.Because, gate.Reason)
	}
	return true, ""
}
