package main

import (
	"os"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

// TestPreCommitHooks holds the hooks that other repositories use to the commands that there are.
func TestPreCommitHooks(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile("../../.pre-commit-hooks.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var hooks []struct{ ID, Name, Entry, Language string }
	if err := yaml.Unmarshal(content, &hooks); err != nil || len(hooks) == 0 {
		t.Fatalf("%v: %s", err, content)
	}
	for _, hook := range hooks {
		words := strings.Fields(hook.Entry)
		dir := makeCheckout(t, localFiles())
		if code, _, errs := ferryIn(t, dir, words[1:]...); words[0] != "ferry" || code == exitUsage || hook.ID == "" || hook.Name == "" || hook.Language != "golang" {
			t.Errorf("the hook %+v: exit %d, %s", hook, code, errs)
		}
	}
}
