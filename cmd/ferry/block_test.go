package main

import (
	"slices"
	"strings"
	"testing"

	"ferry/forge"
	"ferry/forge/sandbox"
)

func TestBlockClosesTheOpenPromotion(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	mia := h.maintainer()
	h.arrive("1.1.0")
	p := h.staging()
	if got := h.ask(h.board().Number, "dora", "/block 1.1.0 it loses orders"); !strings.Contains(got, "Blocked: dora blocks checkout 1.1.0: it loses orders") {
		t.Errorf("the answer is %q", got)
	}
	h.noPulls()
	if got := h.eventKinds("staging"); slices.Contains(got, "rejected") || !slices.Contains(got, "promotion superseded") {
		t.Errorf("closing it is no rejection; the events are %q", got)
	}
	if got := h.file(acmeEnv, "ferry-state", "decisions.yaml"); !strings.Contains(got, "blocks:") || !strings.Contains(got, "release: 1.1.0") {
		t.Errorf("the branch ferry-state says\n%s", got)
	}
	if got := h.ask(p.Number, "dora", "/status checkout staging"); !strings.Contains(got, "Nothing is on its way: dora blocks checkout 1.1.0") {
		t.Errorf("/status is answered by %q", got)
	}
	if got := h.ask(p.Number, "dora", "/promote"); !strings.Contains(got, "does not go to `staging`: dora blocks") {
		t.Errorf("/promote is answered by %q", got)
	}
	h.noPulls()
	h.sweep()
	h.noPulls()
	if body := h.board().Body; !strings.Contains(body, "### Blocks") || !strings.Contains(body, "dora blocks checkout 1.1.0") {
		t.Errorf("the issue says\n%s", body)
	}
	h.loseAndCompare()
	h.report(acmeEnv, "dev", "healthy")
	h.noPulls()
	if got := h.ask(p.Number, "dora", "/unblock 1.1.0"); !strings.Contains(got, "it needs maintain permission") {
		t.Errorf("dora is answered %q", got)
	}
	if got := h.ask(p.Number, mia, "/unblock checkout 1.1.0"); !strings.Contains(got, "Lifted: dora blocked checkout 1.1.0.") {
		t.Errorf("the answer is %q", got)
	}
	again := h.staging()
	if !strings.Contains(again.Title, "1.1.0") {
		t.Errorf("open is %+v", again)
	}
	h.wantStatus(acmeEnv, again.Head.SHA, "ferry/gates", "success", "")
	if strings.Contains(h.file(acmeEnv, "ferry-state", "decisions.yaml"), "blocks:") {
		t.Error("the branch ferry-state still blocks")
	}
}

// TestBlockedGoesNoFurther: what stands in staging and was blocked there does not go on to prod; the release after it does.
func TestBlockedGoesNoFurther(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	h.arrive("1.1.0")
	h.merge(acmeEnv, h.staging().Number)
	h.report(acmeEnv, "staging", "healthy")
	prod := h.pullOn(acmeEnv, "ferry/prod/checkout")
	h.ask(prod.Number, "dora", "/block checkout 1.1.0 staging it loses orders")
	h.noPulls()
	h.arrive("1.2.0")
	h.merge(acmeEnv, h.staging().Number)
	h.report(acmeEnv, "staging", "healthy")
	if p := h.pullOn(acmeEnv, "ferry/prod/checkout"); !strings.Contains(p.Title, "1.0.0 → 1.2.0") {
		t.Errorf("open is %+v", p)
	}
}

func TestBlockOnHandMadePulls(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	mia := h.maintainer()
	heads := map[string]forge.SHA{}
	for branch, tag := range map[string]string{"bad": "3.0.0", "good": "3.0.1"} {
		h.push("dora", branch, map[string]string{checkoutPath("staging"): kustomization("checkout", tag)})
		n, err := h.forge.OpenPull(acmeEnv, "dora", forge.NewPullRequest{HeadBranch: branch, BaseBranch: "main", Title: branch})
		h.does(err)
		heads[branch] = h.pull(n).Head.SHA
	}
	h.ask(h.board().Number, "dora", "/block checkout 3.0.0 it loses orders")
	h.wantStatus(acmeEnv, heads["bad"], "ferry/gates", "failure", "dora blocks checkout 3.0.0")
	h.wantStatus(acmeEnv, heads["good"], "ferry/gates", "success", "")
	moved := h.push("dora", "good", map[string]string{checkoutPath("staging"): kustomization("checkout", "3.0.0")})
	h.wantStatus(acmeEnv, moved, "ferry/gates", "failure", "dora blocks checkout 3.0.0")
	h.ask(h.board().Number, mia, "/unblock checkout 3.0.0")
	h.wantStatus(acmeEnv, moved, "ferry/gates", "success", "")
}

// TestBlockStopsTheMerge: the block was decided, the plan that follows from it was not; the merge that was due does not happen.
func TestBlockStopsTheMerge(t *testing.T) {
	t.Parallel()
	h := newCheckoutWith(t, releasing+"    unprotected: allow\n")
	h.arrive("1.1.0")
	h.noPulls()
	h.report(acmeEnv, "staging", "healthy")
	h.deploy("dev", "1.2.0")
	h.forge.Faults().Fail(sandboxFault("PUT", "/repos/{owner}/{repo}/pulls/{pull_number}/merge", 1))
	h.report(acmeEnv, "dev", "healthy")
	p := h.staging()
	if _, err := h.forge.Comment(acmeEnv, p.Number, "dora", "/block 1.2.0 it loses orders"); err != nil {
		t.Fatal(err)
	}
	h.clock.advance(sweepAfter)
	h.observeAndCommand()
	if n := h.actOn("merge"); n != 1 {
		t.Fatalf("%d merges were due, want one", n)
	}
	h.settle()
	h.noPulls()
	if h.pull(p.Number).Merged {
		t.Fatal("merged though it was blocked")
	}
}

// TestUnblockTakesARejectionBack, also after the database was lost: of that, the forge itself tells nothing.
func TestUnblockTakesARejectionBack(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "    soak: 1h\n")
	mia := h.maintainer()
	h.arrive("1.1.0")
	p := h.staging()
	h.does(h.forge.ClosePull(acmeEnv, p.Number, "dora"))
	h.noPulls()
	h.ask(h.board().Number, mia, "/hold staging a moment")
	if got := h.ask(p.Number, mia, "/unblock 1.1.0"); !strings.Contains(got, "Taken back: dora rejected `1.1.0` in `staging`") {
		t.Errorf("the answer is %q", got)
	}
	h.noPulls()
	if got := h.file(acmeEnv, "ferry-state", "decisions.yaml"); !strings.Contains(got, "lifted:") {
		t.Errorf("the branch ferry-state says\n%s", got)
	}
	h.loseAndCompare()
	h.reportAll("dev")
	h.ask(h.board().Number, mia, "/resume staging")
	again := h.staging()
	if again.Number == p.Number || !strings.Contains(again.Title, "1.1.0") {
		t.Errorf("open is %+v", again)
	}
	h.loseAndCompare()
	h.reportAll("dev")
	h.does(h.forge.ClosePull(acmeEnv, again.Number, "dora")) // it is no word for ever
	h.noPulls()
	h.loseAndCompare()
	h.reportAll("dev")
	h.noPulls()
}

// TestHandMadeUnderAMovedBase: what a hand-made pull request brings does not hang on where its base stands: what equals that today brings a blocked release
// back once the base has gone another way.
func TestHandMadeUnderAMovedBase(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	mia := h.maintainer()
	h.through("1.1.0")
	h.doesUnheard(h.forge.Commit(acmeEnv, sandbox.Edit{As: "dora", Branch: "old", Message: "notes", Files: map[string]string{"NOTES.md": "x\n"}}))
	h.through("1.2.0")
	n, head := h.proposeEdit(sandbox.Edit{Branch: "old", Files: map[string]string{checkoutPath("prod"): kustomization("checkout", "1.2.0")}})
	h.wantStatus(acmeEnv, head, "ferry/gates", "success", "nothing stops what it changes: checkout in prod")

	h.ask(h.board().Number, mia, "/rollback checkout prod it loses orders")
	h.merge(acmeEnv, h.prod().Number)
	h.reportAll("prod")
	h.wantInProd("1.1.0")
	h.does(h.forge.SetRuleset(acmeEnv, sandbox.Ruleset{Name: "gates", Branches: []string{"main"}, Rules: sandbox.Rules{Checks: []sandbox.RequiredCheck{{Context: "ferry/gates", App: testAppID}}}, Bypass: []string{"ci-none"}}))
	for range 2 { // and after a sweep
		h.wantStatus(acmeEnv, head, "ferry/gates", "failure", "it changes checkout in prod; ")
		if _, err := h.forge.Merge(acmeEnv, n, "dora", forge.MergeCommit); err == nil {
			t.Error("it was merged")
		}
		h.sweep()
	}
	h.wantInProd("1.1.0")
}
