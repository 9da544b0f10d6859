package promotion_test

import (
	"strings"
	"testing"
	"time"

	"ferry/forge"
	"ferry/promotion"
	"ferry/promotion/config"
)

func TestHold(t *testing.T) {
	t.Parallel()
	w := line(t)
	hold := []promotion.Hold{{ID: 1, Environment: "staging", Actor: "ann", Reason: "audit", Until: w.now.Add(time.Hour)}}
	w.env("staging").Holds = hold
	w.arrive("dev", "1.1.0")
	w.proposed("staging", "")
	if g := w.gate("staging", "hold"); g.State != promotion.GateClosed || g.Reason != "ann holds staging until 2026-03-02 10:00:00 UTC: audit (/resume staging lifts it)" {
		t.Fatalf("%+v", g)
	}
	if due := w.now.Add(time.Hour); !w.plan.DueAt.Equal(due) {
		t.Fatalf("due at %s, want %s", w.plan.DueAt, due)
	}
	w.wait(time.Hour)
	w.look()
	w.proposed("staging", "1.1.0")

	before := w.wishes["staging"]
	hold[0].Until = time.Time{}
	w.arrive("dev", "1.2.0")
	w.proposed("staging", "1.1.0")
	if now := w.wishes["staging"]; now.Edit != before.Edit || now.Message != before.Message || !strings.Contains(now.Body, "| hold | closed | ann holds staging: audit") {
		t.Fatalf("the open one is not frozen, or does not say so: %+v", now)
	}
	if got := w.gatesStatus("staging"); got.State != forge.Failure {
		t.Fatalf("%+v", got)
	}
	w.arrive("dev", "1.0.0") // nothing to promote any more: frozen all the same
	w.proposed("staging", "1.1.0")
	w.env("staging").Holds = nil
	w.look()
	w.proposed("staging", "")
}

func TestHoldStopsTheAutomaticMerge(t *testing.T) {
	t.Parallel()
	w := line(t, releases)
	w.arrive("dev", "1.1.0")
	w.env("staging").Holds = []promotion.Hold{{App: "checkout", Actor: "ann"}}
	if plan := w.look(); len(plan.Merges) != 0 {
		t.Fatalf("%+v", plan.Merges)
	}
}

// releases lets staging be merged into by Ferry.
func releases(staging, _ *config.Environment) {
	staging.AutoMerge, staging.Mode, staging.AllowUnprotected = true, config.ModeRelease, true
}

func TestAutomaticMerge(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		env    func(staging, prod *config.Environment)
		change func(*world)
		merges int
	}{
		{"mode release", releases, func(*world) {}, 1},
		{"mode propose", func(staging, _ *config.Environment) { staging.AutoMerge = true }, func(*world) {}, 0},
		{"merge manual", func(staging, _ *config.Environment) { staging.Mode = config.ModeRelease }, func(*world) {}, 0},
		{"upstream degraded", releases, func(w *world) { w.report("dev", promotion.HealthDegraded) }, 0},
		{"somebody pushed on top", releases, func(w *world) { w.env("staging").Pull.Known = false }, 0},
		{"the forge refused before", releases, func(w *world) { w.s.Refusals["staging"] = promotion.Refusal{Reason: "a review is missing"} }, 1},
		{"the head shows another release", releases, func(w *world) { w.env("staging").Promotion.Release = release("0.9.0") }, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := line(t, test.env)
			w.arrive("dev", "1.1.0")
			test.change(w)
			plan := promotion.MakePlan(w.s, w.now)
			if len(plan.Merges) != test.merges {
				t.Fatalf("%+v", plan.Merges)
			}
			for _, m := range plan.Merges {
				if m.Head != w.env("staging").Pull.HeadSHA || m.Number != 1 || m.Base != "main" || !m.AllowUnprotected {
					t.Fatalf("%+v", m)
				}
			}
		})
	}
}

func TestWhatDegradedIsNotMergedOnceReplaced(t *testing.T) {
	t.Parallel()
	w := line(t, releases)
	w.arrive("dev", "1.1.0")
	w.wait(time.Second)
	w.report("dev", promotion.HealthDegraded)
	w.look()
	w.commit("dev", "1.2.0") // the fix is on its way
	plan := w.look()
	if g := w.gate("staging", "upstream"); g.State != promotion.GateWaiting || !strings.Contains(g.Reason, "not healthy in dev when another release replaced it") || len(plan.Merges) != 0 {
		t.Fatalf("%+v, merges %+v", g, plan.Merges)
	}
	w.report("dev", promotion.HealthHealthy)
	w.look()
	w.proposed("staging", "1.2.0")
	if w.numbers != 1 {
		t.Fatal("it was not superseded in place")
	}
}

func TestGatesStatusBelongsToWhatTheHeadShows(t *testing.T) {
	t.Parallel()
	w := line(t)
	w.arrive("dev", "1.1.0")
	if got := w.gatesStatus("staging"); got.State != forge.Success || got.Description != "every gate is open" {
		t.Fatalf("%+v", got)
	}
	w.commit("dev", "1.2.0")
	w.report("dev", promotion.HealthHealthy)
	plan := promotion.MakePlan(w.s, w.now)
	for _, c := range plan.Contributions {
		if c.Context == promotion.GatesContext && (c.State != forge.Pending || !strings.Contains(c.Description, "about to show 1.2.0")) {
			t.Fatalf("the head still shows 1.1.0, and its status says %+v", c)
		}
	}
	w.look()
	if got := w.gatesStatus("staging"); got.State != forge.Success {
		t.Fatalf("%+v", got)
	}
}

func TestModeObserve(t *testing.T) {
	t.Parallel()
	w := line(t, func(staging, _ *config.Environment) { staging.Mode = config.ModeObserve })
	w.arrive("dev", "1.1.0")
	w.proposed("staging", "")
	cell := w.cell("staging")
	if cell.Proposed.Version() != "1.1.0" || !strings.Contains(cell.Explain("checkout"), "`mode: observe` keeps Ferry from") {
		t.Fatalf("%+v: %s", cell, cell.Explain("checkout"))
	}
	body := promotion.IssueBody([]string{"dev", "staging", "prod"}, []promotion.View{w.plan.View}, promotion.Stops{}, nil, nil)
	if !strings.Contains(body, "would open a pull request that brings `1.1.0` to staging") {
		t.Fatal(body)
	}
	w.commit("staging", "1.1.0")
	if plan := w.look(); len(plan.Contributions) != 0 && w.status("", sha(w.seq), "ferry/staging").State != "" {
		t.Fatalf("a status is posted: %+v", plan.Contributions)
	}
}

func TestForeignCommit(t *testing.T) {
	t.Parallel()
	w := line(t, releases)
	w.arrive("dev", "1.1.0")
	w.env("staging").Pull.Known, w.env("staging").Pull.Pusher, w.env("staging").Pull.HeadSHA = false, "mallory", sha(666)
	before := w.wishes["staging"]
	w.arrive("dev", "1.2.0")
	if w.wishes["staging"].Edit != before.Edit {
		t.Fatal("somebody's commit is overwritten")
	}
	if got := w.gatesStatus("staging"); got.State != forge.Failure || !strings.Contains(got.Description, "mallory pushed") {
		t.Fatalf("%+v", got)
	}
	w.arrive("dev", "1.0.0")
	if _, open := w.wishes["staging"]; !open {
		t.Fatal("somebody's commit is closed away")
	}
	if got := w.gatesStatus("staging"); got.State != forge.Failure {
		t.Fatalf("%+v", got)
	}
}

func TestSwitchedOff(t *testing.T) {
	t.Parallel()
	for _, off := range []func(*world){func(w *world) { w.s.Off = true }, func(w *world) { w.env("staging").Dropped = true }} {
		w := line(t)
		w.arrive("dev", "1.1.0")
		off(w)
		w.plan = promotion.MakePlan(w.s, w.now)
		if len(w.plan.Pulls) != 1 || w.plan.Pulls[0].Open || w.plan.Pulls[0].Branch != "ferry/staging/checkout" || !strings.Contains(w.plan.Pulls[0].Reason, "switched off") {
			t.Fatalf("%+v", w.plan.Pulls)
		}
		w.look()
		w.proposed("staging", "")
	}
}

func TestForgesRefusal(t *testing.T) {
	t.Parallel()
	w := line(t, releases)
	w.s.Refusals["staging"] = promotion.Refusal{Reason: "a required review is missing"}
	w.arrive("dev", "1.1.0")
	if g := w.gate("staging", "forge"); g.State != promotion.GateWaiting || g.Reason != "a required review is missing" {
		t.Fatalf("%+v", g)
	}
	if got := w.gatesStatus("staging"); got.State != forge.Success {
		t.Fatalf("the forge may require ferry/gates itself, and it says %+v", got)
	}
	body := w.wishes["staging"].Body
	delete(w.s.Refusals, "staging")
	w.look()
	if w.wishes["staging"].Body != body {
		t.Fatal("a refusal changes the wish that it refuses")
	}
}

func TestManifestsRefusal(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, content, words string }{
		{"a digest stands and none is known", kustomization("1.0.0@sha256:" + strings.Repeat("a", 64)), "digest-pinned"},
		{"two entries in one", strings.ReplaceAll(kustomization("1.0.0"), "newTag", "newTag: 1.0.0\n  newTag"), "duplicate-key"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := line(t)
			w.seq++
			w.stand("staging", test.content, false)
			w.arrive("dev", "1.1.0")
			w.proposed("staging", "")
			if g := w.gate("staging", "manifest"); g.State != promotion.GateWaiting || !strings.Contains(g.Reason, test.words) {
				t.Fatalf("%+v", g)
			}
		})
	}
}

func TestOnlyTagAndDigestChange(t *testing.T) {
	t.Parallel()
	a, b := "sha256:"+strings.Repeat("a", 64), "sha256:"+strings.Repeat("b", 64)
	w := line(t)
	w.seq++
	w.env("staging").Files = nil
	w.stand("staging", kustomization("1.0.0@"+a), false)
	w.env("staging").Files[0].Executable = true
	w.arrive("dev", "1.1.0@"+b)
	wish := w.wishes["staging"]
	if len(wish.Files) != 1 || string(wish.Files[0].Content) != kustomization("1.1.0@"+b) || !wish.Files[0].Executable || wish.Blobs[0] != w.env("staging").Files[0].Blob {
		t.Fatalf("%+v", wish)
	}
	if !strings.Contains(wish.Body, "| `ghcr.io/acme/checkout` | `1.0.0` `sha256:aaaaaaaaaaa…` | `1.1.0` `sha256:bbbbbbbbbbb…` |") {
		t.Fatal(wish.Body)
	}
}

func TestStatusesOnTheSourceCommit(t *testing.T) {
	t.Parallel()
	w := line(t)
	tag := "main-" + string(sha(88))
	w.commit("dev", tag)
	w.s.AddTagSources()
	w.look()
	if got := w.status("acme/checkout", sha(88), "ferry/dev"); got.State != forge.Pending {
		t.Fatalf("%+v", got)
	}
	w.commit("dev", "main-next")
	w.look()
	if got := w.status("acme/checkout", sha(88), "ferry/dev"); got.State != forge.Error || !strings.Contains(got.Description, "superseded by main-next before it converged") {
		t.Fatalf("%+v", got)
	}
	if got := w.status("", sha(1), "ferry/dev"); got.State != "" {
		t.Fatalf("a baseline has a status: %+v", got)
	}
}

func TestFold(t *testing.T) {
	t.Parallel()
	ok := promotion.Contribution{State: forge.Success, Description: "cart runs"}
	pending := promotion.Contribution{State: forge.Pending, Description: "waiting\nfor\u202e word"}
	tests := []struct {
		name  string
		byApp map[string]promotion.Contribution
		state forge.State
		words string
	}{
		{"one", map[string]promotion.Contribution{"cart": ok}, forge.Success, "cart runs"},
		{"one line", map[string]promotion.Contribution{"cart": pending}, forge.Pending, "waiting for  word"},
		{"all", map[string]promotion.Contribution{"a": ok, "b": ok}, forge.Success, "2 of 2 apps"},
		{"the worst wins", map[string]promotion.Contribution{"a": ok, "b": pending, "c": {State: forge.Error}, "d": {State: forge.Failure}}, forge.Failure, "1 of 4 apps, waiting for b, c, d"},
		{"no apps", map[string]promotion.Contribution{"": ok, "merge group": pending}, forge.Pending, "waiting for  word"},
		{"an app and a group", map[string]promotion.Contribution{"cart": ok, "merge group": {State: forge.Success, Description: "nothing stops #1"}}, forge.Success, "cart runs"},
	}
	for _, test := range tests {
		got := promotion.Fold("ferry/prod", "https://ferry.example", test.byApp)
		if got.State != test.state || got.Description != test.words || got.Context != "ferry/prod" {
			t.Errorf("%s: %+v", test.name, got)
		}
	}
	long := promotion.Fold("ferry/prod", "", map[string]promotion.Contribution{"a": {State: forge.Error, Description: strings.Repeat("ä", 300)}})
	if n := len([]rune(long.Description)); n != forge.MaxStatusDescription || !strings.HasSuffix(long.Description, "…") {
		t.Errorf("%d characters", n)
	}
}

// TestWaiver waives a gate for one release, and only for that.
func TestWaiver(t *testing.T) {
	t.Parallel()
	w := line(t, func(staging, _ *config.Environment) { staging.Soak = time.Hour })
	w.arrive("dev", "1.1.0")
	if g := w.gate("staging", "soak"); g.State != promotion.GateWaiting {
		t.Fatalf("%+v", g)
	}
	w.env("staging").Waivers = []promotion.Waiver{{Gate: "soak", Release: w.wishes["staging"].Release, Actor: "ann", Reason: "an incident"}}
	w.look()
	if g := w.gate("staging", "soak"); g.State != promotion.GateOpen || !strings.HasPrefix(g.Reason, "overridden by ann: an incident (without that: 1h in dev, done at ") {
		t.Fatalf("%+v", g)
	}
	w.arrive("dev", "1.2.0")
	if cell := w.plan.View.Find("staging"); cell.Proposed.Version() != "1.1.0" || cell.Next.Version() != "1.2.0" {
		t.Fatalf("what is waived is replaced by what has to soak still: %+v", cell)
	}
	w.env("staging").Waivers[0].Release = release("1.3.0")
	w.look()
	if g := w.gate("staging", "soak"); g.State != promotion.GateWaiting {
		t.Fatalf("a waiver for another release opens it: %+v", g)
	}
}

// TestWhatFailsOnItsReturnSoaksAnew: a release that has soaked comes back, and fails before it has converged again. When it is healthy again, or was
// replaced, what it soaked before its failure does not count.
func TestWhatFailsOnItsReturnSoaksAnew(t *testing.T) {
	t.Parallel()
	w := line(t, func(staging, _ *config.Environment) { staging.Soak = 10 * time.Minute })
	w.arrive("dev", "1.1.0")
	w.wait(20 * time.Minute)
	w.arrive("dev", "1.2.0")
	w.commit("dev", "1.1.0")
	w.look()
	w.report("dev", promotion.HealthFailed)
	w.look()
	w.wait(time.Minute)
	w.report("dev", promotion.HealthHealthy)
	w.look()
	w.proposed("staging", "1.1.0")
	if g := w.gate("staging", "soak"); g.State != promotion.GateWaiting || !g.DueAt.Equal(w.now.Add(10*time.Minute)) {
		t.Errorf("%+v", g)
	}
}
