package main

import (
	"fmt"
	"strings"
	"testing"

	"ferry/forge"
	"ferry/forge/sandbox"
)

// TestMergedAndOverrun: a promotion is merged and somebody commits over it, in an outage after which the branch has moved too often to tell its moves
// apart. The promotion comes to its end, and that is said where it was merged.
func TestMergedAndOverrun(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	h.arrive("1.1.0")
	p := h.staging()
	commits := 40
	h.forge.Faults().Lose("push", commits+2)
	h.forge.Faults().Lose("pull_request", 1)
	merge, err := h.forge.Merge(acmeEnv, p.Number, "dora", forge.MergeCommit)
	h.doesUnheard(merge, err)
	h.doesUnheard(h.forge.Commit(acmeEnv, sandbox.Edit{As: "dora", Message: "not this one", Files: map[string]string{checkoutPath("staging"): kustomization("checkout", "1.0.5")}}))
	for i := range commits {
		h.doesUnheard(h.forge.Commit(acmeEnv, sandbox.Edit{As: "dora", Message: "other work", Files: map[string]string{"notes.txt": fmt.Sprint(i)}}))
	}
	h.sweep()
	if got := query[string](h, `select state from promotions where number = $1`, p.Number); got != "superseded" {
		t.Errorf("it is %s", got)
	}
	words := "checkout 1.1.0 never ran in staging: 1.0.5 came over it before it was read"
	h.wantStatus(acmeEnv, merge, "ferry/staging", "error", words)
	if said := h.events(); !strings.Contains(fmt.Sprint(said), words) {
		t.Errorf("the events are %+v", said)
	}
	notAgain := func() {
		t.Helper()
		h.reportAll("dev", "staging", "prod")
		if p, ok := h.openPulls(acmeEnv)["ferry/staging/checkout"]; ok {
			t.Errorf("open into staging is %+v", p)
		}
	}
	notAgain()
	h.loseAndCompare()
	notAgain()
	h.ask(h.board().Number, "dora", "/promote checkout staging")
	h.merge(acmeEnv, h.staging().Number)
	h.report(acmeEnv, "staging", "healthy")
	if p := h.pullOn(acmeEnv, "ferry/prod/checkout"); !strings.Contains(p.Title, "1.1.0") {
		t.Errorf("open into prod is %+v", p)
	}
}
