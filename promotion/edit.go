package promotion

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"ferry/forge"
	"ferry/promotion/config"
	"ferry/promotion/manifest"
)

// edit is the files that change, as they become, with the blobs they were made from.
type edit struct {
	files []forge.NewFile
	blobs []forge.SHA
}

// add adds a file that changed.
func (e *edit) add(f File, content []byte) {
	e.files, e.blobs = append(e.files, forge.NewFile{Path: f.Path, Content: content, Executable: f.Executable}), append(e.blobs, f.Blob)
}

// set writes values into a file, on top of what the edit has made of it already.
func (e *edit) set(f File, settings []manifest.Setting) (problem string) {
	i := slices.IndexFunc(e.files, func(n forge.NewFile) bool { return n.Path == f.Path })
	before := f.Content
	if i >= 0 {
		before = e.files[i].Content
	}
	content, err := manifest.Set(f.Path, before, settings)
	switch {
	case err != nil:
		return plain(err.Error())
	case string(content) == string(before):
	case i >= 0:
		e.files[i].Content = content
	default:
		e.add(f, content)
	}
	return ""
}

// bump returns the files of the environment with the release's tags and digests and what moves with them, only those that change, and the blobs they
// were made from. What moves with a release changes nothing by itself.
func (s *Snapshot) bump(env *Environment, release Release) (files []forge.NewFile, blobs []forge.SHA, problem string) {
	var e edit
	for _, f := range env.Files {
		if f.Problem != "" {
			return nil, nil, f.Problem
		}
		edits := s.edits(env, f, release)
		if len(edits) == 0 {
			continue
		}
		content, err := manifest.Bump(f.Path, f.Content, edits)
		var refusal *manifest.Refusal
		switch {
		case errors.As(err, &refusal):
			return nil, nil, refusal.Error()
		case err != nil:
			return nil, nil, fmt.Sprintf("%s: %v", f.Path, err)
		case string(content) != string(f.Content):
			e.add(f, content)
		}
	}
	if len(e.files) == 0 {
		return nil, nil, ErrNoChange.Error()
	}
	if env.urges(release) { // what stands upstream does not belong to it: it is not copied
		here := *env
		here.From = nil
		env = &here
	}
	if problem := s.move(env, release, &e); problem != "" {
		return nil, nil, problem
	}
	return e.files, e.blobs, ""
}

// edits returns what the release changes in a file.
func (s *Snapshot) edits(env *Environment, f File, release Release) (edits []manifest.Edit) {
	for _, image := range f.Images {
		want, ok := release.Image(image.Name)
		name := nameIn(s.App, env.Name, image.Name)
		if !ok || slices.ContainsFunc(edits, func(e manifest.Edit) bool { return e.Name == name }) {
			continue
		}
		edits = append(edits, manifest.Edit{Target: f.target(name), Tag: want.Tag, Digest: want.Digest, Pin: s.pins(env, image.Name)})
	}
	return edits
}

// pins says whether the digest of the image is written in the environment also where none stands.
func (s *Snapshot) pins(env *Environment, name string) bool {
	return env.Digest || slices.ContainsFunc(s.App.Images, func(i config.Image) bool { return i.Name == name && i.Digest })
}

// withDigests returns the release with the digests that CI told of its tags, where it has none and the environment writes one.
func (s *Snapshot) withDigests(env *Environment, release Release) Release {
	out := release
	for _, image := range release {
		if image.Digest != "" || !s.pins(env, image.Name) && !env.pinned(image.Name) && !env.tellsDigest(image.Name) {
			continue
		}
		for _, a := range s.Sources {
			if a.Image.Name == image.Name && a.Image.Tag == image.Tag && a.Image.Digest != "" {
				out = out.With(a.Image)
			}
		}
	}
	return out
}

// pinned says whether a digest of the image stands in the environment.
func (e *Environment) pinned(name string) bool {
	return slices.ContainsFunc(e.Files, func(f File) bool {
		return slices.ContainsFunc(f.Images, func(i Image) bool { return i.Name == name && i.Digest != "" })
	})
}

// tellsDigest says whether a value that moves with the release names the image's digest.
func (e *Environment) tellsDigest(name string) bool {
	return slices.ContainsFunc(e.Moved, func(m Moved) bool { return (m.Image == "" || m.Image == name) && strings.Contains(m.Value, "{digest}") })
}

// target returns where the image that is pulled under name stands in the file.
func (f *File) target(name string) manifest.Target {
	for _, t := range f.Targets {
		if t.Name == name {
			return t
		}
	}
	return manifest.Target{Name: name}
}

// nameIn returns the name under which the environment pulls the image that the configuration calls name.
func nameIn(app config.App, environment, name string) string {
	for _, i := range app.Images {
		if i.Name == name {
			return i.NameIn(environment)
		}
	}
	return name
}

// editName names an edit by what it writes: two of the same name are byte-identical.
func editName(files []forge.NewFile, release Release) string {
	h := sha256.New()
	for _, f := range files {
		fmt.Fprintf(h, "%q %t %d\n%s\n", f.Path, f.Executable, len(f.Content), f.Content)
	}
	for _, image := range release {
		fmt.Fprintln(h, image)
	}
	return hex.EncodeToString(h.Sum(nil))
}
