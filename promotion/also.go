package promotion

import (
	"fmt"
	"slices"
	"strings"

	"ferry/promotion/config"
	"ferry/promotion/manifest"
)

// Moved is a value that moves with the releases of the app into the environment, with the file it stands in.
type Moved struct {
	config.Also
	File File // its Problem says why it cannot be read, or that there is none
}

// AlsoPlaced returns the facts of a file for each app and environment with whose releases a value in it moves, but whose manifest it is not. The
// apps are those that the configuration could find: whether there are such is for the caller to see.
func AlsoPlaced(c *config.Config, f FileFacts) (facts []FileFacts) {
	manifests := c.Places(f.Path)
	for _, a := range c.Also(f.Path) {
		known := slices.ContainsFunc(facts, func(other FileFacts) bool { return other.Place == a.Place })
		if known || slices.Contains(manifests, a.Place) {
			continue
		}
		one := f
		one.Place, one.Also = a.Place, true
		facts = append(facts, one)
	}
	return facts
}

// MovedValues returns the values that move with the app's releases into the environment. Files are all of the app's there.
func MovedValues(c *config.Config, app, environment string, files []File, paths ...string) (moved []Moved) {
	for _, a := range c.AlsoOf(app, environment, paths...) {
		m := Moved{Also: a, File: File{Path: a.Path, Problem: fmt.Sprintf("%s does not exist, and also says that it moves with %s; add it, or remove that", a.Path, app)}}
		if i := slices.IndexFunc(files, func(f File) bool { return f.Path == a.Path }); i >= 0 {
			m.File = files[i]
		}
		moved = append(moved, m)
	}
	return moved
}

// move writes the values that move with the release into the files of an edit, and adds those of which it is the only change.
func (s *Snapshot) move(env *Environment, release Release, e *edit) (problem string) {
	var order []string
	settings, files := map[string][]manifest.Setting{}, map[string]File{}
	for _, m := range env.Moved {
		if m.Copy && len(env.From) == 0 { // nothing is upstream of it
			continue
		}
		values, problem := s.movedValues(env, m, release)
		switch {
		case problem != "":
			return problem
		case values == nil:
			continue
		case m.File.Problem != "" && len(m.File.Content) == 0:
			return m.File.Problem
		}
		if files[m.Path].Path == "" {
			order, files[m.Path] = append(order, m.Path), m.File
		}
		for i, text := range m.Keys {
			key, err := manifest.ParseKey(text)
			if err != nil {
				return fmt.Sprintf("%s: %v", m.Path, err)
			}
			settings[m.Path] = append(settings[m.Path], manifest.Setting{Key: key, Value: values[i]})
		}
	}
	for _, path := range order {
		if problem := e.set(files[path], settings[path]); problem != "" {
			return problem
		}
	}
	return ""
}

// movedValues returns what is to stand at each of the keys; nil where it moves with another image than those that are written.
func (s *Snapshot) movedValues(env *Environment, m Moved, release Release) ([]string, string) {
	if m.Copy {
		return s.copied(env, m, release)
	}
	name := m.Image
	if name == "" && len(s.App.Images) == 1 {
		name = s.App.Images[0].Name
	}
	image, ok := release.Image(name)
	switch {
	case name == "" && strings.Contains(m.Value, "{"):
		return nil, fmt.Sprintf("%s: also does not say whose tag is meant; give it an image", m.Path)
	case name != "" && !ok:
		return nil, ""
	case image.Digest == "" && strings.Contains(m.Value, "{digest}"):
		return nil, fmt.Sprintf("%s: the digest of %s is to be written there, and it is not known; let CI announce it, or write it upstream", m.Path, image)
	case image.Tag == "" && strings.Contains(m.Value, "{tag}"):
		return nil, fmt.Sprintf("%s: the tag of %s is to be written there, and it has none", m.Path, image)
	}
	value := strings.NewReplacer("{tag}", image.Tag, "{digest}", image.Digest).Replace(m.Value)
	return slices.Repeat([]string{value}, len(m.Keys)), ""
}

// copied returns what stands at the keys of the same entry in the environment that the release comes from.
func (s *Snapshot) copied(env *Environment, m Moved, release Release) ([]string, string) {
	for _, name := range env.From {
		up := s.Find(name)
		if up == nil || !up.runs(release) {
			continue
		}
		from := sameEntry(up, m)
		switch {
		case from == nil:
			continue
		case from.File.Problem != "" && len(from.File.Content) == 0:
			return nil, from.File.Problem
		case len(from.Keys) != len(m.Keys):
			return nil, fmt.Sprintf("%s has %d keys to be copied to, and %s in %s has %d; let each have one {cluster}", m.Path, len(m.Keys), from.Path, name, len(from.Keys))
		}
		values := make([]string, len(from.Keys))
		for i, text := range from.Keys {
			key, err := manifest.ParseKey(text)
			if err != nil {
				return nil, fmt.Sprintf("%s: %v", from.Path, err)
			}
			if values[i], err = manifest.Value(from.Path, from.File.Content, key); err != nil {
				return nil, plain(err.Error())
			}
		}
		return values, ""
	}
	return nil, fmt.Sprintf("%s is copied from where %s stands, and it does not stand in %s any more", m.Path, release.Version(), fromWords(env.Environment))
}

// sameEntry returns what the entry says of another environment: of the same cluster, else of its first one.
func sameEntry(env *Environment, m Moved) *Moved {
	var found *Moved
	for i := range env.Moved {
		if other := &env.Moved[i]; other.Entry == m.Entry && (found == nil || other.Cluster == m.Cluster && found.Cluster != m.Cluster) {
			found = other
		}
	}
	return found
}
