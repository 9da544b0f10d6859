package github_test

import (
	"encoding/json"
	"testing"

	"ferry/forge"
	"ferry/forge/github"
	"ferry/forge/sandbox"
)

// TestContractMergeQueue: docs.github.com, "Managing a merge queue"; GraphQL, enqueuePullRequest.
func TestContractMergeQueue(t *testing.T) {
	t.Parallel()
	c, ctx := newContract(t), t.Context()
	head := c.bump(t, "ferry/dev/checkout", "1.1.0")
	p := c.pull(t, "ferry/dev/checkout")
	queued, err := c.client.Enqueue(ctx, c.repo, p.Number, head)
	same(t, false, queued, err)
	queue, err := c.client.MergeQueue(ctx, c.repo, "main")
	same(t, forge.MergeQueue{}, queue, err)
	rules := sandbox.Rules{MergeQueue: true, Checks: []sandbox.RequiredCheck{{Context: "ci"}}}
	if err := c.sandbox.SetRuleset("acme/environments", sandbox.Ruleset{Name: "queue", Branches: []string{"main"}, Rules: rules}); err != nil {
		t.Fatal(err)
	}
	_, err = c.client.Merge(ctx, c.repo, p.Number, head, forge.MergeCommit, "")
	is(t, err, forge.ErrNotMergeable)
	_, err = c.client.Enqueue(ctx, c.repo, p.Number, head)
	is(t, err, forge.ErrInvalid)
	if err := c.client.SetStatus(ctx, c.repo, head, forge.Status{Context: "ci", State: forge.Success}); err != nil {
		t.Fatal(err)
	}
	_, err = c.client.Enqueue(ctx, c.repo, p.Number, c.head(t, "main"))
	is(t, err, forge.ErrInvalid)
	for range 2 { // it is there once
		queued, err = c.client.Enqueue(ctx, c.repo, p.Number, head)
		same(t, true, queued, err)
	}
	queue, err = c.client.MergeQueue(ctx, c.repo, "main")
	if err != nil || !queue.Exists || len(queue.Entries) != 1 || queue.Entries[0].Group == "" || queue.Entries[0].Group == head {
		t.Fatalf("%+v, %v", queue, err)
	}
	same(t, forge.Queued{Number: p.Number, By: "ferry[bot]", Group: queue.Entries[0].Group}, queue.Entries[0], nil)
	was, err := c.client.Disarm(ctx, c.repo, p.Number)
	same(t, forge.Armed{Open: true, Queue: "ferry[bot]"}, was, err)
}

// TestMergeQueueOfOldServers: GitHub Enterprise Server knew no merge queues once; then there is none.
func TestMergeQueueOfOldServers(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.on("POST /api/graphql", 200, `{"errors":[{"path":["query"],"extensions":{"code":"undefinedField"},"message":"Field 'mergeQueue' doesn't exist on type 'Repository'"}]}`)
	queue, err := f.client(t).MergeQueue(t.Context(), acme, "main")
	same(t, forge.MergeQueue{}, queue, err)
	queued, err := f.client(t).Enqueue(t.Context(), acme, 1, shaA)
	same(t, false, queued, err)
}

// TestParseMergeGroup: docs.github.com, "Webhook events and payloads", merge_group.
func TestParseMergeGroup(t *testing.T) {
	t.Parallel()
	const head, base = string(shaA), string(shaB)
	for name, test := range map[string]struct {
		action, ref string
		want        forge.GroupHint
	}{
		"made":      {"checks_requested", "refs/heads/gh-readonly-queue/main/pr-104-" + base, forge.GroupHint{Branch: "main", Head: shaA, Base: shaB, Number: 104}},
		"destroyed": {"destroyed", "refs/heads/gh-readonly-queue/main/pr-104-" + base, forge.GroupHint{Branch: "main", Head: shaA, Base: shaB, Number: 104, Gone: true}},
		"elsewhere": {"checks_requested", "refs/heads/x", forge.GroupHint{Branch: "main", Head: shaA, Base: shaB}},
	} {
		body, err := json.Marshal(map[string]any{"action": test.action, "repository": map[string]any{"id": 7, "full_name": "acme/environments"},
			"merge_group": map[string]any{"head_sha": head, "head_ref": test.ref, "base_sha": base, "base_ref": "refs/heads/main"}})
		if err != nil {
			t.Fatal(err)
		}
		e, err := github.Parse("merge_group", body)
		if err != nil || e.Kind != forge.EventQueue || *e.Group != test.want {
			t.Errorf("%s: %+v, %v", name, e.Group, err)
		}
	}
	pushed := func(sender string, before, after forge.SHA) *forge.GroupHint {
		body, err := json.Marshal(map[string]any{"ref": "refs/heads/gh-readonly-queue/release/1/pr-104-" + base, "before": before, "after": after, "repository": map[string]any{"id": 7, "full_name": "acme/environments"}, "sender": map[string]any{"id": 8, "login": sender}})
		if err != nil {
			t.Fatal(err)
		}
		e, err := github.Parse("push", body)
		if err != nil {
			t.Fatal(err)
		}
		return e.Group
	}
	same(t, &forge.GroupHint{Branch: "release/1", Head: shaA, Base: shaB, Number: 104}, pushed("github-merge-queue[bot]", zero, shaA), nil)
	same(t, &forge.GroupHint{Branch: "release/1", Head: shaA, Base: shaB, Number: 104, Gone: true}, pushed("github-merge-queue[bot]", shaA, zero), nil)
	for _, ends := range [][2]forge.SHA{{zero, shaA}, {shaA, zero}} {
		if g := pushed("dora", ends[0], ends[1]); g != nil {
			t.Errorf("a person's branch is a group: %+v", g)
		}
	}
	for _, body := range []string{`{"repository":{"id":7,"full_name":"a/b"}}`, `{"repository":{"id":7,"full_name":"a/b"},"merge_group":{"head_sha":"x"}}`, `{"merge_group":{}}`} {
		if _, err := github.Parse("merge_group", []byte(body)); err == nil {
			t.Errorf("%s is taken", body)
		}
	}
}
