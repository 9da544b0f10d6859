package promotion_test

import (
	"testing"

	"ferry/promotion"
	"ferry/promotion/config"
)

// TestChangedImages: what lets an image vanish, or be pulled from elsewhere, changes the release as a new tag does.
func TestChangedImages(t *testing.T) {
	t.Parallel()
	const head = "images:\n  - name: ghcr.io/acme/web\n"
	for _, test := range []struct {
		name, path, before, after string
		changed                   bool
	}{
		{"Kustomize: newName comes", "kustomization.yaml", head + "    newTag: 1.0.0\n", head + "    newName: elsewhere.example/web\n    newTag: 1.0.0\n", true},
		{"Kustomize: newName changes", "kustomization.yaml", head + "    newName: a.example/web\n    newTag: 1.0.0\n", head + "    newName: b.example/web\n    newTag: 1.0.0\n", true},
		{"Kustomize: newName goes", "kustomization.yaml", head + "    newName: a.example/web\n    newTag: 1.0.0\n", head + "    newTag: 1.0.0\n", true},
		{"Kustomize: another image's newName", "kustomization.yaml", head + "    newTag: 1.0.0\n  - {name: proxy, newTag: 1.0.0}\n", head + "    newTag: 1.0.0\n  - {name: proxy, newName: b.example/proxy, newTag: 1.0.0}\n", false},
		{"Kustomize: the entry goes", "kustomization.yaml", head + "    newTag: 1.0.0\n", "images: []\n", true},
		{"Kustomize: a comment", "kustomization.yaml", head + "    newTag: 1.0.0\n", "# web\n" + head + "    newTag: 1.0.0\n", false},
		{"Helm: another repository", "values.yaml", "image: {repository: ghcr.io/acme/web, tag: 1.0.0}\n", "image: {repository: b.example/web, tag: 1.0.0}\n", true},
		{"Helm: a tag", "values.yaml", "image: {repository: ghcr.io/acme/web, tag: 1.0.0}\n", "image: {repository: ghcr.io/acme/web, tag: 1.0.1}\n", true},
		{"Compose: another name", "compose.yaml", "services: {web: {image: \"ghcr.io/acme/web:1.0.0\"}}\n", "services: {web: {image: \"b.example/web:1.0.0\"}}\n", true},
		{"Kubernetes: another name", "pod.yaml", "apiVersion: v1\nkind: Pod\nspec: {containers: [{name: web, image: \"ghcr.io/acme/web:1.0.0\"}]}\n",
			"apiVersion: v1\nkind: Pod\nspec: {containers: [{name: web, image: \"b.example/web:1.0.0\"}]}\n", true},
		{"unreadable", "values.yaml", "image: {repository: ghcr.io/acme/web, tag: 1.0.0}\n", "image: {repository: ghcr.io/acme/web, tag: 1.0.0\n", true},
		{"gone", "values.yaml", "image: {repository: ghcr.io/acme/web, tag: 1.0.0}\n", "", true},
	} {
		path := "prod/" + test.path
		c, err := config.Parse(config.File, []byte("apiVersion: ferry/v1\nenvironments: [{name: prod}]\napps: [{name: web, images: [ghcr.io/acme/web], manifests: [\"{env}/"+test.path+"\"]}]\n"))
		if err != nil {
			t.Fatal(err)
		}
		if _, changed := promotion.ChangedImages(c, path, []byte(test.before), []byte(test.after), config.Place{App: "web", Environment: "prod"}); changed != test.changed {
			t.Errorf("%s: changed is %v", test.name, changed)
		}
	}
}

// TestChangedImagesAtKeys: where a key leads to the tag, what stands beside it says from where the image is pulled.
func TestChangedImagesAtKeys(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, keys, before, after string
		changed                   bool
	}{
		{"another repository", "web.tag", "web: {repository: ghcr.io/acme/web, tag: 1.0.0}\n", "web: {repository: b.example/web, tag: 1.0.0}\n", true},
		{"another name of its own", "web.tag", "web: {repository: mirror/one, tag: 1.0.0}\n", "web: {repository: mirror/two, tag: 1.0.0}\n", true},
		{"a repository comes", "web.tag", "web: {tag: 1.0.0}\n", "web: {repository: b.example/evil, tag: 1.0.0}\n", true},
		{"another registry", "web.tag", "web: {registry: ghcr.io, repository: acme/web, tag: 1.0.0}\n", "web: {registry: b.example, repository: acme/web, tag: 1.0.0}\n", true},
		{"a registry comes", "web.tag", "web: {repository: acme/web, tag: 1.0.0}\n", "web: {registry: b.example, repository: acme/web, tag: 1.0.0}\n", true},
		{"a name that is no image's", "web.tag", "web: {name: web, tag: 1.0.0}\n", "web: {name: shop, tag: 1.0.0}\n", false},
		{"image", "web.tag", "web: {image: acme/web, tag: 1.0.0}\n", "web: {image: acme/evil, tag: 1.0.0}\n", true},
		{"the whole, without a tag beside", "web.version", "web: {image: acme/web, version: 1.0.0}\n", "web: {image: acme/evil, version: 1.0.0}\n", true},
		{"a prefixed tag", "web.imageTag", "web: {imageRepository: acme/web, imageTag: 1.0.0}\n", "web: {imageRepository: acme/evil, imageTag: 1.0.0}\n", true},
		{"something else", "web.tag", "web: {repository: ghcr.io/acme/web, tag: 1.0.0, replicas: 1}\n", "web: {repository: ghcr.io/acme/web, tag: 1.0.0, replicas: 2}\n", false},
		{"pullPolicy", "web.tag", "web: {repository: mirror/one, tag: 1.0.0, pullPolicy: Always}\n", "web: {repository: mirror/one, tag: 1.0.0, pullPolicy: Never}\n", false},
	} {
		c := parsed(t, "apiVersion: ferry/v1\nenvironments: [{name: prod}]\napps: [{name: web, images: [ghcr.io/acme/web], manifests: [{path: \"{env}/values.yaml\", keys: [\""+test.keys+"\"]}]}]\n")
		release, changed := promotion.ChangedImages(c, "prod/values.yaml", []byte(test.before), []byte(test.after), config.Place{App: "web", Environment: "prod"})
		if changed != test.changed {
			t.Errorf("%s: changed is %v (%v)", test.name, changed, release)
		}
	}
}
