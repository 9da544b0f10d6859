package manifest_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"ferry/promotion/manifest"
)

func TestFind(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		in    string
		names []string
		want  []manifest.Image
	}{
		"kustomize entries": {
			kustomization + "images:\n- name: acme/app\n  newName: ecr.example/app\n  newTag: v1\n- digest: " + oldDigest + "\n  name: acme/web\n- name: acme/db\n",
			[]string{"acme/db", "acme/web", "acme/app"},
			[]manifest.Image{
				{Name: "acme/app", Pulled: "ecr.example/app", Tag: "v1", Line: 6, Column: 11},
				{Name: "acme/web", Digest: oldDigest, Line: 7, Column: 11},
				{Name: "acme/db", Line: 9, Column: 9},
			},
		},
		"an entry goes by the name it pulls": {
			kustomization + "images:\n- name: app\n  newName: acme/app\n  newTag: v1\n- {name: acme/app, newName: x/app, newTag: v2}\n- {name: acme/app, newTag: v3}\n",
			[]string{"acme/app"},
			[]manifest.Image{
				{Name: "acme/app", Pulled: "acme/app", Tag: "v1", Line: 6, Column: 11},
				{Name: "acme/app", Pulled: "x/app", Tag: "v2", Line: 7, Column: 44},
				{Name: "acme/app", Tag: "v3", Line: 8, Column: 28},
			},
		},
		"an entry goes by its name first": {
			kustomization + "images: [{name: app, newName: acme/app, newTag: v1}]\n", []string{"acme/app", "app"},
			[]manifest.Image{{Name: "app", Pulled: "acme/app", Tag: "v1", Line: 3, Column: 49}},
		},
		"a number as it is written": {
			kustomization + "images:\n- name: acme/app\n  newTag: 1.10\n", []string{"acme/app"},
			[]manifest.Image{{Name: "acme/app", Tag: "1.10", Line: 5, Column: 11, IsNumber: true}},
		},
		"references": {
			pod("  - image: acme/app:v1@" + oldDigest + "\n  - {name: ö, image: acme/app}\n  - image: other/app:v1\n"), []string{"acme/app"},
			[]manifest.Image{
				{Name: "acme/app", Tag: "v1", Digest: oldDigest, Line: 5, Column: 12},
				{Name: "acme/app", Line: 6, Column: 22},
			},
		},
		"a registry's port": {
			pod("  - image: localhost:5000/app\n  - image: localhost:5000/app:5000\n"), []string{"localhost:5000/app"},
			[]manifest.Image{
				{Name: "localhost:5000/app", Line: 5, Column: 12},
				{Name: "localhost:5000/app", Tag: "5000", Line: 6, Column: 12},
			},
		},
		"what an anchor repeats counts once": {
			pod("  - image: &i acme/app:v1\n  - image: *i\n"), []string{"acme/app"},
			[]manifest.Image{{Name: "acme/app", Tag: "v1", Line: 5, Column: 12}},
		},
		"several documents": {
			pod("  - image: acme/app:v1\n") + "---\n" + kustomization + "images: [{name: acme/app, newTag: v2}]\n", []string{"acme/app"},
			[]manifest.Image{
				{Name: "acme/app", Tag: "v1", Line: 5, Column: 12},
				{Name: "acme/app", Tag: "v2", Line: 9, Column: 35},
			},
		},
		"nobody's template": {pod("  - image: 'acme/x:{{ .tag }}'\n"), []string{"acme/app"}, nil},
		"data of an object": {"apiVersion: v1\nkind: ConfigMap\ndata: {containers: [{image: 'acme/app:v1'}]}\n", []string{"acme/app"}, nil},
		"a list":            {"- image: acme/app:v1\n", []string{"acme/app"}, nil},
		"no document":       {"# nothing\n", []string{"acme/app"}, nil},
		"a name that is a part of one": {
			pod("  - image: acme/app-worker:v1\n  - image: x/acme/app:v1\n  - image: acme/app.old\n"), []string{"acme/app"}, nil,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := manifest.Find("a.yaml", []byte(tt.in), byName(tt.names...))
			if diff := cmp.Diff(tt.want, got); err != nil || diff != "" {
				t.Errorf("%v, want/got\n%s", err, diff)
			}
		})
	}
}

func TestFindRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ in, kind string }{
		"its tag is a template": {pod("  - image: acme/app:{{ .tag }}\n"), manifest.KindTemplated},
		"not a reference":       {pod("  - image: 'acme/app:2.4.0\"|<img>'\n"), manifest.KindInvalid},
		"a duplicate key":       {"a: 1\na: 2\n", manifest.KindDuplicateKey},
		"not YAML":              {"a: [\n", manifest.KindInvalid},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := manifest.Find("a.yaml", []byte(tt.in), byName("acme/app"))
			wantKind(t, err, tt.kind)
		})
	}
}

// TestFindKnowsKustomizationByName reads a file that names no kind and has no entry that would tell.
func TestFindKnowsKustomizationByName(t *testing.T) {
	t.Parallel()
	in := []byte("resources: [a.yaml]\nimages:\n- name: acme/app\n")
	for path, want := range map[string]int{"apps/prod/kustomization.yaml": 1, "apps/prod/values.yaml": 0} {
		got, err := manifest.Find(path, in, byName("acme/app"))
		if err != nil || len(got) != want {
			t.Errorf("%s: %v, %v", path, got, err)
		}
	}
}

func TestRefusalNamesItsPlace(t *testing.T) {
	t.Parallel()
	_, err := manifest.Find("a.yaml", []byte("a: 1\nb: 2\na: 3\n"), nil)
	want := "a.yaml:3:1: the key \"a\" stands twice in one mapping; loaders disagree about which one counts (duplicate-key)"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
