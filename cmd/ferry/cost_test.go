package main

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

// mostRequests bounds what one promotion costs; docs/requests.md says for what.
const mostRequests = 12

// TestAPromotionCostsFewRequests counts Ferry's requests from the report that makes a release eligible to the last status of the environment
// promoted into.
func TestAPromotionCostsFewRequests(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	total := 0
	for route, n := range h.costOfPromotion() {
		t.Logf("%s: %d", route, n)
		total += n
	}
	if total > mostRequests {
		t.Errorf("%d requests, want at most %d", total, mostRequests)
	}
	h.later(tidied)
	if h.hasBranch("ferry/staging/checkout") {
		t.Error("the merged branch still stands")
	}
}

// costOfPromotion lets one release of one app, in one file and with its source known, come from dev to staging, merged by a person. It returns Ferry's
// requests by route, tokens not counted.
func (h *harness) costOfPromotion() map[string]int {
	h.t.Helper()
	if _, err := h.forge.AddRepository("acme", "checkout", map[string]string{"main.go": "package main\n"}); err != nil {
		h.t.Fatal(err)
	}
	files := checkoutFiles("")
	files[".ferry.yaml"] = strings.Replace(files[".ferry.yaml"], "  - name: prod\n    from: [staging]\n", "", 1)
	h.environments(acmeEnv, files)
	if _, err := h.forge.Install(testAppID, "acme", "acme/checkout"); err != nil {
		h.t.Fatal(err)
	}
	h.settle()
	source := h.head("acme/checkout", "main")
	h.announce(h.token(acmeEnv, ""), "1.1.0", source)
	h.deploy("dev", "1.1.0")
	h.forge.ResetRequests()
	h.report(acmeEnv, "dev", "healthy")
	merged := h.merge(acmeEnv, h.staging().Number)
	h.report(acmeEnv, "staging", "healthy")
	cost := h.ferrysRequests()
	h.wantStatus(acmeEnv, merged, "ferry/staging", "success", "runs in staging")
	h.wantStatus("acme/checkout", source, "ferry/staging", "success", "runs in staging")
	return cost
}

// ferrysRequests returns what Ferry has asked of the forge since the last ResetRequests, by route, without the tokens it signs in with.
func (h *harness) ferrysRequests() map[string]int {
	byRoute := map[string]int{}
	for client, routes := range h.forge.Requests() {
		for _, route := range slices.Sorted(maps.Keys(routes)) {
			if ours := strings.HasPrefix(client, "installation/") || strings.HasPrefix(client, "app/"); ours && !strings.Contains(route, "access_tokens") {
				byRoute[route] += routes[route]
			}
		}
	}
	return byRoute
}
