package main

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// wantsAnswer asks, and wants the words in the answer, and 1.1.0 to be as far back as prod goes.
func (h *harness) wantsAnswer(number int, login, body string, words ...string) {
	h.t.Helper()
	got := h.ask(number, login, body)
	for _, w := range words {
		if !strings.Contains(got, w) {
			h.t.Errorf("%q is answered by %q, want %q", body, got, w)
		}
	}
	if state := h.file(acmeEnv, "ferry-state", "decisions.yaml"); strings.Count(state, "rolledBack:") > 1 || strings.Contains(state, "release: 1.1.0\n      reason: rolled back") {
		h.t.Errorf("after %q the branch ferry-state says\n%s", body, state)
	}
}

// threeInProd is a harness in which 1.0.0, 1.1.0 and 1.2.0 have run in prod, one after the other.
func threeInProd(t *testing.T, settings string) (h *harness, mia string) {
	t.Helper()
	h = newCheckout(t, settings)
	mia = h.maintainer()
	h.reportAll("dev", "staging", "prod")
	h.through("1.1.0")
	h.through("1.2.0")
	return h, mia
}

// TestTwoPeopleRollBackAtOnce: whoever says it second is told of the first, and production does not go two releases back.
func TestTwoPeopleRollBackAtOnce(t *testing.T) {
	t.Parallel()
	h, mia := threeInProd(t, "")
	brought := h.lastMergedIntoProd()
	board := h.board().Number
	h.ask(board, mia, "/rollback prod")
	first := h.prod()
	already := fmt.Sprintf("is being rolled back in `prod` already: `1.2.0` → `1.1.0` by #%d, asked for by mia. Nothing was changed", first.Number)
	h.wantsAnswer(board, mia, "/rollback checkout prod", already)
	h.wantsAnswer(brought, mia, "/rollback prod to 1.1.0", already)
	h.merge(acmeEnv, first.Number)
	h.reportAll("prod")
	rolledBack := fmt.Sprintf("has been rolled back in `prod` already: `1.2.0` → `1.1.0` by #%d, asked for by mia. Nothing was changed. `/rollback checkout prod to 1.0.0` goes further back", first.Number)
	h.wantsAnswer(board, mia, "/rollback prod", rolledBack) // it was said in the same minute: the issue may have shown 1.2.0 still
	h.later(time.Hour)
	h.wantsAnswer(brought, mia, "/rollback prod", rolledBack) // under what has brought 1.2.0
	h.nothingIntoProd()
	if got := h.ask(board, mia, "/rollback prod"); !strings.Contains(got, "Rolling `checkout` back in `prod`: `1.1.0` → `1.0.0`. Nearer, and left out: `1.2.0`, for mia blocks") {
		t.Errorf("an hour later it is answered by %q", got)
	}
	h.wantInPull("1.0.0")
}

// TestRollbackHeardLate: it was said before the rollback of somebody else's was merged, and is heard after.
func TestRollbackHeardLate(t *testing.T) {
	t.Parallel()
	h, mia := threeInProd(t, "")
	h.sweep()
	board := h.board().Number
	h.ask(board, mia, "/rollback prod")
	first := h.prod()
	h.clock.advance(time.Second)
	late := h.unheard(mia, "/rollback prod to 1.0.0")
	h.clock.advance(2 * time.Second)
	h.merge(acmeEnv, first.Number)
	h.sweep()
	if answers := h.answersTo(board, late); len(answers) != 1 || !strings.Contains(answers[0], fmt.Sprintf("has been rolled back in `prod` already: `1.2.0` → `1.1.0` by #%d, asked for by mia", first.Number)) {
		t.Errorf("the answers are %q", answers)
	}
	h.nothingIntoProd()
}

// lastMergedIntoProd returns the number of what has brought what stands in prod.
func (h *harness) lastMergedIntoProd() int {
	h.t.Helper()
	return query[int](h, `select max(number) from promotions where environment = 'prod' and merge_sha <> ''`)
}

// unheard comments on Ferry's issue, and the delivery is lost.
func (h *harness) unheard(login, body string) int64 {
	h.t.Helper()
	h.forge.Faults().Lose("issue_comment", 1)
	return h.say(h.board().Number, login, body)
}

// wantInPull wants the open promotion into prod to bring the tag.
func (h *harness) wantInPull(tag string) {
	h.t.Helper()
	if p := h.prod(); !strings.Contains(p.Title, "→ "+tag) {
		h.t.Errorf("open is %s, want %s", p.Title, tag)
	}
}

// TestRollbackThatMergesItself: with `merge: auto` the first has been merged by the time the second is heard.
func TestRollbackThatMergesItself(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "    merge: auto\n    mode: release\n    unprotected: allow\n")
	mia := h.maintainer()
	h.reportAll("dev", "staging", "prod")
	for _, tag := range []string{"1.1.0", "1.2.0"} {
		h.arrive(tag)
		h.merge(acmeEnv, h.staging().Number)
		h.report(acmeEnv, "staging", "healthy")
		h.reportAll("prod")
	}
	board := h.board().Number
	for range 2 {
		if _, err := h.forge.Comment(acmeEnv, board, mia, "/rollback prod"); err != nil {
			t.Fatal(err)
		}
	}
	h.settle()
	h.wantInProd("1.1.0")
	h.reportAll("prod")
	h.wantsAnswer(board, mia, "/rollback prod", "has been rolled back in `prod` already", "asked for by mia")
	h.wantInProd("1.1.0")
}

// TestRollbackOfWhatDidNotStandYet: something else comes to stand between the comment and its being heard.
func TestRollbackOfWhatDidNotStandYet(t *testing.T) {
	t.Parallel()
	h, mia := threeInProd(t, "")
	h.arrive("1.3.0")
	h.merge(acmeEnv, h.staging().Number)
	h.report(acmeEnv, "staging", "healthy")
	h.sweep()
	board := h.board().Number
	id := h.unheard(mia, "/rollback prod")
	h.clock.advance(2 * time.Second)
	h.merge(acmeEnv, h.prod().Number)
	h.sweep()
	if answers := h.answersTo(board, id); len(answers) != 1 || !strings.Contains(answers[0], "Something else has come to stand in `prod` since you wrote that (`1.3.0`). Nothing was changed") {
		t.Errorf("the answers are %q", answers)
	}
	h.nothingIntoProd()
	h.ask(board, mia, "/rollback prod")
	h.wantInPull("1.2.0")
}

// TestRollbackAgainAfterItWasClosed: what a person rejected by closing its pull request is neither brought nor passed over without a word.
func TestRollbackAgainAfterItWasClosed(t *testing.T) {
	t.Parallel()
	h, mia := threeInProd(t, "")
	board := h.board().Number
	h.ask(board, mia, "/rollback prod")
	closed := h.prod().Number
	h.does(h.forge.ClosePull(acmeEnv, closed, "dora"))
	h.nothingIntoProd()
	h.wantsAnswer(board, mia, "/rollback prod", fmt.Sprintf("Nothing was done: `1.1.0` ran there before, but dora rejected it by closing #%d. `/rollback checkout prod to 1.1.0` brings it all the same. "+
		"`/rollback checkout prod to 1.0.0` goes further back.", closed))
	h.nothingIntoProd()
	h.ask(board, mia, "/rollback prod to 1.1.0")
	h.wantInPull("1.1.0")
	h.does(h.forge.ClosePull(acmeEnv, h.prod().Number, "dora"))
	h.ask(board, mia, "/rollback prod to 1.0.0")
	h.wantInPull("1.0.0")
}
