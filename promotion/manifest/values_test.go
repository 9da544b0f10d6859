package manifest_test

import (
	"strings"
	"testing"

	"ferry/promotion/manifest"
)

const shop = "ghcr.io/acme/checkout"

func TestBumpValues(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		in   marked
		tag  string
		name string
	}{
		"a map":                             {"image:\n  repository: ghcr.io/acme/checkout\n  tag: «1.4.2→1.5.0»\n  pullPolicy: Always\n", "1.5.0", shop},
		"tag before repository":             {"image:\n  tag: \"«1.4.2→1.10»\" # x\n  repository: ghcr.io/acme/checkout\n", "1.10", shop},
		"registry apart":                    {"image:\n  registry: ghcr.io\n  repository: acme/checkout\n  tag: «1.4.2→1.5.0»\n", "1.5.0", shop},
		"registry with a port":              {"image: {registry: 'r.example:5000', repository: acme/checkout, tag: «5000→\"5001\"»}\n", "5001", "r.example:5000/acme/checkout"},
		"an empty registry":                 {"image: {registry: \"\", repository: ghcr.io/acme/checkout, tag: '«1→2»'}\n", "2", shop},
		"a global registry":                 {"global: {imageRegistry: ghcr.io}\nweb: {image: {repository: acme/checkout, tag: «v1→v2»}}\n", "v2", shop},
		"another global registry":           {"global: {imageRegistry: quay.io}\nweb: {image: {repository: ghcr.io/acme/checkout, tag: «v1→v2»}}\nx: {image: {repository: acme/checkout, tag: v1}}\n", "v2", shop},
		"a whole reference":                 {"a: {b: [{image: 'ghcr.io/acme/checkout:«1.4.2→1.5.0»'}, {image: 'ghcr.io/acme/checkout-worker:1.4.2'}]}\n", "1.5.0", shop},
		"a reference without a tag":         {"image: ghcr.io/acme/checkout«→:1.5.0»\n", "1.5.0", shop},
		"a name with its tag beside it":     {"image: ghcr.io/acme/checkout\ntag: «v1→v2»\n", "v2", shop},
		"image and imageTag":                {"web:\n  image: ghcr.io/acme/checkout\n  imageTag: «v1→v2»\n  tag-x: v1\n", "v2", shop},
		"sidecarImage":                      {"sidecarImage: ghcr.io/acme/checkout:«v1→v2»\nsidecar: ghcr.io/acme/checkout:v1\n", "v2", shop},
		"sidecarImage and sidecarImageTag":  {"sidecarImage: ghcr.io/acme/checkout\nsidecarImageTag: «v1→v2»\ntag: v1\n", "v2", shop},
		"sidecar_image, sidecar_tag":        {"sidecar_image: ghcr.io/acme/checkout\nsidecar_tag: «v1→v2»\n", "v2", shop},
		"imageRepository":                   {"imageRepository: ghcr.io/acme/checkout\nimageTag: «v1→v2»\n", "v2", shop},
		"imageName":                         {"imageName: ghcr.io/acme/checkout\nimageTag: «v1→v2»\n", "v2", shop},
		"image.name":                        {"image: {name: ghcr.io/acme/checkout, tag: «v1→v2»}\n", "v2", shop},
		"a list of images with names":       {"images:\n- name: ghcr.io/acme/checkout\n  tag: «v1→v2»\n- name: ghcr.io/acme/cart\n  tag: v1\n", "v2", shop},
		"a list of references":              {"images: [ghcr.io/acme/cart:v1, ghcr.io/acme/checkout:«v1→v2»]\n", "v2", shop},
		"a map of references":               {"images:\n  checkout: ghcr.io/acme/checkout:«v1→v2»\n  cart: ghcr.io/acme/cart:v1\n", "v2", shop},
		"version for tag":                   {"image: {repository: ghcr.io/acme/checkout, version: «v1→v2»}\n", "v2", shop},
		"tag and digest":                    {"image: {repository: ghcr.io/acme/checkout, tag: «v1→v2», digest: \"«OLD→NEW»\"}\n", "v2@NEW", shop},
		"an empty digest":                   {"image: {repository: ghcr.io/acme/checkout, tag: «v1→v2», digest: \"\"}\n", "v2@NEW", shop},
		"a digest that is null":             {"image:\n  repository: ghcr.io/acme/checkout\n  tag: «v1→v2»\n  digest:\n", "v2@NEW", shop},
		"tag@digest in one":                 {"image: {repository: ghcr.io/acme/checkout, tag: \"«v1@OLD→v2@NEW»\"}\n", "v2@NEW", shop},
		"a digest only":                     {"image:\n  repository: ghcr.io/acme/checkout«→\n  tag: v2»\n  digest: «OLD→NEW»\n", "v2@NEW", shop},
		"a digest without its algorithm":    {"image: {repository: ghcr.io/acme/checkout, tag: «v1→v2», sha: «BARE→BNEW»}\n", "v2@NEW", shop},
		"an empty sha":                      {"image: {repository: ghcr.io/acme/checkout, tag: «v1→v2», sha: \"\"}\n", "v2@NEW", shop},
		"an empty tag":                      {"image: {repository: ghcr.io/acme/checkout, tag: \"«→v2»\"}\n", "v2", shop},
		"a null tag in flow":                {"image: {repository: ghcr.io/acme/checkout, tag:«→ v2»}\n", "v2", shop},
		"the same image twice":              {"a: {image: {repository: ghcr.io/acme/checkout, tag: «v1→v2»}}\nb: {image: {repository: ghcr.io/acme/checkout, tag: «v0→v2»}}\n", "v2", shop},
		"prefixes of one another":           {"a: {image: {repository: acme/app, tag: «v1→v2»}}\nb: {image: {repository: acme/app-b, tag: v1}}\nc: {image: {repository: x/acme/app, tag: v1}}\nd: {image: acme/ap:v1}\n", "v2", "acme/app"},
		"Docker Hub's library":              {"a: {image: {repository: docker.io/library/postgres, tag: «16→17.1.x»}}\nb: {image: postgres:«16→17.1.x»}\nc: {image: index.docker.io/library/postgres:«16→17.1.x»}\nd: {image: 'docker.example.com/library/postgres:16'}\ne: {image: 'library/app/postgres:16'}\n", "17.1.x", "postgres"},
		"asked for in full":                 {"image: postgres:«16→17.1.x»\n", "17.1.x", "docker.io/library/postgres"},
		"capital letters count":             {"image: {repository: ghcr.io/acme/checkout, tag: «V1-RC→V2-RC»}\nx: {image: {repository: ghcr.io/Acme/Checkout, tag: V1-RC}}\n", "V2-RC", shop},
		"annotations and env only tell":     {"podAnnotations: {image: 'ghcr.io/acme/checkout:v1'}\nenv: [{name: image, value: 'ghcr.io/acme/checkout:v1'}]\nlabels: {image: 'ghcr.io/acme/checkout:v1'}\nextraEnv: {image: 'ghcr.io/acme/checkout:v1'}\nimage: ghcr.io/acme/checkout:«v1→v2»\nnote: ghcr.io/acme/checkout:v1\n", "v2", shop},
		"objects among the values":          {"extraObjects:\n- apiVersion: v1\n  kind: Pod\n  spec:\n    containers:\n    - image: ghcr.io/acme/checkout:«v1→v2»\n", "v2", shop},
		"a chart's kind is no object":       {"kind: DaemonSet\nimage: {repository: ghcr.io/acme/checkout, tag: «v1→v2»}\n", "v2", shop},
		"another's template":                {"a: {image: '{{ .x }}:v1', tag: '{{ .y }}'}\nb: {image: ghcr.io/acme/checkout:«v1→v2»}\n", "v2", shop},
		"a bare number":                     {"image:\n  repository: ghcr.io/acme/checkout\n  tag: «1→\"2\"»\n", "2", shop},
		"an octal, a date, a null":          {"a: {image: {repository: ghcr.io/acme/checkout, tag: «0755→\"null\"»}}\nb: {image: {repository: ghcr.io/acme/checkout, tag: «2024-01-02→\"null\"»}}\nc: {image: {repository: ghcr.io/acme/checkout, tag: «null→\"null\"»}}\n", "null", shop},
		"merged from what is kept":          {"x-image: &image\n  repository: ghcr.io/acme/checkout\n  tag: «v1→v2»\nweb:\n  image:\n    <<: *image\nworker: {image: {<<: [*image], tag: «v1→v2»}}\n", "v2", shop},
		"kept below a key with a dot":       {".release: &r «v1→v2»\nweb: {image: {repository: ghcr.io/acme/checkout, tag: *r}}\n", "v2", shop},
		"kept at the top":                   {"release: &r «v1→v2»\nweb: {image: {repository: ghcr.io/acme/checkout, tag: *r}}\nworker: {image: {repository: ghcr.io/acme/checkout, tag: *r}}\n", "v2", shop},
		"a default for several":             {"defaults: &d {image: {repository: ghcr.io/acme/checkout, tag: «v1→v2»}}\nweb: {<<: *d, replicas: 2}\nworker: {<<: *d}\n", "v2", shop},
		"the anchor of an image's own":      {"web: &w {image: {repository: ghcr.io/acme/checkout, tag: &t «v1→v2»}}\nworker: {image: {repository: ghcr.io/acme/checkout, tag: *t}}\nagain: *w\n", "v2", shop},
		"the sources of a merge, overruled": {"x-a: &a {tag: v0}\nweb: {image: {<<: *a, repository: ghcr.io/acme/checkout, tag: «v1→v2»}}\nother: {image: {<<: *a, repository: acme/other}}\n", "v2", shop},
	}
	replace := strings.NewReplacer("OLD", oldDigest, "BNEW", newDigest[7:], "NEW", newDigest, "BARE", oldDigest[7:])
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bumpMarked(t, marked(replace.Replace(string(tt.in))), to(t, replace.Replace(tt.tag), tt.name))
		})
	}
}

func TestBumpValuesRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		in   string
		kind string
		line int
	}{
		"no tag and no digest":         {"image: {repository: ghcr.io/acme/checkout}\n", manifest.KindNotFound, 0},
		"another image":                {"image: {repository: ghcr.io/acme/checkout-worker, tag: v1}\n", manifest.KindNotFound, 0},
		"a reference somewhere":        {"note: ghcr.io/acme/checkout:v1\n# image: ghcr.io/acme/checkout:v1\ntext: |\n  image: ghcr.io/acme/checkout:v1\n", manifest.KindNotFound, 0},
		"the tag is a template":        {"image:\n  repository: ghcr.io/acme/checkout\n  tag: '{{ .Values.global.tag }}'\n", manifest.KindTemplated, 3},
		"the tag is a variable":        {"image:\n  repository: ghcr.io/acme/checkout\n  tag: ${TAG}\n", manifest.KindTemplated, 3},
		"the tag is a list":            {"image:\n  repository: ghcr.io/acme/checkout\n  tag: [v1]\n", manifest.KindNotScalar, 3},
		"the tag is over two lines":    {"image:\n  repository: ghcr.io/acme/checkout\n  tag: \"v\\\n    1\"\n", manifest.KindNotScalar, 3},
		"a digest stands":              {"image:\n  repository: ghcr.io/acme/checkout\n  tag: v1\n  digest: " + oldDigest + "\n", manifest.KindDigestPinned, 3},
		"a digest stands in the tag":   {"image:\n  repository: ghcr.io/acme/checkout\n  tag: v1@" + oldDigest + "\n", manifest.KindDigestPinned, 3},
		"a bare digest stands":         {"image:\n  repository: ghcr.io/acme/checkout\n  tag: v1\n  sha: " + oldDigest[7:] + "\n", manifest.KindDigestPinned, 3},
		"shared with another image":    {"x-r: &r v1\na:\n  image: {repository: ghcr.io/acme/checkout, tag: *r}\nb:\n  image: {repository: ghcr.io/acme/cart, tag: *r}\n", manifest.KindSharedAnchor, 5},
		"shared with a variable":       {"x-r: &r v1\na:\n  image: {repository: ghcr.io/acme/checkout, tag: *r}\nenv: {VERSION: *r}\n", manifest.KindSharedAnchor, 4},
		"kept in a label":              {"podLabels:\n  version: &v v1\nimage: {repository: ghcr.io/acme/checkout, tag: *v}\n", manifest.KindSharedAnchor, 2},
		"merged from another image":    {"image: &i\n  repository: ghcr.io/acme/cart\n  tag: v1\nweb:\n  image: {<<: *i, repository: ghcr.io/acme/checkout}\n", manifest.KindSharedAnchor, 3},
		"a key without a value":        {"image:\n  repository: ghcr.io/acme/checkout\n  ? tag\npull: x\n", manifest.KindAmbiguous, 4},
		"kept in global":               {"global: &g\n  tag: v1\nweb:\n  image: {<<: *g, repository: ghcr.io/acme/checkout}\n", manifest.KindSharedAnchor, 2},
		"kept in the chart's image":    {"image: &i\n  tag: v1\nweb:\n  image: {<<: *i, repository: ghcr.io/acme/checkout}\n", manifest.KindSharedAnchor, 2},
		"merged into another image":    {"image: &i\n  repository: ghcr.io/acme/checkout\n  tag: v1\nweb:\n  image: {<<: *i, repository: ghcr.io/acme/cart}\n", manifest.KindSharedAnchor, 5},
		"a whole map used elsewhere":   {"web: {image: &i {repository: ghcr.io/acme/checkout, tag: v1}}\ncopy: {annotations: *i}\n", manifest.KindSharedAnchor, 2},
		"a tag that is a key":          {"image: {repository: ghcr.io/acme/checkout, tag: &t v1}\nseen:\n  *t : yes\n", manifest.KindSharedAnchor, 3},
		"a duplicate key far away":     {"image: {repository: ghcr.io/acme/checkout, tag: v1}\na: 1\n'a': 2\n", manifest.KindDuplicateKey, 3},
		"Helm's own template":          {"{{- if .x }}\nimage: {repository: ghcr.io/acme/checkout, tag: v1}\n{{- end }}\n", manifest.KindTemplated, 1},
		"a template without quotes":    {"image:\n  repository: ghcr.io/acme/checkout\n  tag: {{ .x }}\n", manifest.KindTemplated, 3},
		"a tag of another type":        {"image:\n  repository: ghcr.io/acme/checkout\n  tag: !!float 1.9\n", manifest.KindNotScalar, 3},
		"characters that no tag has":   {"image:\n  repository: ghcr.io/acme/checkout\n  tag: 'v1 v2'\n", manifest.KindInvalid, 3},
		"a tag in an unfinished quote": {"image:\n  repository: ghcr.io/acme/checkout\n  tag: \"v1\n", manifest.KindInvalid, 4},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			refusal(t, tt.in, tt.kind, tt.line, to(t, "v2", shop))
		})
	}
}

func TestBumpAtKeys(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		in   marked
		tag  string
		keys []string
	}{
		"a tag without a name":           {"services:\n  checkout:\n    image:\n      tag: «1.4.2→1.5.0»\n", "1.5.0", []string{"services.checkout.image.tag"}},
		"and its digest":                 {"image: {tag: «v1→v2», digest: «OLD→NEW»}\n", "v2@NEW", []string{"image.tag"}},
		"tag and digest by two keys":     {"a: {tag: «v1→v2»}\nb: {digest: «OLD→NEW»}\n", "v2@NEW", []string{"b.digest", "a.tag"}},
		"imageTag and imageDigest":       {"imageTag: «v1→v2»\nimageDigest: «OLD→NEW»\n", "v2@NEW", []string{"imageTag"}},
		"several tags":                   {"a: {tag: «v1→v2»}\nb: {tag: «v0→v2»}\nc: {tag: v1}\n", "v2", []string{"a.tag", "b.tag"}},
		"tag@digest":                     {"image: {tag: '«v1@OLD→v2@NEW»'}\n", "v2@NEW", []string{"image.tag"}},
		"a whole reference":              {"image: ghcr.io/acme/checkout:«v1→v2»\nx: {image: ghcr.io/acme/checkout:v1}\n", "v2", []string{"image"}},
		"a reference below its registry": {"registry: ghcr.io\nimage: acme/checkout:«v1→v2»\n", "v2", []string{"image"}},
		"an item by its index":           {"sidecars:\n- image: {tag: v1}\n- image: {tag: «v1→v2»}\n", "v2", []string{"sidecars[1].image.tag"}},
		"an item by its name":            {"sidecars:\n- name: web\n  tag: «v1→v2»\n- name: web-2\n  tag: v1\n", "v2", []string{"sidecars[name=web].tag"}},
		"an index as a step":             {"sidecars: [{tag: v1}, {tag: «v1→v2»}]\n", "v2", []string{"sidecars.1.tag"}},
		"a key with dots":                {"services:\n  checkout.v2: {tag: «v1→v2»}\n  checkout: {v2: {tag: v1}}\n", "v2", []string{`services."checkout.v2".tag`}},
		"an empty value":                 {"image:\n  tag:«→ v2»\n", "v2", []string{"image.tag"}},
		"through a merge":                {"x-i: &i {tag: «v1→v2»}\nimage: {<<: *i}\n", "v2", []string{"image.tag"}},
		"through an alias":               {"x-t: &t «v1→v2»\nimage: {tag: *t}\n", "v2", []string{"image.tag"}},
		"two keys to one anchor":         {"a: {tag: &t «v1→v2»}\nb: {tag: *t}\n", "v2", []string{"a.tag", "b.tag"}},
		"an image's name is beside it":   {"image: {repository: mirror.example/checkout, tag: «v1→v2»}\n", "v2", []string{"image.tag"}},
		"keys of a Kubernetes object":    {"apiVersion: example.com/v1\nkind: Shop\nspec: {version: «v1→v2»}\n", "v2", []string{"spec.version"}},
	}
	replace := strings.NewReplacer("OLD", oldDigest, "NEW", newDigest)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bumpMarked(t, marked(replace.Replace(string(tt.in))), to(t, replace.Replace(tt.tag), shop, tt.keys...))
		})
	}
}

func TestBumpAtKeysRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		in, key, kind string
		line          int
		says          string
	}{
		"no such key":              {"services: {checkout: {tag: v1}, cart: {tag: v1}}\n", "services.chekout.tag", manifest.KindNotFound, 1, "there is no services.chekout; did you mean services.checkout?"},
		"no such key with dots":    {"services: {checkout.v2: {tag: v1}}\n", "services.checkout.v2.tag", manifest.KindNotFound, 1, `did you mean services."checkout.v2"?`},
		"no such item":             {"a:\n- name: web\n- name: api\n", "a[name=wep].tag", manifest.KindNotFound, 2, "did you mean a[name=web]?"},
		"no such index":            {"a: [{tag: v1}]\n", "a[1].tag", manifest.KindNotFound, 1, "did you mean a[0]?"},
		"nothing beside it":        {"a: {}\n", "a.tag", manifest.KindNotFound, 1, "there is no a.tag, and nothing beside it"},
		"into a value":             {"a: v1\n", "a.tag", manifest.KindNotFound, 1, "a is no mapping or list"},
		"into a file of one value": {"v1\n", "a.tag", manifest.KindNotFound, 1, "at the top stands one value"},
		"items that are alike":     {"a:\n- {name: web, tag: v1}\n- {name: web, tag: v1}\n", "a[name=web].tag", manifest.KindAmbiguous, 2, "several items fit a[name=web]"},
		"several documents":        {"tag: v1\n---\ntag: v1\n", "tag", manifest.KindAmbiguous, 3, "begin the key"},
		"no such document":         {"kind: A\ntag: v1\n---\nkind: B\ntag: v1\n", "[kind=C].tag", manifest.KindNotFound, 0, "no such document"},
		"an empty file":            {"# nothing\n", "tag", manifest.KindNotFound, 0, "no such document"},
		"a mapping":                {"image:\n  tag: v1\n", "image", manifest.KindNotScalar, 2, "name the key of the tag in it"},
		"another image":            {"image: ghcr.io/acme/cart:v1\n", "image", manifest.KindAmbiguous, 1, "leads to the image ghcr.io/acme/cart"},
		"another image, no slash":  {"image: cart:v1\n", "image", manifest.KindAmbiguous, 1, "leads to the image cart"},
		"a template, no quotes":    {"image:\n  tag: {{ .x }}\n", "image.tag", manifest.KindTemplated, 2, "name the file it takes its values from"},
		"a template":               {"tag: '{{ .x }}'\n", "tag", manifest.KindTemplated, 1, "is a template"},
		"shared with another key":  {"a: {tag: &t v1}\nb: {tag: *t}\n", "a.tag", manifest.KindSharedAnchor, 2, "line 2"},
		"only the digest is named": {"a: {digest: " + oldDigest + "}\n", "a.digest", manifest.KindAmbiguous, 1, "name the place of its tag too"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := refusal(t, tt.in, tt.kind, tt.line, to(t, "v2@"+newDigest, shop, tt.key))
			if !strings.Contains(r.Reason, tt.says) {
				t.Errorf("%s, want %s", r.Reason, tt.says)
			}
		})
	}
}

// TestKeysInDocuments chooses one document of several.
func TestKeysInDocuments(t *testing.T) {
	t.Parallel()
	in := marked("kind: A\ntag: v1\n---\nkind: B\ntag: «v1→v2»\n")
	for _, k := range []string{"[1].tag", "[kind=B].tag"} {
		got, err := manifest.Bump("a.yaml", in.before(), []manifest.Edit{to(t, "v2", shop, k)})
		if err != nil || string(got) != string(in.after()) {
			t.Errorf("%s: %v\n%s", k, err, got)
		}
	}
}
