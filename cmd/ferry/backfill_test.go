package main

import (
	"strings"
	"testing"

	"ferry/forge"
)

// backfilled is a harness with the hotfix 1.1.1 in prod over 1.1.0, and its back-fills into dev and staging open.
func backfilled(t *testing.T) (h *harness, mia string) {
	t.Helper()
	h = newCheckout(t, "")
	mia = h.maintainer()
	h.through("1.1.0")
	h.ask(h.board().Number, mia, "/hotfix checkout prod 1.1.1 it loses orders")
	h.merge(acmeEnv, h.prod().Number)
	h.reportAll("prod")
	if p := h.staging(); !strings.HasPrefix(p.Title, "Back-fill") {
		t.Fatalf("open is %+v", p)
	}
	return h, mia
}

// wantSuperseded fails unless Ferry has closed the pull request, and said why once.
func (h *harness) wantSuperseded(number int, why string) {
	h.t.Helper()
	if p := h.pull(number); p.State != "closed" || p.Merged {
		h.t.Errorf("#%d is %+v", number, p)
	}
	said := 0
	for _, r := range h.remarks(number) {
		if strings.HasPrefix(r.Body, "Superseded: ") && strings.Contains(r.Body, why) {
			said++
		}
	}
	if said != 1 {
		h.t.Errorf("%q is said %d times under #%d: %+v", why, said, number, h.remarks(number))
	}
}

func TestBackfillsEndWithTheirHotfix(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		does func(h *harness, mia string)
		why  string
	}{
		"rolled back": {func(h *harness, mia string) { h.ask(h.board().Number, mia, "/rollback checkout prod it is worse") }, "mia blocks checkout 1.1.1 in prod"},
		"reverted":    {func(h *harness, _ string) { h.deploy("prod", "1.1.0") }, "dora blocks checkout 1.1.1 in prod"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, mia := backfilled(t)
			dev, staging := h.pullOn(acmeEnv, "ferry/dev/checkout"), h.staging()
			h.loseAndCompare()
			h.reportAll("dev", "staging", "prod")
			test.does(h, mia)
			h.wantSuperseded(dev.Number, "the hotfix 1.1.1 was taken back: "+test.why)
			h.wantSuperseded(staging.Number, "the hotfix 1.1.1 was taken back: "+test.why)
			h.loseAndCompare()
		})
	}
}

// TestBackfillGivesWayToWhatIsNewer: what was first seen after the hotfix takes the place of its back-fill.
func TestBackfillGivesWayToWhatIsNewer(t *testing.T) {
	t.Parallel()
	h, _ := backfilled(t)
	dev, staging := h.pullOn(acmeEnv, "ferry/dev/checkout"), h.staging()
	h.arrive("1.2.0")
	h.wantSuperseded(dev.Number, "")
	h.wantSuperseded(staging.Number, "1.2.0 is to come now")
	p := h.staging()
	if !strings.Contains(p.Title, "1.1.0 → 1.2.0") {
		t.Errorf("open is %+v", p)
	}
	h.loseAndCompare()
	h.reportAll("dev", "staging", "prod")
	if again := h.staging(); again.Number != p.Number || again.Head.SHA != p.Head.SHA {
		t.Errorf("open is %+v", again)
	}
}

func TestHotfixOnHandMadePulls(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	mia := h.maintainer()
	h.through("1.1.0")
	h.arrive("1.2.0")
	heads := map[string]forge.SHA{}
	for _, tag := range []string{"1.0.5", "1.2.0", "1.3.0"} {
		h.push("dora", "to-"+tag, map[string]string{checkoutPath("prod"): "# by hand\n" + kustomization("checkout", tag)})
		n, err := h.forge.OpenPull(acmeEnv, "dora", forge.NewPullRequest{HeadBranch: "to-" + tag, BaseBranch: "main", Title: tag})
		h.does(err)
		heads[tag] = h.pull(n).Head.SHA
		h.wantStatus(acmeEnv, heads[tag], "ferry/gates", "success", "nothing stops")
	}
	h.ask(h.board().Number, mia, "/hotfix checkout prod 1.1.1 it loses orders")
	h.merge(acmeEnv, h.prod().Number)
	want := func() {
		t.Helper()
		h.wantStatus(acmeEnv, heads["1.0.5"], "ferry/gates", "failure", "hotfix: 1.1.1 of mia stands there, which 1.0.5 may lack (/rollback or /hotfix goes over it)")
		h.wantStatus(acmeEnv, heads["1.2.0"], "ferry/gates", "failure", "hotfix: 1.1.1 of mia stands there")
		h.wantStatus(acmeEnv, heads["1.3.0"], "ferry/gates", "success", "nothing stops")
	}
	want()
	h.loseAndCompare()
	h.reportAll("dev", "staging", "prod")
	want()
	h.deploy("prod", "1.3.0") // no hotfix stands any more
	h.wantStatus(acmeEnv, heads["1.2.0"], "ferry/gates", "success", "nothing stops")
}
