package main

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// watched is a harness with 1.2.0 in prod and 1.1.0 before it, in mode release.
func watched(t *testing.T, settings string) *harness {
	t.Helper()
	h := newHarness(t)
	files := checkoutFiles(settings + "    unprotected: allow\n")
	files[".ferry.yaml"] = "apiVersion: ferry/v1\nmode: release\n" + strings.TrimPrefix(files[".ferry.yaml"], "apiVersion: ferry/v1\n")
	h.environments(acmeEnv, files)
	h.through("1.1.0")
	h.through("1.2.0")
	return h
}

func TestDegradationIsAnsweredByAnOffer(t *testing.T) {
	t.Parallel()
	h := watched(t, "")
	merged := h.head(acmeEnv, "main")
	h.report(acmeEnv, "prod", "degraded")
	h.wantStatus(acmeEnv, merged, "ferry/prod", "failure", "checkout 1.2.0: degraded")
	if got := h.statuses(acmeEnv, merged)["ferry/prod"].Description; strings.Contains(got, "/rollback") {
		t.Errorf("it has not lasted yet: %q", got)
	}
	h.later(time.Minute + time.Second)
	h.wantStatus(acmeEnv, merged, "ferry/prod", "failure", "(/rollback checkout prod brings 1.1.0 back)")
	h.nothingIntoProd()
	if got := h.ask(h.board().Number, "dora", "/status checkout prod"); !strings.Contains(got, "while that is blamed on 1.2.0: /rollback checkout prod brings 1.1.0 back") {
		t.Errorf("/status is answered by %q", got)
	}
	h.later(2 * time.Minute)
	if body := h.board().Body; !strings.Contains(body, "### What went wrong") {
		t.Errorf("the issue says\n%s", body)
	}
	if page := h.page("/"); !strings.Contains(page, "/rollback checkout prod brings 1.1.0 back") {
		t.Errorf("the page says\n%s", page)
	}
	h.report(acmeEnv, "prod", "healthy")
	h.wantStatus(acmeEnv, merged, "ferry/prod", "success", "runs in prod")
}

func TestDegradationIsAnsweredByAPullRequest(t *testing.T) {
	t.Parallel()
	h := watched(t, "    rollback: pr\n    settle: 5m\n")
	h.report(acmeEnv, "prod", "degraded")
	h.later(5*time.Minute - time.Second)
	h.nothingIntoProd()
	h.later(2 * time.Second)
	p := h.prod()
	if p.Title != "Roll back checkout in prod: 1.2.0 → 1.1.0" || !strings.Contains(p.Body, "degraded since") || !strings.Contains(p.Body, "Asked for by ferry") {
		t.Errorf("open is %s\n%s", p.Title, p.Body)
	}
	state := h.file(acmeEnv, "ferry-state", "decisions.yaml")
	if !strings.Contains(state, "release: 1.2.0") || !strings.Contains(state, "rolledBack:") || !strings.Contains(state, "intent: rollback") {
		t.Errorf("the branch ferry-state says\n%s", state)
	}
	h.report(acmeEnv, "prod", "healthy") // a person decides
	h.later(time.Hour)
	if again := h.prod(); again.Number != p.Number {
		t.Errorf("open is %+v", again)
	}
	h.loseAndCompare()
	h.reportAll("dev", "staging", "prod")
	if again := h.prod(); again.Number != p.Number || again.Head.SHA != p.Head.SHA {
		t.Errorf("open is %+v", again)
	}
	h.merge(acmeEnv, p.Number)
	h.wantInProd("1.1.0")
	h.nothingIntoProd()
}

func TestDegradationIsAnsweredByAMerge(t *testing.T) {
	t.Parallel()
	h := watched(t, "    rollback: auto\n")
	h.arrive("1.3.0")
	h.merge(acmeEnv, h.staging().Number)
	h.report(acmeEnv, "staging", "healthy")
	open := h.prod()
	h.report(acmeEnv, "prod", "failed")
	h.later(time.Minute + time.Second)
	h.wantInProd("1.1.0")
	if old := h.pull(open.Number); old.State != "closed" || old.Merged {
		t.Errorf("what was open is %+v", old)
	}
	for _, kind := range []string{"rollback", "hold", "block"} {
		if !slices.Contains(h.eventKinds("prod"), kind) {
			t.Errorf("no event %s in %q", kind, h.eventKinds("prod"))
		}
	}
	h.report(acmeEnv, "prod", "failed") // 1.1.0 is not well either: no further
	h.later(time.Hour)
	h.wantInProd("1.1.0")
	if p := h.prod(); !strings.Contains(p.Title, "1.1.0 → 1.3.0") {
		t.Errorf("open is %+v", p)
	}
}
