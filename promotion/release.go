package promotion

import (
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"
)

// Image is one image of a release: the name the configuration gives it, with tag and digest, which always move as a pair.
// An empty Digest means that none is known.
type Image struct {
	Name   string `json:"name"`
	Tag    string `json:"tag"`
	Digest string `json:"digest,omitempty"`
}

// String returns the reference: name:tag@digest.
func (i Image) String() string {
	s := i.Name
	if i.Tag != "" {
		s += ":" + i.Tag
	}
	if i.Digest != "" {
		s += "@" + i.Digest
	}
	return s
}

// ParseImage splits a reference of the form name[:tag][@digest]. A registry's port is part of the name.
func ParseImage(ref string) Image {
	name, digest, _ := strings.Cut(ref, "@")
	tag := ""
	if i := strings.LastIndexByte(name, ':'); i > strings.LastIndexByte(name, '/') {
		name, tag = name[:i], name[i+1:]
	}
	return Image{Name: name, Tag: tag, Digest: digest}
}

// Release is the set of images of one app, ordered by name.
type Release []Image

// NewRelease returns the release of images, ordered by name.
func NewRelease(images ...Image) Release {
	r := Release(slices.Clone(images))
	slices.SortFunc(r, func(a, b Image) int { return strings.Compare(a.Name, b.Name) })
	return r
}

// Same says whether both are one release: the same images, with equal tags, and digests that are equal or one of which is
// missing.
func (r Release) Same(other Release) bool {
	return slices.EqualFunc(r, other, Image.same)
}

// has says whether the image is one of the release's.
func (r Release) has(image Image) bool { return slices.ContainsFunc(r, image.same) }

func (i Image) same(other Image) bool {
	return i.Name == other.Name && i.Tag == other.Tag && (i.Digest == other.Digest || i.Digest == "" || other.Digest == "")
}

// With returns r with the tag and digest of the image of that name replaced. An image r does not have changes nothing.
func (r Release) With(image Image) Release {
	out := slices.Clone(r)
	for i := range out {
		if out[i].Name == image.Name {
			out[i] = image
		}
	}
	return out
}

// Image returns r's image of that name.
func (r Release) Image(name string) (Image, bool) {
	for _, i := range r {
		if i.Name == name {
			return i, true
		}
	}
	return Image{}, false
}

// Version names the release to people: the tag, where all images share one; else each image's last name with its tag.
func (r Release) Version() string {
	if len(r) == 0 {
		return "nothing"
	}
	if !slices.ContainsFunc(r, func(i Image) bool { return i.version() != r[0].version() }) {
		return r[0].version()
	}
	parts := make([]string, len(r))
	for n, i := range r {
		parts[n] = i.Name[strings.LastIndexByte(i.Name, '/')+1:] + ":" + i.version()
	}
	return strings.Join(parts, ", ")
}

// versionBeside is the version as it is told from the other one's: with the digests, where the tags are the same.
func (r Release) versionBeside(other Release) string {
	words := r.Version()
	if words != other.Version() {
		return words
	}
	for _, i := range r {
		if o, ok := other.Image(i.Name); ok && i.Tag != "" && i.Digest != "" && i.Digest != o.Digest {
			words += "@" + clip(i.Digest, 19)
		}
	}
	return words
}

func (i Image) version() string {
	switch {
	case i.Tag != "":
		return i.Tag
	case len(i.Digest) > 19:
		return i.Digest[:19]
	case i.Digest != "":
		return i.Digest
	}
	return "no tag"
}

// Order is where one release stands to another.
type Order int

// The three outcomes of comparing releases.
const (
	Unordered Order = iota
	Newer
	Older
)

// compareVersions orders r to other by semantic version: newer, where every image has one, none is older and one is newer.
// It returns Unordered where any image has none, or where some are newer and some older.
func (r Release) compareVersions(other Release) Order {
	if len(r) != len(other) {
		return Unordered
	}
	newer, older := false, false
	for _, image := range r {
		old, ok := other.Image(image.Name)
		if !ok {
			return Unordered
		}
		a, errA := semver.StrictNewVersion(strings.TrimPrefix(image.Tag, "v"))
		b, errB := semver.StrictNewVersion(strings.TrimPrefix(old.Tag, "v"))
		if errA != nil || errB != nil {
			return Unordered
		}
		switch a.Compare(b) {
		case 1:
			newer = true
		case -1:
			older = true
		}
	}
	switch {
	case newer && !older:
		return Newer
	case older && !newer:
		return Older
	}
	return Unordered
}
