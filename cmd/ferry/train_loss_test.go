package main

import (
	"testing"
	"time"

	"ferry/forge"
)

// approvedTrain is a train that rita's review and cleo's comment have approved, of a group whose environment asks for both.
func approvedTrain(t *testing.T) (*harness, pull) {
	t.Helper()
	h := train(t, "    approvals: 2\n")
	h.person("rita", acmeEnv, forge.PermissionWrite)
	h.person("cleo", acmeEnv, forge.PermissionWrite)
	h.bump("1.1.0", "cart", "checkout")
	p := h.theTrain()
	h.later(time.Minute)
	h.review(p.Number, "rita", "APPROVE")
	h.ask(p.Number, "cleo", "/approve")
	h.wantStatus(acmeEnv, p.Head.SHA, "ferry/gates", "success", "")
	return h, p
}

// TestLossKeepsWhatATrainWasGivenBefore: what people gave an earlier head of a train counts for the one that brings the same of all its apps.
func TestLossKeepsWhatATrainWasGivenBefore(t *testing.T) {
	t.Parallel()
	h, p := approvedTrain(t)
	h.ask(p.Number, "dora", "/retry")
	again := h.brings("cart 1.0.0 → 1.1.0", "checkout 1.0.0 → 1.1.0")
	if again.Head.SHA == p.Head.SHA {
		t.Fatal("/retry made nothing anew")
	}
	h.wantStatus(acmeEnv, again.Head.SHA, "ferry/gates", "success", "")
	h.later(2 * time.Minute)
	h.comesBack()
	h.report(acmeEnv, "dev", "healthy")
	h.wantStatus(acmeEnv, h.theTrain().Head.SHA, "ferry/gates", "success", "")
	h.sweep()
	h.wantStatus(acmeEnv, h.theTrain().Head.SHA, "ferry/gates", "success", "")
	h.bump("1.2.0", "checkout")
	h.wantStatus(acmeEnv, h.theTrain().Head.SHA, "ferry/gates", "pending", "0 of 2")
}

// TestReopenedAfterALoss: a pull request that was closed while the database was lost, and is reopened, keeps its head and what people gave it.
func TestReopenedAfterALoss(t *testing.T) {
	t.Parallel()
	closeAndReopen := func(t *testing.T, h *harness, number int, gates func() (pull, string)) {
		t.Helper()
		before, _ := gates()
		if err := h.forge.ClosePull(acmeEnv, number, "dora"); err != nil {
			t.Fatal(err)
		}
		h.later(2 * time.Minute)
		h.lose()
		h.report(acmeEnv, "dev", "healthy")
		h.noPulls()
		h.does(h.forge.Reopen(acmeEnv, number, "dora"))
		h.later(time.Minute)
		after, state := gates()
		if after.Number != number || after.Head.SHA != before.Head.SHA || state != "success" {
			t.Errorf("#%d at %s became #%d at %s, and its gates are %s", number, before.Head.SHA.Short(), after.Number, after.Head.SHA.Short(), state)
		}
	}
	t.Run("a train", func(t *testing.T) {
		t.Parallel()
		h, p := approvedTrain(t)
		closeAndReopen(t, h, p.Number, func() (pull, string) {
			p := h.theTrain()
			return p, string(h.statuses(acmeEnv, p.Head.SHA)["ferry/gates"].State)
		})
	})
	t.Run("an app", func(t *testing.T) {
		t.Parallel()
		h, p := newProposed(t, approving)
		h.ask(p.Number, "eve", "/approve")
		h.gates("success", "")
		closeAndReopen(t, h, p.Number, func() (pull, string) {
			p := h.staging()
			return p, string(h.statuses(acmeEnv, p.Head.SHA)["ferry/gates"].State)
		})
	})
}
