package manifest

import (
	"path"
	"strings"

	"go.yaml.in/yaml/v4"
)

// kustomizeSites reads the field `images` of a Kustomization or Component (kubectl.docs.kubernetes.io, "images").
func kustomizeSites(path string, root *yaml.Node) []site {
	if !isKustomization(path, root) {
		return nil
	}
	images := lookup(root, "images")
	if images == nil || images.Kind != yaml.SequenceNode {
		return nil
	}
	var list *yaml.Node
	if i := own(root, "images"); i >= 0 {
		list = root.Content[i]
	}
	keys := []string{"newTag", "digest"}
	sites := make([]site, 0, len(images.Content))
	for _, item := range images.Content {
		if s := kustomizeSite(resolve(item)); s.Name != "" {
			s.stand = stand{list, item, keys}
			sites = append(sites, s)
		}
	}
	return sites
}

func kustomizeSite(entry *yaml.Node) site {
	name := lookup(entry, "name")
	if text(name) == "" {
		return site{}
	}
	s := pairSite(name, lookup(entry, "newTag"), lookup(entry, "digest"))
	s.Pulled = text(lookup(entry, "newName"))
	s.insert = insertion{entry: entry, after: max(own(entry, "name"), 0), key: "newTag"}
	if i := own(entry, "newName"); i > 0 {
		s.insert.after = i
	}
	if suffix := lookup(entry, "tagSuffix"); !isAbsent(suffix) && s.refusal == nil {
		s.refusal = refuse(suffix, KindAmbiguous, "the tag of %s is put together with a tagSuffix; write it as one newTag", s.Name)
	}
	return s
}

// isKustomization tells by kind and group, because Flux has a Kustomization too; by the file's name or the entries' own
// keys where no kind is given, which Kustomize allows.
func isKustomization(file string, root *yaml.Node) bool {
	if root.Kind != yaml.MappingNode {
		return false
	}
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
	found := false
	for _, entry := range items(images) {
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
