package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"ferry/forge"
	"ferry/forge/sandbox"
)

// reverted fails unless prod went back from 1.2.0 to 1.1.0 by that person, and is kept there.
func (h *harness) reverted(by string) {
	h.t.Helper()
	h.nothingIntoProd()
	state := h.file(acmeEnv, "ferry-state", "decisions.yaml")
	for _, words := range []string{"rolledBack:", "release: 1.2.0", "by: " + by} {
		if !strings.Contains(state, words) {
			h.t.Errorf("the branch ferry-state lacks %q:\n%s", words, state)
		}
	}
	h.later(2 * time.Minute)
	for _, words := range []string{by + " holds checkout in prod since the rollback from 1.2.0", by + " blocks checkout 1.2.0 in prod"} {
		if body := h.board().Body; !strings.Contains(body, words) {
			h.t.Errorf("the issue lacks %q:\n%s", words, body)
		}
	}
	for _, e := range h.events() {
		if e.Kind == "reverted" && e.Actor == by && strings.HasPrefix(e.Cause, "revision ") && e.Detail == "1.2.0 → 1.1.0" {
			return
		}
	}
	h.t.Errorf("no event says who reverted it: %+v", h.events())
}

func TestRevertByACommit(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	h.through("1.1.0")
	h.through("1.2.0")
	h.deploy("prod", "1.1.0")
	h.reverted("dora")
	h.report(acmeEnv, "prod", "healthy")
	h.loseAndCompare()
	h.reportAll("dev", "staging", "prod")
	h.reverted2()
	h.through("1.3.0")
	h.wantInProd("1.3.0")
	if state := h.file(acmeEnv, "ferry-state", "decisions.yaml"); strings.Contains(state, "holds:") || !strings.Contains(state, "blocks:") {
		t.Errorf("the branch ferry-state says\n%s", state)
	}
}

// reverted2 is reverted after a loss, of which no events remain.
func (h *harness) reverted2() {
	h.t.Helper()
	h.nothingIntoProd()
	if n := strings.Count(h.file(acmeEnv, "ferry-state", "decisions.yaml"), "rolledBack:"); n != 1 {
		h.t.Errorf("%d rollbacks are held", n)
	}
}

func TestRevertByAMergedPullRequest(t *testing.T) {
	t.Parallel()
	for _, method := range []forge.MergeMethod{forge.MergeCommit, forge.MergeSquash, forge.MergeRebase} {
		t.Run(string(method), func(t *testing.T) {
			t.Parallel()
			h := newCheckout(t, "")
			mia := h.maintainer()
			h.through("1.1.0")
			h.through("1.2.0")
			h.push("dora", "revert", map[string]string{checkoutPath("prod"): kustomization("checkout", "1.1.0")})
			n, err := h.forge.OpenPull(acmeEnv, "dora", forge.NewPullRequest{HeadBranch: "revert", BaseBranch: "main", Title: "Revert"})
			h.does(err)
			_, err = h.forge.Merge(acmeEnv, n, mia, method)
			h.does(err)
			h.reverted(mia)
		})
	}
}

// TestRevertThatNoDeliveryTellsOf is found by the sweep, which reads who made it.
func TestRevertThatNoDeliveryTellsOf(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	h.through("1.1.0")
	h.through("1.2.0")
	h.forge.Faults().Lose("push", 1)
	_, err := h.forge.Commit(acmeEnv, sandbox.Edit{As: "dora", Message: "Revert", Files: map[string]string{checkoutPath("prod"): kustomization("checkout", "1.1.0")}})
	h.does(err)
	h.sweep()
	h.reverted("dora")
}

// TestRevertByABot is its own affair, and so is what Ferry merges itself.
func TestRevertByABot(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	h.through("1.1.0")
	h.through("1.2.0")
	bot := h.anotherBot("deployer", acmeEnv)
	_, err := h.forge.Commit(acmeEnv, sandbox.Edit{As: bot, Message: "back", Files: map[string]string{checkoutPath("prod"): kustomization("checkout", "1.1.0")}})
	h.does(err)
	if state := h.file(acmeEnv, "ferry-state", "decisions.yaml"); strings.Contains(state, "holds:") || slices.Contains(h.eventKinds("prod"), "reverted") {
		t.Errorf("the branch ferry-state says\n%s", state)
	}
	h.nothingIntoProd()
}
