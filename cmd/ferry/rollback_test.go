package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"ferry/forge/sandbox"
)

// through lets a tag go all the way to prod and converge everywhere.
func (h *harness) through(tag string) {
	h.t.Helper()
	h.arrive(tag)
	h.merge(acmeEnv, h.staging().Number)
	h.report(acmeEnv, "staging", "healthy")
	h.merge(acmeEnv, h.prod().Number)
	h.reportAll("dev", "staging", "prod")
}

// prod returns the open promotion of checkout into prod.
func (h *harness) prod() pull { h.t.Helper(); return h.pullOn(acmeEnv, "ferry/prod/checkout") }

func (h *harness) nothingIntoProd() {
	h.t.Helper()
	if p, ok := h.openPulls(acmeEnv)["ferry/prod/checkout"]; ok {
		h.t.Fatalf("open into prod is %+v", p)
	}
}

func (h *harness) wantInProd(tag string) {
	h.t.Helper()
	if got := h.file(acmeEnv, "main", checkoutPath("prod")); got != kustomization("checkout", tag) {
		h.t.Errorf("prod has\n%s\nwant %s", got, tag)
	}
}

// TestRollbackThatSticks is the thread of every promotion tool: production goes back from v6 to v3 while v6 is the newest in staging; v6 is built again;
// then v7 comes, and only v7 goes on to prod.
func TestRollbackThatSticks(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "    soak: 1h\n    merge: auto\n    unprotected: allow\n")
	h.commit(acmeEnv, map[string]string{".ferry.yaml": "apiVersion: ferry/v1\nmode: release\n" + strings.TrimPrefix(h.file(acmeEnv, "main", ".ferry.yaml"), "apiVersion: ferry/v1\n")})
	mia := h.maintainer()
	h.reportAll("dev", "staging", "prod")
	for _, tag := range []string{"v3", "v5", "v6"} {
		h.arrive(tag)
		h.merge(acmeEnv, h.staging().Number)
		h.report(acmeEnv, "staging", "healthy")
		h.later(time.Hour + time.Second)
		h.wantInProd(tag)
		h.reportAll("dev", "staging", "prod")
	}
	h.commit(acmeEnv, map[string]string{"README.md": "other work goes on\n"})
	board := h.board().Number
	if got := h.ask(board, "dora", "/rollback prod"); !strings.Contains(got, "it needs maintain permission") {
		t.Errorf("dora is answered %q", got)
	}
	got := h.ask(board, mia, "/rollback prod to v3 it loses orders")
	if !strings.Contains(got, "Rolling `checkout` back in `prod`: `v6` → `v3`.") || !strings.Contains(got, "Blocked: `v6`") {
		t.Errorf("the answer is %q", got)
	}
	h.wantInProd("v3") // merge: auto merges it at once: its gates are open
	h.nothingIntoProd()
	for _, words := range []string{"rolledBack:", "blocks:", "release: v6"} {
		if state := h.file(acmeEnv, "ferry-state", "decisions.yaml"); !strings.Contains(state, words) {
			t.Errorf("the branch ferry-state lacks %q:\n%s", words, state)
		}
	}
	if kinds := h.eventKinds("prod"); !slices.Contains(kinds, "rollback") || !slices.Contains(kinds, "hold") || !slices.Contains(kinds, "block") {
		t.Errorf("the events are %q", kinds)
	}
	h.reportAll("prod")
	h.later(2 * time.Hour)
	h.sweep()
	h.nothingIntoProd()
	for _, words := range []string{"mia holds checkout in prod since the rollback from v6", "mia blocks checkout v6 in prod"} {
		if body := h.board().Body; !strings.Contains(body, words) {
			t.Errorf("the issue lacks %q:\n%s", words, body)
		}
	}
	h.loseAndCompare()
	h.reportAll("dev", "staging", "prod")
	h.later(2 * time.Hour)
	h.nothingIntoProd()

	pinned := "    digest: sha256:" + strings.Repeat("6", 64) + "\n"
	h.commit(acmeEnv, map[string]string{checkoutPath("dev"): kustomization("checkout", "v6") + pinned, checkoutPath("staging"): kustomization("checkout", "v6") + pinned})
	h.reportAll("dev", "staging")
	h.later(2 * time.Hour)
	h.nothingIntoProd()

	h.commit(acmeEnv, map[string]string{checkoutPath("dev"): kustomization("checkout", "v7"), checkoutPath("staging"): kustomization("checkout", "v6")})
	h.reportAll("dev", "staging")
	h.merge(acmeEnv, h.staging().Number)
	h.report(acmeEnv, "staging", "healthy")
	h.later(2 * time.Hour)
	p := h.prod() // merge: auto does not merge it
	if !strings.Contains(p.Title, "v3 → v7") || !strings.Contains(p.Body, "newer than v6, from which mia rolled back: a person merges it") {
		t.Errorf("open is %s\n%s", p.Title, p.Body)
	}
	h.wantStatus(acmeEnv, p.Head.SHA, "ferry/gates", "success", "")
	h.merge(acmeEnv, p.Number)
	h.reportAll("prod")
	if state := h.file(acmeEnv, "ferry-state", "decisions.yaml"); strings.Contains(state, "holds:") || !strings.Contains(state, "blocks:") {
		t.Errorf("the hold has ended, and the block has not; the branch ferry-state says\n%s", state)
	}
	if kinds := h.eventKinds("prod"); !slices.Contains(kinds, "hold ended") {
		t.Errorf("the events are %q", kinds)
	}
}

// rollbackOverAnOpenPromotion is a harness with 1.2.0 in prod, 1.1.0 before it, and the promotion of 1.3.0 open.
func rollbackOverAnOpenPromotion(t *testing.T) (h *harness, open pull, mia string) {
	t.Helper()
	h = newCheckout(t, "")
	mia = h.maintainer()
	h.through("1.1.0")
	h.through("1.2.0")
	h.arrive("1.3.0")
	h.merge(acmeEnv, h.staging().Number)
	h.report(acmeEnv, "staging", "healthy")
	return h, h.prod(), mia
}

func (h *harness) wantRollbackInPlaceOf(open pull) {
	h.t.Helper()
	p := h.prod()
	if p.Title != "Roll back checkout in prod: 1.2.0 → 1.1.0" || p.Number == open.Number {
		h.t.Errorf("open is #%d %s", p.Number, p.Title)
	}
	if got := h.file(acmeEnv, "ferry/prod/checkout", checkoutPath("prod")); got != kustomization("checkout", "1.1.0") {
		h.t.Errorf("it brings\n%s", got)
	}
	h.wantStatus(acmeEnv, p.Head.SHA, "ferry/gates", "success", "")
	old := h.pull(open.Number)
	if old.State != "closed" || old.Merged || old.Title != open.Title {
		h.t.Errorf("what was open is %+v", old)
	}
	said := 0
	for _, r := range h.remarks(open.Number) {
		if strings.HasPrefix(r.Body, "Superseded: Roll back checkout in prod") {
			said++
		}
	}
	if said != 1 {
		h.t.Errorf("why it was closed is said %d times", said)
	}
}

func TestRollbackClosesAndOpens(t *testing.T) {
	t.Parallel()
	h, open, mia := rollbackOverAnOpenPromotion(t)
	if got := h.ask(open.Number, mia, "/rollback"); !strings.Contains(got, fmt.Sprintf("#%d gives way to it", open.Number)) {
		t.Errorf("the answer is %q", got)
	}
	h.wantRollbackInPlaceOf(open)
	h.loseAndCompare()
	h.reportAll("dev", "staging", "prod")
	h.wantRollbackInPlaceOf(open)
	rollback := h.prod()
	h.merge(acmeEnv, rollback.Number)
	h.reportAll("prod")
	p := h.prod() // 1.3.0 is newer than what was taken away
	if !strings.Contains(p.Title, "1.1.0 → 1.3.0") || p.Number == open.Number {
		t.Errorf("open is %+v", p)
	}
	if got := h.ask(p.Number, mia, "/status"); !strings.Contains(got, "mia holds checkout in prod since the rollback from 1.2.0") {
		t.Errorf("/status is answered by %q", got)
	}
	h.merge(acmeEnv, p.Number)
	h.wantInProd("1.3.0")
}

// TestRollbackThroughTrouble: whatever fails between the closing and the opening, also where the forge has done it and the answer is lost, there is at
// most one open pull request, and in the end it is the rollback.
func TestRollbackThroughTrouble(t *testing.T) {
	t.Parallel()
	for _, route := range []struct{ method, path string }{
		{"POST", "/repos/{owner}/{repo}/issues/{issue_number}/comments"}, {"PATCH", "/repos/{owner}/{repo}/pulls/{pull_number}"},
		{"DELETE", "/repos/{owner}/{repo}/git/refs/{ref}"}, {"POST", "/repos/{owner}/{repo}/git/commits"}, {"POST", "/repos/{owner}/{repo}/git/refs"}, {"POST", steppedRoute}, {"POST", openingRoute},
	} {
		for _, done := range []bool{false, true} {
			t.Run(fmt.Sprint(route.method, route.path, done), func(t *testing.T) {
				t.Parallel()
				h, open, mia := rollbackOverAnOpenPromotion(t)
				h.forge.Faults().Fail(sandbox.Fault{Method: route.method, Route: route.path, Status: 502, Done: done, Times: 1})
				if route.path != openingRoute {
					h.byStep()
				}
				h.say(h.board().Number, mia, "/rollback checkout prod")
				for range 4 {
					h.openPulls(acmeEnv)
					h.later(2 * time.Minute)
				}
				h.wantRollbackInPlaceOf(open)
			})
		}
	}
}

// TestRollbackOverAnOpeningThatNobodyHeardOf: the promotion is opened, and its answer is lost; the rollback closes it all the same.
func TestRollbackOverAnOpeningThatNobodyHeardOf(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	mia := h.maintainer()
	h.through("1.1.0")
	h.through("1.2.0")
	h.arrive("1.3.0")
	h.merge(acmeEnv, h.staging().Number)
	h.overtake("POST", steppedRoute, true, func() {
		if _, err := h.forge.Comment(acmeEnv, h.board().Number, mia, "/rollback checkout prod"); err != nil {
			t.Error(err)
		}
	})
	h.report(acmeEnv, "staging", "healthy")
	for range 4 {
		h.later(2 * time.Minute)
	}
	p := h.prod()
	if p.Title != "Roll back checkout in prod: 1.2.0 → 1.1.0" {
		t.Errorf("open is %+v", p)
	}
	var all []pull
	h.api("/repos/"+acmeEnv+"/pulls?state=all&per_page=100", &all)
	if i := slices.IndexFunc(all, func(p pull) bool { return strings.Contains(p.Title, "1.2.0 → 1.3.0") }); i < 0 || all[i].State != "closed" {
		t.Errorf("the promotion was rewritten, or stands open: %+v", all)
	}
}

func TestRollbackThatAPersonCloses(t *testing.T) {
	t.Parallel()
	h, _, mia := rollbackOverAnOpenPromotion(t)
	h.ask(h.board().Number, mia, "/rollback checkout prod")
	p := h.prod()
	h.does(h.forge.ClosePull(acmeEnv, p.Number, mia))
	again := h.prod() // 1.3.0 is newer: it comes back
	if !strings.Contains(again.Title, "1.2.0 → 1.3.0") {
		t.Errorf("open is %+v", again)
	}
	h.ask(again.Number, mia, "/rollback prod to 1.1.0 all the same")
	if p := h.prod(); p.Title != "Roll back checkout in prod: 1.2.0 → 1.1.0" {
		t.Errorf("open is %+v", p)
	}
	h.loseAndCompare()
}
