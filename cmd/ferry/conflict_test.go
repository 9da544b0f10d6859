package main

import (
	"testing"
	"time"

	"ferry/forge"
)

// TestAPromotionOverARevertIsMadeAnew: somebody takes back what stands where a promotion is open. What its branch says stays the same to the byte, and yet
// conflicts with its base: it is made anew on that.
func TestAPromotionOverARevertIsMadeAnew(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	h.arrive("1.1.0")
	h.merge(acmeEnv, h.staging().Number)
	h.arrive("1.2.0")
	p := h.staging()
	h.deploy("staging", "1.0.0")
	now := h.staging()
	if now.Number != p.Number || now.Head.SHA == p.Head.SHA {
		t.Errorf("#%d stands at %s, before the revert it was #%d at %s", now.Number, now.Head.SHA.Short(), p.Number, p.Head.SHA.Short())
	}
	if _, err := h.forge.Merge(acmeEnv, now.Number, "dora", forge.MergeCommit); err != nil {
		t.Fatalf("it cannot be merged: %v", err)
	}
	h.settle()
	if got := h.file(acmeEnv, "main", checkoutPath("staging")); got != kustomization("checkout", "1.2.0") {
		t.Errorf("staging has\n%s", got)
	}
}

// TestReopenedWhileTheNextIsAboutToOpen: a promotion is rejected, the next release is wished and not opened yet, and somebody reopens the rejected one. It
// is the one pull request of the branch: it shows the next release, with its gates.
func TestReopenedWhileTheNextIsAboutToOpen(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	h.arrive("1.1.0")
	p := h.staging()
	h.does(h.forge.ClosePull(acmeEnv, p.Number, "dora"))
	h.deploy("dev", "1.2.0")
	h.tellOnly("dev", string(h.head(acmeEnv, "main")))
	h.decideApps() // the wish stands, and nobody acts yet
	if err := h.forge.Reopen(acmeEnv, p.Number, "dora"); err != nil {
		t.Fatal(err)
	}
	h.observeAndCommand()
	h.settle()
	h.later(time.Minute)
	now := h.staging()
	if now.Number != p.Number || h.file(acmeEnv, now.Head.Ref, checkoutPath("staging")) != kustomization("checkout", "1.2.0") {
		t.Errorf("open is %+v", now)
	}
	h.wantStatus(acmeEnv, now.Head.SHA, "ferry/gates", "success", "every gate is open")
	if n := query[int](h, `select count(*) from promotions where state in ('waiting', 'open')`); n != 1 {
		t.Errorf("%d promotions live, want one", n)
	}
}
