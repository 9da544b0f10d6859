package main

import (
	"testing"

	"ferry/forge"
	"ferry/forge/sandbox"
)

// TestSameHeadAsAPromotion: a stranger's pull request on the head of one of Ferry's says nothing of that head any more once it is closed, or has moved on.
func TestSameHeadAsAPromotion(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		ends func(h *harness, number int, branch string)
	}{
		{"closed", func(h *harness, number int, _ string) { h.does(h.forge.ClosePull(acmeEnv, number, "mallory")) }},
		{"moved on", func(h *harness, _ int, branch string) {
			h.doesUnheard(h.forge.Commit("mallory/environments", sandbox.Edit{As: "mallory", Branch: branch, Message: "x", Files: map[string]string{"NOTES.md": "notes\n"}}))
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			h, p := newProposed(t, proposing)
			h.forge.AddUser("mallory")
			_, err := h.forge.AddFork(acmeEnv, "mallory")
			h.does(err)
			n, err := h.forge.OpenPull(acmeEnv, "mallory", forge.NewPullRequest{HeadBranch: "mallory:" + p.Head.Ref, BaseBranch: "main", Title: "the same"})
			h.does(err)
			h.ask(h.board().Number, "mia", "/freeze staging an incident")
			h.wantStatus(acmeEnv, p.Head.SHA, "ferry/gates", "failure", "it changes checkout in staging; freeze")
			test.ends(h, n, p.Head.Ref)
			h.settle()
			h.wantStatus(acmeEnv, p.Head.SHA, "ferry/gates", "failure", "incident")
			h.ask(h.board().Number, "mia", "/thaw staging")
			h.wantStatus(acmeEnv, p.Head.SHA, "ferry/gates", "success", "")
		})
	}
}
