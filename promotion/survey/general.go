package survey

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// generalImages returns the app's images with {app} for its name.
func (a *app) generalImages() []image {
	out := make([]image, len(a.images))
	for i, img := range a.images {
		out[i] = image{name: a.general(img.name)}
		for env, name := range img.in {
			if out[i].in == nil {
				out[i].in = map[string]string{}
			}
			out[i].in[env] = a.general(name)
		}
	}
	return out
}

func (a *app) general(image string) string {
	dir, last := "", image
	if i := strings.LastIndexByte(image, '/'); i >= 0 {
		dir, last = image[:i+1], image[i+1:]
	}
	if strings.Contains(last, a.found) {
		return dir + strings.Replace(last, a.found, appMark, 1)
	}
	if rest, ok := strings.CutSuffix(dir, "/"+a.found+"/"); ok {
		return rest + "/" + appMark + "/" + last
	}
	return image
}

func imagesKey(images []image) string {
	var b strings.Builder
	for _, i := range images {
		fmt.Fprintf(&b, "%s\x00", i.name)
		for _, env := range slices.Sorted(maps.Keys(i.in)) {
			fmt.Fprintf(&b, "%s=%s\x00", env, i.in[env])
		}
	}
	return b.String()
}
