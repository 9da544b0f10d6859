package config_test

import (
	"fmt"
	"strings"
	"testing"

	"ferry/promotion/config"
)

const including = `apiVersion: ferry/v1
mode: propose
include: ["apps/*/ferry.yaml", "teams/{app}/*.yaml"]
environments:
  - {name: dev}
  - {name: staging, from: [dev], soak: 15m, mode: propose}
  - {name: prod, from: [staging], soak: 24h, approvals: 1, checks: [e2e], freeze: [{kind: allow, schedule: "0 8 * * *", duration: 8h}]}
apps:
  - {name: web, source: acme/web, images: [web], manifests: ["web/{env}.yaml"], approvals: 2}
  - {discover: "apps/{app}/{env}.yaml", images: ["{app}"], source: "acme/{app}", soak: 30m}
`

// include returns an included file.
func include(path, text string) config.Included {
	return config.Included{Path: path, Content: []byte(text)}
}

func TestIncludes(t *testing.T) {
	t.Parallel()
	in, err := config.Includes(config.File, []byte(including))
	if err != nil || in.Empty() {
		t.Fatalf("Includes = %v, %v", in, err)
	}
	for path, want := range map[string]bool{
		"apps/cart/ferry.yaml": true, "teams/web/x.yaml": true, "apps/ferry.yaml": false, "apps/a/b/ferry.yaml": false, "teams/web/x.yml": false, ".ferry.yaml": false, "": false,
	} {
		if got := in.Match(path); got != want {
			t.Errorf("Match(%q) = %v", path, got)
		}
	}
	if in, err := config.Includes(config.File, []byte("apiVersion: ferry/v1\n")); err != nil || !in.Empty() {
		t.Errorf("Includes of a file without = %v, %v", in, err)
	}
	for _, text := range []string{"include: [", "include: ../x", "include: 12", "include: {a: b}"} {
		if _, err := config.Includes(config.File, []byte(text)); err == nil {
			t.Errorf("Includes(%s) is no error", text)
		}
	}
}

func TestIncludedSettings(t *testing.T) {
	t.Parallel()
	c := parseAll(t, including,
		include("apps/cart/ferry.yaml", "name: cart\nmode: observe\nchecks: [unit]\nenvironments: {prod: {soak: 3d, approvals: 2, freeze: [{kind: deny, schedule: '0 0 24 12 *', duration: 3d}]}}\n"),
		include("teams/web/x.yaml", "apiVersion: ferry/v1\nalso: [{path: 'web/{env}.txt', keys: [a], value: '{tag}'}]\n"),
		include("teams/new/x.yaml", "images: [new]\nmanifests: ['new/{env}.yaml']\nsource: acme/new\n"),
	)
	for _, tt := range []struct{ app, env, want string }{
		{"cart", "prod", "72h0m0s 2 [{e2e } {unit }] 2 observe"},
		{"cart", "staging", "30m0s 0 [{unit }] 0 observe"},
		{"cart", "dev", "0s 0 [{unit }] 0 observe"},
		{"shop", "prod", "30m0s 1 [{e2e }] 1 propose"},
		{"web", "prod", "24h0m0s 2 [{e2e }] 1 propose"},
		{"new", "prod", "24h0m0s 1 [{e2e }] 1 propose"},
	} {
		e, ok := c.Settings(tt.app, tt.env)
		if got := fmt.Sprintf("%v %v %v %v %v", e.Soak, e.Approvals, e.Checks, len(e.Freezes), e.Mode); got != tt.want || !ok {
			t.Errorf("Settings(%s, %s) = %s, want %s", tt.app, tt.env, got, tt.want)
		}
	}
	if app, _ := c.App("cart"); app.Source != "acme/cart" || app.Images[0].Name != "cart" || app.Mode != config.ModeObserve {
		t.Errorf("App(cart) = %+v", app)
	}
	if got := c.Places("new/prod.yaml"); len(got) != 1 || got[0].App != "new" {
		t.Errorf("Places = %v", got)
	}
	if got := c.AlsoOf("web", "prod"); len(got) != 1 || got[0].Path != "web/prod.txt" {
		t.Errorf("AlsoOf(web) = %v", got)
	}
	if !c.Reads("apps/cart/ferry.yaml") || !c.Reads("web/dev.txt") || !c.Reads(".ferry.yaml") || !c.Reads("new/dev.yaml") || c.Reads("README.md") {
		t.Error("Reads is wrong")
	}
}

func TestIncludedFilesThatAreWrong(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ path, text, want string }{
		{"apps/cart/ferry.yaml", "mode: observe\n", "apps/cart/ferry.yaml:1:1: name is missing"},
		{"apps/cart/ferry.yaml", "name: cart\nmode: release\n", "apps/cart/ferry.yaml:2:7: mode: release is looser than the mode: propose that dev has in .ferry.yaml:2"},
		{"apps/cart/ferry.yaml", "name: cart\nsoak: 1h\n", ""},
		{"teams/new/x.yaml", "soak: 1h\nimages: [a]\nmanifests: ['n/{env}']\n", "teams/new/x.yaml:1:7: soak: 1h is looser than the soak: 24h that prod has in .ferry.yaml:7"},
		{"apps/cart/ferry.yaml", "name: cart\nsoak: 10m\n", "apps/cart/ferry.yaml:2:7: soak: 10m is looser than the soak: 30m that staging has in .ferry.yaml:10"},
		{"apps/web/ferry.yaml", "name: web\napprovals: 1\n", "apps/web/ferry.yaml:2:12: approvals: 1 is looser than the approvals: 2 that dev has in .ferry.yaml:9"},
		{"apps/web/ferry.yaml", "name: web\nfreeze: [{kind: allow, schedule: '0 0 * * *', duration: 1h}]\n", "apps/web/ferry.yaml:2:9: a window that allows would open more of prod"},
		{"apps/web/ferry.yaml", "name: web\nimages: [other]\nsource: a/b\n", "apps/web/ferry.yaml:2:1: images of \"web\" is set in .ferry.yaml:9;\napps/web/ferry.yaml:3:1: source of \"web\" is set in .ferry.yaml:9;"},
		{"apps/web/ferry.yaml", "name: web\nenvironments: {prod: {from: [dev]}, qa: {}}\n", "apps/web/ferry.yaml:2:23: \"from\" does not belong here (included file's environment)\napps/web/ferry.yaml:2:37: there is no environment \"qa\""},
		{"apps/web/ferry.yaml", "name: web\nmerge: auto\n", "apps/web/ferry.yaml:2:1: \"merge\" does not belong here (included file)"},
		{"apps/web/ferry.yaml", "name: dev\nimages: [a]\nmanifests: ['x/{env}']\n", "apps/web/ferry.yaml:1:7: the name \"dev\" is taken by the environment in line 5"},
		{"apps/web/ferry.yaml", "apiVersion: ferry/v2\nname: web\n", "apps/web/ferry.yaml:1:13: apiVersion must be ferry/v1"},
		{"apps/web/ferry.yaml", "name: [\n", "apps/web/ferry.yaml:1:8: this is not YAML"},
		{"apps/web/ferry.yaml", "- name\n", "apps/web/ferry.yaml:1:1: included file must be keys"},
		{"apps/web/ferry.yaml", "# " + strings.Repeat("x", config.MaxIncludedSize), "apps/web/ferry.yaml:1:1: the file has 65538 bytes"},
		{"teams/web/x.yaml", "name: cart\n", "teams/web/x.yaml:1:7: the name is \"cart\", and the path says \"web\""},
		{"teams/Web/x.yaml", "mode: observe\n", "teams/Web/x.yaml:1:1: \"Web\" can't be a name"},
		{"elsewhere.yaml", "nonsense", ""},
	} {
		_, err := config.ParseActingOnAll([]byte(including), include(tt.path, tt.text))
		var got []string
		if err != nil {
			got = strings.Split(err.Error(), "\n")
		}
		want := strings.Split(tt.want, "\n")
		if tt.want == "" {
			want = nil
		}
		if len(got) != len(want) {
			t.Errorf("%s: %s: Parse = %v, want %s", tt.path, tt.text[:min(len(tt.text), 80)], err, tt.want)
			continue
		}
		for i := range want {
			if !strings.HasPrefix(got[i], want[i]) {
				t.Errorf("%s: Parse = %s, want %s", tt.path, got[i], want[i])
			}
		}
	}
	_, err := config.Parse(config.File, []byte(including[:strings.Index(including, ", approvals: 1")]+"}]\n"), include("apps/b/ferry.yaml", "name: b\nimages: [b]\nmanifests: ['b/{env}']\n"), include("apps/a/ferry.yaml", "name: b\n"))
	if err == nil {
		t.Error("two included files with one app are no error")
	}
}

// TestIncludedIsNeverLooser tries settings against each other: whatever an included file says, nothing becomes looser by it.
func TestIncludedIsNeverLooser(t *testing.T) {
	t.Parallel()
	var settings []string
	for _, mode := range []string{"", "mode: observe", "mode: propose", "mode: release"} {
		for _, soak := range []string{"", "soak: 1h", "soak: 2d"} {
			for _, approvals := range []string{"", "approvals: 1", "approvals: 3"} {
				settings = append(settings, strings.Join([]string{mode, soak, approvals}, "\n"))
			}
		}
	}
	rank := map[config.Mode]int{config.ModeObserve: 0, config.ModePropose: 1, config.ModeRelease: 2}
	flow := func(s string) string {
		return strings.Trim(strings.ReplaceAll(strings.ReplaceAll(s, "\n\n", "\n"), "\n", ", "), ", ")
	}
	accepted := 0
	for i, root := range settings {
		text := "apiVersion: ferry/v1\nmode: release\ninclude: x/*.yaml\nenvironments: [{name: dev}, {name: prod, from: [dev], soak: 2h}]\n" +
			"apps: [{name: a, images: [a], manifests: ['{env}'], environments: {prod: {" + flow(root) + "}}}]\n"
		before, _ := parseAll(t, text).Settings("a", "prod")
		for _, own := range []string{settings[(i*7+3)%len(settings)], settings[(i*5+1)%len(settings)], settings[i]} {
			for _, form := range []string{"name: a\n" + own + "\n", "name: a\nenvironments: {prod: {" + flow(own) + "}}\n"} {
				c, err := config.ParseActingOnAll([]byte(text), include("x/a.yaml", form))
				if err != nil {
					continue
				}
				accepted++
				after, _ := c.Settings("a", "prod")
				if rank[after.Mode] > rank[before.Mode] || after.Soak < before.Soak || after.Approvals < before.Approvals {
					t.Errorf("%q makes %+v of %+v", form, after, before)
				}
			}
		}
	}
	if accepted < 20 {
		t.Errorf("only %d were accepted", accepted)
	}
}
