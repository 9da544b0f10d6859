package manifest_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ferry/promotion/manifest"
)

func TestList(t *testing.T) {
	t.Parallel()
	argo := "apiVersion: argoproj.io/v1alpha1\nkind: Application\nspec:\n  source:\n    helm:\n      values: |\n        image: {repository: acme/web, tag: v2}\n"
	tests := map[string]struct {
		in     string
		images []string
		values []string
	}{
		"containers":           {pod("  - image: acme/app:v1\n  - image: redis@" + oldDigest + "\n  - image: 'acme/x:{{ .tag }}'\n"), []string{"acme/app v1", "redis "}, nil},
		"kustomize":            {kustomization + "images:\n- {name: app, newName: acme/app, newTag: v1}\n", []string{"app v1"}, nil},
		"values":               {"image: {registry: ghcr.io, repository: acme/app, tag: v1}\n", []string{"ghcr.io/acme/app v1"}, []string{"image ghcr.io/acme/app tag v1"}},
		"a tag alone":          {"api:\n  image:\n    tag: v1\n  imageTag: v3\n", nil, []string{"api  imageTag v3", "api.image  tag v1"}},
		"a name alone":         {"image:\n  repository: acme/app\n", nil, []string{"image acme/app  "}},
		"keys with dots":       {"\"a.b\":\n  tag: v1\n", nil, []string{`"a.b"  tag v1`}},
		"a chart's repository": {"dependencies: [{repository: 'https://charts.example/x', version: 1.0.0}]\n", nil, nil},
		"Argo CD's values":     {argo, []string{"acme/web v2"}, nil},
		"a HelmRelease":        {"apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nspec:\n  values:\n    image: {tag: v4}\n", nil, []string{"image  tag v4"}},
		"nothing":              {"# nothing\n", nil, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, err := manifest.List("a.yaml", []byte(tt.in))
			if err != nil {
				t.Fatal(err)
			}
			var images, values []string
			for _, i := range l.Images {
				if i.Tag != "" || i.Digest != "" {
					images = append(images, i.Name+" "+i.Tag)
				}
			}
			for _, v := range l.Values {
				values = append(values, strings.Join([]string{v.Keys, v.Repository, v.TagKey, v.Tag}, " "))
			}
			slices.Sort(images)
			if diff := cmp.Diff([][]string{tt.images, tt.values}, [][]string{images, values}); diff != "" {
				t.Errorf("want/got\n%s", diff)
			}
		})
	}
	if _, err := manifest.List("a.yaml", []byte("a: [\n")); err == nil {
		t.Error("what is no YAML is listed")
	}
}

// FuzzList holds that what is listed is found by the name it is listed under.
func FuzzList(f *testing.F) {
	seed(f, func(content []byte) { f.Add(content) })
	f.Fuzz(func(t *testing.T, content []byte) {
		l, err := manifest.List("a.yaml", content)
		if err != nil {
			wantRefusal(t, err)
			return
		}
		for _, image := range l.Images[:min(len(l.Images), 5)] {
			found, err := manifest.Find("a.yaml", content, []manifest.Target{{Name: image.Name}})
			if err == nil && len(found) == 0 {
				t.Errorf("%+v is listed and not found", image)
			}
		}
	})
}
