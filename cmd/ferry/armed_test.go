package main

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"ferry/forge"
	"ferry/forge/sandbox"
)

// newArmable is newCheckout with an open promotion, whose branch now asks for a status of CI's: native auto-merge can be armed.
func newArmable(t *testing.T) (h *harness, mia string, p pull) {
	t.Helper()
	h = newCheckoutWith(t, proposing)
	mia = h.maintainer()
	h.arrive("1.1.0")
	h.requires("ci")
	return h, mia, h.staging()
}

// requires makes a status a required one.
func (h *harness) requires(context string) {
	h.t.Helper()
	if err := h.forge.Protect(acmeEnv, sandbox.Protection{Branch: "main", Rules: sandbox.Rules{Checks: []sandbox.RequiredCheck{{Context: context}}}}); err != nil {
		h.t.Fatal(err)
	}
}

// autoMerge returns who has armed a pull request, as a third client sees it; "" for nobody.
func (h *harness) autoMerge(number int) string {
	h.t.Helper()
	var p struct {
		AutoMerge *struct {
			EnabledBy struct{ Login string } `json:"enabled_by"`
		} `json:"auto_merge"`
	}
	h.api("/repos/"+acmeEnv+"/pulls/"+strconv.Itoa(number), &p)
	if p.AutoMerge == nil {
		return ""
	}
	return p.AutoMerge.EnabledBy.Login
}

// stoppedComments counts the comments in which Ferry says that it stopped a merge.
func (h *harness) stoppedComments(number int) (n int) {
	h.t.Helper()
	for _, told := range h.notices(number) {
		n += strings.Count(told, "Ferry stopped its merge")
	}
	return n
}

// TestFreezeDisarmsAutoMerge: between approval and merge somebody freezes, and what was armed before is not merged (as it was in a tool that only posted a
// status nobody required).
func TestFreezeDisarmsAutoMerge(t *testing.T) {
	t.Parallel()
	h, mia, p := newArmable(t)
	h.does(h.forge.EnableAutoMerge(acmeEnv, p.Number, "dora"))
	if got := h.autoMerge(p.Number); got != "dora" {
		t.Fatalf("armed by %q", got)
	}
	h.ask(h.board().Number, mia, "/freeze staging an incident")
	if got := h.autoMerge(p.Number); got != "" {
		t.Fatalf("still armed by %s", got)
	}
	h.posts(acmeEnv, p.Head.SHA, "ci", forge.Success) // all that the branch asks for
	if h.pull(p.Number).Merged {
		t.Fatal("it was merged in spite of the freeze")
	}
	if n := h.stoppedComments(p.Number); n != 1 {
		t.Errorf("it was said %d times", n)
	}
	body := h.pull(p.Number).Body
	if !strings.Contains(body, "auto-merge, which dora had enabled, is disabled") {
		t.Errorf("the body says\n%s", body)
	}
	if said := h.remarks(p.Number); !strings.Contains(said[len(said)-1].Body, "which dora had enabled") || !strings.Contains(said[len(said)-1].Body, "mia froze staging: an incident") {
		t.Errorf("the comment says %q", said[len(said)-1].Body)
	}
	if got := h.eventsOf("disarmed"); got != 1 {
		t.Errorf("%d events tell of it", got)
	}
	h.ask(p.Number, mia, "/thaw staging")
	h.wantStatus(acmeEnv, p.Head.SHA, "ferry/gates", "success", "")
	if h.pull(p.Number).Merged || h.autoMerge(p.Number) != "" {
		t.Error("Ferry armed it again")
	}
}

func (h *harness) eventsOf(kind string) int {
	h.t.Helper()
	return query[int](h, `select count(*) from events where kind = $1`, kind)
}

// TestArmedWhileGatesWait: merging once the gates open is what auto-merge is for.
func TestArmedWhileGatesWait(t *testing.T) {
	t.Parallel()
	h := newCheckoutWith(t, checking("[e2e]"))
	revision := h.arrive("1.1.0")
	h.requires("ferry/gates")
	p := h.staging()
	h.does(h.forge.EnableAutoMerge(acmeEnv, p.Number, "dora"))
	if got := h.autoMerge(p.Number); got != "dora" {
		t.Fatalf("armed by %q: a gate that waits is no reason", got)
	}
	h.posts(acmeEnv, revision, "e2e", forge.Failure)
	if got := h.autoMerge(p.Number); got != "" {
		t.Fatalf("armed by %q, though a gate is closed", got)
	}
	h.does(h.forge.EnableAutoMerge(acmeEnv, p.Number, "dora")) // once more, in spite of that
	if got := h.autoMerge(p.Number); got != "" || h.stoppedComments(p.Number) != 1 {
		t.Fatalf("armed by %q, said %d times", got, h.stoppedComments(p.Number))
	}
	h.posts(acmeEnv, revision, "e2e", forge.Pending)
	h.does(h.forge.EnableAutoMerge(acmeEnv, p.Number, "dora"))
	h.posts(acmeEnv, revision, "e2e", forge.Success)
	if !h.pull(p.Number).Merged {
		t.Fatal("not merged, though armed and green")
	}
}

// TestArmedForWhatWasShown: who told the forge to merge by itself did so for what they saw. A newer release in the same pull request is not merged by that, and
// the same edit made anew is.
func TestArmedForWhatWasShown(t *testing.T) {
	t.Parallel()
	arm := func(h *harness, number int) error { return h.forge.EnableAutoMerge(acmeEnv, number, "dora") }
	queue := func(h *harness, number int) error { return h.forge.Enqueue(acmeEnv, number, "dora") }
	const refs = "/repos/{owner}/{repo}/git/refs/{ref}"
	for name, test := range map[string]struct {
		order func(h *harness, number int) error
		fault sandbox.Fault
		words string // that it was taken back with
	}{
		"auto-merge":                 {arm, sandbox.Fault{}, "auto-merge, which dora had enabled, is disabled"},
		"merge queue":                {queue, sandbox.Fault{}, "it is taken out of the merge queue, to which dora had added it"},
		"the branch is not moved":    {arm, sandbox.Fault{Method: "PATCH", Route: refs, Status: http.StatusBadGateway, Times: 1}, "auto-merge, which dora had enabled, is disabled"},
		"the answer is lost":         {arm, sandbox.Fault{Method: "PATCH", Route: refs, Status: http.StatusBadGateway, Times: 1, Done: true}, "auto-merge, which dora had enabled, is disabled"},
		"it fails after it disarmed": {arm, sandbox.Fault{Method: "POST", Route: "/graphql", After: 1, Status: http.StatusBadGateway, Times: 1, Done: true}, "auto-merge, which dora had enabled, is disabled"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newCheckoutWith(t, proposing)
			h.arrive("1.1.0")
			h.deploy("dev", "1.2.0")
			h.requires("ci")
			p := h.staging()
			h.does(test.order(h, p.Number))
			h.soon()
			h.ask(p.Number, "dora", "/retry")
			again := h.staging()
			if again.Head.SHA == p.Head.SHA || h.eventsOf("disarmed") != 0 {
				t.Fatalf("the same, made anew, is %+v, and was disarmed %d times", again, h.eventsOf("disarmed"))
			}
			if test.fault.Times > 0 {
				h.forge.Faults().Fail(test.fault)
			}
			h.report(acmeEnv, "dev", "healthy")
			for range 6 {
				h.later(10 * time.Second)
			}
			now := h.staging()
			h.posts(acmeEnv, now.Head.SHA, "ci", forge.Success)
			h.does(h.forge.MergeQueued(acmeEnv))
			if h.pull(p.Number).Merged || h.autoMerge(p.Number) != "" || !strings.Contains(now.Title, "1.2.0") {
				t.Fatalf("nobody looked at %+v", h.pull(p.Number))
			}
			h.wantNotice(p.Number, test.words+", because of this: it shows 1.2.0 now")
			if n := h.eventsOf("disarmed"); n != 1 {
				t.Errorf("%d events tell of it", n)
			}
			h.quiet("nothing new", func() { h.settle() })
		})
	}
}

// TestWindowDisarms: a window that begins stops what is armed, too.
func TestWindowDisarms(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	begins := h.clock.Now().Add(time.Hour).Truncate(time.Minute)
	files := checkoutFiles("")
	files[".ferry.yaml"] = "apiVersion: ferry/v1\n" + proposing + "    freeze: [{kind: deny, schedule: \"" + begins.Format("4 15") + " * * *\", duration: 2h}]\n" + checkoutApp
	h.environments(acmeEnv, files)
	h.arrive("1.1.0")
	h.requires("ci")
	p := h.staging()
	h.does(h.forge.EnableAutoMerge(acmeEnv, p.Number, "dora"))
	h.until(begins.Add(-time.Minute))
	if got := h.autoMerge(p.Number); got != "dora" {
		t.Fatalf("armed by %q before the window", got)
	}
	h.until(begins.Add(time.Second))
	if got := h.autoMerge(p.Number); got != "" {
		t.Fatalf("armed by %q in the window", got)
	}
}

// TestQueuedPullRequestsAreTakenOut, Ferry's own and people's.
func TestQueuedPullRequestsAreTakenOut(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	mia := h.maintainer()
	h.arrive("1.1.0")
	p := h.staging()
	h.push("dora", "bump", map[string]string{checkoutPath("staging"): kustomization("checkout", "3.0.0")})
	byHand, err := h.forge.OpenPull(acmeEnv, "dora", forge.NewPullRequest{HeadBranch: "bump", BaseBranch: "main", Title: "by hand"})
	h.does(err)
	h.push("dora", "docs", map[string]string{"docs.md": "words\n"})
	other, err := h.forge.OpenPull(acmeEnv, "dora", forge.NewPullRequest{HeadBranch: "docs", BaseBranch: "main", Title: "changes no release"})
	h.does(err)
	for _, n := range []int{p.Number, byHand, other} {
		h.does(h.forge.Enqueue(acmeEnv, n, "dora"))
	}
	h.ask(h.board().Number, mia, "/freeze staging an incident")
	h.does(h.forge.MergeQueued(acmeEnv))
	if h.pull(p.Number).Merged || h.pull(byHand).Merged || !h.pull(other).Merged {
		t.Fatalf("merged are the promotion %v, the one by hand %v, the other one %v", h.pull(p.Number).Merged, h.pull(byHand).Merged, h.pull(other).Merged)
	}
	if h.stoppedComments(p.Number) != 1 || h.stoppedComments(byHand) != 1 || h.stoppedComments(other) != 0 {
		t.Errorf("said %d, %d and %d times", h.stoppedComments(p.Number), h.stoppedComments(byHand), h.stoppedComments(other))
	}
}

// TestNothingArmedCostsNothing: a freeze asks the forge about nobody's arming where nothing is armed; neither does one whose deliveries came doubled.
func TestNothingArmedCostsNothing(t *testing.T) {
	t.Parallel()
	h, mia, p := newArmable(t)
	h.does(h.forge.EnableAutoMerge(acmeEnv, p.Number, "dora"))
	h.does(h.forge.DisableAutoMerge(acmeEnv, p.Number, "dora"))
	h.forge.ResetRequests()
	h.ask(p.Number, mia, "/freeze staging an incident")
	for route := range h.ferrysRequests() {
		if strings.Contains(route, "graphql") {
			t.Errorf("Ferry asked for %s", route)
		}
	}
}

// TestDisarmingSurvivesFaults: a lost delivery, a forge that fails before and after it did what was asked, and a lost database.
func TestDisarmingSurvivesFaults(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]sandbox.Fault{
		"it fails":                    {Method: "POST", Route: "/graphql", Status: http.StatusBadGateway, Times: 3},
		"it fails after it disarmed":  {Method: "POST", Route: "/graphql", After: 1, Status: http.StatusBadGateway, Times: 1, Done: true},
		"the comment is not answered": {Method: "POST", Route: "/repos/{owner}/{repo}/issues/{issue_number}/comments", After: 1, Status: http.StatusBadGateway, Times: 1, Done: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, mia, p := newArmable(t)
			h.does(h.forge.EnableAutoMerge(acmeEnv, p.Number, "dora"))
			h.forge.Faults().Fail(fault)
			h.say(h.board().Number, mia, "/freeze staging an incident")
			for range 6 {
				h.later(10 * time.Second)
			}
			if got := h.autoMerge(p.Number); got != "" || h.stoppedComments(p.Number) != 1 {
				t.Errorf("armed by %q, said %d times", got, h.stoppedComments(p.Number))
			}
		})
	}
	t.Run("its delivery is lost", func(t *testing.T) {
		t.Parallel()
		h, mia, p := newArmable(t)
		h.forge.Faults().Lose("pull_request", 1)
		h.does(h.forge.EnableAutoMerge(acmeEnv, p.Number, "dora"))
		h.ask(h.board().Number, mia, "/freeze staging an incident")
		if h.autoMerge(p.Number) == "" {
			t.Fatal("Ferry knows what nobody told it")
		}
		h.sweep()
		if got := h.autoMerge(p.Number); got != "" {
			t.Errorf("armed by %q after the sweep", got)
		}
	})
	t.Run("the database is lost", func(t *testing.T) {
		t.Parallel()
		h, mia, p := newArmable(t)
		h.does(h.forge.EnableAutoMerge(acmeEnv, p.Number, "dora"))
		h.loseAndCompare()
		h.report(acmeEnv, "dev", "healthy")
		h.ask(h.board().Number, mia, "/freeze staging an incident")
		if got := h.autoMerge(p.Number); got != "" {
			t.Errorf("armed by %q", got)
		}
	})
}

// TestRefusedDisarmingIsSaid: an App that may not is a reason on the page, not a silence.
func TestRefusedDisarmingIsSaid(t *testing.T) {
	t.Parallel()
	h, mia, p := newArmable(t)
	h.does(h.forge.EnableAutoMerge(acmeEnv, p.Number, "dora"))
	h.forge.Faults().Fail(sandbox.Fault{Method: "POST", Route: "/graphql", Status: http.StatusForbidden, Message: "Resource not accessible by integration", Times: 100})
	h.ask(h.board().Number, mia, "/freeze staging an incident")
	if got := h.ask(p.Number, "dora", "/status"); !strings.Contains(got, "does not let Ferry take that back") {
		t.Errorf("/status is answered by %q", got)
	}
	if got := h.eventKinds("staging"); slices.Contains(got, "disarmed") {
		t.Errorf("the events are %q", got)
	}
}
