package config_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ferry/promotion/config"
	"ferry/promotion/window"
)

// parseAll is parse for a version that acts on every key.
func parseAll(t testing.TB, text string, included ...config.Included) *config.Config {
	t.Helper()
	c, err := config.ParseActingOnAll([]byte(text), included...)
	if err != nil {
		t.Fatalf("Parse: %v", err)
	}
	return c
}

const everything = `apiVersion: ferry/v1
roles: {hold: maintain, rollback: {teams: [acme/sre], users: [ada]}}
policy: "release.version != 'latest'"
pull_request: {title: "{app} in {env}", labels: [ferry]}
commands: {prefix: ferry}
environments:
  - {name: dev, was: [development, develop]}
  - {name: staging, from: [dev], soak: 15m, update: none}
  - name: prod
    dir: clusters/prod
    from: [staging]
    clusters: [eu, us]
    soak: 24h
    checks: ["e2e/{app}/{cluster}", {name: "scan/{env}", posted_by: scanner}]
    approvals: 1
    freeze: [{kind: deny, schedule: "0 16 * * FRI", duration: 64h, timeZone: Europe/Helsinki, reason: weekend}]
    policy: [{name: small, rule: "true", reason: too large}]
    roles: {hold: admin}
    supersede: batch
    window: 1h
    max_open: 3
    rollback: auto
    watch: 1h
    settle: 2m
    converge: merge
    report_timeout: 1h
    digest: true
    pull_request: {draft: true, assignees: [bob], reviewers: [ada]}
apps:
  - name: checkout
    was: kassa
    images: [{name: checkout, digest: true}]
    manifests: ["{env}.yaml"]
    group: shop
    approvals: 2
    environments:
      prod: {soak: 72h, from: {any: [dev, staging]}, mode: observe, freeze: [{kind: deny, schedule: "0 11 * * *", duration: 1h30m, timeZone: Europe/Helsinki, reason: lunch}], supersede: queue, window: 0, pull_request: {labels: []}, policy: [{name: own, rule: "false"}]}
      staging: {from: [], update: commit}
  - {discover: "x/{app}/{env}.yaml", images: ["{app}"], soak: 2h, environments: {prod: {merge: auto}}}
  - {name: cart, mode: observe, environments: {prod: {converge: report}}}
`

func TestSettings(t *testing.T) {
	t.Parallel()
	c := parseAll(t, everything)
	var windows []window.Window
	for reason, schedule := range map[string]string{"weekend": "0 16 * * FRI", "lunch": "0 11 * * *"} {
		w, err := window.New(window.Deny, schedule, map[string]time.Duration{"weekend": 64 * time.Hour, "lunch": 90 * time.Minute}[reason], "Europe/Helsinki", reason)
		if err != nil {
			t.Fatal(err)
		}
		windows = append(windows, w)
	}
	slices.SortFunc(windows, func(a, b window.Window) int { return strings.Compare(b.Reason, a.Reason) })
	want := config.Environment{
		Name: "prod", Dir: "clusters/prod", From: []string{"dev", "staging"}, FromAny: true, Soak: 72 * time.Hour, Clusters: []string{"eu", "us"},
		Checks:    []config.Check{{Name: "e2e/checkout/eu"}, {Name: "e2e/checkout/us"}, {Name: "scan/clusters/prod", PostedBy: "scanner"}},
		Approvals: 2, Freezes: windows,
		Policies: []config.Policy{{Name: "policy", Rule: rule(t, "release.version != 'latest'")}, {Name: "small", Rule: rule(t, "true"), Reason: "too large"}, {Name: "own", Rule: rule(t, "false")}},
		Roles: map[string]config.Role{
			"hold": {Permission: config.PermissionAdmin}, "rollback": {Teams: []string{"acme/sre"}, Users: []string{"ada"}},
		},
		Supersede: config.SupersedeQueue, MaxOpen: 3, Rollback: config.RollbackAuto, Watch: time.Hour, Settle: 2 * time.Minute, Update: config.UpdateNone,
		Mode: config.ModeObserve, Converge: config.ConvergeMerge, ReportTimeout: time.Hour, Digest: true,
		PullRequest: config.PullRequest{Title: "{app} in {env}", Labels: []string{}, Assignees: []string{"bob"}, Reviewers: []string{"ada"}, Draft: true},
	}
	got, ok := c.Settings("checkout", "prod")
	if d := cmp.Diff(want, got, cmp.Transformer("nil", func(s []string) []string { return append([]string{}, s...) })); d != "" || !ok {
		t.Errorf("Settings(checkout, prod), %v (-want +got):\n%s", ok, d)
	}
	for _, tt := range []struct{ app, env, want string }{
		{"checkout", "staging", "[] false 0s commit propose"},
		{"checkout", "dev", "[] false 0s none propose"},
		{"search", "prod", "[staging] true 2h0m0s none propose"},
		{"search", "dev", "[] false 0s none propose"},
		{"cart", "prod", "[staging] true 2h0m0s none observe"},
		{"cart", "staging", "[dev] false 2h0m0s none observe"},
	} {
		e, ok := c.Settings(tt.app, tt.env)
		if got := fmt.Sprintf("%v %v %v %v %v", e.From, e.AutoMerge, e.Soak, e.Update, e.Mode); got != tt.want || !ok {
			t.Errorf("Settings(%s, %s) = %s, %v, want %s", tt.app, tt.env, got, ok, tt.want)
		}
	}
	if _, ok := c.Settings("checkout", "qa"); ok {
		t.Error("Settings of an environment that is not there")
	}
	if _, ok := c.Settings("Not-A-Name", "prod"); ok {
		t.Error("Settings of an app that is not there")
	}
}

func TestEnvironmentsOf(t *testing.T) {
	t.Parallel()
	c := parse(t, `apiVersion: ferry/v1
environments: [{name: dev}, {name: staging, from: [dev]}, {name: prod, from: [staging]}]
apps:
  - {name: a, images: [a], manifests: ['{env}'], environments: {staging: {from: [prod]}, prod: {from: [dev]}}}
  - {name: b, images: [a], manifests: ['{env}'], environments: {prod: {soak: 1h}}}
`)
	for app, want := range map[string]string{"a": "dev prod staging", "b": "dev staging prod", "c": ""} {
		var names []string
		for _, e := range c.EnvironmentsOf(app) {
			names = append(names, e.Name)
			if one, _ := c.Settings(app, e.Name); cmp.Diff(one, e) != "" {
				t.Errorf("EnvironmentsOf(%s) has %+v, and Settings %+v", app, e, one)
			}
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("EnvironmentsOf(%s) = %s, want %s", app, got, want)
		}
	}
	if e, _ := c.Environment("prod"); e.Soak != 0 || e.From[0] != "staging" {
		t.Errorf("Environment(prod) = %+v", e)
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	c := parseAll(t, everything)
	app, _ := c.App("checkout")
	if app.Group != "shop" || !app.Images[0].Digest || fmt.Sprint(app.Was) != "[kassa]" || c.CommandPrefix != "ferry" {
		t.Errorf("App(checkout) = %+v, prefix %q", app, c.CommandPrefix)
	}
	if now, ok := c.RenamedApp("kassa"); now != "checkout" || !ok {
		t.Errorf("RenamedApp = %q, %v", now, ok)
	}
	if now, ok := c.RenamedEnvironment("develop"); now != "dev" || !ok {
		t.Errorf("RenamedEnvironment = %q, %v", now, ok)
	}
	if _, ok := c.RenamedApp("checkout"); ok {
		t.Error("RenamedApp of a name in use")
	}
}
