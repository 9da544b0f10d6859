package manifest_test

import (
	"errors"
	"strings"
	"testing"

	"ferry/promotion/manifest"
)

// TestKeyBesideAnotherName: a key never writes the release of one image beside the name of another.
func TestKeyBesideAnotherName(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ path, in, key, other string }{
		"Helm values":         {"values.yaml", "image: {repository: ghcr.io/acme/cart, tag: v1}\n", "image.tag", "ghcr.io/acme/cart"},
		"a digest":            {"values.yaml", "image: {repository: ghcr.io/acme/cart, digest: \"sha256:" + strings.Repeat("a", 64) + "\"}\n", "image.digest", "ghcr.io/acme/cart"},
		"a registry apart":    {"values.yaml", "image: {registry: ghcr.io, repository: acme/cart, tag: v1}\n", "image.tag", "acme/cart"},
		"image and tag":       {"values.yaml", "web:\n- image: ghcr.io/acme/cart\n  tag: v1\n", "web[0].tag", "ghcr.io/acme/cart"},
		"a sidecar's":         {"values.yaml", "image: ghcr.io/acme/checkout\nsidecarImage: acme/cart\nsidecarTag: v1\n", "sidecarTag", "acme/cart"},
		"image.name":          {"values.yaml", "image: {name: cart, tag: v1}\n", "image.tag", "cart"},
		"Kustomize":           {"kustomization.yaml", "images:\n- name: ghcr.io/acme/cart\n  newTag: v1\n", "images[0].newTag", "ghcr.io/acme/cart"},
		"Kustomize's newName": {"kustomization.yaml", "images:\n- name: ghcr.io/acme/cart\n  newName: mirror/cart\n  newTag: v1\n", "images[0].newTag", "mirror/cart"},
		"a Helm parameter": {"app.yaml", "apiVersion: argoproj.io/v1alpha1\nkind: Application\nspec:\n  source:\n    helm:\n      parameters:\n" +
			"      - {name: image.repository, value: ghcr.io/acme/cart}\n      - {name: image.tag, value: v1}\n", "image.tag", "ghcr.io/acme/cart"},
		"a Helm parameter from the top": {"app.yaml", "apiVersion: argoproj.io/v1alpha1\nkind: Application\nspec:\n  source:\n    helm:\n      parameters:\n" +
			"      - {name: image.repository, value: ghcr.io/acme/cart}\n      - {name: image.tag, value: v1}\n", "spec.source.helm.parameters[name=image.tag].value", "ghcr.io/acme/cart"},
		"merged in": {"values.yaml", "x: &cart {repository: ghcr.io/acme/cart}\nimage: {<<: *cart, tag: v1}\n", "image.tag", "ghcr.io/acme/cart"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			target := manifest.Target{Name: shop, Keys: []manifest.Key{key(t, test.key)}}
			_, err := manifest.Bump(test.path, []byte(test.in), []manifest.Edit{{Target: target, Tag: "v2", Digest: "sha256:" + strings.Repeat("b", 64)}})
			var refusal *manifest.Refusal
			if !errors.As(err, &refusal) || refusal.Kind != manifest.KindAmbiguous || refusal.Line == 0 {
				t.Fatalf("%v, want a refusal with a place", err)
			}
			for _, part := range []string{test.other, shop, "`in`", "another key"} {
				if !strings.Contains(refusal.Reason, part) {
					t.Errorf("%q does not say %s", refusal.Reason, part)
				}
			}
			if _, err := manifest.Find(test.path, []byte(test.in), []manifest.Target{target}); !errors.As(err, &refusal) {
				t.Errorf("Find: %v", err)
			}
		})
	}
}

// TestKeyBesideItsName: mirrors, other images in the same mapping and names that are none do not matter.
func TestKeyBesideItsName(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ path, in, key string }{
		"a mirror":              {"values.yaml", "image: {repository: mirror/checkout, tag: «v1→v2»}\n", "image.tag"},
		"only the last part":    {"values.yaml", "image: {repository: checkout, tag: «v1→v2»}\n", "image.tag"},
		"path and name apart":   {"values.yaml", "image: {repository: ghcr.io/acme, name: checkout, tag: «v1→v2»}\n", "image.tag"},
		"another's beside it":   {"values.yaml", "image: ghcr.io/acme/cart\ntag: v1\ncheckoutTag: «v1→v2»\n", "checkoutTag"},
		"a name of no image":    {"values.yaml", "name: cart\ntag: «v1→v2»\n", "tag"},
		"a chart's repository":  {"values.yaml", "repository: https://charts.example.com/cart\nversion: «v1→v2»\n", "version"},
		"a templated name":      {"values.yaml", "image: {repository: '{{ .Values.registry }}/cart', tag: «v1→v2»}\n", "image.tag"},
		"Kustomize, a mirror":   {"kustomization.yaml", "images:\n- name: placeholder\n  newName: mirror/checkout\n  newTag: «v1→v2»\n", "images[0].newTag"},
		"Kustomize, the origin": {"kustomization.yaml", "images:\n- name: ghcr.io/acme/checkout\n  newName: mirror/acme-shop\n  newTag: «v1→v2»\n", "images[0].newTag"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := marked(test.in)
			got, err := manifest.Bump(test.path, m.before(), []manifest.Edit{to(t, "v2", shop, test.key)})
			if err != nil || string(got) != string(m.after()) {
				t.Errorf("%v\n%s", err, got)
			}
		})
	}
}

// TestFindNumbers tells the tags that a loader takes for something else than a text. The tag is still what is written.
func TestFindNumbers(t *testing.T) {
	t.Parallel()
	tests := map[string]bool{
		"1.10": true, "2": true, "007": true, "1e3": true, "0x1F": true, "1234567": true, "2024_01": true, "7e00123": true, "true": true, "on": true,
		`"1.10"`: false, "'1.10'": false, "v1.10": false, "1.10.0": false, "!!str 1.10": false, "2024-01-02": false, "1.10-rc1": false, "abc1234": false, "1.10 # latest": true,
	}
	for tag, want := range tests {
		found, err := manifest.Find("values.yaml", []byte("image:\n  repository: "+shop+"\n  tag: "+tag+"\n"), []manifest.Target{{Name: shop}})
		if err != nil || len(found) != 1 || found[0].IsNumber != want {
			t.Errorf("%s: %+v, %v, want %v", tag, found, err, want)
			continue
		}
		if plain := strings.Trim(strings.TrimPrefix(strings.TrimSuffix(tag, " # latest"), "!!str "), `"'`); found[0].Tag != plain {
			t.Errorf("%s: the tag is %q", tag, found[0].Tag)
		}
	}
	for path, content := range map[string]string{
		"kustomization.yaml": "images:\n- name: " + shop + "\n  newTag: 1.10\n",
		"values.json":        `{"image": {"repository": "` + shop + `", "tag": 1.10}}`,
	} {
		if found, err := manifest.Find(path, []byte(content), []manifest.Target{{Name: shop}}); err != nil || len(found) != 1 || !found[0].IsNumber || found[0].Tag != "1.10" {
			t.Errorf("%s: %+v, %v", path, found, err)
		}
	}
}
