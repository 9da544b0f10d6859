package promotion_test

import (
	"strings"
	"testing"

	"ferry/forge"
	"ferry/promotion"
	"ferry/promotion/config"
)

// bobApproves lets bob approve what is open into staging.
func (w *world) bobApproves() {
	e := w.env("staging")
	e.Pull.HeadSHA = "a"
	e.Reviews = []promotion.Review{{Person: promotion.Person{User: forge.User{ID: 2, Login: "bob"}, Permission: forge.PermissionWrite}, Verdict: promotion.VerdictApproved, SHA: "a", At: w.now}}
}

// approvals returns that gate of staging, as a new plan sees it.
func (w *world) approvals() (gate promotion.Gate) {
	plan := promotion.MakePlan(w.s, w.now)
	for _, g := range plan.View.Find("staging").Gates {
		if g.Name == "approvals" {
			gate = g
		}
	}
	return gate
}

// TestUntoldCoAuthors: while it is not known who made what an approval is about, none counts; nor later those of who turn out to have made it.
func TestUntoldCoAuthors(t *testing.T) {
	t.Parallel()
	stood, source, between := sha(70), sha(71), sha(72)
	read := promotion.SourceChange{ChangeKey: promotion.ChangeKey{Source: "acme/checkout", Base: stood, Head: source}, State: promotion.ChangeRead, Relation: forge.Ahead,
		Commits: []promotion.SourceCommit{{SHA: between}, {SHA: source}}}
	pending, failed := read, read
	pending.State, pending.Commits = promotion.ChangePending, nil
	failed.State, failed.Commits = promotion.ChangeFailed, nil
	const counts, shut = "1 of 1 approval, by bob", "bob's does not count yet"
	row := func(source string, revision, commit forge.SHA, told ...string) promotion.CoAuthors {
		return promotion.CoAuthors{Source: source, Revision: revision, Commit: commit, Told: len(told) > 0, Logins: told, Problem: "it failed"}
	}
	for name, test := range map[string]struct {
		known  bool
		change *promotion.SourceChange
		row    promotion.CoAuthors
		words  string
	}{
		"of what it was built from":       {true, &read, row("Acme/Checkout", "", source), "co-authors of Acme/Checkout@" + source.Short() + " are, which could not be looked up: it failed. It is asked again hourly and on /retry"},
		"of a commit on the way":          {true, &read, row("acme/checkout", "", between), shut},
		"of another commit":               {true, &read, row("acme/checkout", "", sha(73)), counts},
		"of another source":               {true, &read, row("acme/other", "", between), counts},
		"told: it was they":               {true, &read, row("acme/checkout", "", between, "Bob"), "bob's does not count: they wrote the change"},
		"told: it was somebody else":      {true, &read, row("acme/checkout", "", between, "eve"), counts},
		"what changed is read":            {true, &pending, promotion.CoAuthors{}, shut},
		"nobody has asked what changed":   {true, nil, promotion.CoAuthors{}, shut},
		"what changed cannot be read":     {true, &failed, promotion.CoAuthors{}, counts},
		"of who pushed an unknown source": {false, nil, row("", sha(1), sha(74)), "co-authors of " + sha(74).Short() + " are"},
		"of who pushed something else":    {false, nil, row("", sha(75), sha(74)), counts},
		"of who pushed a known source":    {true, &read, row("", sha(1), sha(74)), counts},
		"told: they pushed it":            {false, nil, row("", sha(1), sha(74), "bob"), "bob's does not count: they brought it"},
	} {
		w := line(t, func(staging, _ *config.Environment) { staging.Approvals = 1 })
		if test.known {
			for tag, commit := range map[string]forge.SHA{"1.0.0": stood, "1.1.0": source} {
				w.s.Sources = append(w.s.Sources, promotion.Announced{Image: promotion.Image{Name: image, Tag: tag}, Source: "acme/checkout", Commit: commit})
			}
		}
		if test.change != nil {
			one := *test.change
			one.Commits = append([]promotion.SourceCommit(nil), one.Commits...)
			w.s.Changes = []promotion.SourceChange{one}
		}
		w.arrive("dev", "1.1.0")
		w.env("dev").History[0].FirstSHA = sha(1)
		if test.row.Commit != "" {
			w.s.Name([]promotion.CoAuthors{test.row})
		}
		w.bobApproves()
		gate := w.approvals()
		if !strings.Contains(gate.Reason, test.words) || (gate.State == promotion.GateOpen) != (test.words == counts) {
			t.Errorf("%s: %+v, want %q", name, gate, test.words)
		}
	}
}
