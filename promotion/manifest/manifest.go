// Package manifest finds container images in the manifests of an environment repository and bumps tag and digest there, changing no other byte.
package manifest

import (
	"cmp"
	"slices"
)

// MaxSize is the size in bytes beyond which a manifest is refused.
const MaxSize = 5 << 20

// Image is an image as it stands in a manifest.
type Image struct {
	// Name is the image's name without tag and digest, as it was asked for.
	Name string
	// Pulled is the name under which the image is pulled where the manifest replaces one name by another
	// (`newName` of a Kustomize entry), which may be the one asked for, or what stands beside the value a key leads to (`registry`, `repository`);
	// "" where it does not.
	Pulled string
	// Tag and Digest are "" where none stands.
	Tag, Digest string
	// Line and Column are where it stands, counted from 1 in lines and characters. Of an entry with tag and digest
	// apart it is the tag's place, else the digest's, else the name's.
	Line, Column int
	// IsNumber tells that the tag stands without quotes and is a number or a truth value to a loader, which may give back another text: 1.1 for 1.10.
	IsNumber bool
}

// Target is an image to look for: wherever it stands by its name, or only where the keys lead.
type Target struct {
	Name string
	// Keys lead to what moves with the image: a tag, a digest, a "tag@digest", or a whole reference. Without them the image is found by its name.
	// In an Argo CD Application they name Helm parameters or keys of its values, in a Flux HelmRelease they count from spec.values.
	Keys []Key
}

// Find returns where the targets' images stand in the file, in the file's order, each place once however often
// an anchor repeats it. The list is empty where none of them stands by its name, and where the file is none of the formats that
// Ferry recognises by their content. It fails with a *Refusal where the file cannot be read safely, where a key leads nowhere, or where what stands
// for one of the images is a template or no reference at all. An entry that replaces one name by another goes by either, by the
// first where both are asked for. path is used for messages, and tells a kustomization.yaml that names no kind.
func Find(path string, content []byte, targets []Target) ([]Image, error) {
	f, err := parse(path, content)
	if err != nil {
		return nil, err
	}
	sites, refusal := f.sitesOf(targets)
	if refusal != nil {
		return nil, f.place(refusal)
	}
	var found []Image
	for _, s := range sites {
		if s.refusal != nil {
			return nil, f.place(s.refusal)
		}
		found = append(found, s.Image)
	}
	slices.SortStableFunc(found, func(a, b Image) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Name, b.Name))
	})
	return slices.Compact(found), nil
}

// Edit is a release of one image, to be written wherever the target stands.
type Edit struct {
	Target
	Tag string
	// Digest is "" where none is known. It is written only where a digest stands already, or where Pin is set.
	Digest string
	// Pin writes the digest also where none stands: as `digest` in an entry of Kustomize, else as tag@digest.
	Pin bool
}

// Bump returns content with the edits made. After it Find gives each edit's tag wherever its image stands, and its
// digest where one stood. Only bytes of tag and digest differ, which is verified on the parsed result; where everything
// stands as asked already, content itself is returned. It refuses to change what an anchor repeats anywhere but for an
// image of the edits. It fails with a *Refusal, and then nothing is to be written.
func Bump(path string, content []byte, edits []Edit) ([]byte, error) {
	if err := checkEdits(path, edits); err != nil {
		return nil, err
	}
	f, err := parse(path, content)
	if err != nil {
		return nil, err
	}
	changes, refusal := f.plan(edits)
	if refusal != nil {
		return nil, f.place(refusal)
	}
	if len(changes) == 0 {
		return content, nil
	}
	return f.apply(changes)
}

// Setting is a value to be written at a key.
type Setting struct {
	Key   Key
	Value string
}

// Set returns content with each setting's value at its key, with the same proof as Bump's that nothing else changed. A value keeps its quotes, and gets
// some where it would turn from a text into something else. Where everything stands as asked already, content itself is returned. It fails with a
// *Refusal, and then nothing is to be written.
func Set(path string, content []byte, settings []Setting) ([]byte, error) {
	f, err := parse(path, content)
	if err != nil {
		return nil, err
	}
	changes, refusal := f.planSettings(settings)
	if refusal != nil {
		return nil, f.place(refusal)
	}
	if len(changes) == 0 {
		return content, nil
	}
	return f.apply(changes)
}

// Value returns the text of the value at key, "" for an empty one or null. It fails with a *Refusal where the file cannot be read safely, or where key
// leads nowhere or to no single value.
func Value(path string, content []byte, key Key) (string, error) {
	f, err := parse(path, content)
	if err != nil {
		return "", err
	}
	s, refusal := f.valueAt(key)
	if refusal != nil {
		return "", f.place(refusal)
	}
	return text(s.value()), nil
}
