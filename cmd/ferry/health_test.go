package main

import (
	"encoding/json"
	"html"
	"strings"
	"testing"
	"time"

	"ferry/forge/sandbox"
)

// healthy returns the health page's findings by rule, and checks that people read the same.
func (h *harness) healthy() map[string]string {
	h.t.Helper()
	var said struct {
		Forges []struct {
			Failure  string
			Findings []struct{ Rule, Message string }
		}
	}
	if err := json.Unmarshal([]byte(h.page("/health.json")), &said); err != nil || len(said.Forges) != 1 {
		h.t.Fatalf("%v: %+v", err, said)
	}
	page, found := html.UnescapeString(h.page("/health")), map[string]string{}
	if said.Forges[0].Failure != "" {
		found["failure"] = said.Forges[0].Failure
	}
	for _, f := range said.Forges[0].Findings {
		if found[f.Rule] += f.Message; !strings.Contains(page, f.Message) {
			h.t.Errorf("the page lacks %q:\n%s", f.Message, page)
		}
	}
	return found
}

// TestHealth: what ferry doctor would say stands on a page, which is looked at anew every hour, and at once where an installation changed.
func TestHealth(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	h.sweep()
	if found := h.healthy(); found["unguarded"] == "" || found["permission"] != "" {
		t.Fatalf("of an unguarded branch is said %q", found)
	}
	if page := h.page("/"); !strings.Contains(page, `href="/health">`) {
		t.Errorf("the first page does not lead there:\n%s", page)
	}
	h.does(h.forge.SetRuleset(acmeEnv, sandbox.Ruleset{Name: "main", Branches: []string{"~DEFAULT_BRANCH"},
		Rules: sandbox.Rules{PullRequest: true, Checks: []sandbox.RequiredCheck{{Context: "ferry/gates", App: testAppID}}}}))
	h.later(time.Minute)
	if found := h.healthy(); found["unguarded"] == "" {
		t.Errorf("nobody told of the ruleset, and the page says already %q", found)
	}
	h.later(time.Hour)
	if found := h.healthy(); found["unguarded"] != "" {
		t.Errorf("after an hour the page still says %q", found)
	}
	h.does(h.forge.SetPermissions(testAppID, withoutStatuses()))
	h.later(time.Second)
	if found := h.healthy(); !strings.Contains(found["permission"], "statuses: write") {
		t.Errorf("of the permission that was taken away is said %q", found)
	}
}

// TestHealthCostsLittle: a look costs four requests for an environment repository (one for the rules of ferry-state), and none where the forge limits Ferry; what was found before stays then.
func TestHealthCostsLittle(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	h.sweep()
	h.forge.ResetRequests()
	h.later(time.Hour + time.Second)
	n := 0
	for route, times := range h.forge.Requests()[h.installation(acmeEnv)] {
		if route != "GET /rate_limit" { // which costs nothing
			n += times
		}
	}
	if n != 4 {
		t.Errorf("a look costs %v", h.forge.Requests())
	}
	h.forge.Faults().Fail(sandbox.Fault{Method: "GET", Route: "/repos/{owner}/{repo}/branches/{branch}", Status: 502, Times: 9})
	h.later(time.Hour)
	if found := h.healthy(); found["unguarded"] == "" || !strings.Contains(found["failure"], "502") {
		t.Errorf("where the forge fails the page says %q", found)
	}
	h.forge.Faults().Clear()
	h.later(10 * time.Minute)
	if found := h.healthy(); found["failure"] != "" {
		t.Errorf("after it has gone well the page says %q", found)
	}
}

// TestHealthGoesOn: one repository that cannot be looked at keeps no other from being looked at, and stays as it was found before.
func TestHealthGoesOn(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	h.sweep()
	h.environments("acme/second", checkoutFiles(""))
	h.forge.Faults().Fail(sandbox.Fault{Method: "GET", Route: "/repos/{owner}/{repo}/branches/{branch}"})
	h.later(time.Hour)
	found := h.healthy()
	if n := strings.Count(found["unguarded"], "nothing guards"); n != 2 || !strings.Contains(found["unexamined"], "502") || !strings.Contains(found["failure"], "502") {
		t.Errorf("the page says of %d unguarded branches: %q", n, found)
	}
	h.later(10 * time.Minute)
	if found := h.healthy(); strings.Count(found["unguarded"], "nothing guards") != 2 || found["unexamined"] != "" || found["failure"] != "" {
		t.Errorf("after it has gone well the page says %q", found)
	}
}
