package main

import (
	"crypto/sha256"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/Masterminds/semver/v3"

	"ferry/promotion"
	"ferry/promotion/checkout"
	"ferry/promotion/config"
)

// journey is the way of one app's next release through its environments.
type journey struct {
	app   *checkout.App
	next  promotion.Release
	first []string // where it arrives by a commit
	hops  []string // into which it is promoted, upstream first
	last  []string // those of hops that nothing is promoted from
}

// chooseJourney returns the journey of the app of that name, or without a name that which goes furthest. It fails with the reason where there is
// none.
func chooseJourney(d *checkout.Desired, name string) (journey, error) {
	if name != "" {
		app := d.App(name)
		if app == nil {
			return journey{}, unknownApp(d, name)
		}
		j, reason := journeyOf(d.Config, app)
		if reason != "" {
			return journey{}, fmt.Errorf("%s cannot be promoted: %s", name, reason)
		}
		return j, nil
	}
	var best journey
	var reasons []string
	for i := range d.Apps {
		j, reason := journeyOf(d.Config, &d.Apps[i])
		switch {
		case reason != "" && len(reasons) < maxRolled:
			reasons = append(reasons, fmt.Sprintf("  %s: %s", d.Apps[i].Name, reason))
		case reason == "" && len(j.hops) > len(best.hops):
			best = j
		}
	}
	if best.app == nil {
		return best, fmt.Errorf("no app of %s can be promoted; `ferry lint` says more:\n%s", config.File, strings.Join(reasons, "\n"))
	}
	return best, nil
}

// journeyOf returns the way that an app's next release can go, or the reason why it can go nowhere.
func journeyOf(c *config.Config, app *checkout.App) (j journey, reason string) {
	j.app = app
	reached := map[string]bool{}
	for range app.Environments { // upstream may stand behind where the app has a `from` of its own
		for i := range app.Environments {
			env := &app.Environments[i]
			if reached[env.Name] || env.Problem != "" {
				continue
			}
			from, one := sourcesOf(c, app, env)
			arrived := slices.DeleteFunc(slices.Clone(from), func(name string) bool { return !reached[name] })
			switch {
			case len(from) == 0:
				j.first = append(j.first, env.Name)
			case len(arrived) == len(from) || one && len(arrived) > 0:
				j.hops = append(j.hops, env.Name)
				j.last = append(slices.DeleteFunc(j.last, func(name string) bool { return slices.Contains(from, name) }), env.Name)
			default:
				continue
			}
			reached[env.Name] = true
		}
	}
	if reason := j.stuck(); reason != "" {
		return j, reason
	}
	j.next = nextRelease(app, reached)
	return j, ""
}

// sourcesOf returns where the app is promoted into the environment from, and whether one of them is enough.
func sourcesOf(c *config.Config, app *checkout.App, env *checkout.Environment) (from []string, one bool) {
	var paths []string
	for _, f := range env.Files {
		paths = append(paths, f.Path)
	}
	settings, ok := c.Settings(app.Name, env.Name, paths...)
	if !ok {
		return env.From, env.FromAny
	}
	return settings.From, settings.FromAny
}

// stuck says why the journey leads nowhere, or "".
func (j *journey) stuck() string {
	for i := range j.app.Environments {
		if env := &j.app.Environments[i]; env.Problem != "" && len(j.hops) == 0 {
			return env.Name + ": " + env.Problem
		}
	}
	switch {
	case len(j.app.Environments) == 0:
		return "it has no manifest in any environment"
	case len(j.first) == 0:
		return "it is in no environment without `from`, where new images arrive"
	case len(j.hops) == 0:
		return "it is in no environment that is promoted into from " + strings.Join(j.first, ", ")
	}
	return ""
}

// nextRelease returns a release that is newer than what stands in these environments. Nobody built it: the demo's environments do not pull.
func nextRelease(app *checkout.App, environments map[string]bool) promotion.Release {
	tags, pinned := map[string][]string{}, map[string]bool{}
	for i := range app.Environments {
		env := &app.Environments[i]
		if !environments[env.Name] {
			continue
		}
		for _, image := range env.Release {
			tags[image.Name] = append(tags[image.Name], image.Tag)
			pinned[image.Name] = pinned[image.Name] || image.Digest != ""
		}
	}
	var list []promotion.Image
	for name, found := range tags {
		image := promotion.Image{Name: name, Tag: nextTag(found)}
		if pinned[name] {
			image.Digest = fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(name+":"+image.Tag)))
		}
		list = append(list, image)
	}
	return promotion.NewRelease(list...)
}

var (
	patchForm  = regexp.MustCompile(`^(v?[0-9]+\.[0-9]+\.)([0-9]+)([-+_].*)?$`)
	commitForm = regexp.MustCompile(`^(.*[-_.])?([0-9a-f]{7,40})$`)
	numberForm = regexp.MustCompile(`^(.*?)([0-9]+)([^0-9]*)$`)
)

// nextTag returns a tag that follows the newest of tags and is none of them.
func nextTag(tags []string) string {
	next := slices.MaxFunc(tags, compareTags)
	for next == "" || slices.Contains(tags, next) {
		next = afterTag(next)
	}
	return next
}

// compareTags orders tags that are versions; others are as good as each other.
func compareTags(a, b string) int {
	x, errX := semver.NewVersion(a)
	y, errY := semver.NewVersion(b)
	switch {
	case errX == nil && errY == nil:
		return x.Compare(y)
	case errX == nil:
		return 1
	case errY == nil:
		return -1
	}
	return 0
}

// afterTag counts a version up, or makes up a commit in the place of another.
func afterTag(tag string) string {
	if m := patchForm.FindStringSubmatch(tag); m != nil && len(m[2]) < 9 {
		return m[1] + counted(m[2]) + m[3]
	}
	if m := commitForm.FindStringSubmatch(tag); m != nil && strings.ContainsAny(m[2], "abcdef") && strings.ContainsAny(m[2], "0123456789") {
		return m[1] + fmt.Sprintf("%x", sha256.Sum256([]byte(tag)))[:len(m[2])]
	}
	if m := numberForm.FindStringSubmatch(tag); m != nil && len(m[2]) < 18 {
		return m[1] + counted(m[2]) + m[3]
	}
	return tag[:min(len(tag), 100)] + map[bool]string{true: "next", false: "-next"}[tag == ""]
}

// counted returns the number after a number, as wide as that.
func counted(digits string) string {
	n, err := strconv.Atoi(digits)
	if err != nil {
		return digits + "1"
	}
	return fmt.Sprintf("%0*d", len(digits), n+1)
}
