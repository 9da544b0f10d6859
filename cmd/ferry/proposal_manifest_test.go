package main

import (
	"strings"
	"testing"

	"ferry/forge"
	"ferry/forge/sandbox"
)

// TestManifestInAPullRequest: a tag bumped by hand is a release in that environment. The check says what its merge opens and closes, at once and later, and
// with which gates; that is what then happens.
func TestManifestInAPullRequest(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "    soak: 1h\n    approvals: 1\n")
	h.reportAll("dev", "staging", "prod")
	h.arrive("1.1.0")
	open := h.staging()
	manifest := func(env, tag string) map[string]string {
		return map[string]string{checkoutPath(env): kustomization("checkout", tag)}
	}
	h.wantCheckOf(sandbox.Edit{Branch: "by-hand", Files: manifest("staging", "1.1.0")}, "changes checkout in staging: 1.0.0 → 1.1.0; would close 1 promotion; more once that runs",
		"**It changes releases**\n\n- checkout in staging: 1.0.0 → 1.1.0\n", "**It would close**\n\n- checkout into staging\n",
		"**Once what it brings runs where it stands, Ferry would**\n\n- open checkout into prod, behind soak, approvals\n")
	h.wantCheckOf(sandbox.Edit{Branch: "source", Files: manifest("dev", "1.2.0")}, "changes checkout in dev: 1.1.0 → 1.2.0; would change no promotion; more once that runs",
		"- change checkout into staging: checkout 1.1.0 → 1.2.0\n")
	h.wantCheckOf(sandbox.Edit{Branch: "last", Files: manifest("prod", "1.1.0")}, "changes checkout in prod: 1.0.0 → 1.1.0; would change no promotion")
	h.wantCheckOf(sandbox.Edit{Branch: "comment", Files: map[string]string{checkoutPath("staging"): kustomization("checkout", "1.0.0") + "# replicas\n"}}, "merging changes nothing for Ferry",
		"no promotion is opened, closed or changed by it")
	h.wantCheckOf(sandbox.Edit{Branch: "comment-in-config", Files: map[string]string{".ferry.yaml": h.file(acmeEnv, "main", ".ferry.yaml") + "# a remark\n"}}, "merging changes nothing for Ferry")
	h.wantCheckOf(sandbox.Edit{Branch: "both", Files: map[string]string{".ferry.yaml": strings.Replace(h.file(acmeEnv, "main", ".ferry.yaml"), "approvals: 1", "approvals: 0", 1),
		checkoutPath("staging"): kustomization("checkout", "1.1.0")}},
		"changes checkout in staging: 1.0.0 → 1.1.0; would close 1 promotion; more once that runs; loosens: approvals of prod 1 → 0",
		"- open checkout into prod, behind soak\n")
	if now := h.staging(); now != open {
		t.Fatalf("acted on: %+v, was %+v", now, open)
	}
	h.merge(acmeEnv, h.pullOn(acmeEnv, "by-hand").Number)
	h.noPullOf("ferry/staging/checkout")
	h.report(acmeEnv, "staging", "healthy")
	h.gatesOf(h.pullOn(acmeEnv, "ferry/prod/checkout"), "soak", "approvals")
}

// gatesOf fails unless ferry/gates of the pull request waits for each of the gates.
func (h *harness) gatesOf(p pull, names ...string) {
	h.t.Helper()
	for _, name := range names {
		h.wantStatus(acmeEnv, p.Head.SHA, "ferry/gates", "pending", name)
	}
}

// TestManifestThatIsStopped: what keeps the pull request from being merged is named where its release is.
func TestManifestThatIsStopped(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	h.reportAll("dev", "staging", "prod")
	h.arrive("1.1.0")
	h.person("mia", acmeEnv, forge.PermissionMaintain)
	h.say(h.board().Number, "mia", "/freeze prod the sale")
	h.say(h.board().Number, "dora", "/hold checkout prod stocktaking")
	h.wantCheckOf(sandbox.Edit{Branch: "stopped", Files: map[string]string{checkoutPath("prod"): kustomization("checkout", "1.1.0")}}, "changes checkout in prod: 1.0.0 → 1.1.0; would change no promotion",
		"- checkout in prod: 1.0.0 → 1.1.0 (ferry/gates is not green: freeze, hold)\n")
}

// proposeFork is propose, from a fork of eve's.
func (h *harness) proposeFork(branch string, files map[string]string) (int, forge.SHA) {
	h.t.Helper()
	fork, err := h.forge.AddFork(acmeEnv, "eve")
	h.does(err)
	h.doesUnheard(h.forge.Commit(fork.FullName(), sandbox.Edit{As: "eve", Branch: branch, Message: "by eve", Files: files}))
	n, err := h.forge.OpenPull(acmeEnv, "eve", forge.NewPullRequest{HeadBranch: "eve:" + branch, BaseBranch: "main", Title: branch})
	h.does(err)
	return n, h.pull(n).Head.SHA
}

// TestConfigThatMovesAFrozenRelease: what a configuration makes of the releases of frozen, held and blocked environments shuts the required status: also
// under the name that it gives the environment, with files that the pull request leaves as they are, and from a fork.
func TestConfigThatMovesAFrozenRelease(t *testing.T) {
	t.Parallel()
	const line = "environments:\n  - name: dev\n  - name: staging\n    from: [dev]\n  - name: prod\n    from: [staging]\n"
	elsewhere := strings.Replace(checkoutApp, "apps/checkout/{env}", "other/{env}", 1)
	prod := map[string]string{"other/prod/kustomization.yaml": kustomization("checkout", "6.6.6")}
	for name, test := range map[string]struct {
		before, with map[string]string // in the tree, and in the pull request
		config       string
		stop         string
		gate         string
	}{
		"frozen":       {nil, prod, line + elsewhere, "/freeze prod an incident", "it changes checkout in prod; freeze: mia froze prod"},
		"held":         {nil, prod, line + elsewhere, "/hold checkout prod an incident", "it changes checkout in prod; hold: mia holds checkout in prod"},
		"blocked":      {nil, prod, line + elsewhere, "/block checkout 6.6.6 an incident", "it changes checkout in prod; block: mia blocks checkout 6.6.6"},
		"stands there": {prod, nil, line + elsewhere, "/freeze prod an incident", "it changes checkout in prod; freeze: mia froze prod"},
		"renamed": {nil, map[string]string{"other/live/kustomization.yaml": prod["other/prod/kustomization.yaml"]}, strings.Replace(line, "name: prod", "name: live\n    was: prod", 1) + elsewhere,
			"/freeze prod an incident", "it changes checkout in prod; freeze: mia froze prod"},
		"fork":    {nil, prod, line + elsewhere, "/freeze prod an incident", "it changes checkout in prod; freeze: mia froze prod"},
		"of none": {nil, prod, strings.Replace(line, "from: [dev]", "from: [dev]\n    soak: 1h", 1) + checkoutApp, "/freeze prod an incident", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newApproved(t, line)
			if test.before != nil {
				h.commit(acmeEnv, test.before)
			}
			files := map[string]string{".ferry.yaml": "apiVersion: ferry/v1\n" + test.config}
			for path, content := range test.with {
				files[path] = content
			}
			propose := h.propose
			if name == "fork" {
				propose = h.proposeFork
			}
			_, head := propose("move", files)
			h.wantStatus(acmeEnv, head, "ferry/gates", "success", "")
			h.ask(h.board().Number, "mia", test.stop)
			if test.gate == "" {
				h.wantStatus(acmeEnv, head, "ferry/gates", "success", "")
				return
			}
			h.wantStatus(acmeEnv, head, "ferry/gates", "failure", test.gate)
			h.ask(h.board().Number, "mia", "/thaw all\n/resume all\n/unblock checkout 6.6.6")
			h.wantStatus(acmeEnv, head, "ferry/gates", "success", "")
		})
	}
}

// TestManifestThatGoesBack is a revert: what was rolled back is held there, and does not follow.
func TestManifestThatGoesBack(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	h.reportAll("dev", "staging", "prod")
	h.arrive("1.1.0")
	h.merge(acmeEnv, h.staging().Number)
	h.report(acmeEnv, "staging", "healthy")
	h.pullOn(acmeEnv, "ferry/prod/checkout")
	h.wantCheckOf(sandbox.Edit{Branch: "back", Files: map[string]string{checkoutPath("staging"): kustomization("checkout", "1.0.0")}},
		"changes checkout in staging: 1.1.0 → 1.0.0; would close 1 promotion", "**It would close**\n\n- checkout into prod\n")
	h.merge(acmeEnv, h.pullOn(acmeEnv, "back").Number)
	h.noPulls()
	h.report(acmeEnv, "staging", "healthy")
	h.noPulls()
}

// TestManifestsThatComeAndGo: a file that is removed, renamed or new is looked at too.
func TestManifestsThatComeAndGo(t *testing.T) {
	t.Parallel()
	h := newCheckoutWith(t, proposing+"  - name: qa\n    from: [dev]\n  - name: canary\n    from: [dev]\n")
	h.reportAll("dev", "staging")
	h.arrive("1.1.0")
	h.wantCheckOf(sandbox.Edit{Branch: "new", Files: map[string]string{checkoutPath("qa"): kustomization("checkout", "1.0.0")}}, "changes checkout in qa: 1.0.0 is new there; would open 1 promotion")
	h.wantCheckOf(sandbox.Edit{Branch: "gone", Delete: []string{checkoutPath("staging")}}, "changes checkout in staging: it stands there no more; would close 1 promotion")
	h.wantCheckOf(sandbox.Edit{Branch: "moved", Delete: []string{checkoutPath("staging")}, Files: map[string]string{checkoutPath("canary"): kustomization("checkout", "1.0.0")}},
		"changes 2 releases; would open 1 promotion, close 1", "- checkout in staging: it stands there no more\n", "- checkout in canary: 1.0.0 is new there\n")
	h.staging()
	h.noPullOf("ferry/canary/checkout")
	h.merge(acmeEnv, h.pullOn(acmeEnv, "moved").Number)
	h.pullOn(acmeEnv, "ferry/canary/checkout")
	h.noPullOf("ferry/staging/checkout")
}

// TestManifestOfATrain: one car comes by hand; the others go on.
func TestManifestOfATrain(t *testing.T) {
	t.Parallel()
	h := train(t, "")
	h.bump("1.1.0", "cart", "checkout")
	h.wantCheckOf(sandbox.Edit{Branch: "cart", Files: map[string]string{"apps/cart/staging/kustomization.yaml": kustomization("cart", "1.1.0")}},
		"changes cart in staging: 1.0.0 → 1.1.0; would change 1 promotion; more once that runs", "- platform into staging (checkout): cart leaves\n", "- open platform into prod (cart)\n")
}

// TestManifestFromAFork is judged by the rules in force, which nobody of the fork has written.
func TestManifestFromAFork(t *testing.T) {
	t.Parallel()
	h := newCheckoutWith(t, proposing)
	h.forge.AddUser("eve")
	fork, err := h.forge.AddFork(acmeEnv, "eve")
	h.does(err)
	h.doesUnheard(h.forge.Commit(fork.FullName(), sandbox.Edit{As: "eve", Branch: "bump", Message: "x", Files: map[string]string{checkoutPath("staging"): kustomization("checkout", "2.0.0")}}))
	n, err := h.forge.OpenPull(acmeEnv, "eve", forge.NewPullRequest{HeadBranch: "eve:bump", BaseBranch: "main", Title: "bump"})
	h.does(err)
	if runs := h.configRuns(h.pull(n).Head.SHA); len(runs) != 1 || runs[0].Output.Title != "changes checkout in staging: 1.0.0 → 2.0.0; would change no promotion" {
		t.Errorf("the check says %+v", runs)
	}
}

// TestProposalsOverAHotfix: who takes a hotfix away by hand is told, and so is who renames what it stands in without saying so.
func TestProposalsOverAHotfix(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	mia := h.maintainer()
	h.reportAll("dev", "staging", "prod")
	h.ask(h.board().Number, mia, "/hotfix checkout prod 1.0.1 it loses orders")
	h.merge(acmeEnv, h.prod().Number)
	h.wantCheckOf(sandbox.Edit{Branch: "back", Files: map[string]string{checkoutPath("prod"): kustomization("checkout", "1.0.0")}},
		"changes checkout in prod: 1.0.1 → 1.0.0; would change no promotion", "(ferry/gates is not green: hotfix)")
	live := strings.Replace(h.file(acmeEnv, "main", ".ferry.yaml"), "- name: prod\n", "- name: live\n    dir: prod\n", 1)
	h.wantCheck("unnamed", live, "would change no promotion; loosens: mia's hotfix 1.0.1 of checkout in prod would not cover anything any more, "+
		"prod is gone, and live has its manifests without its history, holds and freezes (was: pro…")
}
