package manifest_test

import (
	"strings"
	"testing"

	"ferry/promotion/manifest"
)

// TestTemplatedFiles: a file with a template outside quotes is one, also where it happens to be YAML and the image's own place is literal.
func TestTemplatedFiles(t *testing.T) {
	t.Parallel()
	const deployment = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\nspec:\n  replicas: 2\n  template: {spec: {containers: [{name: web, image: 'ghcr.io/acme/checkout:v1'}]}}\n"
	const values = "image: {repository: ghcr.io/acme/checkout, tag: v1}\nreplicas: 2\n"
	tests := map[string]struct {
		in           string
		line, column int
	}{
		"a number":              {strings.Replace(deployment, "replicas: 2", "replicas: {{ .Values.x }}", 1), 6, 13},
		"within a text":         {strings.Replace(deployment, "name: web", "name: größe-{{ .Release.Name }}", 1), 4, 15},
		"a number among values": {strings.Replace(values, "2", "{{ .Values.x }}", 1), 2, 11},
		"a key":                 {values + "? {{ .x }}\n: 1\n", 3, 3},
		"in a list in flow":     {values + "x: [a, {{ .x }}]\n", 3, 8},
		"in another document":   {values + "---\nx: {{ .x }}\n", 4, 4},
		"in a list of objects":  {"apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Pod\n  metadata: {name: x}\n  spec:\n    hostname: a-{{ x }}\n    containers: [{image: 'ghcr.io/acme/checkout:v1'}]\n", 8, 17},
		"Kustomize":             {kustomization + "namePrefix: a-{{ x }}\nimages: [{name: ghcr.io/acme/checkout, newTag: v1}]\n", 3, 15},
		"behind a quoted one":   {values + "a: '{{ x }}'\nb: {{ .x }}\n", 4, 4},
		"a comment before it":   {"# {{ x }}\n" + values + "b: {{ .x }}\n", 4, 4},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := refusal(t, test.in, manifest.KindTemplated, test.line, to(t, "v2", shop))
			if r.Column != test.column {
				t.Errorf("%v, want column %d", r, test.column)
			}
			_, err := manifest.Find("in.yaml", []byte(test.in), []manifest.Target{{Name: shop}})
			wantKind(t, err, manifest.KindTemplated)
		})
	}
}

// TestTemplatesThatAreValues: in quotes, comments and blocks of text, and where a format has templates of its own, they are a part of the manifest.
func TestTemplatesThatAreValues(t *testing.T) {
	t.Parallel()
	const image = "image: {repository: ghcr.io/acme/checkout, tag: «v1→v2»}\n"
	tests := map[string]marked{
		"in quotes":             image + "a: '{{ .x }}'\nb: \"{{ .x }}\"\n",
		"in a comment":          image + "# replicas: {{ .x }}\nb: 1 # {{ .x }}\n",
		"in a block":            image + "extra: |\n  a: {{ .Values.x }}\nmore: >-\n  {{ .x }}\n",
		"for the chart itself":  image + "host: web.{{ .Values.domain }}\n",
		"an empty flow mapping": image + "a: {b: {}}\nc: { {}: 1 }\n",
		"an ApplicationSet": "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {name: x}\nspec:\n  template:\n    metadata:\n      name: shop-{{env}}\n    spec:\n      source:\n" +
			"        path: '{{path}}'\n        kustomize: {images: ['ghcr.io/acme/checkout:«v1→v2»']}\n",
		"a workflow":              "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {name: x}\nspec:\n  templates:\n  - initContainers:\n    - image: ghcr.io/acme/checkout:«v1→v2»\n      args:\n      - a-{{inputs.x}}\n",
		"an alert rule beside it": "apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata: {name: x}\nspec:\n  summary: Instance {{ $labels.instance }} down\n---\napiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - image: ghcr.io/acme/checkout:«v1→v2»\n",
	}
	for name, m := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := manifest.Bump("in.yaml", m.before(), []manifest.Edit{to(t, "v2", shop)})
			if err != nil || string(got) != string(m.after()) {
				t.Errorf("%v\n%s", err, got)
			}
		})
	}
}
