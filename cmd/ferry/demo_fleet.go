package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"ferry/forge"
	"ferry/promotion/manifest"
)

// rollOut is how long the demo's environments take to start a new release.
const rollOut = 400 * time.Millisecond

// fleet is what runs in the demo's environments. Each has an agent that pulls the environment repository and applies it; what it applies
// to stands here instead of a cluster.
type fleet struct {
	out *printer

	mu      sync.Mutex
	running map[string]map[string]string // by environment and image: tag, or tag and digest
	rolling map[string]bool              // by environment: something is being rolled out
}

func newFleet(out *printer) *fleet {
	f := &fleet{out: out, running: map[string]map[string]string{}, rolling: map[string]bool{}}
	for _, environment := range acmeEnvironments() {
		f.running[environment] = map[string]string{}
	}
	return f
}

// runs returns what the environment runs of an image, or "".
func (f *fleet) runs(environment, image string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.running[environment][image]
}

// images returns what the environment runs, as references; nothing while that changes.
func (f *fleet) images(environment string) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.rolling[environment] {
		return nil
	}
	var list []string
	for _, image := range slices.Sorted(maps.Keys(f.running[environment])) {
		list = append(list, image+":"+f.running[environment][image])
	}
	return list
}

// apply makes the environment run what stands in a checkout, and returns when it does.
func (f *fleet) apply(ctx context.Context, environment, dir string, revision forge.SHA) error {
	wanted, err := readImages(dir, environment)
	if err != nil {
		return err
	}
	var changed []string
	for _, image := range slices.Sorted(maps.Keys(wanted)) {
		if f.runs(environment, image) != wanted[image] {
			tag, _, _ := strings.Cut(wanted[image], "@")
			changed = append(changed, filepath.Base(image)+" "+tag)
		}
	}
	if len(changed) == 0 {
		return nil
	}
	f.out.event(time.Now(), colorNone, "agent of %s pulled %s and rolls out %s", environment, revision.Short(), strings.Join(changed, ", "))
	f.set(environment, nil)
	select {
	case <-time.After(rollOut):
	case <-ctx.Done():
		return ctx.Err()
	}
	f.set(environment, wanted)
	return nil
}

// set says what the environment runs from now on; nil that something is being rolled out.
func (f *fleet) set(environment string, images map[string]string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rolling[environment] = images == nil
	if images != nil {
		f.running[environment] = images
	}
}

// readImages returns the environment's images in a checkout of the environment repository, by name.
func readImages(dir, environment string) (map[string]string, error) {
	files, err := filepath.Glob(filepath.Join(dir, "apps", "*", environment, "*.yaml"))
	if err != nil {
		return nil, err
	}
	images := map[string]string{}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		found, err := manifest.Find(filepath.Base(file), content, acmeImages())
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		for _, i := range found {
			images[i.Name] = i.Tag
			if i.Digest != "" {
				images[i.Name] += "@" + i.Digest
			}
		}
	}
	return images, nil
}

func acmeImages() []manifest.Target {
	var images []manifest.Target
	for _, app := range slices.Sorted(maps.Keys(acmeSources())) {
		images = append(images, manifest.Target{Name: "ghcr.io/" + demoOwner + "/" + app})
	}
	return images
}
