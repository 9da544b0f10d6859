package config_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ferry/promotion/config"
)

// parse returns the configuration of a text that is right.
func parse(t testing.TB, text string) *config.Config {
	t.Helper()
	c, err := config.Parse(config.File, []byte(text))
	if err != nil {
		t.Fatalf("Parse: %v", err)
	}
	return c
}

const full = `apiVersion: ferry/v1
mode: release
environments:
  - name: prod
    dir: clusters/prod
    from: [staging]
    clusters: [eu, us]
    soak: 1d12h
    merge: auto
    unprotected: allow
    converge: merge
    report_timeout: 1h
    supersede: latest
    rollback: manual
    approvals: 0
    checks: []
  - name: dev
    update: commit
    mode: propose
  - name: staging
    from: {any: [dev, hotfix]}
    merge: manual
  - name: hotfix
apps:
  - name: checkout
    source: acme/checkout
    images:
      - name: ghcr.io/acme/checkout
        in: {prod: registry.example.com:5000/checkout}
      - ghcr.io/acme/migrations
    manifests:
      - apps/checkout/{env}/kustomization.yaml
      - "apps/{app}/{env}/jobs/**"
  - discover: "apps/{app}/{env}/values.yaml"
    except: [internal, "_*"]
    images: ["ghcr.io/acme/{app}"]
    source: "acme/{app}"
    mode: propose
  - name: cart
    mode: observe
`

func TestEnvironments(t *testing.T) {
	t.Parallel()
	c := parse(t, full)
	want := []config.Environment{
		{
			Name: "prod", Dir: "clusters/prod", From: []string{"staging"}, Soak: 36 * time.Hour, Clusters: []string{"eu", "us"}, AutoMerge: true,
			AllowUnprotected: true, Update: config.UpdateNone, Mode: config.ModeRelease, Converge: config.ConvergeMerge, ReportTimeout: time.Hour,
		},
		{Name: "dev", Dir: "dev", Clusters: []string{"default"}, Update: config.UpdateCommit, Mode: config.ModePropose, Converge: config.ConvergeReport, ReportTimeout: 15 * time.Minute},
		{Name: "staging", Dir: "staging", From: []string{"dev", "hotfix"}, FromAny: true, Clusters: []string{"default"}, Update: config.UpdateNone, Mode: config.ModeRelease, Converge: config.ConvergeReport, ReportTimeout: 15 * time.Minute},
		{Name: "hotfix", Dir: "hotfix", Clusters: []string{"default"}, Update: config.UpdateNone, Mode: config.ModeRelease, Converge: config.ConvergeReport, ReportTimeout: 15 * time.Minute},
	}
	for i := range want {
		want[i].Supersede, want[i].Rollback = config.SupersedeLatest, config.RollbackManual
		want[i].MaxOpen, want[i].Watch, want[i].Settle = 10, 30*time.Minute, time.Minute
	}
	if d := cmp.Diff(want, c.Environments); d != "" {
		t.Errorf("Environments (-want +got):\n%s", d)
	}
	if e, ok := c.Environment("dev"); !ok || e.Name != "dev" {
		t.Errorf("Environment(dev) = %v, %v", e, ok)
	}
	if _, ok := c.Environment("qa"); ok {
		t.Error("Environment(qa) is there")
	}
	var order []string
	for _, e := range c.Order() {
		order = append(order, e.Name)
	}
	if got := strings.Join(order, " "); got != "dev hotfix staging prod" {
		t.Errorf("Order = %s", got)
	}
	if got := fmt.Sprint(c.Downstream("hotfix"), c.Downstream("staging"), c.Downstream("prod")); got != "[staging] [prod] []" {
		t.Errorf("Downstream = %s", got)
	}
}

func TestApps(t *testing.T) {
	t.Parallel()
	c := parse(t, full)
	if d := cmp.Diff([]string{"checkout", "cart"}, c.NamedApps()); d != "" {
		t.Error(d)
	}
	for _, tt := range []struct {
		name string
		want config.App
	}{
		{"checkout", config.App{Name: "checkout", Source: "acme/checkout", Mode: config.ModeRelease, Images: []config.Image{
			{Name: "ghcr.io/acme/checkout", In: map[string]string{"prod": "registry.example.com:5000/checkout"}}, {Name: "ghcr.io/acme/migrations"},
		}}},
		{"cart", config.App{Name: "cart", Source: "acme/cart", Mode: config.ModeObserve, Images: []config.Image{{Name: "ghcr.io/acme/cart"}}}},
		{"search", config.App{Name: "search", Source: "acme/search", Mode: config.ModePropose, Images: []config.Image{{Name: "ghcr.io/acme/search"}}}},
	} {
		got, ok := c.App(tt.name)
		if d := cmp.Diff(tt.want, got); d != "" || !ok {
			t.Errorf("App(%s), %v (-want +got):\n%s", tt.name, ok, d)
		}
	}
	for _, name := range []string{"internal", "_base", "dev", "Not-A-Name", ""} {
		if a, ok := c.App(name); ok {
			t.Errorf("App(%q) = %v, want none", name, a)
		}
	}
	app, _ := c.App("checkout")
	if got := app.Images[0].NameIn("prod") + " " + app.Images[0].NameIn("dev"); got != "registry.example.com:5000/checkout ghcr.io/acme/checkout" {
		t.Errorf("NameIn = %s", got)
	}
}

func TestAppOfSeveralDiscoveries(t *testing.T) {
	t.Parallel()
	c := parse(t, `apiVersion: ferry/v1
environments: [{name: dev}]
apps:
  - {discover: "apps/{app}/{env}/v.yaml", images: ["a/{app}"], mode: release}
  - {discover: "infra/{app}/{env}/v.yaml", images: ["i/{app}"], mode: observe}
  - {name: own, manifests: ["x/{env}.yaml"], images: [b/own]}
  - {name: half, source: acme/half}
`)
	for _, tt := range []struct {
		app, path, image string
		mode             config.Mode
	}{
		{"x", "infra/x/dev/v.yaml", "i/x", config.ModeObserve},
		{"x", "apps/x/dev/v.yaml", "a/x", config.ModeRelease},
		{"half", "infra/half/dev/v.yaml", "i/half", config.ModeObserve},
		{"x", "elsewhere", "a/x", config.ModeObserve}, // the strictest of both
		{"own", "x/dev.yaml", "b/own", config.ModePropose},
	} {
		app, ok := c.App(tt.app, tt.path)
		if !ok || app.Images[0].Name != tt.image || app.Mode != tt.mode || c.ModeOf(tt.app, "dev", tt.path) != tt.mode {
			t.Errorf("App(%s, %s) = %+v, %v, ModeOf = %s; want image %s, mode %s", tt.app, tt.path, app, ok, c.ModeOf(tt.app, "dev", tt.path), tt.image, tt.mode)
		}
	}
}

func TestModeOf(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ file, environment, app, want config.Mode }{
		{"", "", "", config.ModePropose},
		{"release", "", "", config.ModeRelease},
		{"", "release", "", config.ModeRelease},
		{"", "", "release", config.ModeRelease},
		{"propose", "release", "release", config.ModePropose},
		{"release", "propose", "release", config.ModePropose},
		{"release", "release", "observe", config.ModeObserve},
		{"observe", "release", "release", config.ModeObserve},
	} {
		mode := func(indent string, m config.Mode) string {
			if m == "" {
				return ""
			}
			return indent + "mode: " + string(m) + "\n"
		}
		c := parse(t, "apiVersion: ferry/v1\n"+mode("", tt.file)+"environments:\n- name: dev\n"+mode("  ", tt.environment)+
			"apps:\n- name: a\n  images: [a]\n  manifests: ['{env}']\n"+mode("  ", tt.app))
		if got := c.ModeOf("a", "dev"); got != tt.want {
			t.Errorf("%+v: ModeOf = %s", tt, got)
		}
		if got := c.ModeOf("b", "dev") + c.ModeOf("a", "qa"); got != "observeobserve" {
			t.Errorf("ModeOf of what is not there = %s", got)
		}
	}
}

func TestAliases(t *testing.T) {
	t.Parallel()
	c := parse(t, `apiVersion: ferry/v1
environments: [{name: dev}, {name: a, from: &from [dev], soak: &s 5m}, {name: b, from: *from, soak: *s}]
apps: []
`)
	if e, _ := c.Environment("b"); len(e.From) != 1 || e.Soak != 5*time.Minute {
		t.Errorf("Environment(b) = %+v", e)
	}
}

func TestDocumentedExample(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	_, example, _ := strings.Cut(string(page), "```yaml\n")
	example, _, _ = strings.Cut(example, "```")
	c := parse(t, example)
	for path, want := range map[string]config.Place{
		"apps/checkout/prod/kustomization.yaml": {App: "checkout", Environment: "prod"},
		"services/cart/dev/deployment.yaml":     {App: "cart", Environment: "dev"},
	} {
		if d := cmp.Diff([]config.Place{want}, c.Places(path)); d != "" {
			t.Errorf("Places(%s) (-want +got):\n%s", path, d)
		}
	}
}

func TestParseDuration(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"0": 0, "15m": 15 * time.Minute, "2d": 48 * time.Hour, "1d12h": 36 * time.Hour, "1.5d": 36 * time.Hour, "90s": 90 * time.Second,
		"1h30m": 90 * time.Minute, "366d": 366 * 24 * time.Hour, "0s": 0, "12h1d": 36 * time.Hour,
	} {
		if got, err := config.ParseDuration(text); err != nil || got != want {
			t.Errorf("ParseDuration(%q) = %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "15", "-1h", "+1h", "1h-1m", "1 h", "d", "1dd", "1w", "1h0", "1..5h", "367d", "9999999999999d", "365d999999h", "∞", "1d 2h", "15min"} {
		if got, err := config.ParseDuration(text); err == nil {
			t.Errorf("ParseDuration(%q) = %v, want an error", text, got)
		}
	}
}

// errorsOf returns the errors of a text that is wrong.
func errorsOf(t testing.TB, text string) config.Errors {
	t.Helper()
	_, err := config.Parse(config.File, []byte(text))
	var all config.Errors
	if !errors.As(err, &all) {
		t.Fatalf("Parse = %v, want Errors", err)
	}
	return all
}
