package manifest

import "go.yaml.in/yaml/v4"

// readHelmRelease reads the values of a Flux HelmRelease and the images of its post-renderers (fluxcd.io, "Helm Releases").
func readHelmRelease(r *reading, n *yaml.Node) {
	switch at := r.below(); {
	case isBelow(at, "spec", "values"):
		readValuesAt(r, n, at[2:])
	case isAt(at, "spec", "postRenderers", "", "kustomize", "images", ""):
		readKustomizeEntry(r, n)
	}
}

// readFluxKustomization reads the images of a Flux Kustomization (fluxcd.io, "Kustomization", images).
func readFluxKustomization(r *reading, n *yaml.Node) {
	if isAt(r.below(), "spec", "images", "") {
		readKustomizeEntry(r, n)
	}
}

// helmReleaseRoots returns the values of a HelmRelease, from which keys count.
func helmReleaseRoots(_ *file, root *yaml.Node) []start {
	top := start{node: root}
	return []start{top.down("spec").down("values")}
}
