package manifest

import "go.yaml.in/yaml/v4"

// readWorkload reads the containers of a Kubernetes object of any kind: wherever below it a list is called
// containers, initContainers or ephemeralContainers (kubernetes.io, "Pod v1 core"; Rollouts, Knative services and
// custom resources hold pod templates of the same form).
func readWorkload(r *reading, n *yaml.Node) {
	at := r.below()
	if len(at) < 2 || !at[len(at)-1].isItem() || at[0].name == "metadata" {
		return
	}
	switch at[len(at)-2].name {
	case "containers", "initContainers", "ephemeralContainers":
		if image := written(n, "image"); image != nil {
			addReference(r, image)
		}
	}
}

// readNothing reads objects in which no image stands: what they hold is data.
func readNothing(*reading, *yaml.Node) {}

// addReference adds a scalar that is a whole reference, where it is of an image that is looked for.
func addReference(r *reading, at *yaml.Node) {
	value := text(resolve(at))
	if value == "" {
		return
	}
	name, _, _ := splitReference(value)
	if asked := r.names.match(name); asked != "" {
		r.add(referenceSite(asked, "", at))
	}
}

// isAt tells whether the trail has exactly these steps, of which "" stands for an item of a list.
func isAt(trail []crumb, steps ...string) bool {
	return len(trail) == len(steps) && isBelow(trail, steps...)
}

// isBelow tells whether the trail begins with these steps.
func isBelow(trail []crumb, steps ...string) bool {
	if len(trail) < len(steps) {
		return false
	}
	for i, s := range steps {
		if trail[i].name != s {
			return false
		}
	}
	return true
}
