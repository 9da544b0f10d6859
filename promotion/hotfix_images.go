package promotion

import (
	"fmt"
	"slices"
	"strings"

	"ferry/promotion/config"
)

// CheckedImage is an image that a hotfix names, and what its registry says.
type CheckedImage struct {
	Image   Image  `json:"image"`
	Missing bool   `json:"missing,omitempty"`
	Problem string `json:"problem,omitempty"` // why the registry could not be asked
}

// StandingApp is an app with a release that stands somewhere.
type StandingApp struct {
	App     string
	Release Release
}

// mostHotfixed bounds what the registry is asked for one comment.
const mostHotfixed = 4

// HotfixImages returns the images that the hotfixes among the commands bring into one of the apps: what their registries are asked for before anything is
// promised.
func HotfixImages(commands []Command, c *config.Config, apps []StandingApp) (images []Image) {
	e := execution{CommandScene: CommandScene{Config: c}}
	for _, app := range apps {
		e.Views = append(e.Views, View{App: app.App})
	}
	for _, command := range commands {
		_, _, rest := e.target(command.Words)
		if command.Name != "hotfix" || len(rest) == 0 {
			continue
		}
		for _, app := range apps {
			image, ok := namedImage(rest[0])
			fit := image.fitting(app.Release)
			if !ok || image.Tag == "" || len(fit) != 1 || len(images) == mostHotfixed {
				continue
			}
			if image.Name = fit[0]; !slices.Contains(images, image) {
				images = append(images, image)
			}
		}
	}
	return images
}

// namedImage reads the word of a hotfix that names the image.
func namedImage(word string) (Image, bool) { return parseNamed(strings.Trim(word, "`,")) }

// fitting returns the names of those of the release's images that the image may be meant to be.
func (i Image) fitting(release Release) (names []string) {
	for _, of := range release {
		if i.Name == "" && len(release) == 1 || i.Name == of.Name || i.Name != "" && strings.HasSuffix(of.Name, "/"+i.Name) {
			names = append(names, of.Name)
		}
	}
	return names
}

// inRegistry refuses an image that its registry does not have; it returns false after that. Where that was not asked, or got no answer, though registries are
// asked, it says so.
func (e *execution) inRegistry(image Image) (unsure string, ok bool) {
	at := slices.IndexFunc(e.Checked, func(c CheckedImage) bool { return c.Image == image })
	switch {
	case at < 0 && len(e.Checked) >= mostHotfixed:
		return fmt.Sprintf(" Whether the registry has %s was not checked: it is asked for %d images of one comment.", code(image.String()), mostHotfixed), true
	case at < 0 && e.Checked != nil:
		return fmt.Sprintf(" Whether the registry has %s was not checked.", code(image.String())), true
	case at < 0:
		return "", true
	case e.Checked[at].Missing:
		e.refuse("Nothing was done: the registry has no %s. Look at the tag, or push the image, and say it again.", code(image.String()))
		return "", false
	case e.Checked[at].Problem != "":
		return fmt.Sprintf(" Whether the registry has %s could not be checked: %s.", code(image.String()), escape(clip(oneLine(e.Checked[at].Problem), 200))), true
	}
	return "", true
}
