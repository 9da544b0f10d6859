package github_test

import (
	"fmt"
	"testing"

	"ferry/forge"
)

// TestWaysToMerge: the settings are those of docs.github.com, REST, "Get a repository"; the rules those of "Get rules for a branch", and of branch protection what GraphQL's
// RefUpdateRule shows.
func TestWaysToMerge(t *testing.T) {
	t.Parallel()
	const merge, squash, rebase = forge.MergeCommit, forge.MergeSquash, forge.MergeRebase
	for name, test := range map[string]struct {
		settings, rules string
		protection      string // in GraphQL; empty where there is none
		want            []forge.MergeMethod
	}{
		"all":             {`{"allow_merge_commit":true,"allow_squash_merge":true,"allow_rebase_merge":true}`, `[]`, "", []forge.MergeMethod{merge, squash, rebase}},
		"none is said":    {`{}`, `[]`, "", []forge.MergeMethod{merge, squash, rebase}},
		"one":             {`{"allow_merge_commit":false,"allow_squash_merge":false,"allow_rebase_merge":true}`, `[]`, "", []forge.MergeMethod{rebase}},
		"signed":          {`{}`, `[{"type":"required_signatures"}]`, "", []forge.MergeMethod{merge, squash}},
		"linear":          {`{}`, `[{"type":"required_linear_history"}]`, "", []forge.MergeMethod{squash, rebase}},
		"a rule":          {`{}`, `[{"type":"pull_request","parameters":{"allowed_merge_methods":["squash"]}}]`, "", []forge.MergeMethod{squash}},
		"nothing is left": {`{"allow_merge_commit":true,"allow_rebase_merge":true}`, `[{"type":"required_linear_history"},{"type":"required_signatures"}]`, "", nil},
		"protected":       {`{}`, `[]`, `{"requiresLinearHistory":true,"requiresSignatures":false,"requiredApprovingReviewCount":null}`, []forge.MergeMethod{squash, rebase}},
		"and signed":      {`{}`, `[]`, `{"requiresLinearHistory":true,"requiresSignatures":true,"requiredApprovingReviewCount":1}`, []forge.MergeMethod{squash}},
		"not shown":       {`{}`, `[]`, `null`, []forge.MergeMethod{merge, squash, rebase}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			f.on("GET "+repoURL, 200, test.settings)
			f.on("GET "+repoURL+"/rules/branches/main", 200, test.rules)
			f.on("GET "+repoURL+"/branches/main", 200, fmt.Sprintf(`{"protected":true,"protection":{"enabled":%t}}`, test.protection != ""))
			f.on("POST /api/graphql", 200, fmt.Sprintf(`{"data":{"repository":{"ref":{"refUpdateRule":%s}}}}`, test.protection))
			got, err := f.client(t).WaysToMerge(t.Context(), acme, "main")
			same(t, test.want, got, err)
		})
	}
}
