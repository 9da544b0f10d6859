package lint_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"ferry/promotion"
	"ferry/promotion/config"
	"ferry/promotion/lint"
)

// TestUnquotedNumbers: a tag that a chart would render otherwise is named at its place, and promoted as it is written.
func TestUnquotedNumbers(t *testing.T) {
	t.Parallel()
	d := desired(t, map[string]string{
		".ferry.yaml":          strings.Replace(strings.Replace(configuration, "[a, b]", "[a]", 1), "*.yaml", "values.yaml", 1),
		"web/dev/values.yaml":  "image:\n  repository: a\n  tag: 1.10\n",
		"web/prod/values.yaml": "image:\n  repository: a\n  tag: \"1.9\"\n",
	})
	found := lint.Check(d)
	if len(found) != 1 {
		t.Fatalf("%+v", found)
	}
	if f := found[0]; f.File != "web/dev/values.yaml" || f.Line != 3 || f.Column != 8 || f.Rule != "tag-not-quoted" || f.Severity != config.SeverityWarning ||
		!strings.Contains(f.Message, "1.10") || !strings.Contains(f.Message, "quote it") {
		t.Errorf("%+v", f)
	}
	app := d.App("web")
	edits, err := promotion.Edit(app.App, app.Find("prod").Environment, app.Find("dev").Release)
	if err != nil || len(edits) != 1 || string(edits[0].Content) != "image:\n  repository: a\n  tag: \"1.10\"\n" {
		t.Errorf("%v %+v", err, edits)
	}
}

// TestPageListsTheRules: the page for users says every rule about manifests.
func TestPageListsTheRules(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/local.md")
	if err != nil {
		t.Fatal(err)
	}
	rules := lint.Rules()[len(config.Rules()):]
	if len(rules) == 0 {
		t.Fatal("there are no rules about manifests")
	}
	for _, r := range rules {
		if row := fmt.Sprintf("| `%s` | %s | %s |\n", r.ID, r.Severity, r.About); !strings.Contains(string(page), row) {
			t.Errorf("docs/local.md lacks the row\n%s", row)
		}
	}
}
