package main

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// decided fails unless the file of decisions says the one thing and not the other.
func (h *harness) decided(want, not string) {
	h.t.Helper()
	if got := h.file(acmeEnv, "ferry-state", "decisions.yaml"); !strings.Contains(got, want) || strings.Contains(got, not) {
		h.t.Errorf("want %q and no %q in the decisions:\n%s", want, not, got)
	}
}

// TestDropAfterPromote: of /promote and /drop the last word counts, whoever was meant by the first one, also once the database is lost.
func TestDropAfterPromote(t *testing.T) {
	t.Parallel()
	for _, asked := range []string{"/promote all", "/promote platform", "/promote platform to staging", "/promote cart"} {
		t.Run(asked, func(t *testing.T) {
			t.Parallel()
			h := train(t, "")
			h.bump("1.1.0", "cart", "checkout")
			p := h.brings("cart 1.0.0 → 1.1.0", "checkout 1.0.0 → 1.1.0")
			h.later(time.Minute)
			h.ask(h.board().Number, "dora", asked)
			h.brings("cart 1.0.0 → 1.1.0", "checkout 1.0.0 → 1.1.0")
			h.decided("asked:", "dropped:")
			h.later(time.Minute)
			if got := h.ask(p.Number, "dora", "/drop cart"); !strings.Contains(got, fmt.Sprintf("`cart 1.1.0` leaves #%d", p.Number)) {
				t.Errorf("the answer is %q", got)
			}
			h.brings("checkout 1.0.0 → 1.1.0")
			h.loseAndCompare()
			h.report(acmeEnv, "dev", "healthy")
			h.brings("checkout 1.0.0 → 1.1.0")
			h.later(time.Minute)
			h.ask(h.board().Number, "dora", "/promote cart")
			h.brings("cart 1.0.0 → 1.1.0", "checkout 1.0.0 → 1.1.0")
			h.decided("asked:", "dropped:")
		})
	}
}

// TestDropOfWhatStoodBefore: what came aboard only because somebody asked for it leaves the train, and what tells why says who took it out.
func TestDropOfWhatStoodBefore(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	files := trainFiles("", "    group: platform\n")
	files[worldPath("cart", "dev")] = kustomization("cart", "1.1.0")
	h.environments(acmeEnv, files)
	h.report(acmeEnv, "dev", "healthy")
	h.bump("1.1.0", "checkout")
	h.later(time.Minute)
	h.ask(h.board().Number, "dora", "/promote cart")
	p := h.brings("cart 1.0.0 → 1.1.0", "checkout 1.0.0 → 1.1.0")
	h.later(time.Minute)
	h.ask(p.Number, "dora", "/drop cart")
	h.brings("checkout 1.0.0 → 1.1.0")
	h.decided("dropped:", "asked:")
	if got := h.ask(p.Number, "dora", "/status cart staging"); !strings.Contains(got, "Nothing is on its way: dora took 1.1.0 out of") {
		t.Errorf("/status is answered by %q", got)
	}
}

// TestDropAndPromoteInOneComment: the order of the lines is the order in which they were said.
func TestDropAndPromoteInOneComment(t *testing.T) {
	t.Parallel()
	for words, want := range map[string][]string{
		"/promote cart\n/drop cart": {"checkout 1.0.0 → 1.1.0"},
		"/drop cart\n/promote cart": {"cart 1.0.0 → 1.1.0", "checkout 1.0.0 → 1.1.0"},
	} {
		t.Run(words, func(t *testing.T) {
			t.Parallel()
			h := train(t, "")
			h.bump("1.1.0", "cart", "checkout")
			h.later(time.Minute)
			h.ask(h.theTrain().Number, "dora", words)
			h.brings(want...)
		})
	}
}

// TestDropUnderAHold: a train that is held keeps the app that somebody asked for and took out until the hold ends, and no longer.
func TestDropUnderAHold(t *testing.T) {
	t.Parallel()
	h := train(t, "")
	issue := h.board().Number
	h.bump("1.1.0", "cart", "checkout")
	p := h.theTrain()
	h.later(time.Minute)
	h.ask(issue, "dora", "/promote platform to staging")
	h.ask(issue, "dora", "/hold platform staging wait")
	h.later(time.Minute)
	if got := h.ask(p.Number, "dora", "/drop cart"); !strings.Contains(got, "once the hold ends") {
		t.Errorf("the answer is %q", got)
	}
	h.brings("cart 1.0.0 → 1.1.0", "checkout 1.0.0 → 1.1.0")
	h.ask(issue, "dora", "/resume platform staging")
	h.brings("checkout 1.0.0 → 1.1.0")
}

// TestDropIsNotMergedByFerry: an app that somebody asked for and took out does not go where Ferry merges the train.
func TestDropIsNotMergedByFerry(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	files := trainFiles("    merge: auto\n    unprotected: allow\n    soak: 10m\n", "    group: platform\n")
	files[".ferry.yaml"] = strings.Replace(files[".ferry.yaml"], "environments:", "mode: release\nenvironments:", 1)
	h.environments(acmeEnv, files)
	h.report(acmeEnv, "dev", "healthy")
	h.later(time.Minute)
	issue, mia := h.board().Number, h.maintainer()
	h.bump("1.1.0", "cart", "checkout")
	h.ask(issue, mia, "/freeze staging wait")
	h.ask(issue, "dora", "/promote all to staging")
	h.later(11 * time.Minute)
	h.later(time.Minute)
	p := h.brings("cart 1.0.0 → 1.1.0", "checkout 1.0.0 → 1.1.0")
	h.later(time.Minute)
	h.ask(p.Number, "dora", "/drop cart")
	h.ask(issue, mia, "/thaw staging")
	h.later(time.Minute)
	for app, tag := range map[string]string{"cart": "1.0.0", "checkout": "1.1.0"} {
		if got := h.file(acmeEnv, "main", worldPath(app, "staging")); got != kustomization(app, tag) {
			t.Errorf("%s has\n%s", app, got)
		}
	}
}
