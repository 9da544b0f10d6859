package main

import (
	"net/http"
	"testing"
	"time"

	"ferry/forge/sandbox"
)

// TestLinearHistory: where a branch takes no merge commits Ferry squashes, whether a ruleset says so or branch protection. For an hour it remembers that.
func TestLinearHistory(t *testing.T) {
	t.Parallel()
	for name, rule := range map[string]func(*harness) error{
		"a ruleset": func(h *harness) error {
			return h.forge.SetRuleset(acmeEnv, sandbox.Ruleset{Name: "main", Branches: []string{"~DEFAULT_BRANCH"}, Rules: sandbox.Rules{Linear: true}})
		},
		"branch protection": func(h *harness) error {
			return h.forge.Protect(acmeEnv, sandbox.Protection{Branch: "main", Rules: sandbox.Rules{Linear: true}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newCheckoutWith(t, releasing+"    unprotected: allow\n")
			h.does(rule(h))
			for i, tag := range []string{"1.1.0", "1.2.0"} {
				h.forge.ResetRequests()
				h.arrive(tag)
				h.landed(tag, 1)
				if tries := h.writes()["PUT "+mergingRoute]; tries != 2-i {
					t.Errorf("%s was tried %d times", tag, tries)
				}
			}
			h.later(keptWay)
			h.forge.ResetRequests()
			h.arrive("1.3.0")
			h.landed("1.3.0", 1)
			if tries := h.writes()["PUT "+mergingRoute]; tries != 2 {
				t.Errorf("after that hour it was tried %d times", tries)
			}
		})
	}
}

// keptWay is longer than Ferry remembers how a branch is merged into.
const keptWay = 61 * time.Minute

// landed fails unless staging has a release, by a commit with so many parents.
func (h *harness) landed(tag string, parents int) {
	h.t.Helper()
	h.later(time.Minute)
	h.noPulls()
	var commit struct{ Parents []struct{ SHA string } }
	h.api("/repos/"+acmeEnv+"/commits/main", &commit)
	if got := h.file(acmeEnv, "main", checkoutPath("staging")); got != kustomization("checkout", tag) || len(commit.Parents) != parents {
		h.t.Errorf("main has, in a commit with %d parents,\n%s", len(commit.Parents), got)
	}
}

// TestARefusedWayToMergeIsLeft: what keeps a merge commit out is not shown to Ferry, and nothing is missing. After three tries another way is tried.
func TestARefusedWayToMergeIsLeft(t *testing.T) {
	t.Parallel()
	h := newCheckoutWith(t, releasing+"    unprotected: allow\n")
	h.forge.Faults().Fail(sandbox.Fault{Method: http.MethodPut, Route: mergingRoute, Status: http.StatusMethodNotAllowed, Message: "This branch must not contain merge commits.", Times: 4})
	h.arrive("1.1.0")
	for range 5 {
		h.later(time.Minute)
	}
	h.landed("1.1.0", 1)
	h.arrive("1.2.0")
	h.landed("1.2.0", 1)
}
