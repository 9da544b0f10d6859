package sandbox_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"ferry/forge"
	"ferry/forge/sandbox"
)

const queueAsked = `{"query":"query($owner: String!, $name: String!, $branch: String!) { repository(owner: $owner, name: $name) { mergeQueue(branch: $branch) { ` +
	`entries(first: 100) { nodes { position headCommit { oid } pullRequest { number } } } } } }","variables":{"owner":"acme","name":"environments","branch":"main"}}`

// TestMergeGroups: docs.github.com, "Managing a merge queue", and "Webhook events and payloads", merge_group.
func TestMergeGroups(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.token("")
	w.do(w.graphql(token, queueAsked), 200).want(map[string]string{"data.repository.mergeQueue": "<nil>"})
	var ids, heads []string
	for _, branch := range []string{"one", "two"} {
		n, sha := w.openPull(token, branch, branch)
		ids, heads = append(ids, w.call(token, "GET", "~/pulls/"+n, "", 200).str("node_id")), append(heads, sha)
	}
	rules := sandbox.Rules{MergeQueue: true, Checks: []sandbox.RequiredCheck{{Context: "ci"}}}
	if err := w.forge.SetRuleset("acme/environments", sandbox.Ruleset{Name: "queue", Branches: []string{"main"}, Rules: rules}); err != nil {
		t.Fatal(err)
	}
	w.call(token, "GET", "~/rules/branches/main", "", 200).want(map[string]string{"2.type": "merge_queue"})
	w.enqueue(token, ids[0], heads[0], "UNPROCESSABLE")
	w.green(heads...)
	w.call(token, "PUT", "~/pulls/1/merge", "{}", 405)
	w.enqueue(token, ids[0], heads[1], "UNPROCESSABLE")
	w.enqueue(token, ids[0], heads[0], "")
	w.enqueue(token, ids[1], heads[1], "")
	w.flush()
	w.inbox.clear()
	queue := w.do(w.graphql(token, queueAsked), 200)
	const entries = "data.repository.mergeQueue.entries.nodes."
	queue.want(map[string]string{entries + "0.pullRequest.number": "1", entries + "1.pullRequest.number": "2", entries + "1.position": "2"})
	second := queue.str(entries + "1.headCommit.oid")
	w.green(second) // what is before it comes first
	w.call(token, "GET", "~/pulls/2", "", 200).want(map[string]string{"merged": "false"})
	if err := w.forge.SetStatus("acme/environments", forge.SHA(queue.str(entries+"0.headCommit.oid")), "ann", forge.Status{Context: "ci", State: forge.Failure}); err != nil {
		t.Fatal(err)
	}
	left := w.do(w.graphql(token, queueAsked), 200)
	left.want(map[string]string{entries + "0.pullRequest.number": "2", entries + "0.position": "1"})
	made := left.str(entries + "0.headCommit.oid")
	w.green(made)
	w.call(token, "GET", "~/pulls/2", "", 200).want(map[string]string{"merged": "true", "merge_commit_sha": made})
	w.call(token, "GET", "~/git/ref/heads/main", "", 200).want(map[string]string{"object.sha": made})
	w.flush()
	got := slices.DeleteFunc(w.inbox.events(), func(e string) bool { return strings.HasPrefix(e, "status") || strings.HasPrefix(e, "push") })
	want := []string{"pull_request.dequeued", "merge_group.destroyed", "merge_group.destroyed", "merge_group.checks_requested", "merge_group.destroyed", "pull_request.dequeued", "pull_request.closed"}
	if !slices.Equal(got, want) {
		t.Errorf("sent were %v", got)
	}
}

// enqueue asks for a place in the queue, and wants this type of problem, or none.
func (w *world) enqueue(token, id, head, problem string) {
	w.t.Helper()
	asked := w.do(w.graphql(token, fmt.Sprintf(`{"query":"mutation($in: EnqueuePullRequestInput!) { enqueuePullRequest(input: $in) { clientMutationId } }","variables":{"in":{"pullRequestId":%q,"expectedHeadOid":%q}}}`, id, head)), 200)
	if problem != "" {
		asked.want(map[string]string{"errors.0.type": problem})
	} else {
		asked.want(map[string]string{"data.enqueuePullRequest.clientMutationId": "<nil>"})
	}
}

func (w *world) green(commits ...string) {
	w.t.Helper()
	for _, sha := range commits {
		if err := w.forge.SetStatus("acme/environments", forge.SHA(sha), "ann", forge.Status{Context: "ci", State: forge.Success}); err != nil {
			w.t.Fatal(err)
		}
	}
}
