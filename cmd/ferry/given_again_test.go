package main

import (
	"strings"
	"testing"
	"time"
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
