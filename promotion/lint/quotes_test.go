package lint_test

import (
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
