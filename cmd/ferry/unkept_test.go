package main

import (
	"strings"
	"testing"
	"time"

	"ferry/forge/sandbox"
	"ferry/promotion"
)

// shutState lets a ruleset for all branches keep Ferry from writing to ferry-state.
func (h *harness) shutState() {
	h.t.Helper()
	if err := h.forge.SetRuleset(acmeEnv, sandbox.Ruleset{Name: "all", Branches: []string{promotion.StateBranch}, Rules: sandbox.Rules{Restricted: true}}); err != nil {
		h.t.Fatal(err)
	}
}

// TestDecisionsThatCannotBeWritten: they are in force, every command is answered, a rollback goes on, and people are told where they look.
func TestDecisionsThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	h, mia := threeInProd(t, "")
	board := h.board().Number
	h.arrive("1.3.0")
	open := h.staging()
	h.shutState()
	unkept := []string{"could not be written to the branch `ferry-state`", "Cannot update this protected ref", "Would Ferry's database be lost, it would be forgotten"}
	for _, said := range []struct{ body, words string }{
		{"/freeze staging the database moves", "Frozen: "}, {"/block 9.9.9 it is bad", "blocks"}, {"/rollback prod it loses orders", "Rolling `checkout` back in `prod`: `1.2.0` → `1.1.0`"},
	} {
		id := h.say(board, mia, said.body)
		for range 5 {
			h.later(2 * time.Second)
		}
		answers := h.answersTo(board, id)
		for _, words := range append([]string{said.words}, unkept...) {
			if len(answers) != 1 || !strings.Contains(answers[0], words) {
				t.Errorf("%q is answered by %q, want %q", said.body, answers, words)
			}
		}
	}
	h.wantStatus(acmeEnv, open.Head.SHA, "ferry/gates", "failure", "the database moves")
	h.wantInPull("1.1.0")
	h.later(2 * time.Minute)
	for _, shown := range []string{h.board().Body, h.ask(board, mia, "/status checkout prod"), h.page("/")} {
		if !strings.Contains(shown, "ferry-state") || !strings.Contains(shown, "Cannot update this protected ref") {
			t.Errorf("nothing is said of it in\n%s", shown)
		}
	}
	h.does(h.forge.RemoveRuleset(acmeEnv, "all"))
	h.ask(board, mia, "/retry checkout")
	if state := h.file(acmeEnv, "ferry-state", "decisions.yaml"); !strings.Contains(state, "the database moves") || !strings.Contains(state, "rolledBack:") {
		t.Errorf("the branch ferry-state says\n%s", state)
	}
	h.later(2 * time.Minute)
	if body := h.board().Body; strings.Contains(body, "could not be written") {
		t.Errorf("the issue says still\n%s", body)
	}
	h.loseAndCompare()
}

// TestDecisionsThatTheForgeDoesNotTakeForLong: nobody waits longer than about a minute to hear what became of a command.
func TestDecisionsThatTheForgeDoesNotTakeForLong(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	h.forge.Faults().Fail(sandboxFault("PATCH", "/repos/{owner}/{repo}/git/refs/{ref}", 100))
	id := h.say(h.board().Number, "dora", "/hold staging")
	for range 35 {
		h.later(2 * time.Second)
	}
	if answers := h.answersTo(h.board().Number, id); len(answers) != 1 || !strings.Contains(answers[0], "could not be written to the branch `ferry-state`: the forge has not taken it for a minute") {
		t.Errorf("the answers are %q", answers)
	}
	h.forge.Faults().Clear()
	h.later(10 * time.Minute)
	if state := h.file(acmeEnv, "ferry-state", "decisions.yaml"); !strings.Contains(state, "by: dora") {
		t.Errorf("the branch ferry-state says\n%s", state)
	}
}

// TestDoctorLooksAtTheBranchOfDecisions: rules for all branches are found before anybody says /freeze.
func TestDoctorLooksAtTheBranchOfDecisions(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		rules sandbox.Rules
		found bool
	}{
		{"none", sandbox.Rules{}, false}, {"signed", sandbox.Rules{Signed: true}, false},
		{"restricted", sandbox.Rules{Restricted: true}, true}, {"pull requests", sandbox.Rules{PullRequest: true}, true}, {"nobody makes one", sandbox.Rules{NoCreation: true}, true},
		{"checks", sandbox.Rules{Checks: []sandbox.RequiredCheck{{Context: "ci"}}}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := newPatient(t)
			if err := p.forge.SetRuleset(acmeEnv, sandbox.Ruleset{Name: "all", Branches: []string{"ferry-*"}, Rules: test.rules}); err != nil {
				t.Fatal(err)
			}
			if _, text := p.examined(); strings.Contains(text, "note: "+acmeEnv+"@ferry-state: by the rules for this branch ") != test.found {
				t.Errorf("it says %s", text)
			}
		})
	}
}
