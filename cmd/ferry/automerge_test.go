package main

import (
	"strings"
	"testing"
	"time"

	"ferry/forge"
	"ferry/forge/sandbox"
)

const releasing = "mode: release\nenvironments:\n  - name: dev\n  - name: staging\n    from: [dev]\n    merge: auto\n"

func TestAutoMerge(t *testing.T) {
	t.Parallel()
	h := newCheckoutWith(t, releasing+"    unprotected: allow\n")
	h.arrive("1.1.0")
	h.noPulls()
	if got := h.file(acmeEnv, "main", checkoutPath("staging")); got != kustomization("checkout", "1.1.0") {
		t.Errorf("main has\n%s", got)
	}
	h.wantStatus(acmeEnv, h.head(acmeEnv, "main"), "ferry/staging", "pending", "checkout 1.1.0")
	h.report(acmeEnv, "staging", "healthy")
	h.later(tidied)
	if h.hasBranch("ferry/staging/checkout") {
		t.Error("the merged branch still stands")
	}
}

func TestAutoMergeOnUnguardedBranch(t *testing.T) {
	t.Parallel()
	h := newCheckoutWith(t, releasing)
	h.arrive("1.1.0")
	p := h.staging()
	if got := h.ask(p.Number, "dora", "/status"); !strings.Contains(got, "forge is waiting: nothing guards main") {
		t.Errorf("/status is answered by %s", got)
	}
	h.later(time.Minute)
	if body := h.board().Body; !strings.Contains(body, "nothing guards main") {
		t.Errorf("the issue does not say why it is not merged:\n%s", body)
	}
	h.merge(acmeEnv, p.Number)
	h.noPulls()
}

func TestProposeNeverMerges(t *testing.T) {
	t.Parallel()
	h := newCheckoutWith(t, strings.Replace(releasing, "release", "propose", 1)+"    unprotected: allow\n")
	h.arrive("1.1.0")
	h.later(3 * time.Hour)
	h.staging()
}

// TestHoldStopsTheMerge: the hold was decided, the plan that follows from it was not; the merge that was due does not happen.
func TestHoldStopsTheMerge(t *testing.T) {
	t.Parallel()
	h := newCheckoutWith(t, strings.Replace(releasing, "merge:", "soak: 1h\n    merge:", 1)+"    unprotected: allow\n")
	h.arrive("1.1.0")
	p := h.staging()
	h.stopsTheMerge(p.Number, "dora", "/hold wait")
	h.wantStatus(acmeEnv, p.Head.SHA, "ferry/gates", "failure", "dora holds")
	h.ask(p.Number, "dora", "/resume")
	h.later(time.Minute)
	h.noPulls()
}

func TestObserveWritesOnlyTheIssue(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	files := checkoutFiles("")
	files[".ferry.yaml"] = "apiVersion: ferry/v1\nmode: observe\n" + strings.TrimPrefix(files[".ferry.yaml"], "apiVersion: ferry/v1\n")
	h.forge.ResetRequests()
	h.environments(acmeEnv, files)
	h.arrive("1.1.0")
	h.commit(acmeEnv, map[string]string{".ferry.yaml": files[".ferry.yaml"] + "# a comment\n"})
	h.commit(acmeEnv, map[string]string{".ferry.yaml": "no: yaml: here\n"})
	h.later(2 * time.Minute)
	for route, n := range h.writes() {
		if !strings.HasSuffix(route, "/issues") && !strings.HasSuffix(route, "/issues/{issue_number}") {
			t.Errorf("observe wrote %s %d times", route, n)
		}
	}
	if body := h.board().Body; !strings.Contains(body, "would open a pull request that brings `1.1.0` to staging") {
		t.Errorf("the issue does not list what would be opened:\n%s", body)
	}
	h.commit(acmeEnv, map[string]string{".ferry.yaml": checkoutFiles("")[".ferry.yaml"]})
	h.staging()
	if got := h.file(acmeEnv, "ferry-state", "decisions.yaml"); !strings.Contains(got, "baseline") {
		t.Errorf("the baseline is not written down:\n%s", got)
	}
}

// TestAMergeThatWaitsForAnotherStaysAwake: however often a merge has found another one under way, it follows soon after that one.
func TestAMergeThatWaitsForAnotherStaysAwake(t *testing.T) {
	t.Parallel()
	h := newCheckoutWith(t, releasing+"    unprotected: allow\n")
	h.sql(`insert into leases (name, holder, expires_at) select 'merge:' || id || ':main', 'another', now() + interval '1 hour' from repositories`)
	h.arrive("1.1.0")
	h.staging()
	for range 20 {
		h.later(3 * time.Second)
	}
	h.sql(`delete from leases where holder = 'another'`)
	h.later(3 * time.Second)
	h.noPulls()
	if got := h.file(acmeEnv, "main", checkoutPath("staging")); got != kustomization("checkout", "1.1.0") {
		t.Errorf("main has\n%s", got)
	}
}

// TestAMergeIsWokenByTheObservationItWaitsFor: no time has to pass where it waited for another merge, whose push is heard.
func TestAMergeIsWokenByTheObservationItWaitsFor(t *testing.T) {
	t.Parallel()
	h := newCheckoutWith(t, releasing+"    unprotected: allow\n")
	h.sql(`insert into leases (name, holder, expires_at) select 'merge:' || id || ':main', 'another', now() + interval '1 hour' from repositories`)
	h.arrive("1.1.0")
	h.staging()
	h.sql(`delete from leases where holder = 'another'`)
	h.commit(acmeEnv, map[string]string{"README.md": "the other merge\n"})
	h.noPulls()
}

// stopsTheMerge lets a soak of an hour end, and somebody stop the promotion when its merge is due already: it is not merged all the same.
func (h *harness) stopsTheMerge(number int, login, command string) {
	h.t.Helper()
	h.clock.advance(time.Hour + time.Second)
	h.decideApps()
	h.actOn("pull") // the body says that the soak is done
	h.decideApps()
	if _, err := h.forge.Comment(acmeEnv, number, login, command); err != nil {
		h.t.Fatal(err)
	}
	h.observeAndCommand()
	if n := h.actOn("merge"); n != 1 {
		h.t.Fatalf("%d merges were due, want one", n)
	}
	if h.pull(number).Merged {
		h.t.Fatalf("merged in spite of %s", command)
	}
	h.settle()
}

// TestARefusedMergeHearsOfTheMissingCheck: what a merge was refused for is posted by somebody else, and it is merged then, not an hour later.
func TestARefusedMergeHearsOfTheMissingCheck(t *testing.T) {
	t.Parallel()
	for name, post := range map[string]func(*harness, forge.SHA){
		"a status": func(h *harness, head forge.SHA) {
			h.posts(acmeEnv, head, "ci", forge.Success)
		},
		"a check run": func(h *harness, head forge.SHA) {
			h.otherApp(8, "tester")
			h.runs(acmeEnv, head, "tester", "ci", "success")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newCheckoutWith(t, releasing)
			checks := []sandbox.RequiredCheck{{Context: "ferry/gates", App: testAppID}, {Context: "ci"}}
			h.does(h.forge.SetRuleset(acmeEnv, sandbox.Ruleset{Name: "main", Branches: []string{"main"}, Bypass: []string{"dora"}, Rules: sandbox.Rules{Checks: checks}}))
			h.arrive("1.1.0")
			h.later(time.Minute)
			h.forge.ResetRequests()
			h.later(10 * time.Minute)
			if n := h.writes()["PUT "+mergingRoute]; n != 0 {
				t.Errorf("with nothing new it was tried %d times", n)
			}
			post(h, h.staging().Head.SHA)
			h.later(10 * time.Second)
			h.noPulls()
		})
	}
}

// TestARefusedMergeHearsOfTheMissingReview: the branch asks for a review that no gate of Ferry's asks for; the merge comes with it, not an hour later.
func TestARefusedMergeHearsOfTheMissingReview(t *testing.T) {
	t.Parallel()
	h := newCheckoutWith(t, releasing)
	rules := sandbox.Rules{Reviews: 1, Checks: []sandbox.RequiredCheck{{Context: "ferry/gates", App: testAppID}}}
	h.does(h.forge.SetRuleset(acmeEnv, sandbox.Ruleset{Name: "main", Branches: []string{"main"}, Bypass: []string{"dora"}, Rules: rules}))
	h.person("bob", acmeEnv, forge.PermissionWrite)
	h.arrive("1.1.0")
	h.later(10 * time.Minute)
	p := h.staging()
	h.review(p.Number, "bob", "COMMENT")
	h.later(10 * time.Second)
	h.staging()
	h.review(p.Number, "bob", "APPROVE")
	h.later(10 * time.Second)
	h.noPulls()
}
