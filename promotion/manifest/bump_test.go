package manifest_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"ferry/promotion/manifest"
)

var (
	oldDigest = "sha256:" + strings.Repeat("1f0d5c3e", 8)
	newDigest = "sha256:" + strings.Repeat("9ac4e07b", 8)
)

const kustomization = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n"

// pod returns a Pod whose containers are the given text, indented by two.
func pod(containers string) string {
	return "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n" + containers
}

func TestBump(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ in, tag, digest, want string }{
		"newTag is inserted":               {kustomization + "images:\n- name: acme/app # the app\n- name: b\n", "1.5.0", "", kustomization + "images:\n- name: acme/app # the app\n  newTag: 1.5.0\n- name: b\n"},
		"inserted behind newName":          {kustomization + "images:\n  -   name: acme/app\n      newName: other/app\n", "1.10", "", kustomization + "images:\n  -   name: acme/app\n      newName: other/app\n      newTag: \"1.10\"\n"},
		"inserted at the end of the file":  {kustomization + "images:\n- name: acme/app", "v2", "", kustomization + "images:\n- name: acme/app\n  newTag: v2"},
		"inserted with CRLF":               {"images:\r\n- name: acme/app\r\n  newName: x/app\r\n", "v2", "", "images:\r\n- name: acme/app\r\n  newName: x/app\r\n  newTag: v2\r\n"},
		"inserted into flow":               {kustomization + "images: [{name: acme/app}, {name: b}]\n", "v2", "", kustomization + "images: [{name: acme/app, newTag: v2}, {name: b}]\n"},
		"inserted into JSON":               {`{"kind": "Kustomization", "images": [{"name": "acme/app"}]}`, "v2", "", `{"kind": "Kustomization", "images": [{"name": "acme/app", "newTag": "v2"}]}`},
		"inserted beside a digest":         {kustomization + "images:\n- name: acme/app\n  digest: " + oldDigest + "\n", "v2", newDigest, kustomization + "images:\n- name: acme/app\n  newTag: v2\n  digest: " + newDigest + "\n"},
		"inserted behind an aliased name":  {"x: &n acme/app\nkind: Kustomization\nimages:\n- name: *n\n", "v2", "", "x: &n acme/app\nkind: Kustomization\nimages:\n- name: *n\n  newTag: v2\n"},
		"empty newTag":                     {kustomization + "images:\n- name: acme/app\n  newTag: # none\n", "v2", "", kustomization + "images:\n- name: acme/app\n  newTag: v2 # none\n"},
		"null newTag in JSON":              {`{"kind":"Kustomization","images":[{"name":"acme/app","newTag":null}]}`, "v2", "", `{"kind":"Kustomization","images":[{"name":"acme/app","newTag":"v2"}]}`},
		"number in JSON":                   {`{"kind":"Kustomization","images":[{"name":"acme/app","newTag":1.9}]}`, "v2", "", `{"kind":"Kustomization","images":[{"name":"acme/app","newTag":"v2"}]}`},
		"tag with properties":              {kustomization + "images:\n- name: acme/app\n  newTag: !!str &t # why\n    1.9\n", "1.10", "", kustomization + "images:\n- name: acme/app\n  newTag: !!str &t # why\n    1.10\n"},
		"tag as a block scalar":            {kustomization + "images:\n- name: acme/app\n  newTag: |\n    v1\n", "1.10", "", kustomization + "images:\n- name: acme/app\n  newTag: |\n    1.10\n"},
		"all digits":                       {kustomization + "images:\n- name: acme/app\n  newTag: c0ffee1\n", "1234567", "", kustomization + "images:\n- name: acme/app\n  newTag: \"1234567\"\n"},
		"digest of an unpinned image":      {kustomization + "images:\n- name: acme/app\n  newTag: v1\n", "v2", newDigest, kustomization + "images:\n- name: acme/app\n  newTag: v2\n"},
		"a tag that is already so":         {pod("  - image: acme/app:v1@" + oldDigest + "\n"), "v1", "", pod("  - image: acme/app:v1@" + oldDigest + "\n")},
		"a digest that moves under a tag":  {pod("  - image: acme/app:v1@" + oldDigest + "\n"), "v1", newDigest, pod("  - image: acme/app:v1@" + newDigest + "\n")},
		"a tag put before a digest":        {pod("  - image: acme/app@" + oldDigest + "\n"), "v2", newDigest, pod("  - image: acme/app:v2@" + newDigest + "\n")},
		"places that disagree become one":  {pod("  - image: acme/app:v1\n  - image: acme/app:v0\n  - image: acme/app:v2\n"), "v2", "", pod("  - image: acme/app:v2\n  - image: acme/app:v2\n  - image: acme/app:v2\n")},
		"entries that disagree become one": {kustomization + "images:\n- {name: acme/app, newTag: v1}\n- {name: acme/app, newTag: v0}\n", "v2", "", kustomization + "images:\n- {name: acme/app, newTag: v2}\n- {name: acme/app, newTag: v2}\n"},
		"ephemeral and init containers":    {"apiVersion: v1\nkind: Pod\nspec: {initContainers: [{image: acme/app}], ephemeralContainers: [{image: 'acme/app:v1'}]}\n", "v2", "", "apiVersion: v1\nkind: Pod\nspec: {initContainers: [{image: acme/app:v2}], ephemeralContainers: [{image: 'acme/app:v2'}]}\n"},
		"a list of objects":                {"apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Pod\n  spec:\n    containers:\n    - image: acme/app:v1\n", "v2", "", "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Pod\n  spec:\n    containers:\n    - image: acme/app:v2\n"},
		"the reference is aliased":         {pod("  - image: &i acme/app:v1\n  - image: *i\n"), "v2", "", pod("  - image: &i acme/app:v2\n  - image: *i\n")},
		"the container is merged":          {pod("  - &c\n    image: acme/app:v1\n  - <<: *c\n    name: b\n  - <<: [*c]\n    image: acme/other:v1\n"), "v2", "", pod("  - &c\n    image: acme/app:v2\n  - <<: *c\n    name: b\n  - <<: [*c]\n    image: acme/other:v1\n")},
		"the containers are aliased":       {"apiVersion: v1\nkind: Pod\nspec:\n  initContainers: &c [{image: acme/app:v1}]\n  containers: *c\n", "v2", "", "apiVersion: v1\nkind: Pod\nspec:\n  initContainers: &c [{image: acme/app:v2}]\n  containers: *c\n"},
		"a container is aliased":           {pod("  - &c {image: acme/app:v1}\n  initContainers: [*c]\n"), "v2", "", pod("  - &c {image: acme/app:v2}\n  initContainers: [*c]\n")},
		"the whole spec is aliased":        {"apiVersion: v1\nkind: List\nitems:\n- spec: &s {containers: [{image: acme/app:v1}]}\n- spec: *s\n", "v2", "", "apiVersion: v1\nkind: List\nitems:\n- spec: &s {containers: [{image: acme/app:v2}]}\n- spec: *s\n"},
		"a merge that does not count":      {kustomization + "images:\n- &e {name: acme/app, newTag: v1}\n- {<<: *e, name: acme/web, newTag: v7}\n", "v2", "", kustomization + "images:\n- &e {name: acme/app, newTag: v2}\n- {<<: *e, name: acme/web, newTag: v7}\n"},
		"a label that stands already":      {"commonLabels: {version: &t v2}\n" + kustomization + "images: [{name: acme/app, newTag: *t}, {name: acme/app, newTag: v1}]\n", "v2", "", "commonLabels: {version: &t v2}\n" + kustomization + "images: [{name: acme/app, newTag: *t}, {name: acme/app, newTag: v2}]\n"},
		"an alias of something else":       {"commonLabels: {version: &t v1, v: *t}\n" + kustomization + "images: [{name: acme/app, newTag: v1}]\n", "v2", "", "commonLabels: {version: &t v1, v: *t}\n" + kustomization + "images: [{name: acme/app, newTag: v2}]\n"},
		"a tag shared by one image":        {kustomization + "images: [{name: acme/app, newTag: &t v1}, {name: x, newName: acme/app, newTag: *t}]\n", "v2", "", kustomization + "images: [{name: acme/app, newTag: &t v2}, {name: x, newName: acme/app, newTag: *t}]\n"},
		"matched by newName":               {kustomization + "images:\n- name: app\n  newName: acme/app\n- {name: acme/app, newName: x/app, newTag: v0}\n- {name: app, newName: x/app, newTag: v0}\n", "v2", "", kustomization + "images:\n- name: app\n  newName: acme/app\n  newTag: v2\n- {name: acme/app, newName: x/app, newTag: v2}\n- {name: app, newName: x/app, newTag: v0}\n"},
		"merged from the second of two":    {pod("  - &c {name: a}\n  - &d {image: 'acme/app:v1'}\n  - <<: [*c, *d]\n    name: 'it''s'\n"), "v2", "", pod("  - &c {name: a}\n  - &d {image: 'acme/app:v2'}\n  - <<: [*c, *d]\n    name: 'it''s'\n")},
		"more places than are few":         {pod(strings.Repeat("  - image: acme/app:v1\n", 40)), "v2", "", pod(strings.Repeat("  - image: acme/app:v2\n", 40))},
		"an anchor from outside":           {"x: &x y\n" + pod("  - {name: *x, image: acme/app:v1}\n"), "v2", "", "x: &x y\n" + pod("  - {name: *x, image: acme/app:v2}\n")},
		"byte order mark and a directive":  {"\ufeff%YAML 1.2\n---\n" + pod("  - image: acme/app:v1\n"), "v2", "", "\ufeff%YAML 1.2\n---\n" + pod("  - image: acme/app:v2\n")},
		"line breaks of YAML 1.1":          {"# a\u2028# b\u0085# c\r" + pod("  - {name: \"größe ☕\", image: acme/app:v1}\n"), "v2", "", "# a\u2028# b\u0085# c\r" + pod("  - {name: \"größe ☕\", image: acme/app:v2}\n")},
		"the document in the middle":       {"a: 1\n---\n" + pod("  - image: acme/app:v1\n") + "...\n---\nb: '{{ x }}'\n", "v2", "", "a: 1\n---\n" + pod("  - image: acme/app:v2\n") + "...\n---\nb: '{{ x }}'\n"},
		"another image is a template":      {pod("  - image: '{{ .x }}:v1'\n  - image: acme/app:v1\n"), "v2", "", pod("  - image: '{{ .x }}:v1'\n  - image: acme/app:v2\n")},
		"explicit keys":                    {pod("  - ? image\n    : acme/app:v1\n"), "v2", "", pod("  - ? image\n    : acme/app:v2\n")},
		"a file of another format":         {"apiVersion: v1\nkind: Kustomization\nspec:\n  containers:\n  - image: acme/app:v1\n", "v2", "", "apiVersion: v1\nkind: Kustomization\nspec:\n  containers:\n  - image: acme/app:v2\n"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := manifest.Bump("apps/a.yaml", []byte(tt.in), []manifest.Edit{{Target: manifest.Target{Name: "acme/app"}, Tag: tt.tag, Digest: tt.digest}})
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != tt.want {
				t.Errorf("got\n%q, want\n%q", got, tt.want)
			}
		})
	}
}

func TestBumpOfSeveralImages(t *testing.T) {
	t.Parallel()
	shared := kustomization + "images:\n- {name: acme/app, newTag: &v v1}\n- {name: acme/web, newTag: *v}\n"
	edits := []manifest.Edit{{Target: manifest.Target{Name: "acme/app"}, Tag: "v2"}, {Target: manifest.Target{Name: "acme/web"}, Tag: "v2"}}
	got, err := manifest.Bump("k.yaml", []byte(shared), edits)
	if want := strings.Replace(shared, "&v v1", "&v v2", 1); err != nil || string(got) != want {
		t.Errorf("both move together: %v\n%s", err, got)
	}
	edits[1].Name = "acme/none"
	_, err = manifest.Bump("k.yaml", []byte(shared), edits)
	wantKind(t, err, manifest.KindNotFound)
	_, err = manifest.Bump("k.yaml", []byte(shared), []manifest.Edit{{Target: manifest.Target{Name: "acme/app"}, Tag: "v2"}, {Target: manifest.Target{Name: "acme/app"}, Tag: "v3"}})
	wantKind(t, err, manifest.KindInvalid)
	edits[1] = manifest.Edit{Target: manifest.Target{Name: "acme/web"}, Tag: "v1"}
	_, err = manifest.Bump("k.yaml", []byte(shared), edits)
	wantKind(t, err, manifest.KindSharedAnchor)
}

func TestBumpRefuses(t *testing.T) {
	t.Parallel()
	release := manifest.Edit{Target: manifest.Target{Name: "acme/app"}, Tag: "v2"}
	pinned := manifest.Edit{Target: manifest.Target{Name: "acme/app"}, Digest: newDigest}
	tests := map[string]struct {
		in   string
		edit manifest.Edit
		kind string
		line int
	}{
		"no such image":                   {pod("  - image: acme/app-worker:v1\n"), release, manifest.KindNotFound, 0},
		"an empty file":                   {"", release, manifest.KindNotFound, 0},
		"Flux's Kustomization":            {"apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nimages: [{name: acme/app, newTag: v1}]\n", release, manifest.KindNotFound, 0},
		"no such image, in a broken file": {pod("  - image: acme/x:v1\n  - image: [\n"), release, manifest.KindInvalid, 7},
		"a template that does not parse":  {"{{- if .x }}\n" + pod("  - image: acme/app:v1\n") + "{{- end }}\n", release, manifest.KindTemplated, 1},
		"a variable":                      {pod("  - image: acme/app:${TAG:-v1}\n"), release, manifest.KindTemplated, 5},
		"a templated name":                {pod("  - image: acme/app{{ .x }}\n"), release, manifest.KindTemplated, 5},
		"a variable in newTag":            {kustomization + "images:\n- name: acme/app\n  newTag: ${TAG}\n", release, manifest.KindTemplated, 5},
		"newTag is a list":                {kustomization + "images:\n- name: acme/app\n  newTag: [v1]\n", release, manifest.KindNotScalar, 5},
		"newTag over two lines":           {kustomization + "images:\n- name: acme/app\n  newTag: \"v\\\n    1\"\n", release, manifest.KindNotScalar, 5},
		"newTag as lines":                 {kustomization + "images:\n- name: acme/app\n  newTag: |\n\n    v1\n", release, manifest.KindNotScalar, 5},
		"newTag with an escape":           {kustomization + "images:\n- name: acme/app\n  newTag: \"\\x76\"\n", release, manifest.KindNotScalar, 5},
		"newTag of another type":          {kustomization + "images:\n- name: acme/app\n  newTag: !v v1\n", release, manifest.KindNotScalar, 5},
		"a tagSuffix":                     {kustomization + "images:\n- name: acme/app\n  newTag: v1\n  tagSuffix: -x\n", release, manifest.KindAmbiguous, 6},
		"a digest and no tag for a tag":   {pod("  - image: acme/app:v1@" + oldDigest + "\n"), pinned, manifest.KindAmbiguous, 5},
		"a digest for a tag":              {pod("  - image: acme/app:v1\n"), pinned, manifest.KindAmbiguous, 5},
		"a digest for nothing":            {pod("  - image: acme/app\n"), pinned, manifest.KindAmbiguous, 5},
		"a duplicate key":                 {pod("  - image: acme/app:v1\n    name: a\n    image: acme/app:v0\n"), release, manifest.KindDuplicateKey, 7},
		"a duplicate among many keys":     {pod("  - image: acme/app:v1\n") + manyKeys(40) + "k7: v\n", release, manifest.KindDuplicateKey, 46},
		"an alias inside of itself":       {"a: &a [*a]\n" + pod("  - image: acme/app:v1\n"), release, manifest.KindInvalid, 1},
		"an unknown alias":                {"a: *a\n", release, manifest.KindInvalid, 1},
		"a shared anchor":                 {kustomization + "images:\n- {name: acme/app, newTag: &v v1}\n- {name: acme/web, newTag: *v}\n", release, manifest.KindSharedAnchor, 5},
		"shared with a label":             {kustomization + "images:\n- {name: acme/app, newTag: &v v1}\nlabels:\n- pairs: {version: *v}\n", release, manifest.KindSharedAnchor, 6},
		"a label's anchor":                {kustomization + "commonLabels: {version: &t v1}\nimages: [{name: acme/app, newTag: *t}]\n", release, manifest.KindSharedAnchor, 3},
		"a key that no format has":        {kustomization + "x: &t v1\nimages: [{name: acme/app, newTag: *t}]\n", release, manifest.KindSharedAnchor, 3},
		"a digest in an annotation":       {kustomization + "images: [{name: acme/app, digest: &d " + oldDigest + "}]\ncommonAnnotations: {d: *d}\n", manifest.Edit{Target: manifest.Target{Name: "acme/app"}, Digest: newDigest}, manifest.KindSharedAnchor, 4},
		"a reference in a variable":       {pod("  - image: &i acme/app:v1\n    env: [{name: IMAGE, value: *i}]\n"), release, manifest.KindSharedAnchor, 6},
		"a reference as a key":            {pod("  - image: &i acme/app:v1\n    x: {*i : y}\n"), release, manifest.KindSharedAnchor, 6},
		"containers kept elsewhere":       {"apiVersion: v1\nkind: Pod\nx: &c [{image: acme/app:v1}]\nspec: {containers: *c}\n", release, manifest.KindSharedAnchor, 3},
		"a container kept elsewhere":      {"x: &c {image: acme/app:v1}\n" + pod("  - *c\n"), release, manifest.KindSharedAnchor, 1},
		"a container merged elsewhere":    {pod("  - &c {image: acme/app:v1}\nx: {<<: [*c]}\n"), release, manifest.KindSharedAnchor, 6},
		"a container listed elsewhere":    {pod("  - &c {image: acme/app:v1}\nx: [*c]\n"), release, manifest.KindSharedAnchor, 6},
		"an entry merged into another":    {kustomization + "images:\n- &e {name: acme/web, newTag: v1}\n- {<<: *e, name: acme/app}\n", release, manifest.KindSharedAnchor, 4},
		"an entry added to elsewhere":     {kustomization + "x: &l [{name: acme/app}]\nimages: *l\n", release, manifest.KindSharedAnchor, 3},
		"not a reference":                 {pod("  - image: 'acme/app:2.4.0\"|<img>'\n"), release, manifest.KindInvalid, 5},
		"not a tag of Kustomize":          {kustomization + "images: [{name: acme/app, newTag: 'v1 v2'}]\n", release, manifest.KindInvalid, 3},
		"a placeholder":                   {pod("  - image: acme/app:<TAG>\n"), release, manifest.KindTemplated, 5},
		"the default of a variable":       {"services:\n  app:\n    image: ${IMAGE:-acme/app:v1}\n", release, manifest.KindTemplated, 3},
		"a template of ERB":               {pod("  - image: acme/app:<%= tag %>\n"), release, manifest.KindTemplated, 5},
		"shared with an unknown part":     {kustomization + "images:\n- {name: acme/app, newTag: &v v1}\nhelmCharts:\n- valuesInline: {imageTag: *v}\n", release, manifest.KindSharedAnchor, 6},
		"an entry that is merged":         {kustomization + "images:\n- &e\n  name: acme/app\n- <<: *e\n  name: acme/web\n", release, manifest.KindSharedAnchor, 6},
		"an entry whose name is merged":   {kustomization + "x: &e {name: acme/app}\nimages:\n- <<: *e\n", release, manifest.KindAmbiguous, 5},
		"UTF-16":                          {"\xff\xfea\x00", release, manifest.KindEncoding, 1},
		"a control character":             {"a: b\nö: \x1b[31m\n", release, manifest.KindInvalid, 2},
		"not UTF-8":                       {"a: b\nö: \xc3(\n", release, manifest.KindEncoding, 2},
		"too deep":                        {"a: " + strings.Repeat("[", 600) + strings.Repeat("]", 600), release, manifest.KindLimit, 1},
		"aliases that explode":            {bomb(9), release, manifest.KindLimit, 8},
		"merges that explode":             {mergeChain(4000), release, manifest.KindLimit, 1},
		"too large":                       {strings.Repeat("# comment\n", manifest.MaxSize/10+1), release, manifest.KindLimit, 0},
		"no name":                         {pod(""), manifest.Edit{Tag: "v1"}, manifest.KindInvalid, 0},
		"nothing to write":                {pod(""), manifest.Edit{Target: manifest.Target{Name: "acme/app"}}, manifest.KindInvalid, 0},
		"not a tag":                       {pod(""), manifest.Edit{Target: manifest.Target{Name: "acme/app"}, Tag: "v 1"}, manifest.KindInvalid, 0},
		"not a digest":                    {pod(""), manifest.Edit{Target: manifest.Target{Name: "acme/app"}, Tag: "v1", Digest: "sha256:12"}, manifest.KindInvalid, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := manifest.Bump("apps/a.yaml", []byte(tt.in), []manifest.Edit{tt.edit})
			if got != nil {
				t.Errorf("got bytes: %q", got)
			}
			r := wantKind(t, err, tt.kind)
			if r.Path != "apps/a.yaml" || r.Line != tt.line || r.Reason == "" {
				t.Errorf("%v, want line %d", r, tt.line)
			}
		})
	}
}

func TestSharedAnchorNamesBothPlaces(t *testing.T) {
	t.Parallel()
	const image = "what stands for acme/app in line %d stands in line %d (`%s`) too, through an anchor, and would change there; write each by itself"
	tests := map[string]struct {
		in, key     string
		here, there int
	}{
		"the label has the anchor": {"commonLabels:\n  version: &t v1\n" + kustomization + "images:\n- name: acme/app\n  newTag: *t\n", "version", 7, 2},
		"the label has the alias":  {kustomization + "images:\n- name: acme/app\n  newTag: &t v1\ncommonLabels:\n  version: *t\n", "version", 5, 7},
		"the entry is merged":      {kustomization + "images:\n- &e\n  name: acme/web\n  newTag: v1\n- <<: *e\n  name: acme/app\n", "newTag", 7, 6},
		"the list is aliased":      {"x: &l\n- name: acme/app\n" + kustomization + "images: *l\n", "an item of a list", 5, 2},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := manifest.Bump("k.yaml", []byte(tt.in), []manifest.Edit{{Target: manifest.Target{Name: "acme/app"}, Tag: "v2"}})
			r := wantKind(t, err, manifest.KindSharedAnchor)
			want := fmt.Sprintf(image, tt.here, tt.there, tt.key)
			if strings.ReplaceAll(r.Reason, "`", "") != strings.ReplaceAll(want, "`", "") || r.Line != tt.there {
				t.Errorf("line %d, got\n%s, want\n%s", r.Line, r.Reason, want)
			}
		})
	}
}

// bomb returns lists of which each repeats the one before nine times.
func bomb(levels int) string {
	b := strings.Builder{}
	b.WriteString("a0: &a0 [x]\n")
	for i := 1; i <= levels; i++ {
		fmt.Fprintf(&b, "a%d: &a%d [%s]\n", i, i, strings.Repeat(fmt.Sprintf("*a%d,", i-1), 9))
	}
	return b.String() + pod("  - image: acme/app:v1\n")
}

func manyKeys(n int) string {
	b := strings.Builder{}
	for i := range n {
		fmt.Fprintf(&b, "k%d: v\n", i)
	}
	return b.String()
}

// mergeChain returns mappings of which each merges the one before.
func mergeChain(length int) string {
	b := strings.Builder{}
	b.WriteString("a0: &a0 {x: y}\n")
	for i := 1; i <= length; i++ {
		fmt.Fprintf(&b, "a%d: &a%d {<<: *a%d}\n", i, i, i-1)
	}
	return b.String() + pod("  - image: acme/app:v1\n")
}

// byName returns targets that are looked for by name.
func byName(names ...string) []manifest.Target {
	targets := make([]manifest.Target, len(names))
	for i, name := range names {
		targets[i].Name = name
	}
	return targets
}

func wantKind(t *testing.T, err error, kind string) *manifest.Refusal {
	t.Helper()
	var r *manifest.Refusal
	if !errors.As(err, &r) || r.Kind != kind {
		t.Fatalf("%v, want a refusal of kind %s", err, kind)
	}
	return r
}
