package promotion

import (
	"fmt"
	"slices"
	"strings"

	"ferry/promotion/config"
)

// Standing returns the release that files desire of app in one environment. The problem says why it is none: the files disagree
// ("mixed"), an image stands nowhere, or a file cannot be read. Without files both are empty: the app is not there.
func Standing(app config.App, files []File) (release Release, problem string) {
	if len(files) == 0 {
		return nil, ""
	}
	var images []Image
	for _, want := range app.Images {
		found, problem := standingImage(want.Name, files)
		if problem != "" {
			return nil, problem
		}
		images = append(images, found)
	}
	return NewRelease(images...), ""
}

func standingImage(name string, files []File) (Image, string) {
	var found *Image
	for _, file := range files {
		if file.Problem != "" {
			return Image{}, file.Problem
		}
		for _, image := range file.Images {
			if image.Name != name {
				continue
			}
			if found == nil {
				found = &image
				continue
			}
			if found.Tag != image.Tag || found.Digest != image.Digest && found.Digest != "" && image.Digest != "" {
				return Image{}, fmt.Sprintf("mixed: %s is %s in one place and %s in another (%s)", name, found.version(), image.version(), file.Path)
			}
			if found.Digest == "" {
				found = &image
			}
		}
	}
	if found == nil {
		paths := make([]string, len(files))
		for i, f := range files {
			paths[i] = f.Path
		}
		slices.Sort(paths)
		return Image{}, fmt.Sprintf("%s stands in none of %s", name, strings.Join(paths, ", "))
	}
	return *found, ""
}
