package config_test

import (
	"flag"
	"os"
	"strings"
	"testing"

	"ferry/promotion/config"
)

var update = flag.Bool("update", false, "write the generated tables into docs/configuration.md")

const page = "../../docs/configuration.md"

// TestPageIsUpToDate holds the page's tables to the tables of the program: `go test ./promotion/config -run Page -update`.
func TestPageIsUpToDate(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	fresh := string(content)
	for name, table := range map[string]string{"keys": config.Reference(), "later keys": config.LaterReference(), "rules": config.RuleReference()} {
		begin, end := "<!-- "+name+": generated -->\n", "<!-- end of "+name+" -->"
		before, rest, found := strings.Cut(fresh, begin)
		_, after, closed := strings.Cut(rest, end)
		if !found || !closed {
			t.Fatalf("%s has no place for the %s, between %q and %q", page, name, begin, end)
		}
		fresh = before + begin + "\n" + table + "\n" + end + after
	}
	if fresh == string(content) {
		return
	}
	if !*update {
		t.Fatalf("the tables of %s are stale; run: go test ./promotion/config -run Page -update", page)
	}
	if err := os.WriteFile(page, []byte(fresh), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestDocumentedFiles holds every file that the page shows to the parser.
func TestDocumentedFiles(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	whole := 0
	for i, part := range strings.Split(string(content), "```yaml\n")[1:] {
		example, _, _ := strings.Cut(part, "```")
		if !strings.HasPrefix(example, "apiVersion:") {
			continue
		}
		whole++
		if _, err := config.Parse(config.File, []byte(example)); err != nil {
			t.Errorf("example %d: %v", i, err)
		}
	}
	if whole < 2 {
		t.Errorf("the page has %d whole files", whole)
	}
}
