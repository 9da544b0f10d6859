package manifest_test

import (
	"strings"
	"testing"

	"ferry/promotion/manifest"
)

const (
	application    = "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: shop}\nspec:\n"
	applicationSet = "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nspec:\n  template:\n    spec:\n"
	helmRelease    = "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nspec:\n"
)

func TestBumpFormats(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		in   marked
		tag  string
		keys []string
	}{
		"Compose: a service": {"services:\n  web:\n    image: ghcr.io/acme/checkout:«1.4.2→1.5.0»\n    ports: ['80:80']\n  db: {image: 'postgres:16'}\n", "1.5.0", nil},
		"Compose: only services hold images": {"services:\n  web:\n    image: ghcr.io/acme/checkout:«v1→v2»\n    labels: {image: 'ghcr.io/acme/checkout:v1'}\n    environment: {image: ghcr.io/acme/checkout:v1}\n" +
			"    develop: {watch: [{image: ghcr.io/acme/checkout:v1}]}\nconfigs: {c: {content: 'image: ghcr.io/acme/checkout:v1'}}\nx-note: {image: ghcr.io/acme/checkout:v1}\n", "v2", nil},
		"Compose: an extension merged":          {"x-a: &a\n  image: &i ghcr.io/acme/checkout:«v1→v2»\nservices:\n  web: {<<: *a, command: web}\n  api: {image: *i}\n  own: {<<: *a, image: 'postgres:16'}\n", "v2", nil},
		"Compose: a service merged":             {"services:\n  web: &w\n    image: ghcr.io/acme/checkout:«v1→v2»\n  worker:\n    <<: *w\n    command: work\n", "v2", nil},
		"Compose: digest":                       {"services: {web: {image: 'ghcr.io/acme/checkout@«OLD→NEW»'}}\n", "@NEW", nil},
		"Compose: built and named":              {"services: {web: {build: ., image: ghcr.io/acme/checkout}, api: {image: ghcr.io/acme/checkout:«v1→v2»}}\n", "v2", []string{"services.api.image"}},
		"Argo CD: parameters by name":           {application + "  source:\n    targetRevision: 1.4.2\n    helm:\n      parameters:\n      - {name: image.repository, value: ghcr.io/acme/checkout}\n      - {name: image.tag, value: \"«1.4.2→1.5.0»\"}\n      - {name: cart.image.tag, value: 1.4.2}\n", "1.5.0", nil},
		"Argo CD: registry and digest":          {application + "  source: {helm: {parameters: [{name: a.image.registry, value: ghcr.io}, {name: a.image.repository, value: acme/checkout}, {value: «v1→v2», name: a.image.tag}, {name: a.image.digest, value: «OLD→NEW»}]}}\n", "v2@NEW", nil},
		"Argo CD: a whole reference":            {application + "  source: {helm: {parameters: [{name: image, value: 'ghcr.io/acme/checkout:«v1→v2»'}]}}\n", "v2", nil},
		"Argo CD: a parameter by key":           {application + "  source:\n    helm:\n      parameters:\n      - name: image.tag\n        value: «v1→\"1.10\"»\n      - name: image.tagSuffix\n        value: v1\n", "1.10", []string{"image.tag"}},
		"Argo CD: a parameter and its digest":   {application + "  source:\n    helm:\n      parameters:\n      - {name: image.tag, value: «v1→v2»}\n      - {name: image.digest, value: «OLD→NEW»}\n", "v2@NEW", []string{"image.tag"}},
		"Argo CD: a parameter with brackets":    {application + "  source: {helm: {parameters: [{name: 'c[0].tag', value: «v1→v2»}, {name: 'c[1].tag', value: v1}]}}\n", "v2", []string{"c[0].tag"}},
		"Argo CD: valuesObject by name":         {application + "  source:\n    targetRevision: v1\n    helm:\n      valuesObject:\n        web: {image: {repository: ghcr.io/acme/checkout, tag: «v1→v2»}}\n", "v2", nil},
		"Argo CD: valuesObject by key":          {application + "  source: {helm: {valuesObject: {web: {image: {tag: «v1→v2»}}}}}\n", "v2", []string{"web.image.tag"}},
		"Argo CD: a key from the top":           {application + "  sources:\n  - helm: {parameters: [{name: image.tag, value: v1}]}\n  - helm: {parameters: [{name: image.tag, value: «v1→v2»}]}\n", "v2", []string{"spec.sources[1].helm.parameters[name=image.tag].value"}},
		"Argo CD: a parameter wins":             {application + "  source: {helm: {parameters: [{name: image.tag, value: «v1→v2»}], valuesObject: {image: {tag: v1}}}}\n", "v2", []string{"image.tag"}},
		"Argo CD: Kustomize images":             {application + "  source:\n    kustomize:\n      images:\n      - ghcr.io/acme/cart:v1\n      - ghcr.io/acme/checkout:«v1→v2»\n      - app=ghcr.io/acme/checkout:«v1→v2»\n      - ghcr.io/acme/checkout=mirror.example:5000/checkout:«v1→v2»\n      - checkout=ghcr.io/acme/cart:v1\n", "v2", nil},
		"Argo CD: Kustomize digests":            {application + "  source: {kustomize: {images: ['ghcr.io/acme/checkout=m/checkout@«OLD→NEW»']}}\n", "@NEW", nil},
		"Argo CD: values as text":               {application + "  source:\n    helm:\n      values: |\n        # größer\n        image:\n          repository: ghcr.io/acme/checkout # here\n          tag: \"«v1→v2»\"   # and here\n\n        cart: {image: {repository: ghcr.io/acme/cart, tag: v1}}\n", "v2", nil},
		"Argo CD: values as text by key":        {application + "  source:\n    helm:\n      values: |-\n        image: {tag: «1.9→\"1.10\"»}\n        other: 1\n", "1.10", []string{"image.tag"}},
		"Argo CD: values as text, from the top": {application + "  source:\n    helm:\n      values: |\n        image: {tag: «v1→v2»}\n", "v2", []string{"spec.source.helm.values.image.tag"}},
		"Argo CD: the source with the name":     {application + "  sources:\n  - helm: {parameters: [{name: image.tag, value: v1}, {name: image.repository, value: ghcr.io/acme/cart}]}\n  - helm: {parameters: [{name: image.tag, value: «v1→v2»}, {name: image.repository, value: ghcr.io/acme/checkout}]}\n", "v2", []string{"image.tag"}},
		"the document with the name":            {"image: {repository: ghcr.io/acme/cart, tag: v1}\n---\nimage: {repository: ghcr.io/acme/checkout, tag: «v1→v2»}\n", "v2", []string{"image.tag"}},
		"Argo CD: text with an indentation":     {application + "  source:\n    helm:\n      values: |2+ # c\n          image: &i\n            tag: «v1→v2»\n            repository: ghcr.io/acme/checkout\n          again: *i\n", "v2", nil},
		"Argo CD: several texts":                {application + "  sources:\n  - helm:\n      values: |\n        image: {repository: ghcr.io/acme/checkout, tag: «v1→v2», digest: «OLD→NEW»}\n  - helm:\n      values: |\n        a: {image: ghcr.io/acme/checkout:«v0@OLD→v2@NEW»}\n", "v2@NEW", nil},
		"Argo CD: text shared by two sources":   {application + "  sources:\n  - helm:\n      values: &v |\n        image: {repository: ghcr.io/acme/checkout, tag: «v1→v2»}\n  - helm: {values: *v}\n", "v2", nil},
		"Argo CD: an ApplicationSet":            {applicationSet + "      sources:\n      - helm: {parameters: [{name: '{{ .x }}', value: '{{ .y }}'}, {name: image.tag, value: «v1→v2»}]}\n", "v2", []string{"image.tag"}},
		"Argo CD: what generates":               {"apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nspec:\n  generators:\n  - list:\n      elements:\n      - {env: staging, tag: v1}\n      - {env: prod, tag: «v1→v2»}\n", "v2", []string{"spec.generators[0].list.elements[env=prod].tag"}},
		"Argo CD: lookalikes":                   {application + "  source:\n    helm:\n      valuesObject: {image: {repository: ghcr.io/acme/checkout, tag: «v1→v2»}}\n      fileParameters: [{name: image, path: 'ghcr.io/acme/checkout:v1'}]\n    directory: {image: 'ghcr.io/acme/checkout:v1'}\n    plugin: {env: [{name: image, value: 'ghcr.io/acme/checkout:v1'}]}\n  info: [{name: image, value: 'ghcr.io/acme/checkout:v1'}]\n", "v2", nil},
		"Flux: values by name":                  {helmRelease + "  chart: {spec: {version: v1}}\n  values:\n    image:\n      repository: ghcr.io/acme/checkout # {\"$imagepolicy\": \"apps:app:name\"}\n      tag: «v1→v2» # {\"$imagepolicy\": \"apps:app:tag\"}\n", "v2", nil},
		"Flux: values by key":                   {helmRelease + "  values: {web: {image: {tag: «v1→v2»}}}\n", "v2", []string{"web.image.tag"}},
		"Flux: a key from the top":              {helmRelease + "  values: {web: {image: {tag: «v1→v2»}}}\n", "v2", []string{"spec.values.web.image.tag"}},
		"Flux: a post-renderer adds a tag":      {helmRelease + "  postRenderers:\n  - kustomize:\n      images:\n      - name: ghcr.io/acme/checkout«→\n        newTag: v2»\n", "v2", nil},
		"Flux: a chart of that version":         {helmRelease + "  chart: {spec: {image: 'ghcr.io/acme/checkout:v1'}}\n  values: {image: 'ghcr.io/acme/checkout:«v1→v2»'}\n", "v2", nil},
		"Flux: a Kustomization":                 {"apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nspec:\n  images:\n  - name: ghcr.io/acme/checkout\n    newTag: «v1→v2»\n  targetNamespace: v1\n", "v2", nil},
		"a list of many kinds": {"apiVersion: v1\nkind: List\nitems:\n- apiVersion: helm.toolkit.fluxcd.io/v2\n  kind: HelmRelease\n  spec: {values: {image: {repository: ghcr.io/acme/checkout, tag: «v1→v2»}}}\n- apiVersion: v1\n  kind: ConfigMap\n  data: {containers: [{image: 'ghcr.io/acme/checkout:v1'}]}\n" +
			"- apiVersion: v1\n  kind: Pod\n  spec: {containers: [{image: 'ghcr.io/acme/checkout:«v1→v2»'}]}\n", "v2", nil},
		"Kubernetes: a Rollout":           {"apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nspec: {template: {spec: {containers: [{image: 'ghcr.io/acme/checkout:«v1→v2»'}]}}}\n", "v2", nil},
		"Kubernetes: Knative":             {"apiVersion: serving.knative.dev/v1\nkind: Service\nspec: {template: {spec: {containers: [{image: 'ghcr.io/acme/checkout@«OLD→NEW»'}]}}}\n", "@NEW", nil},
		"Kubernetes: a custom resource":   {"apiVersion: x.example/v1\nkind: Thing\nspec: {workers: [{podTemplate: {spec: {initContainers: [{image: 'ghcr.io/acme/checkout:«v1→v2»'}], ephemeralContainers: [{image: ghcr.io/acme/checkout«→:v2»}]}}}], image: ghcr.io/acme/checkout:v1}\n", "v2", nil},
		"Kubernetes: metadata only tells": {"apiVersion: v1\nkind: Pod\nmetadata: {annotations: {containers: [{image: 'ghcr.io/acme/checkout:v1'}]}}\nspec: {containers: [{image: 'ghcr.io/acme/checkout:«v1→v2»'}]}\n", "v2", nil},
		"Kubernetes: kept below x-":       {"x-image: &i ghcr.io/acme/checkout:«v1→v2»\napiVersion: v1\nkind: Pod\nspec: {containers: [{image: *i}, {image: *i}]}\n", "v2", nil},
		"Kustomize: kept below x-":        {"x-tag: &t «v1→v2»\nkind: Kustomization\nimages:\n- {name: ghcr.io/acme/checkout, newTag: *t}\n", "v2", nil},
		"Kustomize: Docker Hub's names":   {"kind: Kustomization\nimages:\n- {name: ghcr.io/acme/checkout, newName: x, newTag: «v1→v2»}\n- {name: docker.io/ghcr.io/acme/checkout-x, newTag: v1}\n", "v2", nil},
		"JSON: values":                    {"{\"image\": {\"repository\": \"ghcr.io/acme/checkout\", \"tag\": \"«v1→1.10»\"}, \"n\": 1.50}\n", "1.10", nil},
		"flow that is no JSON":            {"{image: {repository: ghcr.io/acme/checkout, tag: «v1→\"1.10\"»}}\n", "1.10", nil},
	}
	replace := strings.NewReplacer("OLD", oldDigest, "NEW", newDigest)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bumpMarked(t, marked(replace.Replace(string(tt.in))), to(t, replace.Replace(tt.tag), shop, tt.keys...))
		})
	}
}

// TestBumpJSON edits documents that have to be JSON afterwards too, so without what other ways to write them add.
func TestBumpJSON(t *testing.T) {
	t.Parallel()
	tests := map[string]marked{
		"a number":            `{"image":{"repository":"ghcr.io/acme/checkout","tag":«7→"2.0"»}}`,
		"null":                "{\n\t\"image\": {\"repository\": \"ghcr.io/acme/checkout\", \"tag\": «null→\"2.0\"»}\n}\n",
		"Compose":             `{"services":{"web":{"image":"ghcr.io/acme/checkout:«1→2.0»"}}}`,
		"an Application":      `{"apiVersion":"argoproj.io/v1alpha1","kind":"Application","spec":{"source":{"helm":{"parameters":[{"name":"image.repository","value":"ghcr.io/acme/checkout"},{"name":"image.tag","value":"«1→2.0»"}]}}}}`,
		"a HelmRelease":       "{\"apiVersion\":\"helm.toolkit.fluxcd.io/v2\",\"kind\":\"HelmRelease\",\r\n\"spec\":{\"values\":{\"image\":{\"repository\":\"ghcr.io/acme/checkout\",\"tag\":\"«1→2.0»\"}}}}",
		"escapes all around":  `{"a":"\u00e9\n\"","image":{"b":"\ud83d\ude00 😀","repository":"ghcr.io/acme/checkout","tag":"«1→2.0»"}}`,
		"a Kustomization":     `{"kind":"Kustomization","images":[{"name":"ghcr.io/acme/checkout"«→, "newTag": "2.0"»}]}`,
		"a list of documents": "{\"kind\":\"A\"}\n---\n{\"image\":\"ghcr.io/acme/checkout:«1→2.0»\"}\n",
	}
	for name, in := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := manifest.Bump("in.json", in.before(), []manifest.Edit{to(t, "2.0", shop)})
			if err != nil || string(got) != string(in.after()) {
				t.Errorf("%v, got\n%s, want\n%s", err, got, in.after())
			}
		})
	}
}

func TestBumpFormatsRefuses(t *testing.T) {
	t.Parallel()
	text := application + "  source:\n    helm:\n      values: "
	tests := map[string]struct {
		in, key, kind string
		line, column  int
	}{
		"Compose: a default":                  {"services:\n  web:\n    image: ghcr.io/acme/checkout:${TAG:-1.4.2}\n", "", manifest.KindTemplated, 3, 12},
		"Compose: a variable by key":          {"services:\n  web:\n    image: $IMAGE\n", "services.web.image", manifest.KindTemplated, 3, 12},
		"Compose: an extension used as more":  {"x-a: &a {image: 'ghcr.io/acme/checkout:v1'}\nservices:\n  web: *a\n  db: {labels: *a}\n", "", manifest.KindSharedAnchor, 4, 16},
		"Argo CD: a templated parameter":      {applicationSet + "      source:\n        helm:\n          parameters:\n          - {name: image.tag, value: '{{ .tag }}'}\n", "image.tag", manifest.KindTemplated, 9, 38},
		"Argo CD: no such parameter":          {application + "  source: {helm: {parameters: [{name: image.tag, value: v1}]}}\n", "image.tga", manifest.KindNotFound, 5, 31},
		"Argo CD: two sources with it":        {application + "  sources:\n  - helm: {parameters: [{name: image.tag, value: v1}]}\n  - helm: {parameters: [{name: image.tag, value: v1}]}\n", "image.tag", manifest.KindAmbiguous, 7, 50},
		"Argo CD: twice the same parameter":   {application + "  source: {helm: {parameters: [{name: image.tag, value: v1}, {name: image.tag, value: v2}]}}\n", "image.tag", manifest.KindAmbiguous, 5, 31},
		"Argo CD: values in quotes":           {text + "\"image: {repository: ghcr.io/acme/checkout, tag: v1}\"\n", "", manifest.KindNotScalar, 7, 15},
		"Argo CD: values folded":              {text + ">\n        image: {repository: ghcr.io/acme/checkout,\n          tag: v1}\n", "", manifest.KindNotScalar, 7, 15},
		"Argo CD: values with a template":     {text + "|\n        image:\n          repository: ghcr.io/acme/checkout\n          tag: '{{ .tag }}'\n", "", manifest.KindTemplated, 10, 16},
		"Argo CD: values that are no YAML":    {text + "|\n        image: {repository: ghcr.io/acme/checkout\n", "", manifest.KindInvalid, 9, 0},
		"Argo CD: values with a double key":   {text + "|\n        image: ghcr.io/acme/checkout:v1\n        a: 1\n        a: 2\n", "", manifest.KindDuplicateKey, 10, 9},
		"Argo CD: a digest in values":         {text + "|\n        image:\n          repository: ghcr.io/acme/checkout\n          tag: v1\n          digest: " + oldDigest + "\n", "", manifest.KindDigestPinned, 10, 16},
		"Argo CD: an anchor shared in values": {text + "|\n        r: {v: &r v1}\n        image: {repository: ghcr.io/acme/checkout, tag: *r}\n", "", manifest.KindSharedAnchor, 8, 16},
		"Argo CD: text that is used as more":  {application + "  source:\n    helm:\n      values: &v |\n        image: ghcr.io/acme/checkout:v1\n  info: [{name: v, value: *v}]\n", "", manifest.KindSharedAnchor, 9, 27},
		"Argo CD: the revision is no tag":     {application + "  source: {targetRevision: v1, chart: ghcr.io/acme/checkout}\n", "", manifest.KindNotFound, 0, 0},
		"Flux: no such key in values":         {helmRelease + "  values: {image: {tag: v1}}\n", "imgae.tag", manifest.KindNotFound, 4, 11},
		"Flux: a substitution":                {helmRelease + "  values: {image: {repository: ghcr.io/acme/checkout, tag: '${tag}'}}\n", "", manifest.KindTemplated, 4, 60},
		"Kubernetes: data in a ConfigMap":     {"apiVersion: v1\nkind: ConfigMap\ndata:\n  a: |\n    containers: [{image: 'ghcr.io/acme/checkout:v1'}]\n", "", manifest.KindNotFound, 0, 0},
		"Kubernetes: a resource's own field":  {"apiVersion: v1\nkind: Thing\nspec: {image: 'ghcr.io/acme/checkout:v1'}\n", "", manifest.KindNotFound, 0, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := to(t, "v2", shop)
			if tt.key != "" {
				e.Keys = []manifest.Key{key(t, tt.key)}
			}
			if r := refusal(t, tt.in, tt.kind, tt.line, e); tt.column > 0 && r.Column != tt.column {
				t.Errorf("column %d, want %d: %v", r.Column, tt.column, r)
			}
		})
	}
}

// TestPin writes digests where none stand.
func TestPin(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		in  marked
		key string
	}{
		"a reference":               {marked(pod("  - image: ghcr.io/acme/checkout:«v1→v2@NEW»\n")), ""},
		"a reference at that tag":   {marked(pod("  - image: ghcr.io/acme/checkout:v2«→@NEW»\n")), ""},
		"a digest stands":           {marked(pod("  - image: ghcr.io/acme/checkout:«v1@OLD→v2@NEW»\n")), ""},
		"an entry of Kustomize":     {kustomization + "images:\n- name: ghcr.io/acme/checkout\n  newTag: «v1→v2» # tag«→\n  digest: NEW»\n", ""},
		"an entry without a tag":    {kustomization + "images:\n- name: ghcr.io/acme/checkout«→\n  newTag: v2\n  digest: NEW»\n- name: x\n", ""},
		"an entry in flow":          {kustomization + "images: [{name: ghcr.io/acme/checkout, newTag: \"«v1→v2»\"«→, digest: NEW»}]\n", ""},
		"values without a digest":   {"image: {repository: ghcr.io/acme/checkout, tag: «v1→v2@NEW»}\n", ""},
		"values with an empty one":  {"image:\n  repository: ghcr.io/acme/checkout\n  tag: «v1→v2»\n  digest: \"«→NEW»\"\n", ""},
		"values with null":          {"image:\n  repository: ghcr.io/acme/checkout\n  digest:«→ NEW»\n  tag: «v1→v2»\n", ""},
		"a tag at a key":            {"image: {tag: «v1→v2@NEW»}\n", "image.tag"},
		"a key beside an empty one": {"image: {tag: «v1→v2», digest: '«→NEW»'}\n", "image.tag"},
		"Kustomize in Argo CD":      {application + "  source: {kustomize: {images: ['ghcr.io/acme/checkout:«v1→v2@NEW»']}}\n", ""},
	}
	replace := strings.NewReplacer("OLD", oldDigest, "NEW", newDigest)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := to(t, "v2@"+newDigest, shop)
			if e.Pin = true; tt.key != "" {
				e.Keys = []manifest.Key{key(t, tt.key)}
			}
			for way, m := range ways(marked(replace.Replace(string(tt.in)))) {
				got, err := manifest.Bump("in.yaml", m.before(), []manifest.Edit{e})
				if err != nil || string(got) != string(m.after()) {
					t.Errorf("%s: %v, got\n%q, want\n%q", way, err, got, m.after())
					continue
				}
				checkStands(t, "in.yaml", got, []manifest.Edit{e})
			}
		})
	}
}
