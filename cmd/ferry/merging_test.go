package main

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"ferry/forge/sandbox"
)

const mergingRoute = "/repos/{owner}/{repo}/pulls/{pull_number}/merge"

// twenty is how many promotions are due at once; mergeTimes is how often the forge fails before it merges one.
const (
	twenty     = 20
	mergeTimes = 25
)

// TestTwentyMergesAtOnce: twenty promotions of twenty apps are due in the same second, and something is in the way of merging them that passes. All of
// them land, each once and without a person.
func TestTwentyMergesAtOnce(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]sandbox.Fault{
		"nothing":                     {},
		"the base was modified":       {Status: http.StatusMethodNotAllowed},
		"405 in other words":          {Status: http.StatusMethodNotAllowed, Message: "Not now"},
		"409":                         {Status: http.StatusConflict},
		"422":                         {Status: http.StatusUnprocessableEntity},
		"500":                         {Status: http.StatusInternalServerError},
		"no answer":                   {Drop: true},
		"merged, and no answer":       {Drop: true, Done: true},
		"merged, and 405 is answered": {Status: http.StatusMethodNotAllowed, Done: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t)
			if name != "nothing" {
				fault.Method, fault.Route, fault.Times = http.MethodPut, mergingRoute, mergeTimes
				h.forge.Faults().Fail(fault)
			}
			h.landTwenty("    unprotected: allow\n", nil)
		})
	}
	t.Run("up to date", func(t *testing.T) {
		t.Parallel()
		newHarness(t).landTwenty("", &sandbox.Rules{UpToDate: true, Checks: []sandbox.RequiredCheck{{Context: "ferry/gates"}}})
	})
}

// landTwenty brings a release of each of twenty apps to dev, and wants all of them merged into staging by Ferry, under the rules of the branch.
func (h *harness) landTwenty(staging string, rules *sandbox.Rules) {
	h.t.Helper()
	files := manyApps(twenty)
	files[".ferry.yaml"] = strings.Replace(files[".ferry.yaml"], "    max_open: 1000\n", "    max_open: 1000\n    merge: auto\n"+staging, 1)
	files[".ferry.yaml"] = strings.Replace(files[".ferry.yaml"], "apiVersion: ferry/v1\n", "apiVersion: ferry/v1\nmode: release\n", 1)
	h.environments(acmeEnv, files)
	bumped := map[string]string{}
	for i := range twenty {
		bumped[worldPath(appNumber(i), "dev")] = kustomization(appNumber(i), "1.1.0")
	}
	h.commit(acmeEnv, bumped)
	if rules != nil {
		h.does(h.forge.Protect(acmeEnv, sandbox.Protection{Branch: "main", Rules: *rules}))
	}
	h.report(acmeEnv, "dev", "healthy")
	for range 60 {
		h.later(time.Minute)
		if len(h.openPulls(acmeEnv)) == 0 {
			break
		}
	}
	h.noPulls()
	for i := range twenty {
		if got := h.file(acmeEnv, "main", worldPath(appNumber(i), "staging")); got != kustomization(appNumber(i), "1.1.0") {
			h.t.Errorf("main has of %s\n%s", appNumber(i), got)
		}
	}
	if n := query[int](h, `select count(*) from promotions where environment = 'staging' and state = 'merged'`); n != twenty {
		h.t.Errorf("%d promotions are merged", n)
	}
}
