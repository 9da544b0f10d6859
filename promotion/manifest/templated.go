package manifest

import (
	"bytes"
	"strings"

	"go.yaml.in/yaml/v4"
)

// openTemplate begins a template of Helm, Jinja and their kin.
var openTemplate = []byte("{{")

// checkTemplates refuses a file that is a template and happens to be YAML: what it says once it is filled in cannot be known. Templates in quotes and in
// blocks of text are values, and what stands plain in a format with templates of its own belongs to that.
func (f *file) checkTemplates() *Refusal {
	if !bytes.Contains(f.raw, openTemplate) {
		return nil
	}
	for _, doc := range f.docs {
		if len(doc.Content) == 0 {
			continue
		}
		if n := templateIn(doc.Content[0], !f.hasOwnTemplates(resolve(doc.Content[0]))); n != nil {
			return f.refuseFile(n)
		}
	}
	return nil
}

// hasOwnTemplates tells documents in which a plain text with braces may be a value: Helm values, which charts fill in themselves, what only holds texts, and custom
// resources, of which many (Argo CD's ApplicationSet, Argo Workflows, alert rules) have templates.
func (f *file) hasOwnTemplates(root *yaml.Node) bool {
	switch {
	case root.Kind != yaml.MappingNode:
		return true
	case isKustomization(f.path, root), isCompose(f.path, root):
		return false
	case !isObject(root):
		return true
	}
	switch text(lookup(root, "kind")) {
	case "ConfigMap", "Secret", "CustomResourceDefinition":
		return true
	}
	group, _, grouped := strings.Cut(text(lookup(root, "apiVersion")), "/")
	return grouped && strings.Contains(group, ".") && !strings.HasSuffix(group, ".k8s.io") // the groups of Kubernetes itself
}

// templateIn returns the first template without quotes at and below n: `{{ .x }}`, which to YAML is a mapping, and, where plain is set, one within a text.
func templateIn(n *yaml.Node, plain bool) *yaml.Node {
	const quoted = yaml.SingleQuotedStyle | yaml.DoubleQuotedStyle | blockScalar
	if isBareTemplate(n) || plain && n.Kind == yaml.ScalarNode && n.Style&quoted == 0 && strings.Contains(n.Value, string(openTemplate)) {
		return n
	}
	for _, child := range n.Content {
		if found := templateIn(child, plain); found != nil {
			return found
		}
	}
	return nil
}

// refuseFile names the place at which the template in n begins.
func (f *file) refuseFile(n *yaml.Node) *Refusal {
	r := refuse(n, KindTemplated, "a template stands here without quotes, so the whole file is one, not a manifest: name the file it takes its values from")
	at := f.offset(n.Line, n.Column)
	if at < 0 {
		return r
	}
	if i := bytes.Index(f.raw[at:], openTemplate); i >= 0 {
		r.Line, r.Column = placeOf(f.raw, at+i)
	}
	return r
}
