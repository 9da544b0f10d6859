package manifest

import "go.yaml.in/yaml/v4"

// workloadSites reads the containers of a Kubernetes object of any kind: wherever below it a list is called
// containers, initContainers or ephemeralContainers (kubernetes.io, "Pod v1 core"; Rollouts, Knative services and
// lists of objects hold pod templates of the same form).
func workloadSites(_ string, root *yaml.Node) []site {
	if text(lookup(root, "apiVersion")) == "" || text(lookup(root, "kind")) == "" {
		return nil
	}
	return containerSites(root, nil)
}

// containerSites adds the containers' images at and below n. It does not follow aliases on its way down: what they repeat is
// visited where it is defined.
func containerSites(n *yaml.Node, sites []site) []site {
	for i, child := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 1 && isContainers(n.Content[i-1].Value) {
			sites = imageSites(child, sites)
		}
		if len(child.Content) > 0 {
			sites = containerSites(child, sites)
		}
	}
	return sites
}

func isContainers(key string) bool {
	return key == "containers" || key == "initContainers" || key == "ephemeralContainers"
}

func imageSites(list *yaml.Node, sites []site) []site {
	containers := resolve(list)
	if containers.Kind != yaml.SequenceNode {
		return sites
	}
	keys := []string{"image"}
	for _, item := range containers.Content {
		image := lookup(resolve(item), "image")
		if text(image) == "" {
			continue
		}
		if s := referenceSite(image); s.Name != "" {
			s.stand = stand{list, item, keys}
			sites = append(sites, s)
		}
	}
	return sites
}
