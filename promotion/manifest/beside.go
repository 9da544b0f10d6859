package manifest

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// checkBeside refuses a tag or digest beside which only other images are named: a key that leads to another image's tag would put the release of one image
// under the name of another. Only the last part of the names is compared, because a mirror pulls the same image under another path.
func checkBeside(s spot, key Key, name string) *Refusal {
	beside := namesBeside(s, key)
	if len(beside) == 0 || slices.ContainsFunc(beside, func(other string) bool { return lastPart(other) == lastPart(name) }) {
		return nil
	}
	return refuse(s.value(), KindAmbiguous, "%s leads to what stands beside the image %s, not beside %s; name another key, or, if the environment pulls it under that name, say so with `in`",
		key, beside[0], name)
}

func lastPart(name string) string { return name[strings.LastIndexByte(name, '/')+1:] }

// namesBeside returns the names of the images whose tag or digest stands at the spot.
func namesBeside(s spot, key Key) (found []string) {
	if s.owner == nil || s.owner.Kind != yaml.MappingNode {
		return nil
	}
	if written(s.owner, "newTag") != nil || written(s.owner, "newName") != nil { // an entry of Kustomize's images
		return slices.DeleteFunc([]string{text(lookup(s.owner, "newName")), text(lookup(s.owner, "name"))}, func(name string) bool { return name == "" })
	}
	owner, parent := s.owner, parentOf(key)
	if g, ok := s.parameters(); ok {
		owner, parent = g.values, g.parent
	}
	keys := keysOf(owner)
	eachChild(owner, func(c crumb) {
		if !namesImage(c.name, parent) || resolve(c.written).Kind != yaml.ScalarNode {
			return
		}
		value := text(resolve(c.written))
		if isTemplated(value) || !isReferenceText(value) || strings.Contains(value, "://") {
			return
		}
		tag, digest, _ := keys.beside(c.name)
		if name, _, _ := splitReference(value); name != "" && (tag == s.written || digest == s.written) {
			found = append(found, name)
		}
	})
	return found
}

// pulledBeside returns from where the image called name is pulled, as it stands beside its tag or digest: a registry, and the names there; "" where only the
// name itself stands there, or none.
func pulledBeside(s spot, key Key, name string) string {
	var found []string
	owner := s.owner
	if g, ok := s.parameters(); ok {
		owner = g.values
	}
	if owner != nil && owner.Kind == yaml.MappingNode {
		eachChild(owner, func(c crumb) {
			if strings.HasSuffix(c.name, "egistry") && resolve(c.written).Kind == yaml.ScalarNode {
				found = append(found, text(resolve(c.written)))
			}
		})
	}
	found = append(found, namesBeside(s, key)...)
	if len(found) == 1 && found[0] == name {
		return ""
	}
	return strings.Join(found, " ")
}

// parameters returns the Helm parameters that belong together with the one whose value stands at the spot; false where that is no parameter.
func (s spot) parameters() (parameterGroup, bool) {
	name := text(lookup(s.owner, "name"))
	if s.name != "value" || name == "" || len(s.route) < 3 {
		return parameterGroup{}, false
	}
	groups := parameterGroups(resolve(s.route[len(s.route)-3]))
	i := slices.IndexFunc(groups, func(g parameterGroup) bool { return g.prefix == name[:max(strings.LastIndexByte(name, '.'), 0)] })
	if i < 0 {
		return parameterGroup{}, false
	}
	return groups[i], true
}

// parentOf returns the innermost key around the mapping in which key ends.
func parentOf(key Key) string {
	for i := len(key.steps) - 2; i >= 0; i-- {
		if key.steps[i].name != "" {
			return key.steps[i].name
		}
	}
	return ""
}
