package main

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"ferry/forge"
)

// bare is a command of Ferry's without its prefix.
var bare = regexp.MustCompile("(^|[\\s(`])/(status|hold|resume|promote|retry|help)\\b")

// TestOnlyBehindThePrefix: with a prefix nothing else is obeyed, and Ferry's words never name a command without it.
func TestOnlyBehindThePrefix(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	files := checkoutFiles("")
	files[".ferry.yaml"] += "commands: {prefix: ferry}\n"
	files[checkoutPath("dev")] = kustomization("checkout", "0.9.0")
	h.environments(acmeEnv, files)
	h.reportAll("dev", "staging", "prod")
	h.arrive("1.1.0")
	p := h.staging()
	if answers := h.answersTo(p.Number, h.say(p.Number, "dora", "/hold staging")); len(answers) != 0 {
		t.Errorf("without the prefix it is answered %q", answers)
	}
	h.wantStatus(acmeEnv, p.Head.SHA, "ferry/gates", "success", "")
	h.ask(p.Number, "dora", "/ferry hold checkout staging for 2h")
	h.wantStatus(acmeEnv, p.Head.SHA, "ferry/gates", "failure", "/ferry resume checkout staging")
	hand := h.push("dora", "by-hand", map[string]string{checkoutPath("staging"): kustomization("checkout", "1.0.1")})
	if _, err := h.forge.OpenPull(acmeEnv, "dora", forge.NewPullRequest{HeadBranch: "by-hand", BaseBranch: "main", Title: "by hand"}); err != nil {
		t.Fatal(err)
	}
	h.settle()
	h.wantStatus(acmeEnv, hand, "ferry/gates", "failure", "/ferry resume")
	h.does(h.forge.ClosePull(acmeEnv, p.Number, "dora"))
	h.later(2 * time.Minute)
	for what, text := range map[string]string{"the pull request": h.pull(p.Number).Body, "the issue": h.board().Body, "the page": h.page("/"),
		"/ferry help": h.ask(p.Number, "dora", "/ferry help"), "/ferry status": h.ask(p.Number, "dora", "/ferry status"), "a mistake": h.ask(p.Number, "dora", "/ferry hodl")} {
		if found := bare.FindString(text); found != "" {
			t.Errorf("%s names %q:\n%s", what, found, text)
		}
		if !strings.Contains(text, "/ferry ") {
			t.Errorf("%s names no command:\n%s", what, text)
		}
	}
	h.later(2 * time.Hour)
	h.loseAndCompare()
}
