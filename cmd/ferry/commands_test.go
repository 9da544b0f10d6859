package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"ferry/forge"
)

func TestHoldAndResume(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	h.arrive("1.1.0")
	p := h.staging()
	id := h.say(p.Number, "dora", "/hold the database moves")
	if answers := h.answersTo(p.Number, id); len(answers) != 1 || !strings.Contains(answers[0], "Held") || h.reaction(id, "+1") != 1 {
		t.Errorf("the answers are %q", answers)
	}
	h.wantStatus(acmeEnv, p.Head.SHA, "ferry/gates", "failure", "the database moves")
	if got := h.file(acmeEnv, "ferry-state", "decisions.yaml"); !strings.Contains(got, "reason: the database moves") || !strings.Contains(got, "by: dora") {
		t.Errorf("the branch ferry-state says\n%s", got)
	}
	if p := h.staging(); !strings.Contains(p.Body, "| hold | closed |") {
		t.Errorf("the body does not show the hold:\n%s", p.Body)
	}
	h.arrive("1.2.0")
	if now := h.staging(); now.Head.SHA != p.Head.SHA {
		t.Errorf("a held promotion was rewritten: %+v", now)
	}
	if got := h.ask(p.Number, "dora", "/resume"); !strings.Contains(got, "Lifted") {
		t.Errorf("the answer is %q", got)
	}
	if strings.Contains(h.file(acmeEnv, "ferry-state", "decisions.yaml"), "the database moves") {
		t.Error("the branch ferry-state still holds")
	}
	p = h.staging()
	if !strings.Contains(p.Title, "1.2.0") {
		t.Errorf("after /resume the promotion is %+v", p)
	}
	h.wantStatus(acmeEnv, p.Head.SHA, "ferry/gates", "success", "")
	for _, want := range []string{"hold", "resume"} {
		if !slices.Contains(h.eventKinds("staging"), want) {
			t.Errorf("no event %q in %q", want, h.eventKinds("staging"))
		}
	}
}

func TestHoldEndsByItself(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	h.ask(h.board().Number, "dora", "/hold checkout staging deploying the shop for 2h")
	h.arrive("1.1.0")
	h.noPulls()
	if !strings.Contains(h.file(acmeEnv, "ferry-state", "decisions.yaml"), "until:") {
		t.Error("the branch ferry-state does not say until when")
	}
	h.later(time.Hour)
	h.noPulls()
	h.later(time.Hour + time.Minute)
	h.wantStatus(acmeEnv, h.staging().Head.SHA, "ferry/gates", "success", "")
	h.later(2 * time.Minute)
	if strings.Contains(h.board().Body, "deploying the shop") {
		t.Errorf("the issue still holds:\n%s", h.board().Body)
	}
	if strings.Contains(h.file(acmeEnv, "ferry-state", "decisions.yaml"), "deploying the shop") {
		t.Error("the branch ferry-state still holds")
	}
	i := slices.IndexFunc(h.events(), func(e postgresEvent) bool { return e.Kind == "hold ended" })
	if i < 0 || h.events()[i].Actor != "timer" {
		t.Errorf("no event says that the hold has ended: %q", h.eventKinds("staging"))
	}
}

// TestDecisionStandsBeforeItsAnswer: while the branch ferry-state cannot be written, nobody is told that the hold stands.
func TestDecisionStandsBeforeItsAnswer(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	h.arrive("1.1.0")
	p := h.staging()
	h.forge.Faults().Fail(sandboxFault("PATCH", "/repos/{owner}/{repo}/git/refs/{ref}", 3))
	id := h.say(p.Number, "dora", "/hold")
	if got := h.answersTo(p.Number, id); len(got) != 0 {
		t.Fatalf("answered %q before the decision stood", got)
	}
	if h.reaction(id, "eyes") != 1 || h.reaction(id, "+1") != 0 {
		t.Error("dora does not see that she was heard")
	}
	h.wantStatus(acmeEnv, p.Head.SHA, "ferry/gates", "failure", "dora holds")
	h.forge.Faults().Clear()
	h.later(10 * time.Minute)
	if got := h.answersTo(p.Number, id); len(got) != 1 || !strings.Contains(h.file(acmeEnv, "ferry-state", "decisions.yaml"), "by: dora") {
		t.Errorf("the answers are %q", got)
	}
}

func TestHoldOnHandMadePulls(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	h.push("dora", "docs", map[string]string{"README.md": "words\n"})
	h.push("dora", "comment", map[string]string{checkoutPath("staging"): "# another comment\n" + kustomization("checkout", "1.0.0")})
	h.push("dora", "bump", map[string]string{checkoutPath("staging"): kustomization("checkout", "3.0.0")})
	heads := map[string]forge.SHA{}
	for _, branch := range []string{"docs", "comment", "bump"} {
		n, err := h.forge.OpenPull(acmeEnv, "dora", forge.NewPullRequest{HeadBranch: branch, BaseBranch: "main", Title: branch})
		h.does(err)
		heads[branch] = h.pull(n).Head.SHA
		h.wantStatus(acmeEnv, heads[branch], "ferry/gates", "success", "")
	}
	h.ask(h.board().Number, "dora", "/hold staging an audit for 1h")
	h.wantStatus(acmeEnv, heads["docs"], "ferry/gates", "success", "")
	h.wantStatus(acmeEnv, heads["comment"], "ferry/gates", "success", "")
	h.wantStatus(acmeEnv, heads["bump"], "ferry/gates", "failure", "an audit")
	moved := h.push("dora", "bump", map[string]string{checkoutPath("staging"): kustomization("checkout", "3.0.1")})
	h.wantStatus(acmeEnv, moved, "ferry/gates", "failure", "an audit")
	h.later(time.Hour + time.Second)
	h.wantStatus(acmeEnv, moved, "ferry/gates", "success", "")
}

func TestPromoteBaseline(t *testing.T) {
	t.Parallel()
	newBehind := func(t *testing.T) *harness {
		h := newHarness(t)
		files := checkoutFiles("")
		files[checkoutPath("dev")] = kustomization("checkout", "1.1.0")
		h.environments(acmeEnv, files)
		return h
	}
	for _, words := range []string{"/promote checkout", "/promote all", "/ferry promote checkout to staging"} {
		t.Run(words, func(t *testing.T) {
			t.Parallel()
			h := newBehind(t)
			h.report(acmeEnv, "dev", "healthy")
			h.noPulls()
			if body := h.board().Body; !strings.Contains(body, "/promote checkout staging") {
				t.Errorf("the issue does not list the difference:\n%s", body)
			}
			h.ask(h.board().Number, "dora", words)
			p := h.staging()
			if !strings.Contains(p.Title, "1.0.0 → 1.1.0") || !strings.Contains(p.Body, "Asked for by dora") {
				t.Errorf("the promotion is %+v", p)
			}
		})
	}
	t.Run("not before it has converged", func(t *testing.T) {
		t.Parallel()
		h := newBehind(t)
		h.ask(h.board().Number, "dora", "/promote checkout")
		h.noPulls()
		h.report(acmeEnv, "dev", "healthy")
		h.staging()
	})
	t.Run("what was rejected", func(t *testing.T) {
		t.Parallel()
		h := newCheckout(t, "")
		h.arrive("1.1.0")
		p := h.staging()
		h.does(h.forge.ClosePull(acmeEnv, p.Number, "dora"))
		h.noPulls()
		h.ask(p.Number, "dora", "/promote")
		if again := h.staging(); again.Number == p.Number {
			t.Errorf("open is %+v", again)
		}
	})
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	h.arrive("1.1.0")
	p := h.staging()
	issue := h.board().Number
	tests := []struct {
		number      int
		body, words string
	}{
		{p.Number, "/status", "every gate is open"},
		{issue, "/status", "**checkout** in **prod**"},
		{issue, "/status checkout staging", "brings `1.1.0`"},
		{p.Number, "/help", "| `/hold"},
		{p.Number, "/retry", "Trying again"},
		{issue, "/retry", "`/retry` what?"},
		{issue, "/hold", "`/hold` what?"},
		{issue, "/hold chekcout", "checkout"},
		{issue, "/resume", "Nobody holds that"},
		{issue, "/approve", "counts for what a promotion pull request shows"},
		{issue, "/ferry promot", "Did you mean `/promote`?"},
		{issue, "please\r\n/status prod\r\nthank you", "in **prod**"},
	}
	for _, tt := range tests {
		if got := h.ask(tt.number, "dora", tt.body); !strings.Contains(got, tt.words) {
			t.Errorf("%q is answered by\n%s\nwant %q", tt.body, got, tt.words)
		}
	}
	for _, body := range []string{"> /hold checkout", "```\n/hold checkout\n```", "<!-- /hold checkout -->", "we should /hold it", "/lgtm"} {
		if got := h.answersTo(issue, h.say(issue, "dora", body)); len(got) != 0 {
			t.Errorf("%q is answered by %q", body, got)
		}
	}
	h.does(h.forge.ClosePull(acmeEnv, p.Number, "dora"))
	if got := h.ask(p.Number, "dora", "/status"); !strings.Contains(got, "dora rejected 1.1.0") {
		t.Errorf("on the closed pull request /status is answered by\n%s", got)
	}
}

func TestAnsweredOnce(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	issue := h.board().Number
	h.forge.Faults().Double("issue_comment", 1)
	id := h.say(issue, "dora", "/hold checkout")
	for _, d := range h.forge.Deliveries() {
		if d.Event == "issue_comment" {
			if err := h.svc.store.Replay(t.Context(), d.GUID); err != nil {
				t.Fatal(err)
			}
		}
	}
	h.settle()
	if got := h.answersTo(issue, id); len(got) != 1 {
		t.Errorf("the answers are %q", got)
	}
	if n := strings.Count(h.file(acmeEnv, "ferry-state", "decisions.yaml"), "by: dora"); n != 1 {
		t.Errorf("there are %d holds", n)
	}
}

func TestWhoMayNot(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	h.arrive("1.1.0")
	p := h.staging()
	h.person("mallory", acmeEnv, forge.PermissionRead)
	refused := h.say(p.Number, "mallory", "/hold")
	if got := h.answersTo(p.Number, refused); len(got) != 1 || !strings.Contains(got[0], "may not") || h.reaction(refused, "-1") != 1 {
		t.Errorf("the answers are %q", got)
	}
	for range 3 {
		h.later(10 * time.Minute)
		if got := h.answersTo(p.Number, h.say(p.Number, "mallory", "/hold")); len(got) != 0 {
			t.Errorf("refused again within the hour: %q", got)
		}
	}
	if got := h.ask(p.Number, "mallory", "/status"); !strings.Contains(got, "checkout") {
		t.Errorf("/status needs only read; the answer is %q", got)
	}
	h.later(31 * time.Minute)
	if got := h.answersTo(p.Number, h.say(p.Number, "mallory", "/promote all")); len(got) != 1 {
		t.Errorf("after an hour the answers are %q", got)
	}
	h.wantStatus(acmeEnv, p.Head.SHA, "ferry/gates", "success", "")
	bot := h.anotherBot("helpful", acmeEnv)
	if got := h.answersTo(p.Number, h.say(p.Number, bot, "/hold")); len(got) != 0 {
		t.Errorf("a bot is answered by %q", got)
	}
	h.wantStatus(acmeEnv, p.Head.SHA, "ferry/gates", "success", "")
}
