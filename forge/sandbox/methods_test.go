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

const ruleAsked = `{"query":"query($ref: String!) { repository(owner: \"acme\", name: \"environments\") { ref(qualifiedName: $ref) { refUpdateRule { ` +
	`requiresLinearHistory requiresSignatures requiredApprovingReviewCount } } } }","variables":{"ref":"refs/heads/main"}}`

// TestLinearHistory: docs.github.com, "About protected branches", require linear history, and "Available rules for rulesets"; what branch protection asks for is
// shown to who does not administer it by GraphQL, RefUpdateRule.
func TestLinearHistory(t *testing.T) {
	t.Parallel()
	for name, set := range map[string]func(*world){
		"protection": func(w *world) { w.protect(sandbox.Protection{Rules: sandbox.Rules{Linear: true, Signed: true}}) },
		"ruleset":    func(w *world) { w.rule(sandbox.Rules{Linear: true}) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			token := w.token("")
			n, _ := w.openPull(token, "change", "a.txt")
			w.do(w.graphql(token, ruleAsked), 200).want(map[string]string{"data.repository.ref.refUpdateRule": "<nil>"})
			set(w)
			shown := w.do(w.graphql(token, ruleAsked), 200)
			if name == "protection" {
				shown.want(map[string]string{"data.repository.ref.refUpdateRule.requiresLinearHistory": "true", "data.repository.ref.refUpdateRule.requiresSignatures": "true",
					"data.repository.ref.refUpdateRule.requiredApprovingReviewCount": "<nil>"})
			} else {
				w.call(token, "GET", "~/rules/branches/main", "", 200).want(map[string]string{"2.type": "required_linear_history"})
			}
			w.do(w.graphql(w.token(`{"permissions":{"pull_requests":"write"}}`), ruleAsked), 200).want(map[string]string{"errors.0.type": "FORBIDDEN"})
			w.call(token, "GET", "~/pulls/"+n, "", 200)
			w.call(token, "GET", "~/pulls/"+n, "", 200).want(map[string]string{"mergeable_state": "clean"})
			if got := w.call(token, "PUT", "~/pulls/"+n+"/merge", "{}", 405).str("message"); !strings.Contains(got, "This branch must not contain merge commits.") {
				t.Errorf("a merge commit: %s", got)
			}
			w.call(token, "PUT", "~/pulls/"+n+"/merge", `{"merge_method":"squash"}`, 200)
			tree, main := w.call(token, "GET", "~/commits/main", "", 200).str("commit.tree.sha"), w.call(token, "GET", "~/commits/main", "", 200).str("sha")
			parent := w.call(token, "GET", "~/commits/main", "", 200).str("parents.0.sha")
			commit := w.call(token, "POST", "~/git/commits", `{"message":"both","tree":"`+tree+`","parents":["`+main+`","`+parent+`"]}`, 201).str("sha")
			if got := w.call(token, "PATCH", "~/git/refs/heads/main", `{"sha":"`+commit+`"}`, 422).str("message"); !strings.Contains(got, "This branch must not contain merge commits.") {
				t.Errorf("a pushed merge commit: %s", got)
			}
		})
	}
}
