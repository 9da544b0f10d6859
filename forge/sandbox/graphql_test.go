package sandbox_test

import (
	"fmt"
	"testing"
)

// TestGraphQLCommitsPlainFiles: docs.github.com, GraphQL, createCommitOnBranch takes paths and contents, no modes; what was executable is not after it.
func TestGraphQLCommitsPlainFiles(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.token("")
	main := w.call(token, "GET", "~/git/ref/heads/main", "", 200).str("object.sha")
	tree := w.call(token, "POST", "~/git/trees", fmt.Sprintf(`{"base_tree":%q,"tree":[{"path":"run.sh","mode":"100755","type":"blob","content":"a"}]}`, main), 201).str("sha")
	commit := w.call(token, "POST", "~/git/commits", fmt.Sprintf(`{"message":"run","tree":%q,"parents":[%q]}`, tree, main), 201).str("sha")
	w.call(token, "POST", "~/git/refs", fmt.Sprintf(`{"ref":"refs/heads/x","sha":%q}`, commit), 201)
	order := fmt.Sprintf(`{"query":"mutation($in: CreateCommitOnBranchInput!) { createCommitOnBranch(input: $in) { commit { oid } } }","variables":{"in":{
		"branch":{"repositoryNameWithOwner":"acme/environments","branchName":"x"},"message":{"headline":"again"},"expectedHeadOid":%q,
		"fileChanges":{"additions":[{"path":"run.sh","contents":"Yg=="}]}}}}`, commit)
	made := w.do(w.graphql(token, order), 200).str("data.createCommitOnBranch.commit.oid")
	w.call(token, "GET", "~/git/trees/"+made, "", 200).want(map[string]string{"tree.2.path": "run.sh", "tree.2.mode": "100644"})
	w.call(token, "GET", "~/commits/"+made, "", 200).want(map[string]string{"commit.verification.verified": "true", "author.login": "ferry[bot]", "committer.login": "web-flow"})
	w.do(w.graphql(token, order), 200).want(map[string]string{"errors.0.type": "STALE_DATA", "data.createCommitOnBranch": "<nil>"})
	w.do(w.graphql(w.token(`{"permissions":{"contents":"read"}}`), order), 200).want(map[string]string{"errors.0.type": "FORBIDDEN"})
}
