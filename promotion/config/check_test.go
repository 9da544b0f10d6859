package config_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"ferry/promotion/config"
)

const checked = `apiVersion: ferry/v1
environments:
  - name: dev
  - {name: prod, from: [dev]}
  - name: sandbox
include: [apps/*/ferry.yaml, 'teams/{app}.yaml']
apps:
  - name: web
    images: [ghcr.io/acme/web, ghcr.io/acme/job]
    manifests: ["web/{env}.yaml", "web/{env}/more.yaml"]
    also: [{path: "web/{env}-labels.yaml", keys: [a], value: "{tag}", image: ghcr.io/acme/web}]
  - name: gone
    images: [ghcr.io/acme/gone]
    manifests: ["gone/{env}.yaml"]
  - discover: "apps/{app}/{env}.yaml"
    images: ["ghcr.io/acme/{app}"]
  - discover: "nowhere/{app}/{env}.yaml"
    images: ["ghcr.io/acme/{app}"]
  - name: twin
    images: [ghcr.io/acme/twin]
    manifests: ["web/{env}.yaml"]
  - {name: left, images: [ghcr.io/acme/left], manifests: [{path: "shared/{env}.yaml", keys: [left.tag]}]}
  - {name: right, images: [ghcr.io/acme/right], manifests: [{path: "shared/{env}.yaml", keys: [right.tag]}]}
  - {name: wrong, images: [ghcr.io/acme/wrong], manifests: [{path: "shared/{env}.yaml", keys: ["{app}.tag", left.tag]}]}
`

func TestCheck(t *testing.T) {
	t.Parallel()
	c := parse(t, checked)
	paths := []string{
		".ferry.yaml", "README.md", "web/dev.yaml", "web/prod.yaml", "apps/cart/dev.yaml", "apps/Bad/dev.yaml", "apps/shop/dev.yaml", "apps/shop/ferry.yaml",
		"shared/dev.yaml", "shared/prod.yaml",
	}
	images := map[string][]string{
		"web/dev.yaml": {"ghcr.io/acme/web", "ghcr.io/acme/twin"}, "web/prod.yaml": nil,
		"apps/cart/dev.yaml": {"ghcr.io/acme/cart"}, "apps/shop/dev.yaml": {"nginx"},
		"shared/dev.yaml": {"ghcr.io/acme/left", "ghcr.io/acme/right", "ghcr.io/acme/wrong"}, "shared/prod.yaml": nil,
	}
	want := []string{
		`5:5: warning environment-unconnected: nothing is promoted into "sandbox", and nothing from it`,
		`5:5: warning environment-without-manifests: no app has a manifest in "sandbox", whose dir is "sandbox"`,
		`6:11: error include-not-read: apps/shop/ferry.yaml is included, and its settings are not known`,
		`6:30: warning include-missing: include: "teams/{app}.yaml" matches no file`,
		`9:32: error image-in-no-manifest: the image "ghcr.io/acme/job" stands in no manifest of web`,
		`10:35: warning pattern-matches-nothing: the pattern "web/{env}/more.yaml" matches no file`,
		`11:19: warning pattern-matches-nothing: the pattern "web/{env}-labels.yaml" matches no file`,
		`12:11: error app-without-manifests: the app "gone" has no manifest in any environment`,
		`15:15: warning app-misnamed: "Bad" can't be the name of an app`,
		`16:14: error image-in-no-manifest: the image "ghcr.io/acme/{app}" stands in no manifest of shop`,
		`17:15: warning pattern-matches-nothing: the pattern "nowhere/{app}/{env}.yaml" matches no file`,
		`21:17: error apps-overlap: the apps "twin" and "web" both claim web/dev.yaml`,
		`24:68: error apps-overlap: the apps "left" and "wrong" both claim shared/dev.yaml`,
	}
	got := c.Check(config.Tree{Paths: paths, Images: images})
	var lines []string
	for _, f := range got {
		lines = append(lines, fmt.Sprintf("%d:%d: %s %s: %s", f.Line, f.Column, f.Severity, f.Rule, f.Message))
		if f.File != config.File || f.Do == "" {
			t.Errorf("%+v has no file, or nothing to do", f)
		}
	}
	if len(lines) != len(want) {
		t.Errorf("%d findings, want %d", len(lines), len(want))
	}
	for i, line := range lines {
		if i < len(want) && !strings.HasPrefix(line, want[i]) {
			t.Errorf("finding %d is\n%s, want\n%s", i, line, want[i])
		}
	}
	if got := c.Overlap("shared/dev.yaml"); fmt.Sprint(got) != "[left wrong]" {
		t.Errorf("Overlap = %v", got)
	}
	if got := c.Overlap("apps/cart/dev.yaml"); len(got) > 0 {
		t.Errorf("Overlap of one app's file = %v", got)
	}
}

func TestCheckSaysNothingAboutWhatIsNotKnown(t *testing.T) {
	t.Parallel()
	c := parse(t, "apiVersion: ferry/v1\nenvironments: [{name: dev}]\napps: [{name: a, images: [a, b], manifests: ['{env}/*.yaml']}]\n")
	for _, images := range []map[string][]string{nil, {}, {"dev/x.yaml": {"a"}}} {
		if got := c.Check(config.Tree{Paths: []string{"dev/x.yaml", "dev/y.yaml"}, Images: images}); len(got) > 0 {
			t.Errorf("with images %v: %v", images, got)
		}
	}
}

// TestTeamsThatAreNotThere: said once each, where the first role names it; and nothing of those of which nobody can tell.
func TestTeamsThatAreNotThere(t *testing.T) {
	t.Parallel()
	c := parse(t, "apiVersion: ferry/v1\nroles:\n  freeze: {teams: [sre, ops]}\n  hold: {teams: [ops]}\nenvironments: [{name: dev}]\napps: [{name: a, images: [a], manifests: ['{env}.yaml']}]\n")
	if got := c.Teams(); fmt.Sprint(got) != "[sre ops]" {
		t.Errorf("Teams = %v", got)
	}
	got := c.Check(config.Tree{Paths: []string{"dev.yaml"}, NoTeams: []string{"ops", "other"}})
	if len(got) != 1 || got[0].Line != 3 || got[0].Column != 25 || got[0].Rule != "team-not-there" || !strings.Contains(got[0].Message, `the team "ops"`) {
		t.Errorf("%+v", got)
	}
}

func TestFindingsAreBounded(t *testing.T) {
	t.Parallel()
	c := parse(t, manyApps(5000))
	if got := c.Check(config.Tree{}); len(got) != 56 {
		t.Errorf("%d findings", len(got))
	}
}

func TestRules(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, r := range config.Rules() {
		if seen[r.ID] || r.About == "" || r.Do == "" || r.Severity != config.SeverityError && r.Severity != config.SeverityWarning {
			t.Errorf("the rule %+v is not whole, or there twice", r)
		}
		seen[r.ID] = true
	}
	for _, list := range [][]struct{ name, text, want string }{wrongFiles, wrongSettings, wrongApps} {
		for _, tt := range list {
			for _, prefix := range []string{"", "apiVersion: ferry/v1\n", "apiVersion: ferry/v1\nenvironments: [{name: dev}]\napps:\n"} {
				_, err := config.Parse(config.File, []byte(prefix+tt.text))
				if all, ok := err.(config.Errors); ok && slices.ContainsFunc(all.Findings(), func(f config.Finding) bool { return !seen[f.Rule] || f.Do == "" }) {
					t.Errorf("%s: %v names a rule that is not listed", tt.name, all)
				}
			}
		}
	}
}
