package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"ferry/forge"
	"ferry/forge/sandbox"
)

// broughtBySeveral brings 1.1.0 into dev: by a pull request of carol's with commits of ada's and cleo's, dan being a co-author, which bob merges.
func broughtBySeveral(t *testing.T, method forge.MergeMethod, meanwhile func(*harness)) *harness {
	t.Helper()
	h := newApproved(t, approving)
	for _, login := range []string{"ada", "carol", "cleo", "dan"} {
		h.person(login, acmeEnv, forge.PermissionWrite)
	}
	h.does(h.forge.AddEmail("dan", "dan@example.com"))
	meanwhile(h)
	h.doesUnheard(h.forge.Commit(acmeEnv, sandbox.Edit{As: "cleo", Branch: "bump", Message: "a note", Files: map[string]string{"notes.txt": "1.1.0"}}))
	h.doesUnheard(h.forge.Commit(acmeEnv, sandbox.Edit{As: "ada", Branch: "bump", Message: "1.1.0\n\nCo-Authored-By: Dan <dan@example.com>", Files: map[string]string{checkoutPath("dev"): kustomization("checkout", "1.1.0")}}))
	n, err := h.forge.OpenPull(acmeEnv, "carol", forge.NewPullRequest{HeadBranch: "bump", BaseBranch: "main", Title: "1.1.0"})
	h.does(err)
	h.doesUnheard(h.forge.Merge(acmeEnv, n, "bob", method))
	h.settle()
	return h
}

// TestAllWhoBroughtItDoNotApprove: of what source commit a release is nobody knows, and nobody who had a hand in bringing it approves it: not who opened or
// merged its pull request, and not who made its commits, alone or together; also where no delivery told, and after a lost database.
func TestAllWhoBroughtItDoNotApprove(t *testing.T) {
	t.Parallel()
	for _, method := range []forge.MergeMethod{forge.MergeCommit, forge.MergeSquash, forge.MergeRebase} {
		for name, meanwhile := range map[string]func(*harness){
			"heard": func(*harness) {},
			"lost":  func(h *harness) { h.forge.Faults().Lose("push", 3) }, // of its branch, too
			"nothing heard": func(h *harness) {
				h.forge.Faults().Lose("push", 3)
				h.forge.Faults().Lose("pull_request", 2)
			},
		} {
			t.Run(fmt.Sprintf("%s %s", method, name), func(t *testing.T) {
				t.Parallel()
				h := broughtBySeveral(t, method, meanwhile)
				h.sweep()
				h.report(acmeEnv, "dev", "healthy")
				h.soon()
				number := h.staging().Number
				hands := []string{"ada", "bob", "carol", "cleo", "dan"}
				if method == forge.MergeRebase && name != "heard" {
					hands = []string{"ada", "bob", "carol", "dan"} // cleo's commit is one by itself, which no delivery says came with ada's
				}
				for _, login := range hands {
					h.review(number, login, "APPROVE")
					h.gates("pending", "0 of 1 approval")
				}
				h.later(time.Minute)
				h.drop()
				h.comesUp()
				h.report(acmeEnv, "dev", "healthy")
				h.gates("pending", "0 of 1 approval")
				for _, login := range hands {
					if body := h.staging().Body; !strings.Contains(body, login+"'s does not count: they brought it") {
						t.Errorf("the body after the loss does not say it of %s:\n%s", login, body)
					}
				}
				h.review(number, "eve", "APPROVE")
				h.gates("success", "")
			})
		}
	}
}

// TestCoAuthorsDoNotApprove: of the source change, whose commits name them by the forge's own address or by another one of theirs.
func TestCoAuthorsDoNotApprove(t *testing.T) {
	t.Parallel()
	h, ci, first := withSource(t)
	for _, login := range []string{"ada", "bob", "cleo", "dan", "eve"} {
		h.person(login, acmeEnv, forge.PermissionWrite)
		h.person(login, acmeSource, forge.PermissionRead)
	}
	h.does(h.forge.AddEmail("bob", "bob@example.com"))
	h.does(h.forge.AddEmail("dan", "dan@example.com"))
	h.announce(ci, "1.0.0", first)
	h.commit(acmeEnv, map[string]string{".ferry.yaml": "apiVersion: ferry/v1\n" + approving + checkoutApp})
	h.built(ci, "1.1.0", "one\n\nCo-authored-by: Ada <12+ada@users.noreply.github.com>", "two\n\nco-authored-by: Bob <bob@example.com>",
		"three\n\nCo-authored-by: Cleo <cleo@users.noreply.github.com>\nCo-authored-by: Dan <dan@example.com>")
	h.report(acmeEnv, "dev", "healthy")
	h.soon()
	for _, login := range []string{"ada", "bob", "cleo", "dan"} {
		h.review(h.staging().Number, login, "APPROVE")
		h.gates("pending", "0 of 1 approval")
	}
	h.review(h.staging().Number, "eve", "APPROVE")
	h.gates("success", "")
}
