package manifest

import (
	"strings"

	"go.yaml.in/yaml/v4"
)

// Listing is what one file holds of images, whatever they are called.
type Listing struct {
	Name string // what the first document says under its own key "name", as a chart does
	// Images are those that Find gives when it is asked for their names, in no certain order. One that is a template, or no reference,
	// is not among them.
	Images []Image
	// Values are the mappings of a file of values (Helm's, or a Flux HelmRelease's) that have an image's repository or tag.
	Values []ValuesImage
	// Elements are the lists of an ApplicationSet in which tags stand.
	Elements []Elements
}

// ValuesImage is a mapping of a file of values with a part of an image, or all of it.
type ValuesImage struct {
	Keys       string // of the mapping, dotted, as the configuration's keys are written; "" for the top
	TagKey     string // "tag", or what stands for it; "" where none stands
	Repository string // with its registry; "" where none stands
	Tag        string
	Line       int
}

// List returns the images in a file of one of the formats that Ferry recognises. It is for a first look at a repository: Find and
// Bump are asked by name. It fails with a *Refusal where the file cannot be read safely.
func List(path string, content []byte) (Listing, error) {
	f, err := parse(path, content)
	if err != nil {
		return Listing{}, err
	}
	var l Listing
	sites, refusal := f.sites(f.writtenNames())
	if refusal != nil {
		return Listing{}, f.place(refusal)
	}
	for _, s := range sites {
		if s.refusal == nil && s.Name != "" {
			l.Images = append(l.Images, s.Image)
		}
	}
	for i, doc := range f.docs {
		if len(doc.Content) > 0 {
			if i == 0 {
				l.Name = text(lookup(resolve(doc.Content[0]), "name"))
			}
			l.Elements = append(l.Elements, elementsIn(resolve(doc.Content[0]))...)
			l.Values = valuesBelow(valuesOf(resolve(doc.Content[0])), nil, l.Values)
		}
	}
	return l, nil
}

// writtenNames returns whatever stands in the file and could be an image's name, so that the readers of the formats say which of it is one.
func (f *file) writtenNames() names {
	found := map[string]bool{}
	for _, doc := range f.docs {
		namesBelow(doc, found, true)
	}
	targets := make([]Target, 0, len(found))
	for name := range found {
		targets = append(targets, Target{Name: name})
	}
	return newNames(targets)
}

// namesBelow adds what could be names at and below n. The name of an image whose registry stands beside it is both together. A text of several
// lines may be a file of its own.
func namesBelow(n *yaml.Node, found map[string]bool, texts bool) {
	registry := text(lookup(n, "registry"))
	for i, child := range n.Content {
		isRepository := n.Kind == yaml.MappingNode && i%2 == 1 && n.Content[i-1].Value == "repository"
		switch value := text(child); {
		case isRepository && registry != "" && value != "":
			found[strings.TrimSuffix(registry, "/")+"/"+value] = true
		case n.Kind == yaml.MappingNode && i%2 == 0, child.Kind == yaml.AliasNode:
		case texts && child.Kind == yaml.ScalarNode && strings.Contains(child.Value, "\n"):
			if docs, refusal := load([]byte(child.Value)); refusal == nil && checkTrees(docs) == nil {
				for _, doc := range docs {
					namesBelow(doc, found, false)
				}
			}
		case child.Kind == yaml.ScalarNode:
			_, replaced, replaces := strings.Cut(value, "=")
			for _, one := range []string{strings.TrimSuffix(value, "="+replaced), replaced} {
				if name, _, _ := splitReference(one); name != "" && isReferenceText(one) && !strings.Contains(one, "://") && (replaces || one == value) {
					found[name] = true
				}
			}
		default:
			namesBelow(child, found, texts)
		}
	}
}

// valuesOf returns where a document's values begin; nil where it has none.
func valuesOf(root *yaml.Node) *yaml.Node {
	kind, version := text(lookup(root, "kind")), text(lookup(root, "apiVersion"))
	switch {
	case root.Kind != yaml.MappingNode:
		return nil
	case kind == "" && version == "":
		return root
	case kind == "HelmRelease" && strings.HasPrefix(version, "helm.toolkit.fluxcd.io/"):
		return lookup(lookup(root, "spec"), "values")
	}
	return nil
}

// maxKeys is how deep a tag may lie for keys that a person still reads.
const maxKeys = 12

// valuesBelow adds the images at and below n. It does not follow aliases on its way down: what they repeat is visited where it is
// defined.
func valuesBelow(n *yaml.Node, keys []string, found []ValuesImage) []ValuesImage {
	if n == nil || n.Kind != yaml.MappingNode || len(keys) > maxKeys {
		return found
	}
	if v := valuesImage(n, keys); v.Repository != "" || v.Tag != "" {
		found = append(found, v)
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if key := n.Content[i]; key.Kind == yaml.ScalarNode && !isMerge(key) {
			found = valuesBelow(n.Content[i+1], append(keys[:len(keys):len(keys)], quoteKey(key.Value)), found)
		}
	}
	return found
}

func valuesImage(n *yaml.Node, keys []string) ValuesImage {
	v := ValuesImage{Keys: strings.Join(keys, "."), Line: n.Line}
	for _, key := range []string{"tag", "imageTag"} {
		if i := own(n, key); i >= 0 && text(resolve(n.Content[i])) != "" {
			v.TagKey, v.Tag, v.Line = key, text(resolve(n.Content[i])), n.Content[i].Line
			break
		}
	}
	v.Repository = text(lookup(n, "repository"))
	if registry := text(lookup(n, "registry")); registry != "" && v.Repository != "" {
		v.Repository = strings.TrimSuffix(registry, "/") + "/" + v.Repository
	}
	if isTemplated(v.Tag) || isTemplated(v.Repository) || strings.Contains(v.Repository, "://") || !isReferenceText(v.Repository) || !tagForm.MatchString(v.Tag) && v.Tag != "" {
		return ValuesImage{}
	}
	return v
}

// quoteKey writes one key of a dotted path.
func quoteKey(key string) string {
	if key == "" || strings.ContainsAny(key, `."[]{}`) {
		return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(key) + `"`
	}
	return key
}
