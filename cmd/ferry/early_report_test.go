package main

import "testing"

// TestReportBeforeItsWebhook: an agent that pulls is often faster than the webhook. What it says of a revision that Ferry does not know yet counts once
// Ferry does, for every app it is about.
func TestReportBeforeItsWebhook(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	files := checkoutFiles("")
	files[".ferry.yaml"] = "apiVersion: ferry/v1\nenvironments:\n  - name: dev\n  - name: staging\n    from: [dev]\napps:\n  - {discover: \"apps/{app}/{env}/kustomization.yaml\", images: [\"ghcr.io/acme/{app}\"]}\n"
	for _, env := range []string{"dev", "staging"} {
		files["apps/cart/"+env+"/kustomization.yaml"] = kustomization("cart", "1.0.0")
	}
	h.environments(acmeEnv, files)
	h.report(acmeEnv, "dev", "healthy")
	first := h.deploy("dev", "1.1.0")
	h.forge.Faults().Lose("push", 1)
	next := h.commitOnly("README.md", "no manifest\n")
	h.tellOnly("dev", string(next)) // before any webhook tells of that revision
	h.settle()
	h.wantStatus(acmeEnv, first, "ferry/dev", "pending", "")
	h.sweep()
	h.wantStatus(acmeEnv, first, "ferry/dev", "success", "")
}
