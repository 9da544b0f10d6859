package main

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// TestClosedWhileTheNewerComes: the delivery of a person's close is lost, and the newer release arrives: what was closed stays rejected.
func TestClosedWhileTheNewerComes(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	h.arrive("1.1.0")
	first := h.staging()
	h.forge.Faults().Lose("pull_request", 1)
	h.does(h.forge.ClosePull(acmeEnv, first.Number, "dora"))
	h.arrive("1.2.0")
	h.later(time.Minute)
	second := h.staging()
	if second.Number == first.Number || !strings.Contains(second.Title, "1.2.0") {
		t.Errorf("open is %+v", second)
	}
	if !slices.Contains(h.eventKinds("staging"), "rejected") {
		t.Errorf("the events are %q", h.eventKinds("staging"))
	}
	h.arrive("1.1.0")
	h.noPulls()
}

// TestWithdrawnBeforeTheAnswerCame: the forge opened the pull request, its answer was lost, and meanwhile upstream went back.
func TestWithdrawnBeforeTheAnswerCame(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	h.forge.Faults().Fail(sandboxDone("POST", openingRoute))
	h.arrive("1.1.0")
	h.deploy("dev", "1.0.0")
	h.later(10 * time.Minute)
	h.noPulls()
	h.arrive("1.2.0")
	h.staging()
}

// TestBranchRestoredAndReopened: Ferry closed a promotion as superseded; somebody restores the branch and reopens it.
func TestBranchRestoredAndReopened(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	h.arrive("1.1.0")
	p := h.staging()
	h.arrive("1.0.0")
	h.noPulls()
	h.restore(p)
	h.does(h.forge.Reopen(acmeEnv, p.Number, "dora"))
	h.noPulls()
	h.arrive("1.1.0")
	h.staging()
}

// TestEditedCommentsAreIgnored: only what was said when the comment was made is obeyed.
func TestEditedCommentsAreIgnored(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	h.arrive("1.1.0")
	p := h.staging()
	id := h.say(p.Number, "dora", "looks good")
	h.edit(id, "dora", "/hold")
	if got := h.answersTo(p.Number, id); len(got) != 0 {
		t.Errorf("an edit is answered by %q", got)
	}
	h.wantStatus(acmeEnv, p.Head.SHA, "ferry/gates", "success", "")
}

// TestACommentWithWhatNoDatabaseTakes: PostgreSQL's text has no U+0000. Whoever writes one stops nothing.
func TestACommentWithWhatNoDatabaseTakes(t *testing.T) {
	t.Parallel()
	h, p := newProposed(t, approving)
	h.say(p.Number, "rita", "/status\n\x00")
	h.settle()
	if got := h.ask(p.Number, "dora", "/status"); got == "" {
		t.Error("nobody is answered any more")
	}
}
