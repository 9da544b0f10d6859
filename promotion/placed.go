package promotion

import (
	"fmt"
	"regexp"
	"strings"

	"ferry/promotion/config"
	"ferry/promotion/manifest"
)

// Placed returns the facts of a file for each app and environment whose manifest it is, with the images that stand in it or the reason why
// they cannot be read; nothing for a file that is nobody's manifest.
func Placed(c *config.Config, f FileFacts) (facts []FileFacts) {
	places := c.Places(f.Path)
	for _, place := range places {
		one := f
		one.Place = place
		if !f.Gone && f.Problem == "" {
			one.Images, one.Spots, one.Problem = located(c, f.File, place)
		}
		if len(places) > 1 && places[0].App != places[len(places)-1].App {
			one.Problem = f.Path + " belongs to several apps (" + places[0].App + ", " + places[len(places)-1].App + "); their manifests must not overlap"
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
	images, _, problem := located(c, f, place)
	return images, problem
}

// located is ImagesIn with the place of each image in the file.
func located(c *config.Config, f File, place config.Place) ([]Image, []Spot, string) {
	app, ok := c.App(place.App, f.Path)
	if !ok {
		return nil, nil, ""
	}
	targets, configured := []manifest.Target{}, map[string]string{}
	for _, i := range app.Images {
		here := i.NameIn(place.Environment)
		targets, configured[here] = append(targets, manifest.Target{Name: here}), i.Name
	}
	found, err := manifest.Find(f.Path, f.Content, targets)
	if err != nil {
		return nil, nil, plain(err.Error())
	}
	out, spots := make([]Image, len(found)), make([]Spot, len(found))
	for i, x := range found {
		if x.Tag != "" && !tagForm.MatchString(x.Tag) || x.Digest != "" && !digestForm.MatchString(x.Digest) {
			return nil, nil, fmt.Sprintf("%s: what stands there as tag or digest of %s cannot be one", f.Path, configured[x.Name])
		}
		out[i], spots[i] = Image{Name: configured[x.Name], Tag: x.Tag, Digest: x.Digest}, Spot{x.Line, x.Column}
	}
	return out, spots, ""
}

// plain makes text that may quote a repository's files fit for the database, which takes neither NUL nor what is no UTF-8.
func plain(s string) string { return strings.ReplaceAll(strings.ToValidUTF8(s, "�"), "\x00", "�") }
