package main

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"ferry/forge"
	"ferry/forge/sandbox"
)

// freezeNow is a freeze for .ferry.yaml that denies from half an hour ago until the returned instant.
func freezeNow(h *harness) (freeze string, ends time.Time) {
	begins := h.clock.Now().Add(-30 * time.Minute).Truncate(time.Minute)
	return fmt.Sprintf("    freeze: [{kind: deny, schedule: \"%d %d * * *\", duration: 2h, reason: the sale}]\n", begins.Minute(), begins.Hour()), begins.Add(2 * time.Hour)
}

// newFrozen is newCheckoutWith, with a window that keeps the last environment of the head shut until the returned instant.
func newFrozen(t *testing.T, head string) (h *harness, ends time.Time) {
	t.Helper()
	h = newHarness(t)
	freeze, ends := freezeNow(h)
	files := checkoutFiles("")
	files[".ferry.yaml"] = "apiVersion: ferry/v1\n" + head + freeze + checkoutApp
	h.environments(acmeEnv, files)
	return h, ends
}

const proposing = "environments:\n  - name: dev\n  - name: staging\n    from: [dev]\n"

// TestWindowOpensAtItsInstant: no delivery, report or comment comes, and the gate opens to the second.
func TestWindowOpensAtItsInstant(t *testing.T) {
	t.Parallel()
	h, ends := newFrozen(t, proposing)
	h.arrive("1.1.0")
	p := h.staging()
	until := "freeze: until " + ends.Format("2006-01-02 15:04:05 UTC") + ": the sale"
	h.wantStatus(acmeEnv, p.Head.SHA, "ferry/gates", "pending", until)
	if !strings.Contains(p.Body, "| freeze | waiting | until "+ends.Format("2006-01-02 15:04:05 UTC")) {
		t.Errorf("the body does not say when it opens:\n%s", p.Body)
	}
	h.push("dora", "bump", map[string]string{checkoutPath("staging"): kustomization("checkout", "3.0.0")})
	n, err := h.forge.OpenPull(acmeEnv, "dora", forge.NewPullRequest{HeadBranch: "bump", BaseBranch: "main", Title: "by hand"})
	h.does(err)
	byHand := h.pull(n).Head.SHA
	h.wantStatus(acmeEnv, byHand, "ferry/gates", "pending", "it changes checkout in staging; "+until)
	h.later(2 * time.Minute) // Ferry's issue is up to date
	h.forge.ResetRequests()
	h.until(ends.Add(-2 * time.Second))
	if w := h.writes(); len(w) != 0 {
		t.Errorf("before the instant Ferry wrote %v", w)
	}
	h.wantStatus(acmeEnv, p.Head.SHA, "ferry/gates", "pending", until)
	h.until(ends)
	h.wantStatus(acmeEnv, p.Head.SHA, "ferry/gates", "success", "every gate is open")
	h.wantStatus(acmeEnv, byHand, "ferry/gates", "success", "nothing stops")
	h.until(ends.Add(22 * time.Hour)) // it shuts again, as every day
	h.wantStatus(acmeEnv, p.Head.SHA, "ferry/gates", "pending", "the sale")
	h.wantStatus(acmeEnv, byHand, "ferry/gates", "pending", "the sale")
}

func TestAutoMergeWaitsForTheWindow(t *testing.T) {
	t.Parallel()
	h, ends := newFrozen(t, releasing+"    unprotected: allow\n")
	h.arrive("1.1.0")
	p := h.staging()
	h.until(ends.Add(-2 * time.Second))
	if h.pull(p.Number).Merged {
		t.Fatal("merged in a window that denies")
	}
	h.until(ends.Add(time.Second))
	h.noPulls()
	if got := h.file(acmeEnv, "main", checkoutPath("staging")); got != kustomization("checkout", "1.1.0") {
		t.Errorf("main has\n%s", got)
	}
}

// TestChangedFreezeCounts: the windows are those of the default branch, as soon as it says so.
func TestChangedFreezeCounts(t *testing.T) {
	t.Parallel()
	h := newCheckoutWith(t, proposing)
	h.arrive("1.1.0")
	p := h.staging()
	h.wantStatus(acmeEnv, p.Head.SHA, "ferry/gates", "success", "")
	freeze, _ := freezeNow(h)
	h.commit(acmeEnv, map[string]string{".ferry.yaml": "apiVersion: ferry/v1\n" + proposing + freeze + checkoutApp})
	h.wantStatus(acmeEnv, h.staging().Head.SHA, "ferry/gates", "pending", "the sale")
	h.commit(acmeEnv, map[string]string{".ferry.yaml": "apiVersion: ferry/v1\n" + proposing + checkoutApp + freeze})
	h.wantStatus(acmeEnv, h.staging().Head.SHA, "ferry/gates", "pending", "the sale") // the app's own
	h.commit(acmeEnv, map[string]string{".ferry.yaml": "apiVersion: ferry/v1\n" + proposing + checkoutApp})
	h.wantStatus(acmeEnv, h.staging().Head.SHA, "ferry/gates", "success", "")
}

// maintainer makes somebody who may freeze.
func (h *harness) maintainer() string {
	h.t.Helper()
	h.person("mia", acmeEnv, forge.PermissionMaintain)
	return "mia"
}

func TestFreezeAndThaw(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	mia := h.maintainer()
	h.arrive("1.1.0")
	p := h.staging()
	if got := h.ask(p.Number, "dora", "/freeze staging no"); !strings.Contains(got, "it needs maintain permission") {
		t.Errorf("dora is answered %q", got)
	}
	if got := h.ask(p.Number, mia, "/freeze staging"); !strings.Contains(got, "why?") {
		t.Errorf("without a reason the answer is %q", got)
	}
	h.wantStatus(acmeEnv, p.Head.SHA, "ferry/gates", "success", "")
	h.push("dora", "bump", map[string]string{checkoutPath("staging"): kustomization("checkout", "3.0.0")})
	n, err := h.forge.OpenPull(acmeEnv, "dora", forge.NewPullRequest{HeadBranch: "bump", BaseBranch: "main", Title: "by hand"})
	h.does(err)
	byHand := h.pull(n).Head.SHA
	if got := h.ask(h.board().Number, mia, "/freeze staging an incident"); !strings.Contains(got, "Frozen: mia froze staging: an incident") {
		t.Errorf("the answer is %q", got)
	}
	h.wantStatus(acmeEnv, p.Head.SHA, "ferry/gates", "failure", "mia froze staging: an incident")
	h.wantStatus(acmeEnv, byHand, "ferry/gates", "failure", "mia froze staging: an incident")
	if got := h.file(acmeEnv, "ferry-state", "decisions.yaml"); !strings.Contains(got, "freezes:") || !strings.Contains(got, "by: mia") {
		t.Errorf("the branch ferry-state says\n%s", got)
	}
	h.later(2 * time.Minute)
	if body := h.board().Body; !strings.Contains(body, "### Freezes") || !strings.Contains(body, "mia froze staging: an incident") {
		t.Errorf("the issue says\n%s", body)
	}
	if got := h.ask(p.Number, "dora", "/status"); !strings.Contains(got, "freeze is closed: mia froze staging") {
		t.Errorf("/status is answered by %q", got)
	}
	h.loseAndCompare()
	h.report(acmeEnv, "dev", "healthy")
	h.wantStatus(acmeEnv, h.staging().Head.SHA, "ferry/gates", "failure", "an incident")
	h.wantStatus(acmeEnv, byHand, "ferry/gates", "failure", "an incident")
	if got := h.ask(p.Number, mia, "/thaw staging"); !strings.Contains(got, "Thawed") {
		t.Errorf("the answer is %q", got)
	}
	h.wantStatus(acmeEnv, h.staging().Head.SHA, "ferry/gates", "success", "")
	h.wantStatus(acmeEnv, byHand, "ferry/gates", "success", "")
	if strings.Contains(h.file(acmeEnv, "ferry-state", "decisions.yaml"), "an incident") {
		t.Error("the branch ferry-state still freezes")
	}
	if got := h.eventKinds("staging"); !slices.Contains(got, "freeze") || !slices.Contains(got, "thaw") {
		t.Errorf("the events are %q", got)
	}
}

func TestFreezeEndsByItself(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	mia := h.maintainer()
	h.arrive("1.1.0")
	h.ask(h.board().Number, mia, "/freeze all for 2h the network moves")
	frozen := h.clock.Now()
	h.wantStatus(acmeEnv, h.staging().Head.SHA, "ferry/gates", "failure", "mia froze everything until")
	h.until(frozen.Add(2*time.Hour - 5*time.Second))
	h.wantStatus(acmeEnv, h.staging().Head.SHA, "ferry/gates", "failure", "the network moves")
	h.until(frozen.Add(2 * time.Hour))
	h.wantStatus(acmeEnv, h.staging().Head.SHA, "ferry/gates", "success", "")
	h.later(2 * time.Minute)
	if strings.Contains(h.board().Body, "the network moves") || strings.Contains(h.file(acmeEnv, "ferry-state", "decisions.yaml"), "the network moves") {
		t.Error("it is frozen still, on the issue or the branch ferry-state")
	}
	if !slices.ContainsFunc(h.events(), func(e postgresEvent) bool { return e.Kind == "freeze ended" && e.Actor == "timer" }) {
		t.Error("no event says that the freeze has ended")
	}
}

// TestFreezeStopsTheMerge: the freeze was decided, the plan that follows from it was not; the merge that was due does not happen.
func TestFreezeStopsTheMerge(t *testing.T) {
	t.Parallel()
	h := newCheckoutWith(t, strings.Replace(releasing, "merge:", "soak: 1h\n    merge:", 1)+"    unprotected: allow\n")
	mia := h.maintainer()
	h.arrive("1.1.0")
	p := h.staging()
	h.stopsTheMerge(p.Number, mia, "/freeze staging an incident")
	h.wantStatus(acmeEnv, p.Head.SHA, "ferry/gates", "failure", "mia froze")
	h.ask(p.Number, mia, "/thaw staging")
	h.later(time.Minute)
	h.noPulls()
}

// TestFreezeWhileTheMergeFails: the forge could not merge at once, and before it is tried again somebody stops the line.
func TestFreezeWhileTheMergeFails(t *testing.T) {
	t.Parallel()
	h := newCheckoutWith(t, releasing+"    unprotected: allow\n")
	mia := h.maintainer()
	issue := h.board().Number
	h.forge.Faults().Fail(sandbox.Fault{Method: http.MethodPut, Route: "/repos/{owner}/{repo}/pulls/{pull_number}/merge", Status: http.StatusBadGateway, Then: func() {
		if _, err := h.forge.Comment(acmeEnv, issue, mia, "/freeze all an incident"); err != nil {
			t.Error(err)
		}
	}})
	h.arrive("1.1.0")
	h.later(30 * time.Minute)
	p := h.staging()
	h.wantStatus(acmeEnv, p.Head.SHA, "ferry/gates", "failure", "mia froze everything: an incident")
	h.ask(issue, mia, "/thaw all")
	h.later(time.Minute)
	h.noPulls()
}
