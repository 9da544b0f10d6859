package promotion

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"ferry/promotion/config"
	"ferry/promotion/manifest"
)

// Placed returns the facts of a file for each app and environment whose manifest it is, with the images that stand in it or the reason why
// they cannot be read; nothing for a file that is nobody's manifest.
func Placed(c *config.Config, f FileFacts) (facts []FileFacts) {
	contested := c.Overlap(f.Path)
	for _, place := range c.Places(f.Path) {
		one := f
		one.Place = place
		if !f.Gone && f.Problem == "" {
			one.locate(c, place)
		}
		if len(contested) > 0 {
			one.Problem = f.Path + " belongs to several apps (" + strings.Join(contested, ", ") + "); their manifests must not overlap"
		}
		facts = append(facts, one)
	}
	return facts
}

// What a tag and a digest can be (OCI distribution specification, "Pulling manifests"; image specification, "Digests").
var (
	tagForm    = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$`)
	digestForm = regexp.MustCompile(`^[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[a-zA-Z0-9=_-]{1,128}$`)
)

// IsTag says whether the text can be a tag.
func IsTag(text string) bool { return tagForm.MatchString(text) }

// ImagesIn finds the app's images in the file, under the names the configuration gives them, or says why it cannot.
func ImagesIn(c *config.Config, f File, place config.Place) ([]Image, string) {
	f.locate(c, place)
	return f.Images, f.Problem
}

// ChangedImages returns the app's images as they stand in a file after a change, and whether that changes its release: their tags and digests, from where
// they are pulled, or whether they are found at all.
func ChangedImages(c *config.Config, path string, before, after []byte, place config.Place) (Release, bool) {
	was, is := File{Path: path, Content: before}, File{Path: path, Content: after}
	was.locate(c, place)
	is.locate(c, place)
	return is.Images, !slices.Equal(was.Images, is.Images) || !slices.Equal(was.pulled, is.pulled) || was.Problem != is.Problem
}

// locate finds the app's images in the file.
func (f *File) locate(c *config.Config, place config.Place) {
	app, ok := c.App(place.App, f.Path)
	if !ok {
		return
	}
	if f.FindTargets(c, app, place.Environment); f.Problem != "" {
		return
	}
	found, err := manifest.Find(f.Path, f.Content, f.Targets)
	if err != nil {
		f.Problem = plain(err.Error())
		return
	}
	f.Images, f.Spots, f.pulled = make([]Image, len(found)), make([]Spot, len(found)), make([]string, len(found))
	for i, x := range found {
		name := configuredAs(app, place.Environment, x.Name)
		if x.Tag != "" && !tagForm.MatchString(x.Tag) || x.Digest != "" && !digestForm.MatchString(x.Digest) {
			f.Images, f.Problem = nil, fmt.Sprintf("%s: what stands there as tag or digest of %s cannot be one", f.Path, name)
			return
		}
		f.pulled[i] = x.Pulled
		f.Images[i], f.Spots[i] = Image{Name: name, Tag: x.Tag, Digest: x.Digest}, Spot{x.Line, x.Column, x.IsNumber}
	}
}

// configuredAs returns what the configuration calls the image that the environment pulls under name.
func configuredAs(app config.App, environment, name string) string {
	configured := name
	for _, image := range app.Images {
		if image.NameIn(environment) == name {
			configured = image.Name
		}
	}
	return configured
}

// FindTargets notes what to look for in a file of the app: each of its images under the name that the environment pulls it by, at the keys that the
// configuration gives for the file; without keys, wherever the name stands. A key that cannot be read is the file's problem.
func (f *File) FindTargets(c *config.Config, app config.App, environment string) {
	f.Targets = nil
	written := c.Manifests(f.Path)
	for _, image := range app.Images {
		target, asked := manifest.Target{Name: image.NameIn(environment)}, false
		for _, m := range written {
			if m.Place != (config.Place{App: app.Name, Environment: environment}) || m.Image != "" && m.Image != image.Name {
				continue
			}
			asked = true
			for _, key := range m.Keys {
				parsed, err := manifest.ParseKey(key)
				if err != nil {
					f.Problem = plain(f.Path + ": " + err.Error())
					return
				}
				target.Keys = append(target.Keys, parsed)
			}
		}
		if asked {
			f.Targets = append(f.Targets, target)
		}
	}
}

// plain makes text that may quote a repository's files fit for the database, which takes neither NUL nor what is no UTF-8.
func plain(s string) string { return strings.ReplaceAll(strings.ToValidUTF8(s, "�"), "\x00", "�") }
