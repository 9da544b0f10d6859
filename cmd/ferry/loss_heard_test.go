package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"ferry/forge"
	"ferry/promotion/postgres"
)

// aboutToMerge is a Ferry that has just lost its database, in front of a promotion into staging that it merges itself: its soak ended while nobody
// listened. What of events happens before it comes back, no webhook will tell.
func aboutToMerge(t *testing.T, settings string, events ...string) (*harness, pull) {
	t.Helper()
	h := newCheckoutWith(t, strings.Replace(releasing, "merge:", "soak: 1h\n    merge:", 1)+"    unprotected: allow\n"+settings)
	h.maintainer()
	h.arrive("1.1.0")
	h.later(2 * time.Minute)
	h.drop()
	h.clock.advance(2 * time.Hour)
	for _, event := range events {
		h.forge.Faults().Lose(event, 1)
	}
	return h, h.staging()
}

// comesUp lets Ferry read the forge, and does what is due.
func (h *harness) comesUp() {
	h.t.Helper()
	if err := h.svc.work.Sweep(h.t.Context()); err != nil {
		h.t.Fatal(err)
	}
	h.settle()
}

// TestLossObeysWhatWasSaidMeanwhile: nobody heard it, and then the database was lost. It is obeyed before Ferry does anything else, and answered.
func TestLossObeysWhatWasSaidMeanwhile(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		say, undo, gates string
		onIssue, webhook bool
	}{
		"nothing":                       {},
		"a freeze on Ferry's issue":     {say: "/freeze staging an incident", undo: "/thaw staging", gates: "freeze", onIssue: true},
		"a hold on the pull request":    {say: "/hold wait for me", undo: "/resume", gates: "mia holds"},
		"a hold on one app":             {say: "/hold checkout staging wait for me", undo: "/resume checkout staging", gates: "mia holds", onIssue: true},
		"a hold on everything":          {say: "/hold all wait", undo: "/resume all", gates: "mia holds", onIssue: true},
		"a hold whose webhook comes":    {say: "/hold wait for me", undo: "/resume", gates: "mia holds", webhook: true},
		"a block of what waits":         {say: "/block checkout 1.1.0 it loses orders", undo: "/unblock checkout 1.1.0", onIssue: true},
		"two commands, the second last": {say: "/hold staging\n/resume staging\n/hold staging again", undo: "/resume staging", gates: "again", onIssue: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, p := aboutToMerge(t, "")
			if test.say == "" {
				h.comesUp()
				if !h.pull(p.Number).Merged {
					t.Fatal("it was not about to be merged")
				}
				return
			}
			number := p.Number
			if test.onIssue {
				number = h.board().Number
			}
			if !test.webhook {
				h.forge.Faults().Lose("issue_comment", 1)
			}
			id, err := h.forge.Comment(acmeEnv, number, "mia", test.say)
			if err != nil {
				t.Fatal(err)
			}
			h.clock.advance(30 * time.Minute)
			if test.webhook {
				h.settle()
			}
			h.comesUp()
			if h.pull(p.Number).Merged {
				t.Fatalf("merged in spite of %s", test.say)
			}
			if answers := h.answersTo(number, id); len(answers) != 1 {
				t.Errorf("the answers are %q", answers)
			}
			if test.gates != "" {
				h.wantStatus(acmeEnv, p.Head.SHA, "ferry/gates", "failure", test.gates)
			}
			h.sweep()
			if h.pull(p.Number).Merged || len(h.answersTo(number, id)) != 1 {
				t.Error("the sweep does otherwise")
			}
			h.ask(number, "mia", test.undo)
			h.report(acmeEnv, "dev", "healthy")
			h.later(2 * time.Hour)
			h.noPulls()
		})
	}
}

// TestLossSeesWhatPeopleDidMeanwhile: a review that wants changes, and a close, hold where no webhook told of them.
func TestLossSeesWhatPeopleDidMeanwhile(t *testing.T) {
	t.Parallel()
	t.Run("a review", func(t *testing.T) {
		t.Parallel()
		h, p := aboutToMerge(t, "    approvals: 1\n", "pull_request_review", "pull_request_review")
		h.person("bob", acmeEnv, forge.PermissionWrite)
		for login, event := range map[string]string{"bob": "APPROVE", "mia": "REQUEST_CHANGES"} {
			_, err := h.forge.Review(acmeEnv, p.Number, login, event, "words")
			h.doesUnheard("", err)
		}
		h.comesUp()
		if h.pull(p.Number).Merged {
			t.Error("merged in spite of the review")
		}
		h.wantStatus(acmeEnv, p.Head.SHA, "ferry/gates", "failure", "mia wants changes")
		h.later(time.Minute)
		h.review(p.Number, "mia", "APPROVE")
		h.noPulls()
	})
	t.Run("a close", func(t *testing.T) {
		t.Parallel()
		h, p := aboutToMerge(t, "", "pull_request")
		h.doesUnheard("", h.forge.ClosePull(acmeEnv, p.Number, "mia"))
		h.comesUp()
		h.report(acmeEnv, "dev", "healthy")
		h.noPulls()
		if got := h.file(acmeEnv, "main", checkoutPath("staging")); got != kustomization("checkout", "1.0.0") {
			t.Errorf("staging has\n%s", got)
		}
		if got := h.ask(h.board().Number, "mia", "/status checkout staging"); !strings.Contains(got, "mia rejected 1.1.0") {
			t.Errorf("/status is answered by %s", got)
		}
	})
}

// TestLossKeepsTheLastWord: a command that nobody heard does not go over a later one that was obeyed before the database was lost, and what was no command
// when it was made, and what others say, is none after it either.
func TestLossKeepsTheLastWord(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	h.maintainer()
	h.person("rita", acmeEnv, forge.PermissionRead)
	h.arrive("1.1.0")
	p := h.staging()
	before := h.ask(p.Number, "mia", "/hold checkout staging at first")
	h.soon()
	h.forge.Faults().Lose("issue_comment", 4)
	lost := map[string]int64{}
	for _, said := range []struct{ who, words string }{{"mia", "/resume checkout staging"}, {"mia", "/freeze prod an incident"}, {"rita", "/hold prod"}, {"mia", "looks good"}} {
		lost[said.words] = h.say(p.Number, said.who, said.words)
		h.soon()
	}
	if before == "" || query[int](h, `select count(*) from commands where done_at is not null`) != 1 {
		t.Fatal("their deliveries were not lost")
	}
	h.ask(p.Number, "mia", "/hold checkout staging it's worse")
	h.later(time.Minute)
	h.edit(lost["looks good"], "mia", "/freeze staging")
	h.drop()
	h.comesUp()
	if answers := h.answersTo(p.Number, lost["/resume checkout staging"]); len(answers) != 1 || !strings.Contains(answers[0], "reached Ferry late") {
		t.Errorf("the resume is answered by %q", answers)
	}
	if answers := h.answersTo(p.Number, lost["/freeze prod an incident"]); len(answers) != 1 || !strings.Contains(answers[0], "Frozen") {
		t.Errorf("the freeze is answered by %q", answers)
	}
	if answers := h.answersTo(p.Number, lost["/hold prod"]); len(answers) != 1 || !strings.Contains(answers[0], "write permission") {
		t.Errorf("who may not is answered by %q", answers)
	}
	h.wantStatus(acmeEnv, p.Head.SHA, "ferry/gates", "failure", "mia holds checkout in staging")
	for table, want := range map[string]int{"holds": 2, "freezes": 1} {
		if n := query[int](h, `select count(*) from `+table+` where lifted_at is null`); n != want {
			t.Errorf("%d %s, want %d", n, table, want)
		}
	}
	h.reportAll("dev", "staging", "prod")
	h.loseAndCompare()
	h.sweep()
	if n := query[int](h, `select count(*) from commands where done_at is null`); n != 0 || len(h.answersTo(p.Number, lost["/resume checkout staging"])) != 1 {
		t.Error("what is answered was heard again")
	}
}

// TestLossHearsOfATrain: what is said under a train's pull request is about the group, though no app was decided yet. What is bound
// to what it shows is void: since when it shows that is not known any more.
func TestLossHearsOfATrain(t *testing.T) {
	t.Parallel()
	h := train(t, "")
	h.bump("1.1.0", "cart", "checkout")
	p := h.theTrain()
	h.later(2 * time.Minute)
	h.drop()
	h.forge.Faults().Lose("issue_comment", 3)
	for _, words := range []string{"/drop cart", "/hold", "/status"} {
		_, err := h.forge.Comment(acmeEnv, p.Number, "dora", words)
		h.doesUnheard("", err)
		h.clock.advance(3 * time.Second)
	}
	h.comesUp()
	h.wantStatus(acmeEnv, h.theTrain().Head.SHA, "ferry/gates", "failure", "dora holds")
	all := ""
	for _, r := range h.remarks(p.Number) {
		all += r.Body + "\n"
	}
	for _, words := range []string{"`/drop` is void", "Held: dora holds platform in staging", "**cart** in **staging**", "#2 brings `1.1.0`"} {
		if !strings.Contains(all, words) {
			t.Errorf("nothing is answered with %q:\n%s", words, all)
		}
	}
}

// TestLossHearsBeforeItActs: whichever decision is made first, nothing says at the forge that the promotion may be merged before what was said is heard.
func TestLossHearsBeforeItActs(t *testing.T) {
	t.Parallel()
	h, p := aboutToMerge(t, "", "issue_comment")
	_, err := h.forge.Comment(acmeEnv, h.board().Number, "mia", "/freeze staging an incident")
	h.doesUnheard("", err)
	if err := h.svc.work.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the installation, then its repository
		h.step(func(due postgres.Due) error {
			due.Units, due.Wishes = nil, nil
			h.svc.work.Do(t.Context(), due)
			return nil
		})
	}
	h.decideApps()
	if n := h.actOn("status", "pull", "merge"); n == 0 {
		t.Error("nothing was due")
	}
	h.settle()
	var posted []status
	h.api(fmt.Sprintf("/repos/%s/commits/%s/statuses?per_page=100", acmeEnv, p.Head.SHA), &posted)
	for _, s := range posted {
		if s.State == "success" {
			t.Errorf("posted was %+v", s)
		}
	}
	h.wantStatus(acmeEnv, p.Head.SHA, "ferry/gates", "failure", "an incident")
}
