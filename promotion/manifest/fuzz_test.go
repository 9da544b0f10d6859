package manifest_test

import (
	"bytes"
	"path/filepath"
	"regexp"
	"testing"

	"go.yaml.in/yaml/v4"

	"ferry/promotion/manifest"
)

// seed adds the cases' inputs, and the shapes that are hard on positions.
func seed(f *testing.F, add func(content []byte)) {
	inputs, _ := filepath.Glob("testdata/cases/*/in.*")
	for _, in := range inputs {
		if filepath.Ext(in) == ".yaml" || filepath.Ext(in) == ".json" {
			add(readFile(f, in))
		}
	}
	for _, in := range []string{
		pod("  - image: &i acme/app:v1\n  - image: *i\n  - ? image\n    : acme/app\n"),
		"commonLabels: {version: &t 1.1.0}\n" + kustomization + "images: [{name: acme/app, newTag: *t}, {name: x, newName: acme/app}]\n",
		pod("  - &c {image: 'acme/app:v1'}\n  - <<: *c\n"),
		kustomization + "images:\n- name: acme/app\n- name: acme/app\n  newTag:\n- newTag: !!str &t # x\n    1.9\n  name: acme/app\n",
		kustomization + "images:\n- ? newTag\n  ? name\n  : acme/app\n- {name: acme/app, newTag: }\n",
		"\ufeffimages:\r- {name: acme/app, newTag: 1}\u2028# ☕\u0085\n...\n---\n" + kustomization + "images: [name: acme/app]",
		kustomization + "images:\n- name: acme/app\n  newTag: >-\n    v1\n  digest: |\n    " + oldDigest + "\n",
		"x-i: &i {repository: acme/app, tag: &t v1}\nimage: {<<: *i}\nsidecarImage: acme/app:v1\nb: {image: {registry: acme, repository: app, tag: *t, sha: x}}\n",
		"services:\n  a: &a {image: 'acme/app:v1'}\n  b: {<<: *a}\n",
		application + "  sources:\n  - helm:\n      values: &v |2\n          image: {repository: acme/app, tag: v1}\n      parameters: [{name: image.repository, value: acme/app}, {name: image.tag, value: 1.9}]\n  - helm: {values: *v}\n    kustomize: {images: ['a=acme/app:v1']}\n",
		helmRelease + "  values: {image: acme/app}\n  postRenderers: [{kustomize: {images: [{name: acme/app}]}}]\n",
		"{\"image\": {\"repository\": \"acme/app\", \"tag\": null, \"e\": \"\\ud83d\\ude00\"}}",
	} {
		add([]byte(in))
	}
}

func FuzzFind(f *testing.F) {
	seed(f, func(content []byte) { f.Add(content) })
	f.Fuzz(func(t *testing.T, content []byte) {
		images, err := manifest.Find("a.yaml", content, byName("acme/app", "ghcr.io/acme/checkout"))
		if err != nil {
			wantRefusal(t, err)
		}
		for _, image := range images {
			if image.Line < 1 || image.Column < 1 {
				t.Errorf("no place: %+v", image)
			}
		}
	})
}

// FuzzBump holds what is promised of every edit: where it is made, Find sees exactly it, no other image moves, nothing but the
// images' values differs, and making it again changes nothing.
func FuzzBump(f *testing.F) {
	seed(f, func(content []byte) {
		f.Add(content, "v2", "")
		f.Add(content, "1.10", newDigest)
	})
	f.Fuzz(func(t *testing.T, content []byte, tag, digest string) {
		before := bytes.Clone(content)
		edit := manifest.Edit{Target: manifest.Target{Name: "acme/app"}, Tag: tag, Digest: digest, Pin: len(content)%2 == 0}
		if checkout := "ghcr.io/acme/checkout"; bytes.Contains(content, []byte(checkout)) {
			edit.Name = checkout
		}
		edited, err := manifest.Bump("a.yaml", content, []manifest.Edit{edit})
		if !bytes.Equal(before, content) {
			t.Fatal("Bump changed its input")
		}
		if err != nil {
			wantRefusal(t, err)
			return
		}
		checkEdit(t, content, edited, edit)
		again, err := manifest.Bump("a.yaml", edited, []manifest.Edit{edit})
		if err != nil || !bytes.Equal(again, edited) {
			t.Fatalf("again: %v\n%q\n%q", err, edited, again)
		}
	})
}

func wantRefusal(t *testing.T, err error) {
	t.Helper()
	if r, ok := err.(*manifest.Refusal); !ok || r.Kind == "" || r.Reason == "" || r.Path != "a.yaml" {
		t.Fatalf("not a whole refusal: %#v", err)
	}
}

func checkEdit(t *testing.T, old, edited []byte, e manifest.Edit) {
	t.Helper()
	was, err := manifest.Find("a.yaml", old, []manifest.Target{e.Target})
	if err != nil {
		t.Fatal(err)
	}
	is, err := manifest.Find("a.yaml", edited, []manifest.Target{e.Target})
	if err != nil || len(is) != len(was) {
		t.Fatalf("%v: %v, then %v\n%q\n%q", err, was, is, old, edited)
	}
	for i := range is {
		wrong := is[i].Tag != e.Tag || is[i].Pulled != was[i].Pulled
		if e.Digest != "" && was[i].Digest != "" && was[i].Tag != "" {
			wrong = wrong || is[i].Digest != e.Digest
		}
		if wrong {
			t.Fatalf("%+v became %+v", was[i], is[i])
		}
	}
	if a, b := valuesIn(t, old), valuesIn(t, edited); len(b) < len(a) || differences(a, b) > 4*len(was) {
		t.Fatalf("more than the image differs:\n%q\n%q", old, edited)
	}
}

// FuzzKey holds that a key reads back what it says, and that an edit at it, and a setting, is found there and nowhere else.
func FuzzKey(f *testing.F) {
	seed(f, func(content []byte) {
		f.Add(content, "services.checkout.image.tag", "v2")
		f.Add(content, "image.tag", "1.10")
		f.Add(content, "spec.source.helm.parameters[name=image.tag].value", "it's # x: y")
		f.Add(content, `[0].a."b.c"[1]`, "7")
	})
	f.Fuzz(func(t *testing.T, content []byte, written, value string) {
		k, err := manifest.ParseKey(written)
		if err != nil {
			return
		}
		if again, err := manifest.ParseKey(k.String()); err != nil || !again.Equal(k) {
			t.Fatalf("%q: %v", k, err)
		}
		checkSet(t, content, manifest.Setting{Key: k, Value: value})
		edit := manifest.Edit{Target: manifest.Target{Name: "acme/app", Keys: []manifest.Key{k}}, Tag: value, Digest: newDigest}
		edited, err := manifest.Bump("a.yaml", content, []manifest.Edit{edit})
		if err != nil {
			wantRefusal(t, err)
			return
		}
		checkEdit(t, content, edited, edit)
	})
}

func checkSet(t *testing.T, content []byte, s manifest.Setting) {
	t.Helper()
	edited, err := manifest.Set("a.yaml", content, []manifest.Setting{s})
	if err != nil {
		wantRefusal(t, err)
		return
	}
	if got, err := manifest.Value("a.yaml", edited, s.Key); err != nil || got != s.Value {
		t.Fatalf("%s is %q, want %q: %v\n%q\n%q", s.Key, got, s.Value, err, content, edited)
	}
	if a, b := valuesIn(t, content), valuesIn(t, edited); len(a) != len(b) || differences(a, b) > 2 {
		t.Fatalf("more than the value differs:\n%q\n%q", content, edited)
	}
	again, err := manifest.Set("a.yaml", edited, []manifest.Setting{s})
	if err != nil || !bytes.Equal(again, edited) {
		t.Fatalf("again: %v\n%q\n%q", err, edited, again)
	}
}

// differences counts the values that are in one list only, as lists without order.
func differences(a, b []string) int {
	count := map[string]int{}
	for _, s := range a {
		count[s]++
	}
	for _, s := range b {
		count[s]--
	}
	sum := 0
	for _, n := range count {
		sum += max(n, -n)
	}
	return sum
}

// valuesIn returns every scalar of a stream, read without the package under test.
func valuesIn(t *testing.T, content []byte) []string {
	t.Helper()
	content = bytes.ReplaceAll(content, []byte("%YAML 1.2"), []byte("%YAML 1.1"))
	content = regexp.MustCompile(`\\u[dD][89a-fA-F][0-9a-fA-F]{2}`).ReplaceAll(content, []byte(`\ufffd`))
	loader, err := yaml.NewLoader(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for {
		var doc yaml.Node
		if err := loader.Load(&doc); err != nil {
			return all
		}
		all = appendValues(all, &doc)
	}
}

func appendValues(all []string, n *yaml.Node) []string {
	if n.Kind == yaml.ScalarNode {
		all = append(all, n.ShortTag()+" "+n.Value)
	}
	for _, child := range n.Content {
		all = appendValues(all, child)
	}
	return all
}
