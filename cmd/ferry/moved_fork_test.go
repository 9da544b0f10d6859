package main

import (
	"fmt"
	"strings"
	"testing"

	"ferry/forge"
	"ferry/forge/sandbox"
)

// thereAndBack opens a hand-made pull request with two commits: one puts a release into prod, the other takes it back. It returns the first, too.
func (h *harness) thereAndBack() (number int, first, head forge.SHA) {
	h.t.Helper()
	edit := sandbox.Edit{Branch: "back", As: "dora", Message: "there", Files: map[string]string{checkoutPath("prod"): kustomization("checkout", "2.0.0")}}
	first, err := h.forge.Commit(acmeEnv, edit)
	h.doesUnheard(first, err)
	number, head = h.proposeEdit(sandbox.Edit{Branch: "back", Files: map[string]string{checkoutPath("prod"): kustomization("checkout", "1.0.0")}})
	return number, first, head
}

// TestHandMadeWhoseForkMoves: where the default branch gets an older commit of an open hand-made pull request, what that takes back of it is a change of a
// release from then on, whichever way the commit came.
func TestHandMadeWhoseForkMoves(t *testing.T) {
	t.Parallel()
	twin := func(h *harness, first forge.SHA) int {
		h.write("dora", "POST", "/git/refs", map[string]any{"ref": "refs/heads/twin", "sha": first})
		n, err := h.forge.OpenPull(acmeEnv, "dora", forge.NewPullRequest{HeadBranch: "twin", BaseBranch: "main", Title: "twin"})
		h.does(err)
		return n
	}
	many := map[string]string{}
	for i := range 301 {
		many[fmt.Sprintf("notes/%d.md", i)] = "x\n"
	}
	for name, comes := range map[string]func(h *harness, first forge.SHA){
		"another pull request is merged": func(h *harness, first forge.SHA) { h.merge(acmeEnv, twin(h, first)) },
		"the default branch is moved on": func(h *harness, first forge.SHA) { h.patchRef("main", first, false) },
		"the default branch is forced": func(h *harness, first forge.SHA) {
			h.commit(acmeEnv, map[string]string{"NOTES.md": "gone again\n"})
			h.patchRef("main", first, true)
		},
		"with too much to tell": func(h *harness, first forge.SHA) {
			n := twin(h, first)
			h.push("dora", "twin", many)
			h.merge(acmeEnv, n)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newCheckout(t, "")
			mia := h.maintainer()
			number, first, head := h.thereAndBack()
			h.wantStatus(acmeEnv, head, "ferry/gates", "success", "it changes no release")
			comes(h, first)
			h.settle()
			h.wantStatus(acmeEnv, head, "ferry/gates", "success", "nothing stops what it changes: checkout in prod")
			h.ask(h.board().Number, mia, "/freeze prod an incident")
			h.wantStatus(acmeEnv, head, "ferry/gates", "failure", "it changes checkout in prod; freeze: mia froze prod")
			h.sweep()
			h.wantStatus(acmeEnv, head, "ferry/gates", "failure", "it changes checkout in prod; freeze: mia froze prod")
			if p := h.pull(number); p.State != "open" {
				t.Errorf("it is %s", p.State)
			}
		})
	}
}

// TestPushesBesideHandMade: a push that brings none of their commits asks for no open pull request, however many there are.
func TestPushesBesideHandMade(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	h.thereAndBack()
	for i := range 3 {
		h.propose(fmt.Sprintf("topic-%d", i), map[string]string{fmt.Sprintf("NOTES-%d.md", i): "x\n"})
	}
	h.forge.ResetRequests()
	h.commit(acmeEnv, map[string]string{"README.md": "nothing of theirs\n"})
	h.deploy("prod", "1.5.0")
	for route, n := range h.ferrysRequests() {
		if strings.Contains(route, "/pulls") || strings.Contains(route, "/compare") {
			t.Errorf("it asks %d times for %s", n, route)
		}
	}
}

// TestConfigMakesHandMadeAnother: under another configuration a file that an open pull request changes may be a manifest; it is looked at anew at once.
func TestConfigMakesHandMadeAnother(t *testing.T) {
	t.Parallel()
	h := newApproved(t, threeInLine)
	h.commit(acmeEnv, map[string]string{"zz/prod/kustomization.yaml": kustomization("checkout", "1.0.0")})
	_, head := h.propose("zz", map[string]string{"zz/prod/kustomization.yaml": kustomization("checkout", "6.6.6")})
	h.ask(h.board().Number, "mia", "/freeze prod an incident")
	h.wantStatus(acmeEnv, head, "ferry/gates", "success", "it changes no release")
	h.commit(acmeEnv, map[string]string{".ferry.yaml": "apiVersion: ferry/v1\n" + threeInLine + movedApp()})
	h.wantStatus(acmeEnv, head, "ferry/gates", "failure", "it changes checkout in prod; freeze: mia froze prod")
}

// TestLongHandMade: of one with more commits, or files, than the forge lists in one answer, whatever cannot be known is shut by any stop, and the rest counts.
func TestLongHandMade(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	mia := h.maintainer()
	files := map[string]string{checkoutPath("prod"): kustomization("checkout", "1.9.0")}
	for i := range 310 {
		files[fmt.Sprintf("a/%d.md", i)] = "x\n"
	}
	_, wide := h.propose("wide", files)
	for i := range 251 {
		h.doesUnheard(h.forge.Commit(acmeEnv, sandbox.Edit{As: "dora", Branch: "long", Message: "more", Files: map[string]string{"NOTES.md": fmt.Sprintf("%d\n", i)}}))
	}
	_, long := h.propose("long", map[string]string{"NOTES.md": "the end\n"})
	h.wantStatus(acmeEnv, wide, "ferry/gates", "success", "checkout in prod")
	h.wantStatus(acmeEnv, long, "ferry/gates", "success", "")
	h.ask(h.board().Number, mia, "/freeze staging an incident")
	h.wantStatus(acmeEnv, wide, "ferry/gates", "success", "checkout in prod")
	h.wantStatus(acmeEnv, long, "ferry/gates", "failure", "it changes more than was looked at in staging; freeze: mia froze staging")
	if said := h.configRuns(long)[0].Output.Summary; !strings.Contains(said, "It has more commits than the forge lists. What could not be looked at may change any release") {
		t.Errorf("its check says\n%s", said)
	}
	h.ask(h.board().Number, mia, "/thaw staging\n/freeze prod an incident")
	h.wantStatus(acmeEnv, wide, "ferry/gates", "failure", "it changes checkout in prod; freeze: mia froze prod")
}
