package main

import (
	"strings"
	"testing"
)

// mostRequests bounds what one promotion costs: commit, branch and pull request are five, the merge is read with two, the rest are statuses.
const mostRequests = 12

// TestAPromotionCostsFewRequests counts Ferry's requests from the report that makes a release eligible to the last status of the environment
// promoted into.
func TestAPromotionCostsFewRequests(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	const repo = "acme/environments"
	files := checkoutFiles("")
	files[".ferry.yaml"] = strings.Replace(files[".ferry.yaml"], "  - name: prod\n    from: [staging]\n", "", 1)
	h.environments(repo, files)
	h.commit(repo, map[string]string{"apps/checkout/dev/kustomization.yaml": kustomization("checkout", "1.1.0")})
	h.forge.ResetRequests()
	h.report(repo, "dev", "healthy")
	h.merge(repo, h.pullOn(repo, "ferry/staging/checkout").Number)
	h.report(repo, "staging", "healthy")
	total := 0
	for client, routes := range h.forge.Requests() {
		if !strings.HasPrefix(client, "installation") && !strings.HasPrefix(client, "app") {
			continue
		}
		for route, n := range routes {
			if strings.Contains(route, "access_tokens") {
				continue
			}
			t.Logf("%s %s: %d", client, route, n)
			total += n
		}
	}
	if total > mostRequests {
		t.Errorf("%d requests, want at most %d", total, mostRequests)
	}
}
