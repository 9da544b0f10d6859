package manifest

import (
	"strings"

	"go.yaml.in/yaml/v4"
)

// readValues reads Helm values, of which only convention says where an image stands (helm.sh, "Best practices: values" and the charts that `helm create`
// writes).
func readValues(r *reading, n *yaml.Node) { readValuesAt(r, n, r.below()) }

// readValuesAt reads n, which stands at the end of the trail within the values.
func readValuesAt(r *reading, n *yaml.Node, at []crumb) {
	for _, c := range at {
		if isPlainData(c.name) {
			return
		}
	}
	parent := parentKey(at)
	if n.Kind == yaml.SequenceNode {
		if isImageList(parent) {
			for _, item := range n.Content {
				addReference(r, item)
			}
		}
		return
	}
	readValuesMapping(r, n, parent, len(at) > 0 && !at[len(at)-1].isItem())
}

// parentKey returns the innermost key around what stands at the end of the trail.
func parentKey(at []crumb) string {
	for i := len(at) - 1; i >= 0; i-- {
		if !at[i].isItem() {
			return at[i].name
		}
	}
	return ""
}

// readValuesMapping reads the images of which a mapping holds name and tag. parent is the key around it; isValue tells that the mapping is its very value,
// not an item of a list.
func readValuesMapping(r *reading, n *yaml.Node, parent string, isValue bool) {
	var keys valueKeys
	var prefix *string                       // what a registry beside the names puts before them
	isList := isValue && isImageList(parent) // images: {web: acme/web:1.4.2}
	eachChild(n, func(c crumb) {
		if !isList && !namesImage(c.name, parent) || resolve(c.written).Kind != yaml.ScalarNode {
			return
		}
		value := text(resolve(c.written))
		if value == "" {
			return
		}
		name, tag, digest := splitReference(value)
		asked := r.names.match(name)
		if asked == "" {
			if prefix == nil {
				prefix = r.registryOf(n)
			}
			asked = r.names.match(*prefix + name)
		}
		if asked == "" || r.isFull() {
			return
		}
		if keys == nil {
			keys = keysOf(n)
		}
		isWhole := tag != "" || digest != ""
		addValues(r, n, c, asked, keys, isWhole, isWhole || isList || isImageKey(c.name))
	})
}

// addValues adds the image that the pair c names: with its tag beside it, else as a reference where it is or could be one.
func addValues(r *reading, n *yaml.Node, c crumb, asked string, keys valueKeys, isWhole, isReference bool) {
	tag, digest, bare := keys.beside(c.name)
	switch {
	case !isWhole && (tag != nil || digest != nil):
		s := pairSite(asked, c.written, tag, digest)
		if s.isBare = bare && !strings.Contains(s.Digest, ":"); s.isBare {
			s.Digest = "sha256:" + s.Digest
		}
		if tag == nil {
			s.insert = insertion{entry: n, after: max(own(n, c.name), 0), key: "tag"}
		}
		r.add(s)
	case isReference:
		r.add(referenceSite(asked, "", c.written))
	}
}

// registryOf returns what a registry puts before the names in n: its own, else the one at global.imageRegistry.
func (r *reading) registryOf(n *yaml.Node) *string {
	registry := text(lookup(n, "registry"))
	if registry == "" {
		if r.global == nil {
			global := text(lookup(lookup(r.root, "global"), "imageRegistry"))
			r.global = &global
		}
		registry = *r.global
	}
	if registry != "" {
		registry = strings.TrimSuffix(registry, "/") + "/"
	}
	return &registry
}

// plainKey writes a key as all spellings of it have in common: imageTag, image_tag and image-tag.
func plainKey(key string) string {
	isOther := func(r rune) bool { return r == '_' || r == '-' || r >= 'A' && r <= 'Z' }
	if !strings.ContainsFunc(key, isOther) {
		return key
	}
	return strings.ToLower(strings.ReplaceAll(strings.ReplaceAll(key, "_", ""), "-", ""))
}

// namesImage tells whether the value of key may be an image's name.
func namesImage(key, parent string) bool {
	switch key[len(key)-1] { // nearly all keys are none of these
	case 'e', 'y', 'o':
	default:
		return false
	}
	switch key {
	case "image", "repository":
		return true
	case "name", "repo":
		return isImageKey(parent) || isImageList(parent)
	}
	return isImageKey(key) || strings.HasSuffix(key, "epository") || isNameOfImage(key)
}

func isNameOfImage(key string) bool {
	return strings.HasSuffix(key, "mageName") || strings.HasSuffix(key, "image_name") || strings.HasSuffix(key, "image-name")
}

// isImageKey tells `image`, `sidecarImage`, `sidecar_image`.
func isImageKey(key string) bool {
	return key == "image" || strings.HasSuffix(key, "Image") || strings.HasSuffix(key, "_image") || strings.HasSuffix(key, "-image")
}

func isImageList(key string) bool { return key == "images" || strings.HasSuffix(key, "Images") }

// isPlainData tells keys below which an image's name is only told, not run.
func isPlainData(key string) bool {
	if len(key) < 3 {
		return false
	}
	switch key[len(key)-1] { // nearly all keys are none of these
	case 's', 'v', 't':
	default:
		return false
	}
	switch {
	case key == "env", key == "environment", strings.HasSuffix(key, "Env"), strings.HasSuffix(key, "EnvVars"):
		return true
	}
	return strings.HasSuffix(key, "nnotations") || strings.HasSuffix(key, "abels")
}

// valueKeys are the values of a mapping by their plain keys.
type valueKeys map[string]*yaml.Node

func keysOf(n *yaml.Node) valueKeys {
	keys := valueKeys{}
	eachChild(n, func(c crumb) {
		if plain := plainKey(c.name); keys[plain] == nil {
			keys[plain] = c.written
		}
	})
	return keys
}

// beside returns what stands beside a name as its tag and digest. bare tells a digest that is written without its algorithm.
func (keys valueKeys) beside(name string) (tag, digest *yaml.Node, bare bool) {
	plain := plainKey(name)
	stem := plain
	for _, end := range []string{"repository", "repo", "name"} {
		stem = strings.TrimSuffix(stem, end)
	}
	if stem != "" && stem != "image" { // sidecarImage: sidecarImageTag, sidecarTag
		short := strings.TrimSuffix(stem, "image")
		tag = keys.first(stem+"tag", short+"tag")
		return tag, keys.digest(tag, stem+"digest", short+"digest"), false
	}
	tag = keys.first("tag", "imagetag", "version")
	if digest = keys.digest(tag, "digest", "imagedigest"); digest != nil {
		return tag, digest, false
	}
	digest = keys.filled("sha", "sha256")
	return tag, digest, digest != nil
}

// digest returns the first of names that says something, or beside a tag the first at all.
func (keys valueKeys) digest(tag *yaml.Node, names ...string) *yaml.Node {
	if n := keys.filled(names...); n != nil || tag == nil {
		return n
	}
	return keys.first(names...)
}

func (keys valueKeys) first(names ...string) *yaml.Node {
	for _, name := range names {
		if n := keys[name]; n != nil {
			return n
		}
	}
	return nil
}

// filled is first of those that say something.
func (keys valueKeys) filled(names ...string) *yaml.Node {
	for _, name := range names {
		if n := keys[name]; n != nil && text(resolve(n)) != "" {
			return n
		}
	}
	return nil
}
