package main

import (
	"strings"
	"testing"
	"time"
)

// TestLostCommands: a command whose delivery was lost is obeyed at the next sweep, once; what was edited, and what was said before Ferry came, is not.
func TestLostCommands(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	h.arrive("1.1.0")
	p := h.staging()
	h.sweep()
	h.forge.Faults().Lose("issue_comment", 1)
	id := h.say(p.Number, "dora", "/hold checkout prod wait")
	if n := query[int](h, `select count(*) from holds`); n != 0 {
		t.Fatal("its delivery was not lost")
	}
	h.sweep()
	if n := query[int](h, `select count(*) from holds`); n != 1 {
		t.Errorf("%d holds", n)
	}
	if answers := h.answersTo(p.Number, id); len(answers) != 1 {
		t.Errorf("%d answers", len(answers))
	}
	h.sweep()
	lost := h.lastDelivery("issue_comment")
	for _, d := range h.forge.Deliveries() {
		if d.Event == "issue_comment" && d.Fault != "" {
			lost = d
		}
	}
	h.hook("issue_comment", lost.GUID, lost.Body, nil) // it comes in the end
	h.settle()
	if n := query[int](h, `select count(*) from holds`); n != 1 || len(h.answersTo(p.Number, id)) != 1 {
		t.Errorf("it was obeyed again: %d holds", n)
	}
}

// TestSweepsDoNotObeyEdits: a comment that became a command by an edit is none.
func TestSweepsDoNotObeyEdits(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	h.arrive("1.1.0")
	p := h.staging()
	h.sweep()
	id := h.say(p.Number, "dora", "looks good")
	h.clock.advance(sweepAfter / 10)
	h.edit(id, "dora", "/hold")
	h.settle()
	h.sweep()
	if n := query[int](h, `select count(*) from holds`); n != 0 {
		t.Error("an edit was obeyed")
	}
	h.wantsEditedAnswer(p.Number, id)
}

// wantsEditedAnswer wants an edited comment to be answered once.
func (h *harness) wantsEditedAnswer(number int, id int64) {
	h.t.Helper()
	if answers := h.answersTo(number, id); len(answers) != 1 || !strings.Contains(answers[0], "this comment has been edited, and Ferry heard no command in it before that") {
		h.t.Errorf("the answers are %q", answers)
	}
}

// TestCommandsThatWereEditedBeforeTheyWereHeard: their author is told, also where the database was lost meanwhile, and an older one may be obeyed still.
func TestCommandsThatWereEditedBeforeTheyWereHeard(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	h.arrive("1.1.0")
	p := h.staging()
	h.sweep()
	h.forge.Faults().Lose("issue_comment", 2)
	id := h.say(p.Number, "dora", "/hold checkuot")
	h.clock.advance(time.Second)
	h.edit(id, "dora", "/hold checkout staging")
	h.sweep()
	h.wantsEditedAnswer(p.Number, id)
	h.sweep()
	h.wantsEditedAnswer(p.Number, id)
	h.later(time.Minute)
	h.forge.Faults().Lose("issue_comment", 2)
	lost := h.say(p.Number, "dora", "/freeze staging so")
	h.clock.advance(time.Second)
	h.edit(lost, "dora", "/hold checkout staging")
	h.lose()
	h.sweep()
	h.wantsEditedAnswer(p.Number, lost)
	h.wantsEditedAnswer(p.Number, id)
	if n := query[int](h, `select count(*) from holds`); n != 0 {
		t.Errorf("%d holds", n)
	}
}

// TestACommandThatCameTooLate: it was lost, its author said the next thing, and a sweep finds it: what was said last stands.
func TestACommandThatCameTooLate(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	h.arrive("1.1.0")
	p := h.staging()
	h.sweep()
	h.forge.Faults().Lose("issue_comment", 1)
	lost := h.say(p.Number, "dora", "/hold checkout prod wait")
	h.clock.advance(time.Minute)
	h.say(p.Number, "dora", "/resume checkout prod")
	h.sweep()
	if n := query[int](h, `select count(*) from holds where lifted_at is null`); n != 0 {
		t.Errorf("%d holds", n)
	}
	if answers := h.answersTo(p.Number, lost); len(answers) != 1 || !strings.Contains(answers[0], "reached Ferry late") {
		t.Errorf("the answers are %+v", answers)
	}
}

// TestAnsweredCommandsAreNotObeyedAgain: after the database was lost, the answer at the forge tells that a comment was obeyed.
func TestAnsweredCommandsAreNotObeyedAgain(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	h.arrive("1.1.0")
	p := h.staging()
	h.say(p.Number, "dora", "/hold checkout prod wait")
	h.later(time.Minute)
	h.say(p.Number, "dora", "/resume checkout prod")
	said := h.lastDelivery("issue_comment")
	h.later(time.Minute)
	h.loseQuietly()
	h.sweep()
	h.sweep()
	h.hook("issue_comment", "redelivered", said.Body, nil)
	h.settle()
	if n := query[int](h, `select count(*) from holds where lifted_at is null`); n != 0 {
		t.Errorf("%d holds", n)
	}
	if n := query[int](h, `select count(*) from commands`); n != 0 {
		t.Errorf("%d comments are taken as new commands", n)
	}
}
