package main

import (
	"testing"

	"ferry/forge"
	"ferry/forge/sandbox"
)

// TestNoLeftHeadStaysGreen: a head that its pull request has left is green no more, so that nobody takes it up again and merges it before Ferry has looked
// at what stops it by now. Ferry judges it anew then.
func TestNoLeftHeadStaysGreen(t *testing.T) {
	t.Parallel()
	byHand := func(h *harness) (int, forge.SHA, string) {
		n, head := h.propose("topic", map[string]string{checkoutPath("staging"): kustomization("checkout", "9.0.0")})
		return n, head, "topic"
	}
	own := func(h *harness) (int, forge.SHA, string) {
		h.arrive("1.1.0")
		p := h.staging()
		return p.Number, p.Head.SHA, p.Head.Ref
	}
	closed := func(h *harness, number int, _ string) { h.does(h.forge.ClosePull(acmeEnv, number, "dora")) }
	movedOn := func(h *harness, _ int, branch string) {
		h.doesUnheard(h.forge.Commit(acmeEnv, sandbox.Edit{As: "dora", Branch: branch, Message: "x", Files: map[string]string{"NOTES.md": "notes\n"}}))
		h.settle()
	}
	blocked := func(h *harness, _ int, _ string) {
		h.ask(h.board().Number, "mia", "/block checkout 1.1.0 loses orders")
	}
	reopened := func(h *harness, number int, _ string, _ forge.SHA) error {
		return h.forge.Reopen(acmeEnv, number, "dora")
	}
	movedBack := func(h *harness, _ int, branch string, head forge.SHA) error {
		h.patchRef(branch, head, true)
		return nil
	}
	for _, test := range []struct {
		name   string
		opens  func(*harness) (int, forge.SHA, string)
		leaves func(*harness, int, string)
		back   func(*harness, int, string, forge.SHA) error
		lifted string // what lets it in again
	}{
		{"by hand, closed", byHand, closed, reopened, "/thaw staging"},
		{"by hand, moved on", byHand, movedOn, movedBack, "/thaw staging"},
		{"Ferry's, closed by a person", own, closed, reopened, "/thaw staging"},
		{"Ferry's, moved on by a person", own, movedOn, movedBack, "/thaw staging"},
		{"Ferry's, closed by a block", own, blocked, (*harness).restored, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			h := newCheckout(t, "")
			h.maintainer()
			number, head, branch := test.opens(h)
			h.does(h.forge.SetRuleset(acmeEnv, sandbox.Ruleset{Name: "main", Branches: []string{"main"}, Rules: sandbox.Rules{Checks: []sandbox.RequiredCheck{{Context: "ferry/gates", App: testAppID}}}}))
			h.wantStatus(acmeEnv, head, "ferry/gates", "success", "")
			test.leaves(h, number, branch)
			h.wantStatus(acmeEnv, head, "ferry/gates", "pending", "no open pull request has this head any more")
			h.ask(h.board().Number, "mia", "/freeze staging an incident")
			if err := test.back(h, number, branch, head); err != nil {
				t.Fatal(err)
			}
			if _, err := h.forge.Merge(acmeEnv, number, "dora", forge.MergeCommit); err == nil {
				t.Error("it was merged before Ferry looked at it again")
			}
			h.settle()
			if test.lifted != "" {
				h.wantStatus(acmeEnv, head, "ferry/gates", "failure", "incident")
				h.ask(h.board().Number, "mia", test.lifted)
				h.wantStatus(acmeEnv, head, "ferry/gates", "success", "")
			}
		})
	}
}

// restored brings a branch back that Ferry removed, and reopens its pull request.
func (h *harness) restored(number int, _ string, _ forge.SHA) error {
	h.t.Helper()
	h.restore(h.pull(number))
	return h.forge.Reopen(acmeEnv, number, "dora")
}

// TestMergedHeadStaysGreen: what was merged came through its gates, and nothing more is posted on it.
func TestMergedHeadStaysGreen(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	h.arrive("1.1.0")
	p := h.staging()
	h.merge(acmeEnv, p.Number)
	n, head := h.propose("topic", map[string]string{checkoutPath("staging"): kustomization("checkout", "9.0.0")})
	h.merge(acmeEnv, n)
	h.wantStatus(acmeEnv, head, "ferry/gates", "success", "")
	h.wantStatus(acmeEnv, p.Head.SHA, "ferry/gates", "success", "")
}

// TestLeftHeadOfTwo: a head that another open pull request has too keeps what is said of that one.
func TestLeftHeadOfTwo(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	n, head := h.propose("topic", map[string]string{"NOTES.md": "notes\n"})
	h.write("dora", "POST", "/git/refs", map[string]any{"ref": "refs/heads/twin", "sha": head})
	twin, err := h.forge.OpenPull(acmeEnv, "dora", forge.NewPullRequest{HeadBranch: "twin", BaseBranch: "main", Title: "twin"})
	h.does(err)
	h.does(h.forge.ClosePull(acmeEnv, n, "dora"))
	h.wantStatus(acmeEnv, head, "ferry/gates", "success", "")
	h.does(h.forge.ClosePull(acmeEnv, twin, "dora"))
	h.wantStatus(acmeEnv, head, "ferry/gates", "pending", "no open pull request")
}

// TestLossOfWhatIsLeft: a head that was closed while the database was lost does not stay green, one request asks for all of them, and what was merged, or
// is open still, stays as it is.
func TestLossOfWhatIsLeft(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	h.maintainer()
	left, head := h.propose("left", map[string]string{checkoutPath("staging"): kustomization("checkout", "9.0.0")})
	_, open := h.propose("open", map[string]string{"NOTES.md": "notes\n"})
	merged, in := h.propose("merged", map[string]string{"OTHER.md": "notes\n"})
	h.merge(acmeEnv, merged)
	h.forge.Faults().Lose("pull_request", 1)
	if err := h.forge.ClosePull(acmeEnv, left, "dora"); err != nil {
		t.Fatal(err)
	}
	h.lose()
	h.wantStatus(acmeEnv, head, "ferry/gates", "pending", "no open pull request has this head any more")
	h.wantStatus(acmeEnv, open, "ferry/gates", "success", "")
	h.wantStatus(acmeEnv, in, "ferry/gates", "success", "")
	h.ask(h.board().Number, "mia", "/freeze staging an incident")
	h.does(h.forge.Reopen(acmeEnv, left, "dora"))
	h.wantStatus(acmeEnv, head, "ferry/gates", "failure", "incident")
}
