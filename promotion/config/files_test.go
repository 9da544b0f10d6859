package config_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ferry/promotion/config"
)

const filed = `apiVersion: ferry/v1
environments: [{name: dev}, {name: prod, dir: live/p.1, clusters: [eu, us-1]}]
apps:
  - name: web
    images: [web, job]
    manifests:
      - "web/{env}.yaml"
      - {path: "web/{cluster}/{env}.yaml", keys: ["svc.{app}.tag", "{env}.x", "c[name={cluster}].tag"], image: job}
      - {path: values.yaml, keys: ["envs.{env}.{cluster}.tag"], image: web}
    also:
      - {path: "web/{env}/labels.yaml", keys: [labels.version], value: "{tag}-{env}", image: web}
      - {path: "web/{cluster}/{env}/{app}.yaml", keys: ['"a.b"[0].c'], copy: true, image: job}
  - discover: "{app}/{env}/{cluster}.yaml"
    images: ["{app}"]
    also: [{path: "{app}/{env}/also.txt", keys: [a], value: "{digest}"}]
  - {name: half, images: [half], also: [{path: "half/{env}.txt", keys: [a], value: "{app}:{tag}"}]}
`

func TestManifests(t *testing.T) {
	t.Parallel()
	c := parse(t, filed)
	dev, prod := config.Place{App: "web", Environment: "dev"}, config.Place{App: "web", Environment: "prod"}
	for path, want := range map[string][]config.Manifest{
		"web/dev.yaml":           {{Place: dev}},
		"web/live/p.1.yaml":      {{Place: prod}},
		"web/default/dev.yaml":   {{Place: dev, Cluster: "default", Image: "job", Keys: []string{"svc.web.tag", "dev.x", "c[name=default].tag"}}},
		"web/eu/dev.yaml":        nil,
		"web/us-1/live/p.1.yaml": {{Place: prod, Cluster: "us-1", Image: "job", Keys: []string{"svc.web.tag", `"live/p.1".x`, "c[name=us-1].tag"}}},
		"values.yaml": {
			{Place: dev, Image: "web", Keys: []string{"envs.dev.default.tag"}},
			{Place: prod, Image: "web", Keys: []string{`envs."live/p.1".eu.tag`, `envs."live/p.1".us-1.tag`}},
		},
		"shop/dev/default.yaml":   {{Place: config.Place{App: "shop", Environment: "dev"}, Cluster: "default"}},
		"shop/live/p.1/eu.yaml":   {{Place: config.Place{App: "shop", Environment: "prod"}, Cluster: "eu"}},
		"shop/live/p.1/asia.yaml": nil,
		"web/live/p.1/eu.yaml":    nil, // it lists its files
		"web/dev/labels.yaml":     nil,
	} {
		if d := cmp.Diff(want, c.Manifests(path)); d != "" {
			t.Errorf("Manifests(%s) (-want +got):\n%s", path, d)
		}
		var places []config.Place
		for _, m := range want {
			places = append(places, m.Place)
		}
		if d := cmp.Diff(places, c.Places(path)); d != "" {
			t.Errorf("Places(%s) (-want +got):\n%s", path, d)
		}
	}
}

func TestAlso(t *testing.T) {
	t.Parallel()
	c := parse(t, filed)
	dev, prod := config.Place{App: "web", Environment: "dev"}, config.Place{App: "web", Environment: "prod"}
	want := map[string][]config.Also{
		"web@dev": {
			{Place: dev, Path: "web/dev/labels.yaml", Keys: []string{"labels.version"}, Image: "web", Value: "{tag}-dev"},
			{Place: dev, Path: "web/default/dev/web.yaml", Cluster: "default", Keys: []string{`"a.b"[0].c`}, Image: "job", Copy: true, Entry: 1},
		},
		"web@prod": {
			{Place: prod, Path: "web/live/p.1/labels.yaml", Keys: []string{"labels.version"}, Image: "web", Value: "{tag}-live/p.1"},
			{Place: prod, Path: "web/eu/live/p.1/web.yaml", Cluster: "eu", Keys: []string{`"a.b"[0].c`}, Image: "job", Copy: true, Entry: 1},
			{Place: prod, Path: "web/us-1/live/p.1/web.yaml", Cluster: "us-1", Keys: []string{`"a.b"[0].c`}, Image: "job", Copy: true, Entry: 1},
		},
		"shop@dev": {{Place: config.Place{App: "shop", Environment: "dev"}, Path: "shop/dev/also.txt", Keys: []string{"a"}, Image: "shop", Value: "{digest}"}},
		"half@dev": {{Place: config.Place{App: "half", Environment: "dev"}, Path: "half/dev.txt", Keys: []string{"a"}, Image: "half", Value: "half:{tag}"}},
		"shop@qa":  nil,
	}
	for place, want := range want {
		app, env, _ := strings.Cut(place, "@")
		got := c.AlsoOf(app, env)
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("AlsoOf(%s) (-want +got):\n%s", place, d)
		}
		for _, a := range got {
			if d := cmp.Diff([]config.Also{a}, c.Also(a.Path)); d != "" {
				t.Errorf("Also(%s) (-AlsoOf +got):\n%s", a.Path, d)
			}
		}
	}
	for _, path := range []string{"half/dev/also.txt", "web/dev.yaml", "Shop/dev/also.txt", "README.md"} {
		if got := c.Also(path); got != nil {
			t.Errorf("Also(%s) = %v", path, got)
		}
	}
}

func TestFilesThatAreWrong(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ keys, want string }{
		{"manifests: [{path: '{env}', keys: [a]}]", "4:43: image is missing: the app has 2 images"},
		{"manifests: [{path: '{env}', keys: [a], image: c}]", "4:77: the app has no image \"c\"; did you mean"},
		{"manifests: ['{env}'], also: [{path: '{env}/x', keys: [a], value: b}]", "4:60: image is missing: the app has 2 images"},
		{"manifests: ['{env}'], also: [{path: '{env}/x', keys: [a], value: '{cluster}', image: a}]", "4:96: value: \"{cluster}\": {cluster} does not stand in the path"},
		{"manifests: [{path: 'x.yaml', keys: ['{env}.a', b], image: a}]", "4:50: the pattern \"x.yaml\": {env} is missing"},
	} {
		_, err := config.Parse(config.File, fmt.Appendf(nil, "apiVersion: ferry/v1\nenvironments: [{name: dev}]\napps:\n- {name: web, images: [a, b], %s}\n", tt.keys))
		if err == nil || !strings.HasPrefix(err.Error(), ".ferry.yaml:"+tt.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: Parse = %v, want %s", tt.keys, err, tt.want)
		}
	}
	half := "apiVersion: ferry/v1\nenvironments: [{name: dev}]\napps:\n- {discover: '{app}/{env}', images: [a, '{app}']}\n- {name: b, manifests: [{path: '{env}', keys: [a]%s}]}\n"
	if _, err := config.Parse(config.File, fmt.Appendf(nil, half, "")); err == nil || !strings.Contains(err.Error(), "image is missing") {
		t.Errorf("keys of one of two discovered images: Parse = %v", err)
	}
	if c := parse(t, fmt.Sprintf(half, ", image: '{app}'")); c.Manifests("dev")[0].Image != "b" {
		t.Errorf("Manifests = %v", c.Manifests("dev"))
	}
	for _, tt := range []struct{ also, want string }{
		{"{path: 'x/{env}', keys: [a], value: b}", "{app} is missing"},
		{"{path: 'x/{app}{app}/{env}', keys: [a], value: b}", "{app} stands once"},
	} {
		_, err := config.Parse(config.File, fmt.Appendf(nil, "apiVersion: ferry/v1\nenvironments: [{name: dev}]\napps: [{discover: '{app}/{env}', images: [a], also: [%s]}]\n", tt.also))
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: Parse = %v, want %s", tt.also, err, tt.want)
		}
	}
}
