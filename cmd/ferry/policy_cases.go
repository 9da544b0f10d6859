package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"ferry/promotion"
	"ferry/promotion/config"
	"ferry/promotion/policy"
)

// policyCasesFile holds the cases of a repository, beside its configuration.
const policyCasesFile = ".ferry-policy.yaml"

// policyCase is one case: facts, and what the gate is to be on them.
type policyCase struct {
	Name        string
	App         string
	Environment string
	Current     caseRelease
	Release     caseRelease
	Commit      string // of every image of the release
	Intent      string // "" for what it is where nobody asked for anything else
	Asker       string
	Approvals   []string
	Upstream    map[string]caseUpstream
	Expect      promotion.GateState
	Because     string // what the reason has to contain

	path string
	line int
}

// caseUpstream is how the release fares in one environment. It has converged and is healthy unless said otherwise.
type caseUpstream struct {
	Unconverged, Unhealthy bool
	Soaked                 time.Duration
}

// caseRelease is a release as people write it: a tag for all images of the app, a tag with the digest of its one image, or a list of references.
type caseRelease []string

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
	f.Approvals = c.Approvals
	if f.Asker = c.Asker; c.Intent != "" {
		f.Intent = c.Intent
	}
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
		f.Upstream = append(f.Upstream, policy.Upstream{Environment: name, Converged: !said.Unconverged, Healthy: !said.Unhealthy, Soaked: said.Soaked})
	}
	return f, nil
}

// of returns the release of the app that is meant.
func (r caseRelease) of(app config.App) (promotion.Release, error) {
	var images []promotion.Image
	for _, configured := range app.Images {
		image := promotion.Image{Name: configured.Name}
		if tag, digest, ok := r.shorthand(app); ok {
			image.Tag, image.Digest = tag, digest
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
		return nil, fmt.Errorf("%s are not references of the app's images; write a tag that all have, or NAME:TAG@DIGEST for each of %s", strings.Join(r, ", "), strings.Join(imageNames(app), ", "))
	}
	return promotion.NewRelease(images...), nil
}

func imageNames(app config.App) (names []string) {
	for _, image := range app.Images {
		names = append(names, image.Name)
	}
	return names
}

// shorthand returns the tag that stands for all images, and the digest that stands for the only one; false where the release is written otherwise.
func (r caseRelease) shorthand(app config.App) (tag, digest string, ok bool) {
	if len(r) != 1 {
		return "", "", false
	}
	tag, digest, pinned := strings.Cut(r[0], "@")
	if strings.ContainsAny(tag, ":/") || pinned && (len(app.Images) != 1 || promotion.ParseImage(r[0]).Name == app.Images[0].Name) {
		return "", "", false
	}
	return tag, digest, true
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
