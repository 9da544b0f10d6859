package sandbox_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"ferry/forge"
	"ferry/forge/sandbox"
)

// TestAutoMerge: docs.github.com, "Automatically merging a pull request": it can be enabled where requirements are not met, and merges when they are; and
// GraphQL, disablePullRequestAutoMerge.
func TestAutoMerge(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.token("")
	n, sha := w.openPull(token, "change", "a")
	if err := w.forge.EnableAutoMerge("acme/environments", 1, "ann"); err == nil || !strings.Contains(err.Error(), "clean status") {
		t.Fatalf("a pull request that can be merged is armed: %v", err)
	}
	w.rule(sandbox.Rules{Checks: []sandbox.RequiredCheck{{Context: "ci"}}})
	if err := w.forge.EnableAutoMerge("acme/environments", 1, "bob"); err == nil {
		t.Fatal("somebody without write permission armed it")
	}
	w.flush()
	w.inbox.clear()
	arm := func() {
		t.Helper()
		if err := w.forge.EnableAutoMerge("acme/environments", 1, "ann"); err != nil {
			t.Fatal(err)
		}
	}
	arm()
	pull := w.call(token, "GET", "~/pulls/"+n, "", 200)
	pull.want(map[string]string{"auto_merge.enabled_by.login": "ann", "auto_merge.merge_method": "merge"})
	w.call(token, "GET", "~/pulls", "", 200).want(map[string]string{"0.auto_merge.enabled_by.login": "ann"})
	disarm := `{"query":"mutation($id: ID!) { disablePullRequestAutoMerge(input: {pullRequestId: $id}) { clientMutationId } }","variables":{"id":"` + pull.str("node_id") + `"}}`
	w.do(w.graphql(token, disarm), 200).want(map[string]string{"data.disablePullRequestAutoMerge.clientMutationId": "<nil>"})
	w.do(w.graphql(token, disarm), 200).want(map[string]string{"errors.0.type": "UNPROCESSABLE"})
	w.do(w.graphql(w.token(`{"permissions":{"pull_requests":"read"}}`), disarm), 200).want(map[string]string{"errors.0.type": "FORBIDDEN"})
	w.do(w.graphql(token, strings.Replace(disarm, pull.str("node_id"), "x", 1)), 200).want(map[string]string{"errors.0.type": "NOT_FOUND"})
	w.do(w.graphql(token, `{"query":"{ viewer { login } }"}`), 200).want(map[string]string{"errors.0.extensions.code": "undefinedField"})
	arm()
	if err := w.forge.SetStatus("acme/environments", forge.SHA(sha), "ann", forge.Status{Context: "ci", State: forge.Success}); err != nil {
		t.Fatal(err)
	}
	w.call(token, "GET", "~/pulls/"+n, "", 200).want(map[string]string{"merged": "true", "merged_by.login": "ann", "auto_merge": "<nil>"})
	w.flush()
	got := slices.DeleteFunc(w.inbox.events(), func(e string) bool { return !strings.HasPrefix(e, "pull_request.") })
	if want := []string{"pull_request.auto_merge_enabled", "pull_request.auto_merge_disabled", "pull_request.auto_merge_enabled", "pull_request.closed"}; !slices.Equal(got, want) {
		t.Fatalf("sent were %v", got)
	}
}

// TestMergeQueue: docs.github.com, GraphQL, dequeuePullRequest, and "Webhook events and payloads", pull_request: enqueued, dequeued.
func TestMergeQueue(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.token("")
	n, _ := w.openPull(token, "change", "a")
	id := w.call(token, "GET", "~/pulls/"+n, "", 200).str("node_id")
	w.flush()
	w.inbox.clear()
	w.admin("POST", "/auto_merge", `{"repository":"acme/environments","number":1,"as":"ann","queue":true}`, 204)
	asked := `{"query":"query($owner: String!, $name: String!, $number: Int!) { repository(owner: $owner, name: $name) { pullRequest(number: $number) { id state mergeQueueEntry { enqueuer { login } } } } }","variables":{"owner":"acme","name":"environments","number":1}}`
	w.do(w.graphql(token, asked), 200).want(map[string]string{"data.repository.pullRequest.mergeQueueEntry.enqueuer.login": "ann", "data.repository.pullRequest.state": "OPEN"})
	w.do(w.graphql(token, `{"query":"mutation($id: ID!) { dequeuePullRequest(input: {id: $id}) { clientMutationId } }","variables":{"id":"`+id+`"}}`), 200).
		want(map[string]string{"data.dequeuePullRequest.clientMutationId": "<nil>"})
	if err := w.forge.MergeQueued("acme/environments"); err != nil {
		t.Fatal(err)
	}
	w.call(token, "GET", "~/pulls/"+n, "", 200).want(map[string]string{"merged": "false"})
	if err := w.forge.Enqueue("acme/environments", 1, "ann"); err != nil {
		t.Fatal(err)
	}
	if err := w.forge.MergeQueued("acme/environments"); err != nil {
		t.Fatal(err)
	}
	w.call(token, "GET", "~/pulls/"+n, "", 200).want(map[string]string{"merged": "true"})
	w.flush()
	got := slices.DeleteFunc(w.inbox.events(), func(e string) bool { return !strings.HasPrefix(e, "pull_request.") })
	if want := []string{"pull_request.enqueued", "pull_request.dequeued", "pull_request.enqueued", "pull_request.closed"}; !slices.Equal(got, want) {
		t.Fatalf("sent were %v", got)
	}
}

func (w *world) graphql(token, body string) *http.Request {
	w.t.Helper()
	req := w.request("POST", "/api/graphql", body)
	req.Header.Set("Authorization", "Bearer "+token)
	return req
}
