package main

import (
	"strings"
	"testing"
)

// TestLossKeepsWhatWasAsked: a /promote that waits for its upstream has no pull request yet. It stands on the branch ferry-state until it is fulfilled.
func TestLossKeepsWhatWasAsked(t *testing.T) {
	t.Parallel()
	decisions := func(h *harness) string { return h.file(acmeEnv, "ferry-state", "decisions.yaml") }
	for name, begin := range map[string]func(h *harness){
		"a difference from before Ferry": func(h *harness) {
			files := checkoutFiles("")
			files[checkoutPath("dev")] = kustomization("checkout", "1.1.0")
			h.environments(acmeEnv, files)
		},
		"what somebody had rejected": func(h *harness) {
			h.environments(acmeEnv, checkoutFiles(""))
			h.arrive("1.1.0")
			h.does(h.forge.ClosePull(acmeEnv, h.staging().Number, "dora"))
			h.deploy("dev", "1.0.0")
			h.deploy("dev", "1.1.0")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t)
			begin(h)
			h.noPulls()
			answer := h.ask(h.board().Number, "dora", "/promote checkout staging")
			h.noPulls()
			if !strings.Contains(answer, "1.1.0") || !strings.Contains(decisions(h), "asked:") || !strings.Contains(decisions(h), "by: dora") {
				t.Fatalf("answered %q, and the decisions are\n%s", answer, decisions(h))
			}
			h.loseAndCompare()
			h.report(acmeEnv, "dev", "healthy")
			p := h.staging()
			if !strings.Contains(p.Title, "1.1.0") {
				t.Errorf("open is %+v", p)
			}
			h.loseAndCompare()
			h.report(acmeEnv, "dev", "healthy")
			h.merge(acmeEnv, p.Number)
			h.reportAll("dev", "staging")
			if strings.Contains(decisions(h), "asked:") {
				t.Errorf("after it came the decisions are\n%s", decisions(h))
			}
			h.loseAndCompare()
		})
	}
}
