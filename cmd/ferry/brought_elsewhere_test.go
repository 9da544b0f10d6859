package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"ferry/forge"
	"ferry/forge/sandbox"
)

// pushAs lets somebody push what is to stand in an environment, and lets it run there.
func (h *harness) pushAs(who, environment, content string) {
	h.t.Helper()
	h.doesUnheard(h.forge.Commit(acmeEnv, sandbox.Edit{As: who, Branch: "main", Message: "bump", Files: map[string]string{checkoutPath(environment): content}}))
	h.settle()
	h.report(acmeEnv, environment, "healthy")
	h.soon()
}

// prodGates returns the pull request into prod that is open, and what its gates say.
func (h *harness) prodGates() (number int, description string) {
	h.t.Helper()
	for _, p := range h.openPulls(acmeEnv) {
		if p.Head.Ref == "ferry/prod/checkout" {
			return p.Number, h.statuses(acmeEnv, p.Head.SHA)["ferry/gates"].Description
		}
	}
	h.t.Fatal("no pull request into prod is open")
	return 0, ""
}

// TestWhoBroughtItLaterOnDoesNotApprove: who pushes a release of an unknown source into an environment in the middle has brought it as much as who pushes
// one into dev, also after a lost database. Who merges what Ferry promotes there has brought nothing.
func TestWhoBroughtItLaterOnDoesNotApprove(t *testing.T) {
	t.Parallel()
	t.Run("pushed", func(t *testing.T) {
		t.Parallel()
		h := newApproved(t, threeApproving)
		h.pushAs("eve", "staging", kustomization("checkout", "6.6.6"))
		number, _ := h.prodGates()
		h.review(number, "eve", "APPROVE")
		const barred = "eve's does not count: they brought it"
		if _, got := h.prodGates(); !strings.Contains(got, barred) {
			t.Errorf("the gates say %q", got)
		}
		h.later(time.Minute)
		h.drop()
		h.comesUp()
		h.report(acmeEnv, "staging", "healthy")
		if _, got := h.prodGates(); !strings.Contains(got, barred) {
			t.Errorf("the gates say %q after the loss", got)
		}
		h.review(number, "bob", "APPROVE")
		h.wantStatus(acmeEnv, h.pull(number).Head.SHA, "ferry/gates", "success", "")
	})
	for _, method := range []forge.MergeMethod{forge.MergeCommit, forge.MergeSquash, forge.MergeRebase} {
		t.Run(fmt.Sprintf("promoted %s", method), func(t *testing.T) {
			t.Parallel()
			h := newApproved(t, threeApproving)
			h.pushAs("bob", "dev", kustomization("checkout", "1.1.0"))
			h.doesUnheard(h.forge.Merge(acmeEnv, h.staging().Number, "eve", method))
			h.settle()
			h.report(acmeEnv, "staging", "healthy")
			h.soon()
			number, _ := h.prodGates()
			h.review(number, "bob", "APPROVE")
			if _, got := h.prodGates(); !strings.Contains(got, "bob's does not count: they brought it") {
				t.Errorf("the gates say %q", got)
			}
			h.review(number, "eve", "APPROVE")
			h.wantStatus(acmeEnv, h.pull(number).Head.SHA, "ferry/gates", "success", "")
			h.later(time.Minute)
			h.drop()
			h.comesUp()
			h.report(acmeEnv, "staging", "healthy")
			h.wantStatus(acmeEnv, h.pull(number).Head.SHA, "ferry/gates", "success", "")
		})
	}
}

const threeApproving = "environments:\n  - name: dev\n  - name: staging\n    from: [dev]\n  - name: prod\n    from: [staging]\n    approvals: 1\n"

// TestWhoBroughtOneOfTwoImagesDoesNotApprove: what one pull request moves may have been brought by several people, an image each.
func TestWhoBroughtOneOfTwoImagesDoesNotApprove(t *testing.T) {
	t.Parallel()
	two := func(checkout, tools string) string {
		return kustomization("checkout", checkout) + "  - name: ghcr.io/acme/tools\n    newTag: " + tools + "\n"
	}
	h := newHarness(t)
	app := strings.Replace(checkoutApp, "images: [ghcr.io/acme/checkout]", "images: [ghcr.io/acme/checkout, ghcr.io/acme/tools]", 1)
	h.environments(acmeEnv, map[string]string{".ferry.yaml": "apiVersion: ferry/v1\n" + approving + app, checkoutPath("dev"): two("1.0.0", "1.0.0"), checkoutPath("staging"): two("1.0.0", "1.0.0")})
	for _, login := range []string{"bob", "eve", "mia"} {
		h.person(login, acmeEnv, forge.PermissionWrite)
	}
	h.pushAs("eve", "dev", two("2.0.0", "1.0.0"))
	h.pushAs("bob", "dev", two("2.0.0", "2.0.0"))
	for _, login := range []string{"eve", "bob"} {
		h.review(h.staging().Number, login, "APPROVE")
		h.gates("pending", "0 of 1 approval")
		if body := h.staging().Body; !strings.Contains(body, login+"'s does not count: they brought it") {
			t.Errorf("the body does not say it of %s:\n%s", login, body)
		}
	}
	h.review(h.staging().Number, "mia", "APPROVE")
	h.gates("success", "")
}
