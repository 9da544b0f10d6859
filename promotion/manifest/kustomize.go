package manifest

import (
	"path"
	"strings"

	"go.yaml.in/yaml/v4"
)

// readKustomization reads the field `images` of a Kustomization or Component (kubectl.docs.kubernetes.io, "images").
func readKustomization(r *reading, n *yaml.Node) {
	if isAt(r.below(), "images", "") {
		readKustomizeEntry(r, n)
	}
}

// readKustomizeEntry reads an entry of Kustomize's images, which goes by the name it replaces, and by the one it is pulled under only where the first was
// not asked for.
func readKustomizeEntry(r *reading, entry *yaml.Node) {
	name := lookup(entry, "name")
	if text(name) == "" {
		return
	}
	pulled := text(lookup(entry, "newName"))
	asked := r.names.match(text(name))
	if asked == "" && pulled != "" {
		asked = r.names.match(pulled)
	}
	if asked == "" {
		return
	}
	s := pairSite(asked, written(entry, "name"), written(entry, "newTag"), written(entry, "digest"))
	s.Pulled = pulled
	s.insert = insertion{entry: entry, after: max(own(entry, "name"), 0), key: "newTag"}
	if i := own(entry, "newName"); i > 0 {
		s.insert.after = i
	}
	if i := own(entry, "newTag"); i > 0 {
		s.insert.after = i
	}
	s.digestKey = "digest"
	if suffix := lookup(entry, "tagSuffix"); !isAbsent(suffix) && s.refusal == nil {
		s.refusal = refuse(suffix, KindAmbiguous, "the tag of %s is put together with a tagSuffix; write it as one newTag", s.Name)
	}
	r.add(s)
}

// isKustomization tells by kind and group, because Flux has a Kustomization too; by the file's name or the entries' own
// keys where no kind is given, which Kustomize allows.
func isKustomization(file string, root *yaml.Node) bool {
	kind, version := text(lookup(root, "kind")), text(lookup(root, "apiVersion"))
	if version != "" && !strings.HasPrefix(version, "kustomize.config.k8s.io/") {
		return false
	}
	if kind != "" {
		return kind == "Kustomization" || kind == "Component"
	}
	switch path.Base(file) {
	case "kustomization.yaml", "kustomization.yml", "Kustomization":
		return true
	}
	return version != "" || hasKustomizeEntry(lookup(root, "images"))
}

// hasKustomizeEntry tells a list whose entries have a name and something to replace, and no key that Kustomize lacks.
func hasKustomizeEntry(images *yaml.Node) bool {
	if images == nil || images.Kind != yaml.SequenceNode {
		return false
	}
	found := false
	for _, item := range images.Content {
		entry := resolve(item)
		if lookup(entry, "name") == nil || hasForeignKey(entry) {
			return false
		}
		found = found || len(entry.Content) > 2
	}
	return found
}

func hasForeignKey(entry *yaml.Node) bool {
	for i := 0; i < len(entry.Content); i += 2 {
		switch resolve(entry.Content[i]).Value {
		case "name", "newName", "newTag", "digest", "tagSuffix", "<<":
		default:
			return true
		}
	}
	return false
}
