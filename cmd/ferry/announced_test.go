package main

import (
	"strings"
	"testing"
	"time"
)

// updating is a forge with checkout, whose dev Ferry updates in that way, and CI's token.
func updating(t *testing.T, update string) (h *harness, ci string) {
	t.Helper()
	h = newCheckoutWith(t, "environments:\n  - name: dev\n    update: "+update+"\n  - name: staging\n    from: [dev]\n")
	h.reportAll("dev", "staging")
	h.later(time.Minute)
	return h, h.token(acmeEnv, "")
}

// wantUpdate fails unless the open pull request into dev brings the tag.
func (h *harness) wantUpdate(tag string) {
	h.t.Helper()
	if p := h.pullOn(acmeEnv, "ferry/dev/checkout"); !strings.HasSuffix(p.Title, "→ "+tag) {
		h.t.Errorf("open into dev is %q, want %s", p.Title, tag)
	}
}

// TestAnnouncedOutOfOrder: a maintenance branch is released while the newer version waits.
func TestAnnouncedOutOfOrder(t *testing.T) {
	t.Parallel()
	h, ci := updating(t, "pr")
	h.announce(ci, "1.2.0", "")
	h.announce(ci, "1.1.5", "")
	h.wantUpdate("1.2.0")
	h.loseAndCompare()
	h.reportAll("dev", "staging")
	ci = h.token(acmeEnv, "")
	h.wantUpdate("1.2.0")
	h.announce(ci, "1.1.6", "")
	h.wantUpdate("1.2.0")
	h.merge(acmeEnv, h.pullOn(acmeEnv, "ferry/dev/checkout").Number)
	h.report(acmeEnv, "dev", "healthy")
	h.sweep()
	if got := h.staging(); len(h.openPulls(acmeEnv)) != 1 || !strings.HasSuffix(got.Title, "→ 1.2.0") {
		t.Errorf("open are %v", h.openPulls(acmeEnv))
	}
}

func TestAnnouncedOutOfOrderUnderAFreeze(t *testing.T) {
	t.Parallel()
	h, ci := updating(t, "commit")
	mia, board := h.maintainer(), h.board().Number
	h.ask(board, mia, "/freeze dev stop")
	h.announce(ci, "1.2.0", "")
	h.announce(ci, "1.1.5", "")
	h.ask(board, mia, "/thaw dev")
	if got := h.file(acmeEnv, "main", checkoutPath("dev")); got != kustomization("checkout", "1.2.0") {
		t.Errorf("dev has\n%s", got)
	}
}

// TestTheNextAnnouncedTakesItsPlace: whoever closes or blocks the newest gets the one that is next.
func TestTheNextAnnouncedTakesItsPlace(t *testing.T) {
	t.Parallel()
	h, ci := updating(t, "pr")
	mia, board := h.maintainer(), h.board().Number
	for _, tag := range []string{"1.2.0", "1.3.0", "1.4.0"} {
		h.announce(ci, tag, "")
	}
	h.ask(board, "dora", "/block checkout 1.4.0 it loses orders")
	h.wantUpdate("1.3.0")
	h.does(h.forge.ClosePull(acmeEnv, h.pullOn(acmeEnv, "ferry/dev/checkout").Number, "dora"))
	h.settle()
	h.wantUpdate("1.2.0")
	h.loseAndCompare()
	h.reportAll("dev", "staging")
	ci = h.token(acmeEnv, "")
	h.wantUpdate("1.2.0")
	h.announce(ci, "1.3.0", "")
	h.wantUpdate("1.2.0")
	h.ask(board, "dora", "/block checkout 1.2.0 it is slow")
	h.noPulls()
	if got := h.ask(board, "dora", "/status checkout dev"); !strings.Contains(got, "Nothing is on its way: dora rejected 1.3.0 by closing ") {
		t.Errorf("/status is answered by %q", got)
	}
	h.ask(board, mia, "/unblock checkout 1.3.0")
	h.wantUpdate("1.3.0")
}

// TestAnnouncedAgain: where no version tells the order, what CI says again is the newest; saying the last again is no news.
func TestAnnouncedAgain(t *testing.T) {
	t.Parallel()
	h, ci := updating(t, "commit")
	for _, tag := range []string{"main-a", "main-b", "main-a"} {
		h.later(time.Minute)
		h.announce(ci, tag, "")
		if got := h.file(acmeEnv, "main", checkoutPath("dev")); got != kustomization("checkout", tag) {
			t.Errorf("after %s was announced dev has\n%s", tag, got)
		}
	}
	before := h.trace()
	h.announce(ci, "main-a", "")
	if after := h.trace(); after != before {
		t.Errorf("announcing the last again changed %s to %s", before, after)
	}
}
