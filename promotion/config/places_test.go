package config_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ferry/promotion/config"
)

func TestPlaces(t *testing.T) {
	t.Parallel()
	const environments = "apiVersion: ferry/v1\nenvironments: [{name: dev}, {name: prod}, {name: eu, dir: regions/eu}, {name: prod-eu}, {name: north, dir: regions/eu/north}]\napps:\n"
	for _, tt := range []struct{ pattern, path, want string }{
		// an app that is named
		{"apps/a/{env}/k.yaml", "apps/a/dev/k.yaml", "a@dev"},
		{"apps/a/{env}/k.yaml", "apps/a/qa/k.yaml", ""},
		{"apps/a/{env}/k.yaml", "apps/a/dev/k.yml", ""},
		{"apps/a/{env}/k.yaml", "apps/a/dev/k.yaml/x", ""},
		{"apps/a/{env}/k.yaml", "x/apps/a/dev/k.yaml", ""},
		{"apps/a/{env}/k.yaml", "apps/a/regions/eu/k.yaml", "a@eu"},
		{"apps/a/{env}/k.yaml", "apps/a/regions/eu/north/k.yaml", "a@north"},
		{"apps/{app}/{env}/k.yaml", "apps/a/dev/k.yaml", "a@dev"},
		{"apps/{app}/{env}/k.yaml", "apps/b/dev/k.yaml", ""},
		{"values-{env}.yaml", "values-prod-eu.yaml", "a@prod-eu"},
		{"values-{env}.yaml", "values-regions/eu.yaml", "a@eu"},
		{"values-{env}.yaml", "values-regions/eu/north.yaml", "a@north"},
		{"values-{env}.yaml", "values-.yaml", ""},
		{"{env}/x/{env}.yaml", "dev/x/dev.yaml", "a@dev"},
		{"{env}/x/{env}.yaml", "dev/x/prod.yaml", ""},
		{"{env}-{env}", "dev-dev", "a@dev"},
		{"{env}-{env}", "dev-prod", ""},
		// globs
		{"{env}/*.yaml", "dev/a.yaml", "a@dev"},
		{"{env}/*.yaml", "dev/b/a.yaml", ""},
		{"{env}/a*b*c", "dev/a-b-b-c", "a@dev"},
		{"{env}/a*b*c", "dev/a-c-b", ""},
		{"{env}/a*a", "dev/a", ""},
		{"{env}/*", "dev", ""},
		{"*-{env}.yaml", "x-dev.yaml", "a@dev"},
		{"*-{env}.yaml", "x-prod-eu.yaml", "a@prod-eu"},
		{"**/{env}/k.yaml", "dev/k.yaml", "a@dev"},
		{"**/{env}/k.yaml", "x/y/z/dev/k.yaml", "a@dev"},
		{"{env}/**", "dev/x/y", "a@dev"},
		{"{env}/**", "dev", ""},
		{"{env}/**", "regions/eu/north/x", "a@north"},
		{"{env}/**", "regions/eu/south/x", "a@eu"},
		{"{env}/**/x/**/y", "dev/x/y", "a@dev"},
		{"{env}/**/x/**/y", "dev/1/x/2/3/y", "a@dev"},
		{"{env}/**/x/**/y", "dev/1/2/y", ""},
		// apps that are discovered
		{"> apps/{app}/{env}/v.yaml", "apps/cart/dev/v.yaml", "cart@dev"},
		{"> apps/{app}/{env}/v.yaml", "apps/cart/regions/eu/v.yaml", "cart@eu"},
		{"> apps/{app}/{env}/v.yaml", "apps/x/y/dev/v.yaml", ""},
		{"> apps/{app}/{env}/v.yaml", "apps/skipped/dev/v.yaml", ""},
		{"> apps/{app}/{env}/v.yaml", "apps/dev/dev/v.yaml", ""},
		{"> apps/{app}/{env}/v.yaml", "apps/Cart/dev/v.yaml", ""},
		{"> apps/app-{app}/{env}/v.yaml", "apps/app-cart/dev/v.yaml", "cart@dev"},
		{"> apps/app-{app}/{env}/v.yaml", "apps/app-/dev/v.yaml", ""},
		{"> {app}-{env}.yaml", "cart-prod-eu.yaml", "cart@prod-eu"},
		{"> {app}-{env}.yaml", "cart-x-dev.yaml", "cart-x@dev"},
		{"> {env}/{app}/{app}.yaml", "dev/cart/cart.yaml", "cart@dev"},
		{"> {env}/{app}/{app}.yaml", "dev/cart/kart.yaml", ""},
		{"> {env}/{app}/{app}-{env}.yaml", "dev/cart/cart-dev.yaml", "cart@dev"},
		{"> {env}/{app}/{app}-{env}.yaml", "dev/cart/kart-dev.yaml", ""},
		{"> **/{app}/{env}/**", "x/y/cart/dev/a/b.yaml", "cart@dev"},
	} {
		app := fmt.Sprintf("- {name: a, images: [a], manifests: ['%s']}\n", tt.pattern)
		if pattern, ok := strings.CutPrefix(tt.pattern, "> "); ok {
			app = fmt.Sprintf("- {discover: '%s', images: ['{app}'], except: [skip*]}\n", pattern)
		}
		var got []string
		for _, p := range parse(t, environments+app).Places(tt.path) {
			got = append(got, p.App+"@"+p.Environment)
		}
		if s := strings.Join(got, " "); s != tt.want {
			t.Errorf("%s: Places(%s) = %q, want %q", tt.pattern, tt.path, s, tt.want)
		}
	}
}

func TestPlacesOfSeveralEntries(t *testing.T) {
	t.Parallel()
	c := parse(t, `apiVersion: ferry/v1
environments: [{name: dev}]
apps:
  - {name: shared, images: [a], manifests: ["apps/*/{env}/v.yaml", "apps/x/{env}/*.yaml"]}
  - {name: own, images: [b], manifests: ["other/{env}.yaml"]}
  - {discover: "apps/{app}/{env}/v.yaml", images: ["{app}"]}
  - {discover: "apps/{app}/{env}/*.yaml", images: ["{app}"], except: [q]}
`)
	for path, want := range map[string][]config.Place{
		"apps/x/dev/v.yaml":   {{App: "shared", Environment: "dev"}, {App: "x", Environment: "dev"}},
		"apps/x/dev/w.yaml":   {{App: "shared", Environment: "dev"}, {App: "x", Environment: "dev"}},
		"apps/y/dev/w.yaml":   {{App: "y", Environment: "dev"}},
		"apps/q/dev/w.yaml":   nil,
		"apps/own/dev/w.yaml": nil, // it lists its files, and this is not one of them
		"other/dev.yaml":      {{App: "own", Environment: "dev"}},
		"README.md":           nil,
		"":                    nil,
		"/":                   nil,
	} {
		if d := cmp.Diff(want, c.Places(path)); d != "" {
			t.Errorf("Places(%q) (-want +got):\n%s", path, d)
		}
	}
	if got := c.Places(strings.Repeat("a/", 5000)); got != nil {
		t.Errorf("Places of a very deep path = %v", got)
	}
}

func TestMisnamed(t *testing.T) {
	t.Parallel()
	c := parse(t, `apiVersion: ferry/v1
environments: [{name: dev}]
apps: [{discover: "apps/{app}/{env}/v.yaml", images: ["{app}"], except: [_*]}]
`)
	for path, want := range map[string]string{
		"apps/cart/dev/v.yaml":  "",
		"apps/_base/dev/v.yaml": "",
		"apps/Cart/dev/v.yaml":  "Cart: a name has 1 to 63",
		"apps/a..b/dev/v.yaml":  "a..b: a name becomes part of a branch",
		"apps/dev/dev/v.yaml":   "dev: an environment has that name; rename it",
		"apps/Cart/dev/w.yaml":  "",
	} {
		var got string
		for _, m := range c.Misnamed(path) {
			got += m.Name + ": " + m.Reason
		}
		if !strings.HasPrefix(got, want) || (want == "") != (got == "") {
			t.Errorf("Misnamed(%s) = %q, want %q", path, got, want)
		}
		if places := c.Places(path); got != "" && places != nil {
			t.Errorf("Places(%s) = %v", path, places)
		}
	}
}

func FuzzPlaces(f *testing.F) {
	f.Add("apps/{app}/{env}/**", "eu/north", "apps/a/eu/north/x")
	f.Add("**/{app}-{env}.yaml", "dev", "x/a-dev.yaml")
	f.Add("{env}/a*b*", "dev", "dev/aabb")
	f.Fuzz(func(t *testing.T, pattern, dir, path string) {
		for _, kind := range []string{"name: a\n  manifests: [%q]", "discover: %q"} {
			text := fmt.Sprintf("apiVersion: ferry/v1\nenvironments: [{name: dev, dir: %q}, {name: qa}]\napps:\n- images: [a]\n  "+kind+"\n", dir, pattern)
			if c, err := config.Parse(config.File, []byte(text)); err == nil {
				checkPlaces(t, c, path)
				checkPlaces(t, c, strings.NewReplacer("{env}", dir, "{app}", "a", "**/", "", "*", "").Replace(pattern))
			}
		}
	})
}

// manyApps returns a file with as many named apps in five environments, and one entry with discover.
func manyApps(n int) string {
	var b strings.Builder
	b.WriteString("apiVersion: ferry/v1\nenvironments: [{name: dev}, {name: qa}, {name: staging}, {name: prod}, {name: prod-eu, dir: prod/eu}]\napps:\n")
	for i := range n {
		fmt.Fprintf(&b, "  - name: app-%d\n    source: acme/app-%d\n    images: [ghcr.io/acme/app-%d]\n    manifests: [\"apps/app-%d/{env}/kustomization.yaml\"]\n", i, i, i, i)
	}
	b.WriteString("  - {discover: \"charts/{app}/values-{env}.yaml\", images: [\"ghcr.io/acme/{app}\"]}\n")
	return b.String()
}

func BenchmarkPlaces(b *testing.B) {
	c := parse(b, manyApps(5000))
	for name, path := range map[string]string{
		"named":      "apps/app-4711/prod/eu/kustomization.yaml",
		"discovered": "charts/shop/values-staging.yaml",
		"none":       "docs/operations/runbook.md",
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				c.Places(path)
			}
		})
	}
}

// BenchmarkCheck looks at a repository with 2,000 discovered apps in three environments.
func BenchmarkCheck(b *testing.B) {
	c := parse(b, "apiVersion: ferry/v1\nenvironments: [{name: dev}, {name: staging, from: [dev]}, {name: prod, from: [staging]}]\n"+
		"apps: [{discover: 'apps/{app}/{env}/k.yaml', images: ['ghcr.io/acme/{app}']}]\n")
	t := config.Tree{Images: map[string][]string{}}
	for i := range 2000 {
		for _, env := range []string{"dev", "staging", "prod"} {
			path := fmt.Sprintf("apps/app-%d/%s/k.yaml", i, env)
			t.Paths = append(t.Paths, path)
			t.Images[path] = []string{fmt.Sprintf("ghcr.io/acme/app-%d", i)}
		}
	}
	for b.Loop() {
		if found := c.Check(t); len(found) > 0 {
			b.Fatal(found[0])
		}
	}
}

func BenchmarkParse(b *testing.B) {
	data := []byte(manyApps(5000))
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		c, err := config.Parse(config.File, data)
		if err != nil {
			b.Fatal(err)
		}
		c.Places("") // the index is made at the first look-up
	}
}
