package main

import (
	"strings"
	"testing"
)

// TestTheLine is the main job: an image goes from dev to staging to prod by pull request, with statuses on the commits.
func TestTheLine(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	const repo = "acme/environments"
	h.environments(repo, checkoutFiles(""))
	if open := h.openPulls(repo); len(open) != 0 {
		t.Fatalf("the baseline opened %v", open)
	}

	bump := h.commit(repo, map[string]string{"apps/checkout/dev/kustomization.yaml": kustomization("checkout", "1.1.0")})
	h.wantStatus(repo, bump, "ferry/dev", "pending", "waiting for the first report")
	if open := h.openPulls(repo); len(open) != 0 {
		t.Fatalf("opened before dev converged: %v", open)
	}

	h.report(repo, "dev", "healthy")
	h.wantStatus(repo, bump, "ferry/dev", "success", "checkout 1.1.0")
	staging := h.pullOn(repo, "ferry/staging/checkout")
	if !strings.Contains(staging.Title, "1.0.0 → 1.1.0") || staging.User.Login != "ferry[bot]" {
		t.Errorf("the promotion is %+v", staging)
	}
	h.wantStatus(repo, staging.Head.SHA, "ferry/gates", "success", "every gate is open")
	if got, want := h.file(repo, "ferry/staging/checkout", "apps/checkout/staging/kustomization.yaml"), kustomization("checkout", "1.1.0"); got != want {
		t.Errorf("the promotion's file is\n%s\nwant\n%s", got, want)
	}

	merged := h.merge(repo, staging.Number)
	h.wantStatus(repo, merged, "ferry/staging", "pending", "checkout 1.1.0")
	h.report(repo, "staging", "progressing")
	h.wantStatus(repo, merged, "ferry/staging", "pending", "progressing")
	h.report(repo, "staging", "healthy")
	h.wantStatus(repo, merged, "ferry/staging", "success", "runs in staging")

	prod := h.pullOn(repo, "ferry/prod/checkout")
	released := h.merge(repo, prod.Number)
	h.report(repo, "prod", "healthy")
	h.wantStatus(repo, released, "ferry/prod", "success", "runs in prod")
	if got := h.file(repo, "main", "apps/checkout/prod/kustomization.yaml"); got != kustomization("checkout", "1.1.0") {
		t.Errorf("prod has\n%s", got)
	}
	if open := h.openPulls(repo); len(open) != 0 {
		t.Errorf("still open: %v", open)
	}
}
