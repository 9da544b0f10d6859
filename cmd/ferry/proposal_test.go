package main

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"ferry/forge"
	"ferry/forge/sandbox"
)

// checkRun is a check run as a third client sees it.
type checkRun struct {
	ID         int64
	Name       string
	Conclusion string
	Output     struct {
		Title, Summary string
		Count          int `json:"annotations_count"`
	}
}

type noted struct {
	Path    string
	Line    int    `json:"start_line"`
	Level   string `json:"annotation_level"`
	Message string
}

// configRuns returns the check runs ferry/config of a commit, the newest first.
func (h *harness) configRuns(sha forge.SHA) (found []checkRun) {
	h.t.Helper()
	var list struct {
		Runs []checkRun `json:"check_runs"`
	}
	h.api(fmt.Sprintf("/repos/%s/commits/%s/check-runs?filter=all", acmeEnv, sha), &list)
	return slices.DeleteFunc(list.Runs, func(r checkRun) bool { return r.Name != "ferry/config" })
}

func (h *harness) notes(run checkRun) (list []noted) {
	h.t.Helper()
	h.api(fmt.Sprintf("/repos/%s/check-runs/%d/annotations", acmeEnv, run.ID), &list)
	return list
}

// propose opens a pull request of dora's with files, and returns its number and head.
func (h *harness) propose(branch string, files map[string]string) (int, forge.SHA) {
	h.t.Helper()
	return h.proposeEdit(sandbox.Edit{Branch: branch, Files: files})
}

// proposeEdit is propose for any edit.
func (h *harness) proposeEdit(e sandbox.Edit) (int, forge.SHA) {
	h.t.Helper()
	e.As, e.Message = "dora", "by dora"
	h.doesUnheard(h.forge.Commit(acmeEnv, e))
	n, err := h.forge.OpenPull(acmeEnv, "dora", forge.NewPullRequest{HeadBranch: e.Branch, BaseBranch: "main", Title: e.Branch})
	h.does(err)
	return n, h.pull(n).Head.SHA
}

// soaking is a configuration in which staging soaks for so long.
func soakingFor(soak string) string {
	return "apiVersion: ferry/v1\nenvironments:\n  - name: dev\n  - name: staging\n    from: [dev]\n    soak: " + soak + "\n" + checkoutApp
}

// TestConfigInAPullRequest says what a changed configuration would do, and that nothing is acted on before it is merged.
func TestConfigInAPullRequest(t *testing.T) {
	t.Parallel()
	h := newCheckoutWith(t, proposing+"    soak: 24h\n")
	h.arrive("1.1.0")
	promoted := h.staging()
	before := h.statuses(acmeEnv, promoted.Head.SHA)["ferry/gates"]
	n, head := h.propose("faster", map[string]string{".ferry.yaml": soakingFor("1s")})
	h.later(time.Minute)
	runs := h.configRuns(head)
	if len(runs) != 1 || runs[0].Conclusion != "success" || runs[0].Output.Title != "would change no promotion; loosens: soak of staging 24h → 1s" || runs[0].Output.Count != 0 {
		t.Fatalf("the check says %+v", runs)
	}
	if s := runs[0].Output.Summary; !strings.Contains(s, "**It loosens**\n\n- soak of staging 24h → 1s") || !strings.Contains(s, "Nothing is acted on before it is merged") {
		t.Errorf("the check says\n%s", s)
	}
	if after := h.statuses(acmeEnv, promoted.Head.SHA)["ferry/gates"]; after != before {
		t.Errorf("the proposed configuration was acted on: %+v, was %+v", after, before)
	}
	h.push("dora", "faster", map[string]string{".ferry.yaml": strings.Replace(soakingFor("1s"), "  - name: staging\n    from: [dev]\n    soak: 1s\n", "", 1)})
	head = h.pull(n).Head.SHA
	h.later(time.Minute)
	if runs = h.configRuns(head); len(runs) != 1 || !strings.HasPrefix(runs[0].Output.Title, "would close 1 promotion; changes: staging is gone") || !strings.Contains(runs[0].Output.Summary, "checkout into staging") {
		t.Fatalf("the check says %+v", runs)
	}
	h.sweep()
	h.later(time.Hour)
	if again := h.configRuns(head); len(again) != 1 {
		t.Errorf("the same was said %d times", len(again))
	}
}

// TestConfigThatWouldPromote: the app was rejected by nobody, and its environment is only observed.
func TestConfigThatWouldPromote(t *testing.T) {
	t.Parallel()
	h := newCheckoutWith(t, "environments:\n  - name: dev\n  - name: staging\n    from: [dev]\n    mode: observe\n")
	h.arrive("1.1.0")
	h.noPulls()
	_, head := h.propose("on", map[string]string{".ferry.yaml": "apiVersion: ferry/v1\n" + proposing + checkoutApp})
	if runs := h.configRuns(head); len(runs) != 1 || runs[0].Output.Title != "would open 1 promotion; loosens: mode of staging observe → propose" {
		t.Fatalf("the check says %+v", runs)
	}
	h.noPullOf("ferry/staging/checkout")
}

func (h *harness) noPullOf(branch string) {
	h.t.Helper()
	if p, ok := h.openPulls(acmeEnv)[branch]; ok {
		h.t.Fatalf("#%d is open", p.Number)
	}
}

// TestBrokenConfigInAPullRequest: each error stands at its line, also in a manifest and in a file that is included.
func TestBrokenConfigInAPullRequest(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		files map[string]string
		path  string
		line  int
		words string
	}{
		"the configuration": {map[string]string{".ferry.yaml": strings.Replace(soakingFor("1h"), "soak", "soaks", 1)}, ".ferry.yaml", 6, "soaks"},
		"a manifest":        {map[string]string{checkoutPath("staging"): "kind: Kustomization\nimages:\n  - name: ghcr.io/acme/checkout\n    newTag: [1\n"}, checkoutPath("staging"), 0, ""},
		"an included file": {map[string]string{".ferry.yaml": strings.Replace(soakingFor("1h"), "apps:", "include: apps/{app}/ferry.yaml\napps:", 1),
			"apps/checkout/ferry.yaml": "apiVersion: ferry/v1\nenvironments: {staging: {soak: 1m}}\n"}, "apps/checkout/ferry.yaml", 2, "soak"},
		"too large": {map[string]string{".ferry.yaml": soakingFor("1h") + strings.Repeat("# "+strings.Repeat("x", 1000)+"\n", 1100)}, ".ferry.yaml", 1, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newCheckoutWith(t, proposing)
			_, head := h.propose("broken", test.files)
			runs := h.configRuns(head)
			if len(runs) != 1 || runs[0].Conclusion != "failure" || !strings.Contains(runs[0].Output.Title, test.path) {
				t.Fatalf("the check says %+v", runs)
			}
			notes := h.notes(runs[0])
			if len(notes) == 0 || notes[0].Path != test.path || test.line != 0 && notes[0].Line != test.line || notes[0].Level != "failure" || !strings.Contains(notes[0].Message, test.words) {
				t.Errorf("it notes %+v", notes)
			}
			if got := h.statuses(acmeEnv, h.head(acmeEnv, "main"))["ferry/config"]; got.State != "success" {
				t.Errorf("the configuration in force is %+v", got)
			}
		})
	}
}

// TestConfigFromAFork: nobody trusts its author. What it says is shown as text, and its rules are not tried on what Ferry knows.
func TestConfigFromAFork(t *testing.T) {
	t.Parallel()
	h := newCheckoutWith(t, proposing)
	h.forge.AddUser("eve")
	fork, err := h.forge.AddFork(acmeEnv, "eve")
	h.does(err)
	for conclusion, file := range map[string]string{
		"failure": strings.Replace(soakingFor("1h"), "soak: 1h", "\"@dora <img src=x> [x](http://evil)\": 1", 1),
		"success": strings.Replace(soakingFor("1h"), "soak: 1h", "policy: '\"@dora <img src=x> [x](http://evil)\" == change'", 1),
	} {
		if _, err := h.forge.Commit(fork.FullName(), sandbox.Edit{As: "eve", Branch: conclusion, Message: "x", Files: map[string]string{".ferry.yaml": file}}); err != nil {
			t.Fatal(err)
		}
		n, err := h.forge.OpenPull(acmeEnv, "eve", forge.NewPullRequest{HeadBranch: "eve:" + conclusion, BaseBranch: "main", Title: "evil"})
		h.does(err)
		runs := h.configRuns(h.pull(n).Head.SHA)
		if len(runs) != 1 || runs[0].Conclusion != conclusion {
			t.Fatalf("the check says %+v", runs)
		}
		s := runs[0].Output.Summary
		if strings.Contains(s, "@dora") || strings.Contains(s, "<img") || strings.Contains(s, "[x](") {
			t.Errorf("the summary shows\n%s", s)
		}
		if conclusion == "success" && (!strings.Contains(s, "not from a fork") || !strings.HasPrefix(runs[0].Output.Title, "tightens: policy of staging: policy (")) {
			t.Errorf("%q shows\n%s", runs[0].Output.Title, s)
		}
	}
}

// TestConfigOfATrainInAPullRequest: what becomes of a train is planned as it is decided, with all of its apps.
func TestConfigOfATrainInAPullRequest(t *testing.T) {
	t.Parallel()
	h := train(t, "")
	h.bump("1.1.0", "cart", "checkout", "mail")
	open := h.openPulls(acmeEnv)
	own, group := trainConfig("", "    group: platform\n"), "    group: platform\n"
	at := func(app, with, without string) string {
		before, after, _ := strings.Cut(own, "apps/"+app+"/{env}/kustomization.yaml\"]\n")
		return before + "apps/" + app + "/{env}/kustomization.yaml\"]\n" + with + strings.TrimPrefix(after, without)
	}
	for branch, test := range map[string]struct {
		file, title string
		words       []string
	}{
		"renamed": {trainConfig("", "    group: fleet\n"), "would open 1 promotion, close 1; changes: cart, checkout, search: group platform → fleet",
			[]string{"- fleet into staging (cart, checkout)", "- platform into staging (cart, checkout)"}},
		"none": {trainConfig("", ""), "would open 2 promotions, close 1; changes: cart, checkout, search: group platform → none",
			[]string{"**It would open**\n\n- cart into staging\n- checkout into staging\n", "**It would close**\n\n- platform into staging (cart, checkout)"}},
		"enters": {at("mail", group, ""), "would close 1 promotion, change 1; changes: mail: group none → platform",
			[]string{"- platform into staging (cart, checkout, mail): mail joins", "**It would close**\n\n- mail into staging"}},
		"leaves": {at("cart", "", group), "would open 1 promotion, change 1; changes: cart: group platform → none",
			[]string{"- platform into staging (checkout): cart leaves", "**It would open**\n\n- cart into staging"}},
		"merges": {trainConfig("    merge: auto\n    mode: release\n", group), "would merge 2 promotions; loosens: mode of staging propose → release, merge of staging manual → auto",
			[]string{"- mail into staging\n- platform into staging (cart, checkout)\n"}},
		"shut": {trainConfig("    approvals: 1\n", group), "would change no promotion; tightens: approvals of staging 0 → 1",
			[]string{"- platform into staging (cart, checkout): open → waiting (approvals)"}},
	} {
		h.wantCheck(branch, test.file, test.title, test.words...)
	}
	if now := h.openPulls(acmeEnv); now["ferry/staging/platform"] != open["ferry/staging/platform"] || now["ferry/staging/mail"] != open["ferry/staging/mail"] {
		t.Errorf("acted on: %+v, were %+v", now, open)
	}
	h.later(time.Minute)
	h.brings("cart 1.0.0 → 1.1.0", "checkout 1.0.0 → 1.1.0")
}

// wantCheck proposes the configuration on a branch, and fails unless ferry/config has the title, and its summary the words.
func (h *harness) wantCheck(branch, file, title string, words ...string) {
	h.t.Helper()
	h.wantCheckOf(sandbox.Edit{Branch: branch, Files: map[string]string{".ferry.yaml": file}}, title, words...)
}

// wantCheckOf is wantCheck for any edit.
func (h *harness) wantCheckOf(e sandbox.Edit, title string, words ...string) {
	h.t.Helper()
	branch := e.Branch
	_, head := h.proposeEdit(e)
	runs := h.configRuns(head)
	if len(runs) != 1 || runs[0].Output.Title != title {
		h.t.Errorf("%s: the check says %+v, want %q", branch, runs, title)
		return
	}
	for _, w := range words {
		if !strings.Contains(runs[0].Output.Summary, strings.NewReplacer("(", `\(`, ")", `\)`).Replace(w)) && !strings.Contains(runs[0].Output.Summary, w) {
			h.t.Errorf("%s: the check lacks %q:\n%s", branch, w, runs[0].Output.Summary)
		}
	}
}

// TestConfigNamesTheGateThatDecides: a promotion that waits for its soak, and that a new rule keeps out, is closed by that rule.
func TestConfigNamesTheGateThatDecides(t *testing.T) {
	t.Parallel()
	h := newCheckoutWith(t, proposing+"    soak: 24h\n")
	h.arrive("1.1.0")
	h.wantCheck("patches", strings.Replace(soakingFor("24h"), "soak: 24h\n", "soak: 24h\n    policy: change == \"patch\"\n", 1), `would change no promotion; tightens: policy of staging: policy (change == "patch") is new`,
		"- checkout into staging: waiting → closed (policy)")
}

// TestConfigWithRoomInAPullRequest: no more would open than there is room for, and a train takes one place.
func TestConfigWithRoomInAPullRequest(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.environments(acmeEnv, trainFiles("    max_open: 1\n", ""))
	h.report(acmeEnv, "dev", "healthy")
	h.later(time.Minute)
	h.bump("1.1.0", "cart", "checkout", "mail", "search")
	if n := len(h.openPulls(acmeEnv)); n != 1 {
		t.Fatalf("%d are open", n)
	}
	h.wantCheck("wider", trainConfig("    max_open: 3\n", ""), "would open 2 promotions; loosens: max_open of staging 1 → 3")
	h.wantCheck("widest", trainConfig("    max_open: 30\n", ""), "would open 3 promotions; loosens: max_open of staging 1 → 30", "- search into staging")
	h.wantCheck("together", trainConfig("    max_open: 1\n", "    group: platform\n"), "would open 1 promotion, close 1; changes: cart, checkout, search: group none → platform")
	h.wantCheck("observed", "mode: observe\n"+trainConfig("    max_open: 1\n", ""), "would change no promotion; tightens: mode of dev, staging, prod propose → observe")
}

// TestConfigCheckWithoutThePermission is a commit status with the first error.
func TestConfigCheckWithoutThePermission(t *testing.T) {
	t.Parallel()
	h := newCheckoutWith(t, proposing)
	h.forge.Faults().Fail(sandbox.Fault{Method: "POST", Route: "/repos/{owner}/{repo}/check-runs", Status: http.StatusForbidden, Message: "Resource not accessible by integration", Times: 10})
	_, head := h.propose("broken", map[string]string{".ferry.yaml": strings.Replace(soakingFor("1h"), "soak", "soaks", 1)})
	h.wantStatus(acmeEnv, head, "ferry/config", "failure", "1 error: .ferry.yaml:6")
	if runs := h.configRuns(head); len(runs) != 0 {
		t.Errorf("there are %+v", runs)
	}
}

// TestOtherPullRequestsCostNoCheck: one that changes neither configuration nor manifest is asked about as before, and gets none.
func TestOtherPullRequestsCostNoCheck(t *testing.T) {
	t.Parallel()
	h := newCheckoutWith(t, proposing)
	h.forge.ResetRequests()
	_, head := h.propose("docs", map[string]string{"README.md": "words\n"})
	if runs := h.configRuns(head); len(runs) != 0 {
		t.Errorf("there are %+v", runs)
	}
	for route, n := range h.ferrysRequests() {
		if strings.Contains(route, "contents") || strings.Contains(route, "check-runs") || strings.Contains(route, "trees") {
			t.Errorf("Ferry asked %d times for %s", n, route)
		}
	}
}

// TestConfigCheckIsNotSaidTwice: the forge did what it did not answer.
func TestConfigCheckIsNotSaidTwice(t *testing.T) {
	t.Parallel()
	h := newCheckoutWith(t, proposing)
	h.forge.Faults().Fail(sandbox.Fault{Method: "POST", Route: "/repos/{owner}/{repo}/check-runs", Status: http.StatusBadGateway, Times: 1, Done: true})
	_, head := h.propose("slower", map[string]string{".ferry.yaml": soakingFor("1h")})
	for range 5 {
		h.later(10 * time.Second)
	}
	if runs := h.configRuns(head); len(runs) != 1 {
		t.Errorf("there are %+v", runs)
	}
}

// TestConfigThatRenamesInATrain: the train goes on, under the new names.
func TestConfigThatRenamesInATrain(t *testing.T) {
	t.Parallel()
	h := train(t, "")
	h.bump("1.1.0", "cart", "checkout")
	own := trainConfig("", "    group: platform\n")
	h.wantCheck("environment", strings.NewReplacer("- name: staging\n", "- name: stage\n    was: staging\n    dir: staging\n", "[staging]", "[stage]").Replace(own),
		"would open 1 promotion, close 1; changes: staging is called stage now", "- platform into stage (cart, checkout)\n", "- platform into staging (cart, checkout)\n")
	h.wantCheck("app", strings.Replace(own, "- name: cart\n", "- name: basket\n    was: cart\n", 1),
		"would change 1 promotion; changes: cart: called basket from now on", "- platform into staging (basket, checkout): cart leaves, basket joins\n")
}

// TestFreezeOfAnEnvironmentThatIsCalledOtherwise: without was, what is frozen goes on under another name. The check says so first; after the merge the
// freeze stays on record, and was carries it over still.
func TestFreezeOfAnEnvironmentThatIsCalledOtherwise(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	h.reportAll("dev", "staging", "prod")
	h.person("mia", acmeEnv, forge.PermissionMaintain)
	h.ask(h.board().Number, "mia", "/freeze prod the sale")
	h.ask(h.board().Number, "mia", "/hold checkout prod stocktaking")
	config := h.file(acmeEnv, "main", ".ferry.yaml")
	live := strings.Replace(config, "- name: prod\n", "- name: live\n    dir: prod\n", 1)
	carried := strings.Replace(live, "- name: live\n", "- name: live\n    was: prod\n", 1)
	h.wantCheck("named", carried, "would change no promotion; changes: prod is called live now")
	h.wantCheck("unnamed", live, "would change no promotion; loosens: mia's freeze of prod would not cover anything any more, mia's hold of checkout in prod would not cover anything any more and 1 more",
		"- prod is gone, and live has its manifests without its history, holds and freezes (was: prod carries them over)\n")
	h.merge(acmeEnv, h.pullOn(acmeEnv, "unnamed").Number)
	h.later(2 * time.Minute)
	if body := h.board().Body; strings.Count(body, "It covers nothing: there is no prod any more (`was: prod` on what that is called now carries it over)") != 2 {
		t.Errorf("the issue says\n%s", body)
	}
	h.commit(acmeEnv, map[string]string{".ferry.yaml": carried})
	h.later(2 * time.Minute)
	if body := h.board().Body; strings.Contains(body, "covers nothing") || !strings.Contains(body, "mia froze live: the sale") {
		t.Errorf("the issue says\n%s", body)
	}
}
