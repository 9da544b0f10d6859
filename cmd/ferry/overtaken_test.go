package main

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"ferry/forge"
	"ferry/forge/sandbox"
)

// overtake lets a person do something right after the forge has carried a request out, and Ferry observe that and plan anew, before Ferry hears the
// answer: it comes late, or is lost.
func (h *harness) overtake(method, route string, lost bool, does func()) {
	h.t.Helper()
	overtaken := false
	h.t.Cleanup(func() {
		if !overtaken {
			h.t.Error("nothing was overtaken")
		}
	})
	h.forge.Faults().Fail(sandbox.Fault{Method: method, Route: route, Done: true, Late: !lost, Then: func() {
		overtaken = true
		does()
		for range 3 {
			h.observeAndCommand()
			h.decideApps()
		}
	}})
}

const (
	openingRoute = "/graphql"
	steppedRoute = "/repos/{owner}/{repo}/pulls" // the last step, where the branch of the pull request before may still stand, or the forge declined all at once
	movingRoute  = "/repos/{owner}/{repo}/git/refs/{ref}"
	statusRoute  = "/repos/{owner}/{repo}/statuses/{sha}"
)

// byStep lets the forge decline all that Ferry asks of GraphQL: it opens its pull requests step by step.
func (h *harness) byStep() {
	h.forge.Faults().Fail(sandbox.Fault{Method: "POST", Route: openingRoute, Status: http.StatusUnprocessableEntity, Times: 1000})
}

// mergeOnly merges the open promotion into staging as dora, and settles nothing.
func (h *harness) mergeOnly() (merged forge.SHA) {
	h.t.Helper()
	for _, p := range h.openPulls(acmeEnv) {
		var err error
		if merged, err = h.forge.Merge(acmeEnv, p.Number, "dora", forge.MergeCommit); err != nil {
			h.t.Error(err)
		}
	}
	return merged
}

// closeOnly closes what is open as dora, and settles nothing.
func (h *harness) closeOnly() {
	h.t.Helper()
	for _, p := range h.openPulls(acmeEnv) {
		if err := h.forge.ClosePull(acmeEnv, p.Number, "dora"); err != nil {
			h.t.Error(err)
		}
	}
}

// promotionsOf returns the promotions into an environment as "number state tag", the oldest first.
func (h *harness) promotionsOf(environment string) (list []string) {
	h.t.Helper()
	all := query[string](h, `select coalesce(string_agg(number || ' ' || state || ' ' || (release -> 0 ->> 'tag'), ',' order by id), '') from promotions where environment = $1`, environment)
	return strings.Split(all, ",")
}

// inBothWays runs a test with an answer that comes late, and with one that is lost.
func inBothWays(t *testing.T, test func(t *testing.T, lost bool)) {
	t.Parallel()
	for name, lost := range map[string]bool{"late": false, "lost": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, lost)
		})
	}
}

// TestAMergeOvertakesTheOpening: a pull request is merged, and Ferry has observed that and planned, before Ferry hears the answer to its own opening of it.
func TestAMergeOvertakesTheOpening(t *testing.T) {
	inBothWays(t, func(t *testing.T, lost bool) {
		h := newCheckout(t, "")
		var merged forge.SHA
		h.overtake("POST", openingRoute, lost, func() { merged = h.mergeOnly() })
		h.arrive("1.1.0")
		h.later(time.Minute)
		h.noPulls()
		h.report(acmeEnv, "staging", "healthy")
		h.wantStatus(acmeEnv, merged, "ferry/staging", "success", "runs in staging")
		want := []string{"promotion waiting", "deployed", "promotion open", "merged", "converged", "promotion converged"}
		if kinds := h.eventKinds("staging"); !slices.Equal(withoutBaseline(kinds), want) {
			t.Errorf("the events are %q, want %q", kinds, want)
		}
		if got := h.promotionsOf("staging"); len(got) != 1 || !strings.HasSuffix(got[0], " converged 1.1.0") {
			t.Errorf("the promotions are %q", got)
		}
		h.later(tidied)
		h.later(time.Minute)
		if h.hasBranch("ferry/staging/checkout") {
			t.Error("the merged branch still stands")
		}
		h.pullOn(acmeEnv, "ferry/prod/checkout")
	})
}

// withoutBaseline leaves out what was found at the first look.
func withoutBaseline(kinds []string) []string {
	return slices.DeleteFunc(slices.Clone(kinds), func(kind string) bool { return kind == "baseline" })
}

// TestACloseOvertakesTheOpening: a person closes the pull request before Ferry hears that it is open. That rejects what it shows.
func TestACloseOvertakesTheOpening(t *testing.T) {
	inBothWays(t, func(t *testing.T, lost bool) {
		h := newCheckout(t, "")
		h.overtake("POST", openingRoute, lost, h.closeOnly)
		h.arrive("1.1.0")
		h.later(time.Minute)
		h.noPulls()
		h.sweep()
		h.noPulls()
		if got := h.promotionsOf("staging"); len(got) != 1 || !strings.HasSuffix(got[0], " rejected 1.1.0") {
			t.Errorf("the promotions are %q", got)
		}
		h.arrive("1.2.0")
		h.merge(acmeEnv, h.staging().Number)
		h.noPulls()
	})
}

// TestAPushOvertakesTheOpening: a person pushes on top before Ferry hears that the pull request is open. Nothing of that is overwritten or merged.
func TestAPushOvertakesTheOpening(t *testing.T) {
	inBothWays(t, func(t *testing.T, lost bool) {
		h := newCheckout(t, "")
		var pushed forge.SHA
		h.overtake("POST", openingRoute, lost, func() {
			var err error
			if pushed, err = h.forge.Commit(acmeEnv, sandbox.Edit{As: "dora", Branch: "ferry/staging/checkout", Message: "on top", Files: map[string]string{"README.md": "on top\n"}}); err != nil {
				t.Error(err)
			}
		})
		h.arrive("1.1.0")
		h.later(time.Minute)
		p := h.staging()
		if p.Head.SHA != pushed {
			t.Fatalf("the branch stands at %s, dora pushed %s", p.Head.SHA, pushed)
		}
		h.wantStatus(acmeEnv, pushed, "ferry/gates", "failure", "dora pushed")
		h.say(p.Number, "dora", "/retry")
		again := h.staging()
		if again.Number != p.Number || again.Head.SHA == pushed {
			t.Fatalf("after /retry it is %+v", again)
		}
		h.wantStatus(acmeEnv, again.Head.SHA, "ferry/gates", "success", "")
		h.merge(acmeEnv, again.Number)
	})
}

// wantConvergedAndTidied lets the one promotion into staging converge on the release, and wants its branch gone some time after.
func (h *harness) wantConvergedAndTidied(release, branch string) {
	h.t.Helper()
	h.report(acmeEnv, "staging", "healthy")
	if got := h.promotionsOf("staging"); len(got) != 1 || !strings.HasSuffix(got[0], " converged "+release) {
		h.t.Errorf("the promotions are %q", got)
	}
	h.later(tidied)
	h.later(time.Minute)
	if h.hasBranch(branch) {
		h.t.Error("the branch still stands")
	}
}

// TestAMergeOvertakesTheNewerEdit: a person merges the pull request right after Ferry has put a newer release in it. That is what was merged.
func TestAMergeOvertakesTheNewerEdit(t *testing.T) {
	inBothWays(t, func(t *testing.T, lost bool) {
		h := newCheckout(t, "")
		h.arrive("1.1.0")
		first := h.staging()
		h.overtake("PATCH", movingRoute, lost, func() { h.mergeOnly() })
		h.arrive("1.2.0")
		h.later(time.Minute)
		h.noPulls()
		if got := h.promotionsOf("staging"); len(got) != 1 || !strings.HasSuffix(got[0], " merged 1.2.0") {
			t.Errorf("the promotions are %q", got)
		}
		h.wantConvergedAndTidied("1.2.0", first.Head.Ref)
	})
}

// TestAMergeOvertakesTheSecondTry: the answer to Ferry's update is lost, and while it makes its commit anew a person merges the first one. The branch then
// stands at a commit of Ferry's that nobody merged and no pull request shows; it goes like a merged one.
func TestAMergeOvertakesTheSecondTry(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	h.arrive("1.1.0")
	first := h.staging()
	h.forge.Faults().Fail(sandbox.Fault{Method: "PATCH", Route: movingRoute, Done: true, Then: func() {
		h.overtake("POST", "/repos/{owner}/{repo}/git/commits", false, func() { h.mergeOnly() })
	}})
	h.arrive("1.2.0")
	h.later(time.Minute)
	h.noPulls()
	h.wantConvergedAndTidied("1.2.0", first.Head.Ref)
}

// TestAMergeOvertakesItsOwnClosing: the push that a merge makes is heard before the merge, so that Ferry wishes to close what has nothing left to bring. By
// the time it would, the merge was observed and nothing planned yet. The branch goes all the same.
func TestAMergeOvertakesItsOwnClosing(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	h.arrive("1.1.0")
	p := h.staging()
	release := h.holdHooks("pull_request")
	h.mergeOnly()
	h.observeAndCommand()
	h.decideApps()
	if n := query[int](h, `select count(*) from wishes where key = $1 and not (desired ->> 'open')::boolean`, p.Head.Ref); n != 1 {
		t.Fatalf("%d wishes to close it", n)
	}
	release()
	h.observeAndCommand()
	h.actOn("pull")
	h.later(time.Minute)
	h.wantConvergedAndTidied("1.1.0", p.Head.Ref)
}

// TestACloseOvertakesTheNewerEdit: the newer release is what the person saw and closed; what follows is the same as if nothing had been late.
func TestACloseOvertakesTheNewerEdit(t *testing.T) {
	inBothWays(t, func(t *testing.T, lost bool) {
		plain, late := newCheckout(t, ""), newCheckout(t, "")
		late.arrive("1.1.0")
		late.overtake("PATCH", movingRoute, lost, late.closeOnly)
		late.arrive("1.2.0")
		late.later(time.Minute)
		plain.arrive("1.1.0")
		plain.arrive("1.2.0")
		plain.closeOnly()
		plain.settle()
		plain.later(time.Minute)
		got, want := late.promotionsOf("staging"), plain.promotionsOf("staging")
		if !slices.Equal(got, want) || !strings.HasSuffix(want[0], " rejected 1.2.0") {
			t.Errorf("the promotions are %q, want %q", got, want)
		}
	})
}

// TestANewerStatusOvertakesTheAnswer: what is to be said has moved on before Ferry hears that the status before it stands. The newest stands last.
func TestANewerStatusOvertakesTheAnswer(t *testing.T) {
	inBothWays(t, func(t *testing.T, lost bool) {
		h := newCheckout(t, "")
		token := h.token(acmeEnv, "dev")
		sha := h.deploy("dev", "1.1.0")
		say := func(health string) {
			if code, answer := h.post("/api/v1/reports", token, map[string]any{"app": "checkout", "revision": sha, "health": health}); code != 202 {
				t.Errorf("%d %s", code, answer)
			}
		}
		h.overtake("POST", statusRoute, lost, func() { say("healthy") })
		say("progressing")
		h.settle()
		h.later(time.Minute)
		h.wantStatus(acmeEnv, sha, "ferry/dev", "success", "runs in dev")
		h.staging()
	})
}

// TestAnEditOvertakesTheSweep: while a sweep has read the open pull requests and has not written them down, Ferry puts a newer release in one of them, or
// closes it. What the forge tells of that itself may come or not.
func TestAnEditOvertakesTheSweep(t *testing.T) {
	inBothWays(t, func(t *testing.T, lost bool) {
		h := newCheckout(t, "")
		h.arrive("1.1.0")
		first := h.staging()
		token, sha := h.token(acmeEnv, "dev"), h.deploy("dev", "1.2.0")
		h.overtakeSweep(lost, func() {
			if code, answer := h.post("/api/v1/reports", token, map[string]any{"app": "checkout", "revision": sha, "health": "healthy"}); code != 202 {
				t.Errorf("%d %s", code, answer)
			}
		})
		p := h.staging()
		if p.Number != first.Number || p.Head.SHA == first.Head.SHA {
			t.Fatalf("open is %+v, was %+v", p, first)
		}
		h.wantStatus(acmeEnv, p.Head.SHA, "ferry/gates", "success", "")
		h.wantPromotions(" open 1.2.0")
	})
}

func TestAClosingOvertakesTheSweep(t *testing.T) {
	inBothWays(t, func(t *testing.T, lost bool) {
		h := newCheckout(t, "")
		h.arrive("1.1.0")
		if _, err := h.forge.Comment(acmeEnv, h.staging().Number, "dora", "/block 1.1.0 it loses orders"); err != nil {
			t.Fatal(err)
		}
		h.observeAndCommand()
		h.overtakeSweep(lost, func() {})
		h.noPulls()
		h.wantPromotions(" superseded 1.1.0")
	})
}

// overtakeSweep sweeps, and lets Ferry act on its pull request before the sweep hears the answer to its reading.
func (h *harness) overtakeSweep(lost bool, cause func()) {
	h.t.Helper()
	overtaken := false
	h.forge.Faults().Fail(sandbox.Fault{Method: "GET", Route: steppedRoute, Done: true, Late: true, Then: func() {
		overtaken = true
		cause()
		if lost {
			h.forge.Faults().Lose("push", 1)
			h.forge.Faults().Lose("pull_request", 2)
		}
		h.decideApps()
		if n := h.actOn("pull"); n != 1 {
			h.t.Errorf("%d acts", n)
		}
	}})
	h.sweep()
	if !overtaken {
		h.t.Error("nothing was overtaken")
	}
}

// wantPromotions says how the promotions into staging end.
func (h *harness) wantPromotions(ends ...string) {
	h.t.Helper()
	got := h.promotionsOf("staging")
	if !slices.EqualFunc(got, ends, strings.HasSuffix) {
		h.t.Errorf("the promotions are %q, want %q", got, ends)
	}
}
