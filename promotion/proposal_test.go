package promotion_test

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"ferry/forge"
	"ferry/promotion"
	"ferry/promotion/config"
)

// TestCheckOfIsBounded: what anybody wrote into a pull request fits what GitHub takes, and stands there as text.
func TestCheckOfIsBounded(t *testing.T) {
	t.Parallel()
	p := promotion.Proposal{Head: sha(1)}
	for i := range 500 {
		p.Findings = append(p.Findings, config.Finding{File: ".ferry.yaml", Line: i, Severity: config.SeverityError, Rule: "r", Message: strings.Repeat("@dora <b> é\x00\xff", 1000), Do: strings.Repeat("x", 9000)})
	}
	got := promotion.CheckOf(p, nil, nil)
	if got.State != forge.Failure || len(got.Annotations) != 50 || !strings.HasPrefix(got.Title, "500 errors: .ferry.yaml:1: @dora") || utf8.RuneCountInString(got.Title) > 200 {
		t.Errorf("%s %d %q", got.State, len(got.Annotations), got.Title)
	}
	if n := utf8.RuneCountInString(got.Summary); n > 65535 || !utf8.ValidString(got.Summary) || strings.Contains(got.Summary, "@dora") || strings.Contains(got.Summary, "<b>") {
		t.Errorf("the summary has %d characters", n)
	}
	for _, a := range got.Annotations {
		if a.Line < 1 || len(a.Message) > 64<<10 || strings.ContainsRune(a.Message, 0) || !utf8.ValidString(a.Message) {
			t.Fatalf("%+v", a)
		}
	}
}

func TestSettingsChanges(t *testing.T) {
	t.Parallel()
	parse := func(text string) *config.Config {
		t.Helper()
		c, err := config.Parse(config.File, []byte("apiVersion: ferry/v1\n"+text))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	was := parse("environments:\n- name: dev\n- {name: qa, from: [dev]}\n- {name: prod, from: [qa], soak: 24h, checks: [e2e]}\n")
	for text, want := range map[string]string{
		"environments:\n- name: dev\n- {name: qa, from: [dev]}\n- {name: prod, from: [qa], soak: 24h, checks: [e2e]}\n":               "[]",
		"environments:\n- name: dev\n- {name: qa, from: [dev]}\n- {name: prod, from: [qa], soak: 1h}\n":                               "[prod's soak 24h → 1h prod's checks e2e → none]",
		"environments:\n- name: dev\n- {name: prod, from: [dev], soak: 24h, checks: [e2e]}\n- name: lab\n":                            "[qa is gone prod's from qa → dev lab is new]",
		"mode: observe\nenvironments:\n- name: dev\n- {name: qa, from: [dev]}\n- {name: prod, from: [qa], soak: 1d, checks: [e2e]}\n": "[mode propose → observe dev's mode propose → observe qa's mode propose → observe prod's mode propose → observe]",
	} {
		if got := fmt.Sprint(promotion.SettingsChanges(was, parse(text))); got != want {
			t.Errorf("%s\nchanges %s, want %s", text, got, want)
		}
	}
}
