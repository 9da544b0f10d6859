package main

import (
	"maps"
	"slices"
	"strings"
	"time"

	"ferry/forge"
	"ferry/forge/sandbox"
	"ferry/promotion/config"
)

// scene is what a demo is about: whose environment repository, and what runs in its environments.
type scene struct {
	owner, name string // of the environment repository
	places      []spot // upstream first
	found       func(*sandbox.Sandbox) (map[string]forge.SHA, error)
	paths       func(environment string) []string                        // which an agent watches; none for all
	read        func(dir, environment string) (map[string]string, error) // what a checkout wants there: versions by image
	runsApps    bool                                                     // read names apps, and not images
}

// spot is one cluster of an environment.
type spot struct{ environment, cluster string }

// String names the place as people do: without a cluster where there is one only.
func (p spot) String() string {
	if p.cluster == config.DefaultCluster {
		return p.environment
	}
	return p.environment + "/" + p.cluster
}

func (s scene) repository() string { return s.owner + "/" + s.name }

// environments returns the names of the environments, upstream first.
func (s scene) environments() []string {
	var names []string
	for _, p := range s.places {
		if !slices.Contains(names, p.environment) {
			names = append(names, p.environment)
		}
	}
	return names
}

// poll is how often an agent looks at Git: many agents look less often, so that one machine bears them.
func (s scene) poll() time.Duration {
	return agentPoll * time.Duration(1+len(s.places)/4)
}

// acmeScene is the demo's own company.
func acmeScene() scene {
	owner, name, _ := strings.Cut(demoRepository, "/")
	s := scene{owner: owner, name: name, found: foundAcme, read: readImages}
	for _, environment := range acmeEnvironments() {
		s.places = append(s.places, spot{environment, config.DefaultCluster})
	}
	s.paths = func(environment string) []string {
		var paths []string
		for _, app := range slices.Sorted(maps.Keys(acmeSources())) {
			paths = append(paths, "apps/"+app+"/base", "apps/"+app+"/"+environment)
		}
		return paths
	}
	return s
}
