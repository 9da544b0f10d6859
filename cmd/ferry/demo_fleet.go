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
	out   *printer
	scene scene

	mu      sync.Mutex
	running map[spot]map[string]string // by what runs there: tag, or tag and digest
	rolling map[spot]bool              // something is being rolled out
}

func newFleet(out *printer, s scene) *fleet {
	f := &fleet{out: out, scene: s, running: map[spot]map[string]string{}, rolling: map[spot]bool{}}
	for _, p := range s.places {
		f.running[p] = map[string]string{}
	}
	return f
}

// runs returns what runs there of an image, or "".
func (f *fleet) runs(p spot, image string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.running[p][image]
}

// images returns what runs there, as references; nothing while that changes, and nothing where the scene tells apps and not images.
func (f *fleet) images(p spot) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.rolling[p] || f.scene.runsApps {
		return nil
	}
	var list []string
	for _, image := range slices.Sorted(maps.Keys(f.running[p])) {
		list = append(list, image+":"+f.running[p][image])
	}
	return list
}

// maxRolled is how many images one line names.
const maxRolled = 5

// apply makes the place run what stands in a checkout, and returns when it does.
func (f *fleet) apply(ctx context.Context, p spot, dir string, revision forge.SHA) error {
	wanted, err := f.scene.read(dir, p.environment)
	if err != nil {
		return err
	}
	var changed []string
	for _, image := range slices.Sorted(maps.Keys(wanted)) {
		if f.runs(p, image) != wanted[image] {
			tag, _, _ := strings.Cut(wanted[image], "@")
			changed = append(changed, filepath.Base(image)+" "+tag)
		}
	}
	if len(changed) == 0 {
		return nil
	}
	if more := len(changed) - maxRolled; more > 0 {
		changed = append(changed[:maxRolled], fmt.Sprintf("and %d more", more))
	}
	f.out.event(time.Now(), colorNone, "agent of %s pulled %s and rolls out %s", p, revision.Short(), strings.Join(changed, ", "))
	f.set(p, nil)
	select {
	case <-time.After(rollOut):
	case <-ctx.Done():
		return ctx.Err()
	}
	f.set(p, wanted)
	return nil
}

// set says what runs there from now on; nil that something is being rolled out.
func (f *fleet) set(p spot, images map[string]string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rolling[p] = images == nil
	if images != nil {
		f.running[p] = images
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
