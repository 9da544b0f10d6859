package promotion

import (
	"fmt"
	"slices"
	"strings"

	"ferry/forge"
	"ferry/promotion/config"
	"ferry/promotion/manifest"
)

// Also is a value that moves with a release (`also` in the configuration), with the file in which it stands.
type Also struct {
	config.Also
	File File // as it stands; its Problem says that it is missing, or cannot be read
}

// editing is the files of one environment while a release is written into them.
type editing struct {
	app     config.App
	env     *Environment
	release Release
	copied  func(i int) (value, problem string) // what stands upstream for the value of that index; nil where nothing is copied
	files   []forge.NewFile                     // those that change
	blobs   []forge.SHA
}

// write notes what a file becomes.
func (e *editing) write(f File, content []byte) {
	at := slices.IndexFunc(e.files, func(n forge.NewFile) bool { return n.Path == f.Path })
	switch {
	case at >= 0:
		e.files[at].Content = content
	case string(content) != string(f.Content):
		e.files, e.blobs = append(e.files, forge.NewFile{Path: f.Path, Content: content, Executable: f.Executable}), append(e.blobs, f.Blob)
	}
}

// content returns what a file is by now.
func (e *editing) content(f File) []byte {
	if at := slices.IndexFunc(e.files, func(n forge.NewFile) bool { return n.Path == f.Path }); at >= 0 {
		return e.files[at].Content
	}
	return f.Content
}

// also writes the values that move with the release.
func (e *editing) also() (problem string) {
	for i, a := range e.env.Also {
		value, moves, problem := e.value(i, a)
		switch {
		case problem != "":
			return problem
		case !moves:
			continue
		case a.File.Problem != "":
			return a.File.Problem
		}
		var settings []manifest.Setting
		for _, text := range a.Keys {
			key, err := manifest.ParseKey(text)
			if err != nil {
				return fmt.Sprintf("%s: %v", a.File.Path, err)
			}
			settings = append(settings, manifest.Setting{Key: key, Value: value})
		}
		content, err := manifest.Set(a.File.Path, e.content(a.File), settings)
		if err != nil {
			return refusalWords(a.File.Path, err)
		}
		e.write(a.File, content)
	}
	return ""
}

// value returns what is to be written for the value of that index, and whether it moves with the images that are written.
func (e *editing) value(i int, a Also) (value string, moves bool, problem string) {
	if a.Copy {
		if e.copied == nil {
			return "", false, ""
		}
		value, problem = e.copied(i)
		return value, true, problem
	}
	name := a.Image
	if name == "" && len(e.app.Images) == 1 {
		name = e.app.Images[0].Name
	}
	image, ok := e.release.Image(name)
	switch {
	case name == "" && strings.ContainsAny(a.Value, "{"):
		return "", false, fmt.Sprintf("%s: also does not say whose tag is meant; give it an image", a.File.Path)
	case name != "" && !ok:
		return "", false, "" // another image of the app is bumped
	case image.Digest == "" && strings.Contains(a.Value, "{digest}"):
		return "", false, fmt.Sprintf("%s: the digest of %s is to be written there, and it is not known", a.File.Path, image)
	case image.Tag == "" && strings.Contains(a.Value, "{tag}"):
		return "", false, fmt.Sprintf("%s: the tag of %s is to be written there, and it has none", a.File.Path, image)
	}
	return strings.NewReplacer("{tag}", image.Tag, "{digest}", image.Digest).Replace(a.Value), true, ""
}

// copies returns what is copied for a release that comes from upstream: only where it stands there, for else it would be another release's.
func (s *Snapshot) copies(env *Environment, release Release) func(i int) (value, problem string) {
	return func(i int) (string, string) {
		for _, name := range env.From {
			up := s.Find(name)
			if up == nil || !up.runs(release) || len(up.Also) != len(env.Also) {
				continue
			}
			from := up.Also[i]
			if from.File.Problem != "" {
				return "", from.File.Problem
			}
			return copiedValue(from)
		}
		return "", fmt.Sprintf("%s: also copies a value from %s, and %s stands there no more", env.Also[i].File.Path, strings.Join(env.From, ", "), release.Version())
	}
}

// copiedValue reads what stands at the keys of an entry, which has to be one value.
func copiedValue(from Also) (value, problem string) {
	for n, text := range from.Keys {
		key, err := manifest.ParseKey(text)
		if err != nil {
			return "", fmt.Sprintf("%s: %v", from.File.Path, err)
		}
		one, err := manifest.Value(from.File.Path, from.File.Content, key)
		switch {
		case err != nil:
			return "", refusalWords(from.File.Path, err)
		case n > 0 && one != value:
			return "", fmt.Sprintf("%s: also copies from several keys, and they say %q and %q", from.File.Path, clip(value, 60), clip(one, 60))
		}
		value = one
	}
	return value, ""
}
