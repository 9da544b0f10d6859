package manifest

import (
	"strings"

	"go.yaml.in/yaml/v4"
)

// format is a kind of document in which images stand.
type format struct {
	read   reader
	isFree bool // which keys there are is the author's choice
	// roots returns the nodes from which keys may count beside the document's root, nearest first; nil where there are none.
	roots func(f *file, root *yaml.Node) []start
}

// reader adds the images that stand at one mapping or list, at the end of the trail. A place is read at the mapping that holds name and tag.
type reader func(r *reading, n *yaml.Node)

// formatOf returns how a document is read, by its content: what says what it is, is read as that, and anything else as Helm values.
func (f *file) formatOf(root *yaml.Node) format {
	switch {
	case f.isText:
		return format{read: readValues, isFree: true}
	case root.Kind != yaml.MappingNode:
		return format{read: readNothing}
	case isKustomization(f.path, root):
		return format{read: readKustomization}
	case isObject(root):
		return formatOfObject(root)
	case isCompose(f.path, root):
		return format{read: readCompose}
	}
	return format{read: readValues, isFree: true}
}

// isObject tells a Kubernetes object.
func isObject(root *yaml.Node) bool {
	return text(lookup(root, "apiVersion")) != "" && text(lookup(root, "kind")) != ""
}

// formatOfObject returns how a Kubernetes object is read, by its kind and group.
func formatOfObject(root *yaml.Node) format {
	kind := text(lookup(root, "kind"))
	group, _, _ := strings.Cut(text(lookup(root, "apiVersion")), "/")
	switch kind + "." + group {
	case "Application.argoproj.io", "ApplicationSet.argoproj.io":
		return format{read: readApplication, roots: applicationRoots}
	case "HelmRelease.helm.toolkit.fluxcd.io":
		return format{read: readHelmRelease, roots: helmReleaseRoots}
	case "Kustomization.kustomize.toolkit.fluxcd.io":
		return format{read: readFluxKustomization}
	case "ConfigMap.v1", "Secret.v1", "CustomResourceDefinition.apiextensions.k8s.io":
		return format{read: readNothing}
	case "List.v1":
		return format{read: readList}
	}
	return format{read: readWorkload}
}

// listItem is the object of a list that is being read, and how.
type listItem struct {
	root *yaml.Node
	read reader
}

// readList reads a list of Kubernetes objects, each as what it is.
func readList(r *reading, n *yaml.Node) {
	at := r.below()
	if !isBelow(at, "items", "") {
		return
	}
	if root := resolve(at[1].written); root != r.item.root {
		r.item = listItem{root, readWorkload}
		if isObject(root) {
			r.item.read = formatOfObject(root).read
		}
	}
	r.base += 2
	r.item.read(r, n)
	r.base -= 2
}
