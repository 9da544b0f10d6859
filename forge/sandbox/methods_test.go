package sandbox_test

import (
	"strings"
	"testing"

	"ferry/forge"
	"ferry/forge/sandbox"
)

func TestAllowedMergeMethods(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.token("")
	n, _ := w.openPull(token, "change", "a.txt")
	if err := w.forge.SetMergeMethods("acme/environments", forge.MergeSquash); err != nil {
		t.Fatal(err)
	}
	w.call(token, "GET", "~", "", 200).want(map[string]string{"allow_merge_commit": "false", "allow_squash_merge": "true", "allow_rebase_merge": "false"})
	for method, words := range map[string]string{"merge": "Merge commits", "rebase": "Rebase merges"} {
		w.call(token, "PUT", "~/pulls/"+n+"/merge", `{"merge_method":"`+method+`"}`, 405).want(map[string]string{"message": words + " are not allowed on this repository."})
	}
	w.call(token, "PUT", "~/pulls/"+n+"/merge", `{"merge_method":"squash"}`, 200)
}

// TestSignedCommits: what the forge makes by its API is signed, what a person pushes and what the forge rebases is not.
func TestSignedCommits(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.token("")
	n, _ := w.openPull(token, "change", "a.txt")
	if err := w.forge.SetRuleset("acme/environments", sandbox.Ruleset{Name: "signed", Branches: []string{"main"}, Rules: sandbox.Rules{Signed: true}}); err != nil {
		t.Fatal(err)
	}
	if got := w.call(token, "GET", "~/rules/branches/main", "", 200); !strings.Contains(string(got.raw), `"required_signatures"`) {
		t.Errorf("the rules: %s", got.raw)
	}
	refused := w.call(token, "PUT", "~/pulls/"+n+"/merge", `{"merge_method":"rebase"}`, 405)
	if !strings.Contains(refused.str("message"), "Commits must have verified signatures.") {
		t.Errorf("a rebase: %s", refused.raw)
	}
	w.call(token, "PUT", "~/pulls/"+n+"/merge", `{"merge_method":"merge"}`, 200)
}
