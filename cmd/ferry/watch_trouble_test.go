package main

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"ferry/forge/sandbox"
)

// rolledBackOnce fails unless prod went back from 1.2.0 to 1.1.0 by one pull request, one merge and one decision.
func (h *harness) rolledBackOnce() {
	h.t.Helper()
	h.wantInProd("1.1.0")
	var all []pull
	h.api("/repos/"+acmeEnv+"/pulls?state=all&per_page=100", &all)
	rollbacks := 0
	for _, p := range all {
		if p.Title == "Roll back checkout in prod: 1.2.0 → 1.1.0" {
			rollbacks++
		}
	}
	kinds := fmt.Sprint(h.eventKinds("prod"))
	if rollbacks != 1 || strings.Count(kinds, "rollback") != 1 || strings.Count(kinds, "block") != 1 {
		h.t.Errorf("%d pull requests roll back; the events are %s", rollbacks, kinds)
	}
}

// goesBack lets prod fail, and returns what Ferry asked the forge until that was answered by a rollback.
func goesBack(t *testing.T, faults ...sandbox.Fault) (asked []string) {
	t.Helper()
	h := watched(t, "    rollback: auto\n")
	h.report(acmeEnv, "prod", "failed")
	h.forge.ResetRequests()
	for _, f := range faults {
		h.forge.Faults().Fail(f)
	}
	h.later(time.Minute + time.Second)
	h.patiently()
	for client, routes := range h.forge.Requests() {
		for route := range routes {
			if path, ok := strings.CutPrefix(route, "GET "); ok && strings.HasPrefix(client, "installation/") {
				asked = append(asked, path)
			}
		}
	}
	h.sweep()
	h.patiently()
	h.rolledBackOnce()
	return asked
}

// TestReadsThatFailInARollback: whichever read fails on the way of a rollback that Ferry decides, by an error or by no answer, it happens once, later.
func TestReadsThatFailInARollback(t *testing.T) {
	t.Parallel()
	asked := goesBack(t)
	slices.Sort(asked)
	if len(asked) < 4 {
		t.Fatalf("Ferry asked only %q", asked)
	}
	for i, route := range asked {
		faults := map[string]sandbox.Fault{"500": {Status: http.StatusInternalServerError, Times: 3}}
		if i == 0 { // it takes as long as Ferry waits for an answer
			faults["no answer"] = sandbox.Fault{Hang: true}
		}
		for name, fault := range faults {
			fault.Method, fault.Route = http.MethodGet, route
			t.Run(name+strings.ReplaceAll(route, "/", "."), func(t *testing.T) {
				t.Parallel()
				goesBack(t, fault)
			})
		}
	}
}

// TestRollbackOfSeveralClusters: one cluster that is not well takes the whole environment back, also where it speaks first, or the other one never did.
func TestRollbackOfSeveralClusters(t *testing.T) {
	t.Parallel()
	for name, said := range map[string][]string{
		"after both arrived":         {"eu healthy", "us healthy", "us degraded"},
		"before the other arrived":   {"eu healthy", "us failed"},
		"the other one is silent":    {"us failed"},
		"both fail":                  {"eu failed", "us failed"},
		"it fails, and the other is": {"us failed", "eu healthy"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := inTwoClusters(t)
			h.clusters(t, said...)
			h.later(time.Minute - 2*time.Second)
			h.wantInProd("1.2.0")
			h.later(3 * time.Second)
			h.rolledBackOnce()
			h.clusters(t, "eu healthy", "us failed")
			h.wantStatus(acmeEnv, h.head(acmeEnv, "main"), "ferry/prod", "failure", "us: failed")
			h.later(time.Hour) // 1.1.0 is not well in one of them either: no further
			h.clusters(t, "us healthy")
			h.wantStatus(acmeEnv, h.head(acmeEnv, "main"), "ferry/prod", "success", "runs in prod")
			h.rolledBackOnce()
		})
	}
}

// inTwoClusters is a harness with 1.2.0 just merged into prod, where Ferry goes back by itself, and 1.1.0 well in both of its clusters before that.
func inTwoClusters(t *testing.T) *harness {
	t.Helper()
	h := newHarness(t)
	files := checkoutFiles("    unprotected: allow\n    rollback: auto\n    clusters: [eu, us]\n")
	files[".ferry.yaml"] = "apiVersion: ferry/v1\nmode: release\n" + strings.TrimPrefix(files[".ferry.yaml"], "apiVersion: ferry/v1\n")
	h.environments(acmeEnv, files)
	h.through("1.1.0")
	h.clusters(t, "eu healthy", "us healthy")
	h.through("1.2.0")
	return h
}

// clusters lets agents of prod say how it is there at the head.
func (h *harness) clusters(t *testing.T, said ...string) {
	t.Helper()
	token, at := h.token(acmeEnv, "prod"), h.head(acmeEnv, "main")
	for _, words := range said {
		cluster, health, _ := strings.Cut(words, " ")
		if code, body := h.post("/api/v1/reports", token, map[string]any{"cluster": cluster, "revision": at, "health": health}); code/100 != 2 {
			t.Fatal(code, body)
		}
		h.settle()
	}
}
