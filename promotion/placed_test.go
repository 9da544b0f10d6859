package promotion_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"ferry/forge"
	"ferry/promotion"
	"ferry/promotion/config"
)

const keyedConfig = `apiVersion: ferry/v1
environments: [{name: dev}, {name: prod, from: [dev]}]
apps:
  - name: web
    images: [{name: ghcr.io/acme/web, in: {prod: mirror.example/web}}]
    manifests: [{path: "charts/values-{env}.yaml", keys: [web.version]}]
  - name: cart
    images: [ghcr.io/acme/cart, ghcr.io/acme/proxy]
    manifests:
      - {path: "charts/values-{env}.yaml", keys: [cart.version], image: ghcr.io/acme/cart}
      - {path: "charts/values-{env}.yaml", keys: [proxy.version], image: ghcr.io/acme/proxy}
`

// TestPlacedByKeys finds the images of two apps in one file, each at its own keys, and edits them there.
func TestPlacedByKeys(t *testing.T) {
	t.Parallel()
	c, err := config.Parse(config.File, []byte(keyedConfig))
	if err != nil {
		t.Fatal(err)
	}
	content := "web:\n  version: 1.0.0\ncart:\n  version: 2.0.0\nproxy:\n  version: 3.0.0\n"
	facts := promotion.Placed(c, promotion.FileFacts{File: promotion.File{Path: "charts/values-prod.yaml", Content: []byte(content)}})
	var got []string
	for _, f := range facts {
		got = append(got, fmt.Sprintf("%s %s %v %v %s", f.Place.App, f.Place.Environment, f.Images, f.Spots, f.Problem))
	}
	want := []string{"cart prod [ghcr.io/acme/cart:2.0.0 ghcr.io/acme/proxy:3.0.0] [{4 12 false} {6 12 false}] ", "web prod [ghcr.io/acme/web:1.0.0] [{2 12 false}] "}
	if !slices.Equal(got, want) {
		t.Fatalf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	app, _ := c.App("cart")
	changed, err := promotion.Edit(app, environmentOf("prod", facts[0].File), of("ghcr.io/acme/cart:2.1.0", "ghcr.io/acme/proxy:3.0.0"))
	if err != nil || len(changed) != 1 || string(changed[0].Content) != strings.Replace(content, "2.0.0", "2.1.0", 1) {
		t.Errorf("the edit at keys: %v, %v", changed, err)
	}
	app, _ = c.App("web")
	if changed, err = promotion.Edit(app, environmentOf("prod", facts[1].File), of("ghcr.io/acme/web:1.1.0")); err != nil || string(changed[0].Content) != strings.Replace(content, "1.0.0", "1.1.0", 1) {
		t.Errorf("the edit of an image that is pulled under another name: %v, %v", changed, err)
	}
}

func TestPlacedWhereKeysLeadNowhere(t *testing.T) {
	t.Parallel()
	c, err := config.Parse(config.File, []byte(keyedConfig))
	if err != nil {
		t.Fatal(err)
	}
	facts := promotion.Placed(c, promotion.FileFacts{File: promotion.File{Path: "charts/values-dev.yaml", Content: []byte("web:\n  verzion: 1.0.0\n"), Blob: forge.SHA("x")}})
	if len(facts) != 2 || facts[1].Images != nil || !strings.HasPrefix(facts[1].Problem, "charts/values-dev.yaml:2:3: ") {
		t.Errorf("got %+v", facts)
	}
}
