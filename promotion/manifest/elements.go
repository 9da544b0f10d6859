package manifest

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Elements are the elements of an ApplicationSet's list generator in which the tags stand that its template takes.
type Elements struct {
	Key   string // of the list, as the configuration's keys are written
	Field string // what tells the elements apart, an environment's name perhaps; "" where nothing that is called so does
	Tag   string // the key of the tag in each
	Line  int
}

// KeyOf returns the key of the tag in the element of an environment, with {env} in the place of its name; "" where no field tells the elements apart.
func (e Elements) KeyOf() string {
	if e.Field == "" {
		return ""
	}
	return e.Key + "[" + e.Field + "={env}]." + quoteKey(e.Tag)
}

// elementsIn returns the elements with tags of an ApplicationSet; none for any other document.
func elementsIn(root *yaml.Node) (found []Elements) {
	spec := lookup(root, "spec")
	template := lookup(spec, "template")
	if text(lookup(root, "kind")) != "ApplicationSet" || !strings.HasPrefix(text(lookup(root, "apiVersion")), "argoproj.io/") || template == nil {
		return nil
	}
	return elementsBelow(lookup(spec, "generators"), "spec.generators", usedIn(template), 0)
}

// maxGenerators is how deep generators lie in one another: Argo CD allows two levels.
const maxGenerators = 3

func elementsBelow(generators *yaml.Node, key string, used func(string) bool, depth int) (found []Elements) {
	if generators == nil || generators.Kind != yaml.SequenceNode || depth > maxGenerators {
		return nil
	}
	for i, item := range generators.Content {
		at, one := fmt.Sprintf("%s[%d]", key, i), resolve(item)
		if e, ok := elementsOf(lookup(lookup(one, "list"), "elements"), used); ok {
			e.Key = at + ".list.elements"
			found = append(found, e)
		}
		for _, combined := range []string{"matrix", "merge"} {
			found = append(found, elementsBelow(lookup(lookup(one, combined), "generators"), at+"."+combined+".generators", used, depth+1)...)
		}
	}
	return found
}

// elementsOf says under which key the elements have their tags.
func elementsOf(list *yaml.Node, used func(string) bool) (e Elements, ok bool) {
	if list == nil || list.Kind != yaml.SequenceNode || len(list.Content) == 0 {
		return e, false
	}
	first := resolve(list.Content[0])
	eachChild(first, func(c crumb) {
		if e.Tag == "" && isTagKey(c.name) && text(resolve(c.written)) != "" && used(c.name) {
			e.Tag, e.Line = c.name, resolve(c.written).Line
		}
	})
	fields := []string{"env", "environment", "stage", "cluster", "name"}
	if i := slices.IndexFunc(fields, func(field string) bool { return tellsApart(list, field) }); i >= 0 {
		e.Field = fields[i]
	}
	return e, e.Tag != ""
}

func isTagKey(key string) bool {
	plain := strings.ToLower(plainKey(key))
	return plain == "version" || plain == "image" || strings.HasSuffix(plain, "tag") || strings.HasSuffix(plain, "imageversion")
}

// tellsApart tells whether each element says something else under the key.
func tellsApart(list *yaml.Node, field string) bool {
	seen := map[string]bool{"": true}
	for _, item := range list.Content {
		value := text(lookup(resolve(item), field))
		if seen[value] {
			return false
		}
		seen[value] = true
	}
	return true
}

// usedIn returns whether a template takes the parameter of a name: {{tag}}, or {{ .tag }}.
func usedIn(template *yaml.Node) func(string) bool {
	var templated []string
	var collect func(n *yaml.Node)
	collect = func(n *yaml.Node) {
		if n.Kind == yaml.ScalarNode && strings.Contains(n.Value, "{{") {
			templated = append(templated, strings.ReplaceAll(n.Value, " ", ""))
		}
		for _, child := range n.Content {
			collect(child)
		}
	}
	collect(template)
	return func(name string) bool {
		return slices.ContainsFunc(templated, func(s string) bool { return strings.Contains(s, "{{"+name) || strings.Contains(s, "{{."+name) })
	}
}
