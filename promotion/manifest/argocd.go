package manifest

import (
	"strings"

	"go.yaml.in/yaml/v4"
)

// readApplication reads the sources of an Argo CD Application, or of the one that an ApplicationSet is a template for: Helm's parameters and values, and
// Kustomize's images (argo-cd.readthedocs.io, "Helm", "Kustomize", "Multiple Sources").
func readApplication(r *reading, n *yaml.Node) {
	at := r.below()
	source := sourceIn(at)
	if source < 0 {
		return
	}
	switch below := at[source:]; {
	case isAt(below, "helm"):
		readHelmSource(r, n)
	case isBelow(below, "helm", "valuesObject"):
		readValuesAt(r, n, below[2:])
	case isAt(below, "kustomize", "images") && n.Kind == yaml.SequenceNode:
		for _, item := range n.Content {
			readKustomizeImage(r, item)
		}
	}
}

// sourceIn returns how many steps of the trail lead into a source, -1 where it does not lead into one.
func sourceIn(at []crumb) int {
	for i, c := range at {
		switch {
		case c.name == "source" && i > 0 && at[i-1].name == "spec":
			return i + 1
		case c.name == "sources" && i > 0 && at[i-1].name == "spec" && i+1 < len(at) && at[i+1].isItem():
			return i + 2
		}
	}
	return -1
}

// readHelmSource reads the parameters and the text of values of a source.
func readHelmSource(r *reading, helm *yaml.Node) {
	for _, g := range parameterGroups(lookup(helm, "parameters")) {
		readValuesMapping(r, g.values, g.parent, true)
	}
	if values := written(helm, "values"); values != nil {
		readBlock(r, values)
	}
}

// parameterGroup holds the parameters that differ only in their last key, as a mapping: image.repository and image.tag.
type parameterGroup struct {
	prefix, parent string
	values         *yaml.Node
}

// parameterGroups returns the groups of a list of parameters, in its order.
func parameterGroups(list *yaml.Node) []parameterGroup {
	if list == nil || list.Kind != yaml.SequenceNode {
		return nil
	}
	var groups []parameterGroup
	index := map[string]int{}
	for _, item := range list.Content {
		entry := resolve(item)
		name, value := text(lookup(entry, "name")), written(entry, "value")
		if name == "" || value == nil {
			continue
		}
		prefix, last := "", name
		if dot := strings.LastIndexByte(name, '.'); dot >= 0 {
			prefix, last = name[:dot], name[dot+1:]
		}
		i, known := index[prefix]
		if !known {
			i = len(groups)
			index[prefix] = i
			groups = append(groups, parameterGroup{prefix, prefix[strings.LastIndexByte(prefix, '.')+1:], &yaml.Node{Kind: yaml.MappingNode}})
		}
		key := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: last}
		groups[i].values.Content = append(groups[i].values.Content, key, value)
	}
	return groups
}

// readKustomizeImage reads an item of the form name=new:tag, name:tag or name=new@digest.
func readKustomizeImage(r *reading, item *yaml.Node) {
	value := text(resolve(item))
	old, reference, replaces := strings.Cut(value, "=")
	if !replaces {
		addReference(r, item)
		return
	}
	pulled, _, _ := splitReference(reference)
	asked := r.names.match(old)
	if asked == "" {
		asked = r.names.match(pulled)
	}
	if asked != "" && pulled != "" {
		s := referenceSite(asked, old+"=", item)
		s.Pulled = pulled
		r.add(s)
	}
}

// applicationRoots returns the places from which keys count in an Application: the parameters of a source's Helm chart, its values, and their text.
func applicationRoots(f *file, root *yaml.Node) (starts []start) {
	top := start{node: root}
	spec := top.down("spec")
	for _, s := range []start{spec, spec.down("template").down("spec")} {
		for _, source := range append(s.down("sources").items(), s.down("source")) {
			helm := source.down("helm")
			starts = append(starts, helm.down("parameters").asParameters(), helm.down("valuesObject"))
			starts = append(starts, helm.down("values").asText(f)...)
		}
	}
	return starts
}
