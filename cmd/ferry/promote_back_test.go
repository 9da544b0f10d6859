package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"ferry/forge"
)

// lineTo is dev, staging and a prod into which Ferry merges by itself.
const lineTo = "mode: release\nenvironments:\n  - name: dev\n  - name: staging\n    from: [dev]\n  - name: prod\n    from: [staging]\n    merge: auto\n    unprotected: allow\n"

// TestPromoteAllTakesNothingBack: what is older upstream since before Ferry stays where it is for /promote all, and goes back only by the app's name.
func TestPromoteAllTakesNothingBack(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	files := checkoutFiles("")
	files[".ferry.yaml"] = "apiVersion: ferry/v1\n" + lineTo + checkoutApp
	for env, tag := range map[string]string{"dev": "1.3.0", "staging": "1.0.0", "prod": "1.2.0"} {
		files[checkoutPath(env)] = kustomization("checkout", tag)
	}
	h.environments(acmeEnv, files)
	h.reportAll("dev", "staging", "prod")
	h.later(2 * time.Minute)
	issue := h.board()
	if !strings.Contains(issue.Body, "1.0.0 has stood in staging since Ferry's first look and is older than what stands here; /promote checkout prod takes it back") {
		t.Errorf("the issue says\n%s", issue.Body)
	}
	for _, all := range []string{"/promote all", "/promote checkout"} { // which may mean staging alone
		if got := h.ask(issue.Number, h.maintainer(), all); !strings.Contains(got, "`checkout` goes to `1.3.0` in `staging`") ||
			!strings.Contains(got, "`checkout` is left out of `prod`: `1.0.0` is older than `1.2.0`, which stands there. `/promote checkout prod` brings it all the same.") {
			t.Errorf("the answer is %q", got)
		}
		h.later(time.Minute)
		h.wantInProd("1.2.0")
		h.nothingIntoProd()
	}
	if title := h.staging().Title; title != "Promote checkout to staging: 1.0.0 → 1.3.0" {
		t.Errorf("into staging comes %q", title)
	}
}

// TestPromoteBack: staging goes back, and prod stays for whoever has only write; who may roll back takes it back by the app's name, on a pull request that
// says so, and it comes back to that once the database is lost.
func TestPromoteBack(t *testing.T) {
	t.Parallel()
	for name, tags := range map[string][2]string{"by version": {"1.1.0", "1.2.0"}, "by when they came": {"main-a", "main-b"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newCheckoutWith(t, lineTo)
			mia := h.maintainer()
			h.person("eve", acmeEnv, forge.PermissionWrite)
			h.reportAll("dev", "staging", "prod")
			for _, tag := range tags {
				h.arrive(tag)
				h.merge(acmeEnv, h.staging().Number)
				h.reportAll("staging")
				h.later(3 * time.Second)
				h.reportAll("prod")
			}
			h.wantInProd(tags[1])
			h.ask(h.board().Number, mia, "/freeze prod wait")
			h.deploy("staging", tags[0])
			h.reportAll("staging")
			h.later(time.Minute)
			issue := h.board().Number
			for words, want := range map[string]string{
				"/promote all":           "`checkout` is left out of `prod`: `" + tags[0] + "` is older than `" + tags[1] + "`, which stands there.",
				"/promote checkout prod": "@eve, you may not `/rollback`",
			} {
				if got := h.ask(issue, "eve", words); !strings.Contains(got, want) || strings.Contains(got, "as soon as its gates are open") {
					t.Errorf("%s is answered by %q", words, got)
				}
			}
			h.nothingIntoProd()
			if got := h.ask(issue, mia, "/promote checkout prod"); !strings.Contains(got, fmt.Sprintf("goes back to `%s` in `prod` as soon as its gates are open: that is older than `%s`", tags[0], tags[1])) {
				t.Errorf("the answer is %q", got)
			}
			h.goesBack(tags)
			h.loseAndCompare()
			h.reportAll("dev", "staging", "prod")
			h.goesBack(tags)
			h.ask(h.board().Number, mia, "/thaw prod")
			h.later(time.Minute)
			h.wantInProd(tags[0])
		})
	}
}

// goesBack fails unless the pull request into prod says that it takes checkout back.
func (h *harness) goesBack(tags [2]string) {
	h.t.Helper()
	if p := h.prod(); p.Title != fmt.Sprintf("Promote checkout to prod: %s → %s (older)", tags[1], tags[0]) || !strings.Contains(p.Body, "**That is older than what stands there.**") {
		h.t.Errorf("open is %q\n%s", p.Title, p.Body)
	}
}

// TestPromoteAllLiftsNothing: what somebody rejected, or took out of a train, comes by the app's name only.
func TestPromoteAllLiftsNothing(t *testing.T) {
	t.Parallel()
	h := train(t, "")
	h.bump("1.1.0", "cart", "checkout", "mail", "search")
	mail := h.pullOn(acmeEnv, "ferry/staging/mail").Number
	h.does(h.forge.ClosePull(acmeEnv, mail, "dora"))
	h.later(time.Minute)
	h.ask(h.theTrain().Number, "dora", "/drop search")
	h.brings("cart 1.0.0 → 1.1.0", "checkout 1.0.0 → 1.1.0")
	issue := h.board().Number
	for _, words := range []string{"/promote all", "/promote platform"} {
		got := h.ask(issue, "dora", words)
		if !strings.Contains(got, "`search` is left out of `staging`: dora took `1.1.0` out of") || !strings.Contains(got, "`/promote search staging` brings it all the same") ||
			strings.Contains(got, fmt.Sprintf("`mail` is left out of `staging`: dora rejected `1.1.0` by closing #%d.", mail)) != (words == "/promote all") {
			t.Errorf("%s is answered by %q", words, got)
		}
		h.brings("cart 1.0.0 → 1.1.0", "checkout 1.0.0 → 1.1.0")
		if p, open := h.openPulls(acmeEnv)["ferry/staging/mail"]; open {
			t.Errorf("%s brings %q", words, p.Title)
		}
	}
	h.ask(issue, "dora", "/promote mail\n/promote search")
	h.brings("cart 1.0.0 → 1.1.0", "checkout 1.0.0 → 1.1.0", "search 1.0.0 → 1.1.0")
	if p := h.pullOn(acmeEnv, "ferry/staging/mail"); p.Title != "Promote mail to staging: 1.0.0 → 1.1.0" {
		t.Errorf("of mail comes %q", p.Title)
	}
}
