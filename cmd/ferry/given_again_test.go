package main

import (
	"strings"
	"testing"
	"time"

	"ferry/forge"
)

// TestGivenToWhatWentAndCameBack: what was given to a release does not count when the pull request shows another one in between.
func TestGivenToWhatWentAndCameBack(t *testing.T) {
	t.Parallel()
	h, p := newProposed(t, strings.Replace(approving, "approvals: 1", "soak: 24h\n    approvals: 2", 1))
	h.review(p.Number, "bob", "APPROVE")
	h.ask(p.Number, "eve", "/approve")
	h.ask(p.Number, "mia", "/override soak an incident")
	h.gates("success", "")
	shown := h.staging().Title
	h.later(time.Minute)
	h.arrive("1.2.0")
	h.ask(p.Number, "dora", "/promote checkout staging")
	if now := h.staging(); now.Title == shown {
		t.Fatalf("%q is still shown", now.Title)
	}
	h.later(time.Minute)
	h.arrive("1.1.0")
	h.ask(p.Number, "dora", "/promote checkout staging")
	if now := h.staging(); now.Number != p.Number || now.Title != shown {
		t.Fatalf("#%d shows %q, not #%d %q", now.Number, now.Title, p.Number, shown)
	}
	h.gates("pending", "0 of 2")
	h.gates("pending", "soak")
}

// TestGivenToATrainThatWentAndCameBack: neither does it count for a train that has shown something else in between.
func TestGivenToATrainThatWentAndCameBack(t *testing.T) {
	t.Parallel()
	h := train(t, "    approvals: 3\n")
	for _, login := range []string{"bob", "eve", "mia"} {
		h.person(login, acmeEnv, forge.PermissionMaintain)
	}
	h.bump("1.1.0", "cart")
	p := h.brings("cart 1.0.0 → 1.1.0")
	h.later(time.Minute)
	h.review(p.Number, "bob", "APPROVE")
	h.ask(p.Number, "eve", "/approve")
	h.gatesOfTrain("pending", "2 of 3")
	h.ask(p.Number, "mia", "/override approvals an incident")
	h.gatesOfTrain("success", "")
	for _, tag := range []string{"1.2.0", "1.1.0"} {
		h.later(time.Minute)
		h.bump(tag, "cart")
		h.ask(h.board().Number, "mia", "/promote cart staging")
		h.brings("cart 1.0.0 → " + tag)
		h.gatesOfTrain("pending", "0 of 3")
	}
	if now := h.theTrain(); now.Number != p.Number {
		t.Errorf("#%d became #%d", p.Number, now.Number)
	}
}

func (h *harness) gatesOfTrain(state, words string) {
	h.t.Helper()
	h.wantStatus(acmeEnv, h.theTrain().Head.SHA, "ferry/gates", state, words)
}
