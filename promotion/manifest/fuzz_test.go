package manifest_test

import (
	"bytes"
	"path/filepath"
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
		edit := manifest.Edit{Target: manifest.Target{Name: "acme/app"}, Tag: tag, Digest: digest}
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
	was, err := manifest.Find("a.yaml", old, byName(e.Name))
	if err != nil {
		t.Fatal(err)
	}
	is, err := manifest.Find("a.yaml", edited, byName(e.Name))
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
