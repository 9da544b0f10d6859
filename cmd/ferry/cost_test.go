package main

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// mostRequests bounds what one promotion costs; docs/requests.md says for what.
const mostRequests = 9

// TestAPromotionCostsFewRequests counts Ferry's requests from the report that makes a release eligible to the last status of the environment
// promoted into.
func TestAPromotionCostsFewRequests(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	total := 0
	cost := h.costOfPromotion("", func() {})
	for _, n := range cost {
		total += n
	}
	if described := describedRequests(t); !maps.Equal(cost, described) {
		t.Errorf("it costs\n%v\ndocs/requests.md says\n%v", cost, described)
	}
	if total > mostRequests {
		t.Errorf("%d requests, want at most %d", total, mostRequests)
	}
	h.later(tidied)
	if h.hasBranch("ferry/staging/checkout") {
		t.Error("the merged branch still stands")
	}
}

// describedRequests counts the requests in the table of docs/requests.md, by route.
func describedRequests(t *testing.T) map[string]int {
	t.Helper()
	page, err := os.ReadFile("../../docs/requests.md")
	if err != nil {
		t.Fatal(err)
	}
	byRoute := map[string]int{}
	for _, row := range regexp.MustCompile("(?m)^\\| [0-9]+ \\| `([^`]+)` \\|").FindAllStringSubmatch(string(page), -1) {
		byRoute[row[1]]++
	}
	return byRoute
}

// TestAMovedBaseCostsOneReadForEachFile: somebody else pushed before the merge, so that the merge's tree is not that of Ferry's commit.
func TestAMovedBaseCostsOneReadForEachFile(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	want := describedRequests(t)
	want["GET /repos/{owner}/{repo}/git/ref/{ref}"]++ // of that push
	want["GET /repos/{owner}/{repo}/contents/{path}"]++
	if cost := h.costOfPromotion("", func() { h.commit(acmeEnv, map[string]string{"README.md": "moved\n"}) }); !maps.Equal(cost, want) {
		t.Errorf("it costs\n%v\nwant\n%v", cost, want)
	}
}

// TestADeploymentCosts: as docs/requests.md says, the one in dev was recorded before it is counted.
func TestADeploymentCosts(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	want := describedRequests(t)
	want["GET /repos/{owner}/{repo}/deployments"]++
	want["GET /repos/{owner}/{repo}"]++ // its default branch, which must have the commit
	want["GET /repos/{owner}/{repo}/compare/{basehead}"]++
	want["POST /repos/{owner}/{repo}/deployments"]++
	want["POST /repos/{owner}/{repo}/deployments/{deployment_id}/statuses"] += 3 // both run, and one is on its way
	if cost := h.costOfPromotion("deployments: true\n", func() {}); !maps.Equal(cost, want) {
		t.Errorf("it costs\n%v\nwant\n%v", cost, want)
	}
}

// costOfPromotion lets one release of one app, in one file and with its source known, come from dev to staging, merged by a person after
// what happens meanwhile. It returns Ferry's requests by route, tokens not counted. More are lines of .ferry.yaml at its top level.
func (h *harness) costOfPromotion(more string, meanwhile func()) map[string]int {
	h.t.Helper()
	if _, err := h.forge.AddRepository("acme", "checkout", map[string]string{"main.go": "package main\n"}); err != nil {
		h.t.Fatal(err)
	}
	files := checkoutFiles("")
	files[".ferry.yaml"] = strings.Replace(files[".ferry.yaml"], "  - name: prod\n    from: [staging]\n", "", 1) + more
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
	meanwhile()
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

// TestAPushCostsWhatItChanges: what a push that changes one app asks of the forge and of the database does not depend on how many apps there are.
func TestAPushCostsWhatItChanges(t *testing.T) {
	t.Parallel()
	if few, many := pushOneOf(t, 5), pushOneOf(t, 100); few != many {
		t.Errorf("among 5 apps it costs %+v, among 100 %+v", few, many)
	}
}
