package main

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"ferry/forge"
	"ferry/forge/sandbox"
)

const acmeSource = "acme/checkout"

// built lets somebody commit to the source repository and CI announce the image of it, which then comes to stand in dev.
func (h *harness) built(ci, tag string, messages ...string) forge.SHA {
	h.t.Helper()
	var sha forge.SHA
	for i, m := range messages {
		var err error
		sha, err = h.forge.Commit(acmeSource, sandbox.Edit{As: "dora", Message: m, Files: map[string]string{"main.go": fmt.Sprintf("package main // %s %d\n", tag, i)}})
		h.does(err)
	}
	h.announce(ci, tag, sha)
	h.deploy("dev", tag)
	return sha
}

// withSource is the checkout app with its source repository, whose first commit is what 1.0.0 was built from.
func withSource(t *testing.T) (h *harness, ci string, first forge.SHA) {
	t.Helper()
	h = newHarness(t)
	if _, err := h.forge.AddRepository("acme", "checkout", map[string]string{"main.go": "package main\n"}); err != nil {
		t.Fatal(err)
	}
	h.environments(acmeEnv, checkoutFiles(""))
	if _, err := h.forge.Install(testAppID, "acme", acmeSource); err != nil {
		t.Fatal(err)
	}
	h.person("dora", acmeSource, forge.PermissionWrite)
	h.settle()
	ci, first = h.token(acmeEnv, ""), h.head(acmeSource, "main")
	h.announce(ci, "1.0.0", first)
	return h, ci, first
}

// compares counts how often Ferry compared commits of the source.
func (h *harness) compares() int {
	h.t.Helper()
	return h.ferrysRequests()["GET /repos/{owner}/{repo}/compare/{basehead}"]
}

// TestWhatChangedInTheSource: read once for each release, and every environment's pull request shows all that lies between what stands there and what comes.
func TestWhatChangedInTheSource(t *testing.T) {
	t.Parallel()
	h, ci, first := withSource(t)
	h.forge.ResetRequests()
	a := h.built(ci, "1.1.0", "Add a basket (#7)\n\nlong words", "tidy up")
	if n := h.compares(); n != 1 {
		t.Errorf("%d comparisons for one release", n)
	}
	h.report(acmeEnv, "dev", "healthy")
	p := h.staging()
	compare := fmt.Sprintf("/acme/checkout/compare/%s...%s))", first, a)
	mustContain(t, p.Body, "Built from `acme/checkout@"+string(a)+"` ([changes](", compare, "2 commits, 1 pull request in `acme/checkout`:\n\n- [\\#\u200b7](", "/acme/checkout/pull/7) `Add a basket` by `dora`\n- [`"+a.Short()+"`](", "/acme/checkout/commit/"+string(a)+") `tidy up` by `dora`\n")
	h.merge(acmeEnv, p.Number)
	b := h.built(ci, "1.2.0", "Merge pull request #8 from dora/x\n\nPay by card", "@all <!-- ferry:end --> `fixes` #1 [x](y)")
	h.report(acmeEnv, "dev", "healthy")
	mustContain(t, h.staging().Body, fmt.Sprintf("/compare/%s...%s))", a, b), "2 commits, 1 pull request", "`Pay by card` by `dora`", "`@all <!\u200b-- ferry:end --> fixes #1 [x](y)` by `dora`")
	h.merge(acmeEnv, h.staging().Number)
	h.report(acmeEnv, "staging", "healthy")
	prod := h.pullOn(acmeEnv, "ferry/prod/checkout")
	mustContain(t, prod.Body, fmt.Sprintf("/compare/%s...%s))", first, b), "4 commits, 2 pull requests in `acme/checkout`:", "`Pay by card`", "`Add a basket`", "`@all", "`tidy up`")
	if strings.Count(prod.Body, "<!-- ferry:end -->") != 1 {
		t.Errorf("a forged mark:\n%s", prod.Body)
	}
	if n := h.compares(); n != 2 {
		t.Errorf("%d comparisons for two releases in three environments", n)
	}
	h.quiet("nothing new", func() { h.settle() })
}

// TestAPromotionWithKnownChangesCostsTheSame: the source was read when the release came to dev, so its promotion costs what docs/requests.md says.
func TestAPromotionWithKnownChangesCostsTheSame(t *testing.T) {
	t.Parallel()
	h, ci, _ := withSource(t)
	h.built(ci, "1.1.0", "a change")
	h.commit(acmeEnv, map[string]string{".ferry.yaml": strings.Replace(checkoutFiles("")[".ferry.yaml"], "  - name: prod\n    from: [staging]\n", "", 1)})
	h.settle()
	h.forge.ResetRequests()
	h.report(acmeEnv, "dev", "healthy")
	p := h.staging()
	mustContain(t, p.Body, "1 commit in `acme/checkout`:", "`a change`")
	h.merge(acmeEnv, p.Number)
	h.report(acmeEnv, "staging", "healthy")
	if cost, described := h.ferrysRequests(), describedRequests(t); !maps.Equal(cost, described) {
		t.Errorf("it costs\n%v\ndocs/requests.md says\n%v", cost, described)
	}
}

// TestASourceThatCannotBeRead leaves the link, and stops no promotion; where it can be read after all, the words follow.
func TestASourceThatCannotBeRead(t *testing.T) {
	t.Parallel()
	h, ci, first := withSource(t)
	h.forge.Faults().Fail(sandbox.Fault{Method: "GET", Route: "/repos/{owner}/{repo}/compare/{basehead}", Status: 502, Times: 2})
	a := h.built(ci, "1.1.0", "a change")
	h.report(acmeEnv, "dev", "healthy")
	p := h.staging()
	mustContain(t, p.Body, fmt.Sprintf("/compare/%s...%s)).", first, a))
	if strings.Contains(p.Body, "a change") {
		t.Error("it was read through a forge that fails")
	}
	h.later(time.Minute) // it fails once more
	h.later(10 * time.Minute)
	mustContain(t, h.staging().Body, "1 commit in `acme/checkout`:", "`a change`")
	missing := forge.SHA(strings.Repeat("ab", 20))
	h.announce(ci, "1.2.0", missing)
	h.deploy("dev", "1.2.0")
	h.report(acmeEnv, "dev", "healthy")
	p = h.staging()
	mustContain(t, p.Body, fmt.Sprintf("/compare/%s...%s)).\n\n### Where", first, missing))
	h.forge.ResetRequests()
	h.later(10 * time.Minute)
	if n := h.compares(); n != 0 {
		t.Errorf("asked %d times more for a commit that is not there", n)
	}
}

// TestSourcesThatWentDifferentWays: a force push, or a release of another branch.
func TestSourcesThatWentDifferentWays(t *testing.T) {
	t.Parallel()
	h, ci, first := withSource(t)
	h.built(ci, "1.1.0", "left")
	h.report(acmeEnv, "dev", "healthy")
	h.merge(acmeEnv, h.staging().Number)
	h.patchRefOf(acmeSource, "main", first, true)
	b := h.built(ci, "1.2.0", "right")
	h.report(acmeEnv, "dev", "healthy")
	mustContain(t, h.staging().Body, "The two went different ways: some commits of what stands here are not in it.", "1 commit in `acme/checkout`:", b.Short())
	if strings.Contains(h.staging().Body, "`left`") {
		t.Error("it lists what is not in it")
	}
}

// TestChangesComeBackAfterALoss: they are read again, no promotion waits for it, and the open pull request is not rewritten without them meanwhile.
func TestChangesComeBackAfterALoss(t *testing.T) {
	t.Parallel()
	h, ci, _ := withSource(t)
	h.built(ci, "1.1.0", "the first")
	h.report(acmeEnv, "dev", "healthy")
	h.merge(acmeEnv, h.staging().Number)
	h.built(ci, "1.2.0", "a change") // the commit that promotes it names its source, as the merged one does
	h.report(acmeEnv, "dev", "healthy")
	before := h.staging()
	h.loseQuietly()
	after := h.staging()
	if after.Number != before.Number || !strings.Contains(after.Body, "`a change`") {
		t.Errorf("#%d, after the loss #%d:\n%s", before.Number, after.Number, after.Body)
	}
}
