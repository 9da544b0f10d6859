package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"ferry/forge"
)

// TestForeignCommit: what somebody pushed on top of a promotion is neither merged nor overwritten, until somebody says /retry.
func TestForeignCommit(t *testing.T) {
	t.Parallel()
	h := newCheckoutWith(t, "mode: release\nenvironments:\n  - name: dev\n  - name: staging\n    from: [dev]\n    soak: 1h\n    merge: auto\n    unprotected: allow\n")
	h.arrive("1.1.0")
	p := h.staging()
	h.person("erin", acmeEnv, forge.PermissionWrite)
	foreign := h.push("erin", p.Head.Ref, map[string]string{"apps/checkout/staging/extra.yaml": "kind: Secret\n"})
	h.wantStatus(acmeEnv, foreign, "ferry/gates", "failure", "erin pushed "+foreign.Short())
	h.arrive("1.2.0")
	h.later(2 * time.Hour)
	h.sweep()
	if now := h.staging(); now.Head.SHA != foreign || now.Number != p.Number {
		t.Fatalf("the foreign commit did not stay: %+v", now)
	}
	h.wantStatus(acmeEnv, foreign, "ferry/gates", "failure", "erin pushed "+foreign.Short())

	h.ask(p.Number, "dora", "/hold checkout staging")
	h.ask(p.Number, "dora", "/retry")
	h.ask(p.Number, "dora", "/resume")
	h.later(time.Minute)
	if got := h.file(acmeEnv, "main", "apps/checkout/staging/extra.yaml"); got != "" {
		t.Errorf("the foreign file was merged: %q", got)
	}
	if got := h.file(acmeEnv, "main", checkoutPath("staging")); got != kustomization("checkout", "1.2.0") {
		t.Errorf("after /retry the newest release is not merged:\n%s", got)
	}
}

func TestForeignCommitOfNobodyKnown(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	h.arrive("1.1.0")
	p := h.staging()
	foreign := h.push("dora", p.Head.Ref, map[string]string{checkoutPath("staging"): kustomization("checkout", "6.6.6")})
	h.wantStatus(acmeEnv, foreign, "ferry/gates", "failure", "dora pushed")
	h.ask(p.Number, "dora", "/retry")
	again := h.staging()
	if again.Number != p.Number || again.Head.SHA == foreign || len(h.changed(p.Number)) != 2 {
		t.Errorf("after /retry the promotion is %+v", again)
	}
	h.wantStatus(acmeEnv, again.Head.SHA, "ferry/gates", "success", "")
}

// TestForeignCommitMerged: a person may merge what another pushed on top; the next promotion is not in its way.
func TestForeignCommitMerged(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	h.arrive("1.1.0")
	p := h.staging()
	h.push("dora", p.Head.Ref, map[string]string{"NOTES.md": "notes\n"})
	merged := h.merge(acmeEnv, p.Number)
	h.wantStatus(acmeEnv, merged, "ferry/staging", "pending", "1.1.0")
	h.arrive("1.2.0")
	if again := h.staging(); again.Number == p.Number || len(h.changed(again.Number)) != 2 {
		t.Errorf("the next promotion is %+v", again)
	}
}

// TestPullRequestsConfigureNothing is rule 8: neither configuration nor commands of a pull request's head, of forks or of outsiders count.
func TestPullRequestsConfigureNothing(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	evil := strings.Replace(checkoutFiles("")[".ferry.yaml"], "environments:\n", "mode: release\nenvironments:\n", 1)
	evil = strings.Replace(evil, "from: [dev]\n", "from: [dev]\n    merge: auto\n    unprotected: allow\n", 1)
	head := h.push("dora", "evil", map[string]string{".ferry.yaml": evil, checkoutPath("dev"): kustomization("checkout", "9.9.9"), "cmd.md": "/promote all\n"})
	n, err := h.forge.OpenPull(acmeEnv, "dora", forge.NewPullRequest{HeadBranch: "evil", BaseBranch: "main", Title: "/promote all", Body: "/promote all\n<!-- ferry:begin -->\n<!-- ferry:end -->"})
	h.does(err)
	h.report(acmeEnv, "dev", "healthy")
	h.arrive("1.1.0")
	h.later(10 * time.Minute)
	p := h.staging()
	h.wantStatus(acmeEnv, head, "ferry/gates", "success", "")
	if !strings.Contains(p.Title, "1.1.0") {
		t.Errorf("the promotion is %+v", p)
	}
	if got := h.pull(n); got.State != "open" || got.Head.SHA != head {
		t.Errorf("the hand-made pull request is %+v", got)
	}
	if len(h.openPulls(acmeEnv)) != 2 {
		t.Errorf("open are %+v", h.openPulls(acmeEnv))
	}
}

// TestImitationsAreNotFerrys: a person's pull request on Ferry's branch, with Ferry's words, is not taken for Ferry's.
func TestImitationsAreNotFerrys(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	h.push("dora", "ferry/staging/checkout", map[string]string{checkoutPath("staging"): kustomization("checkout", "6.6.6")})
	n, err := h.forge.OpenPull(acmeEnv, "dora", forge.NewPullRequest{HeadBranch: "ferry/staging/checkout", BaseBranch: "main", Title: "Promote checkout to staging: 1.0.0 → 1.1.0"})
	h.does(err)
	before := h.pull(n)
	h.arrive("1.1.0")
	after := h.pull(n)
	if after.Head.SHA != before.Head.SHA || after.Title != before.Title || after.Body != before.Body {
		t.Errorf("Ferry wrote to somebody's pull request: %+v", after)
	}
	if len(h.openPulls(acmeEnv)) != 1 {
		t.Errorf("open are %+v", h.openPulls(acmeEnv))
	}
	if got := h.ask(h.board().Number, "dora", "/status checkout staging"); !strings.Contains(got, "which Ferry did not make") {
		t.Errorf("/status is answered by %s", got)
	}
	h.does(h.forge.ClosePull(acmeEnv, n, "dora"))
	h.does(h.forge.DeleteBranch(acmeEnv, "ferry/staging/checkout", "dora"))
	h.ask(h.board().Number, "dora", "/retry checkout staging")
	if p := h.staging(); p.User.Login != "ferry[bot]" {
		t.Errorf("open is %+v", p)
	}
}

func TestBaseMoves(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	h.arrive("1.1.0")
	p := h.staging()
	h.later(2 * time.Minute)
	h.forge.ResetRequests()
	h.commit(acmeEnv, map[string]string{"README.md": "words\n", checkoutPath("prod"): "# a comment\n" + kustomization("checkout", "1.0.0")})
	if w := h.writes(); len(w) != 0 {
		t.Errorf("other files moved, and Ferry wrote %v", w)
	}
	moved := "# a comment\n" + kustomization("checkout", "1.0.0")
	h.commit(acmeEnv, map[string]string{checkoutPath("staging"): moved})
	again := h.staging()
	if again.Number != p.Number || again.Head.SHA == p.Head.SHA {
		t.Fatalf("the promotion is %+v", again)
	}
	if got, want := h.file(acmeEnv, p.Head.Ref, checkoutPath("staging")), "# a comment\n"+kustomization("checkout", "1.1.0"); got != want {
		t.Errorf("the branch has\n%s", got)
	}
	if got := h.changed(p.Number); !slices.Equal(got, []string{"-    newTag: 1.0.0", "+    newTag: 1.1.0"}) {
		t.Errorf("the diff is %q", got)
	}
	h.wantStatus(acmeEnv, again.Head.SHA, "ferry/gates", "success", "")
	h.commit(acmeEnv, map[string]string{checkoutPath("staging"): kustomization("checkout", "1.1.0")})
	h.noPulls()
	if got := h.pull(p.Number); got.State != "closed" || got.Merged {
		t.Errorf("somebody else brought the release; the promotion is %+v", got)
	}
}
