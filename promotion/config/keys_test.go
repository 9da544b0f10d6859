package config

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestDocumentedKeys looks inside the package: that the page leaves out no key can't be seen from outside.
func TestDocumentedKeys(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	actedOn, notYet, ok := strings.Cut(string(page), "## Keys that this version does not act on yet")
	if !ok {
		t.Fatal("the page has no section about keys that are not acted on")
	}
	var wantActed, wantLater []string
	for _, k := range keys {
		if k.kind == acted {
			wantActed = append(wantActed, string(k.at)+": "+k.name)
			continue
		}
		row := string(k.at) + ": " + k.name
		if k.neutral != "" {
			row += " = " + k.neutral
		}
		wantLater = append(wantLater, row)
	}
	for _, tt := range []struct {
		name string
		want []string
		got  []string
	}{
		{"acted on", wantActed, rows(actedOn, 5)},
		{"not yet", wantLater, rows(notYet, 3)},
	} {
		slices.Sort(tt.want)
		slices.Sort(tt.got)
		if d := cmp.Diff(tt.want, tt.got); d != "" {
			t.Errorf("%s (-keys +page):\n%s", tt.name, d)
		}
	}
}

// rows returns "where: key" of each row of a table with so many columns, of three with its third: " = neutral".
func rows(text string, columns int) []string {
	var out []string
	for line := range strings.Lines(text) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if len(cells) != columns || !strings.HasPrefix(line, "| `") {
			continue
		}
		for i := range cells {
			cells[i] = strings.Trim(cells[i], " `")
		}
		row := cells[1] + ": " + cells[0]
		if columns == 3 && cells[2] != "" {
			row += " = " + cells[2]
		}
		out = append(out, row)
	}
	return out
}
