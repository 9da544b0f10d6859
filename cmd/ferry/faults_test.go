package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// story runs a whole line, with what goes wrong on purpose in between: an image through dev and staging into prod, a rejection, and a direct commit.
// Whatever was lost is found by the sweeps between the steps.
func (h *harness) story(trouble func()) {
	h.t.Helper()
	h.storyMended(trouble, h.sweep)
}

// storyMended is the story with what mends the trouble after each step.
func (h *harness) storyMended(trouble, mend func()) {
	h.t.Helper()
	step := func(f func()) {
		h.t.Helper()
		trouble()
		f()
		h.forge.Faults().Clear()
		h.later(3 * time.Minute)
		mend()
	}
	step(func() { h.deploy("dev", "1.1.0") })
	step(func() { h.report(acmeEnv, "dev", "healthy") })
	step(func() { h.merge(acmeEnv, h.staging().Number) })
	step(func() { h.report(acmeEnv, "staging", "healthy") })
	step(func() { h.does(h.forge.ClosePull(acmeEnv, h.pullOn(acmeEnv, "ferry/prod/checkout").Number, "dora")) })
	step(func() { h.deploy("dev", "1.2.0") })
	step(func() { h.report(acmeEnv, "dev", "healthy") })
	step(func() { h.merge(acmeEnv, h.staging().Number) })
	step(func() { h.report(acmeEnv, "staging", "healthy") })
	step(func() { h.merge(acmeEnv, h.pullOn(acmeEnv, "ferry/prod/checkout").Number) })
	step(func() { h.report(acmeEnv, "prod", "healthy") })
	step(func() { h.deploy("dev", "1.3.0") })
	step(func() { h.report(acmeEnv, "dev", "healthy") })
}

// endState is what a third client sees in the end, without the numbers and names that chance decides.
func (h *harness) endState() string {
	h.t.Helper()
	var b strings.Builder
	for _, env := range []string{"dev", "staging", "prod"} {
		fmt.Fprintf(&b, "%s\n", h.file(acmeEnv, "main", checkoutPath(env)))
	}
	var pulls []pull
	h.api("/repos/"+acmeEnv+"/pulls?state=all&per_page=100", &pulls)
	var lines []string
	for _, p := range pulls {
		statuses := h.statuses(acmeEnv, p.Head.SHA)
		lines = append(lines, fmt.Sprintf("%s %s %s gates %s", p.Head.Ref, p.State, p.Title, statuses["ferry/gates"].State))
	}
	slices.Sort(lines)
	fmt.Fprintln(&b, strings.Join(lines, "\n"))
	var commits []struct {
		SHA    string
		Commit struct{ Message string }
	}
	h.api("/repos/"+acmeEnv+"/commits?per_page=100", &commits)
	for _, c := range commits {
		words, _, _ := strings.Cut(c.Commit.Message, "\n")
		var combined struct{ Statuses []status }
		h.api("/repos/"+acmeEnv+"/commits/"+c.SHA+"/status", &combined)
		var said []string
		for _, s := range combined.Statuses {
			said = append(said, s.Context+" "+s.State)
		}
		slices.Sort(said)
		fmt.Fprintf(&b, "%s: %v\n", words, said)
	}
	var list []board
	for _, i := range h.boards() {
		list = append(list, board{State: i.State})
	}
	fmt.Fprintln(&b, list)
	return b.String()
}

// TestLostAndDoubledDeliveries leads to the same end as a forge that delivers everything once.
func TestLostAndDoubledDeliveries(t *testing.T) {
	t.Parallel()
	whole := newCheckout(t, "")
	whole.story(func() {})
	want := whole.endState()
	for name, trouble := range map[string]func(h *harness){
		"each is lost":    func(h *harness) { h.forge.Faults().Lose("", 1000) },
		"each is doubled": func(h *harness) { h.forge.Faults().Double("", 1000) },
		"pushes are lost": func(h *harness) { h.forge.Faults().Lose("push", 1000) },
		"half are lost, half doubled": func(h *harness) {
			for range 20 {
				h.forge.Faults().Lose("", 1)
				h.forge.Faults().Double("", 1)
			}
		},
		"pull requests' are lost": func(h *harness) { h.forge.Faults().Lose("pull_request", 1000) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newCheckout(t, "")
			h.story(func() { trouble(h) })
			if got := h.endState(); got != want {
				t.Errorf("the end is\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// TestLateDeliveries: everything arrives in the end, in the opposite order, after all has happened.
func TestLateDeliveries(t *testing.T) {
	t.Parallel()
	whole := newCheckout(t, "")
	whole.story(func() {})
	want := whole.endState()
	h := newCheckout(t, "")
	h.story(func() { h.forge.Faults().Lose("", 1000) })
	writes, events := 0, query[int](h, `select count(*) from events`)
	h.forge.ResetRequests()
	list := h.forge.Deliveries()
	for _, d := range slices.Backward(list) {
		if d.Fault == "" {
			continue
		}
		h.hook(d.Event, d.GUID, d.Body, nil)
	}
	h.settle()
	for route, n := range h.writes() {
		writes += n
		t.Errorf("late deliveries made Ferry call %s %d times", route, n)
	}
	if now := query[int](h, `select count(*) from events`); now != events {
		t.Errorf("late deliveries made %d events", now-events)
	}
	h.later(10 * time.Minute)
	h.sweep()
	if got := h.endState(); got != want {
		t.Errorf("the end is\n%s\nwant\n%s", got, want)
	}
}

// TestTheForgeIsDown: work waits and nothing is lost.
func TestTheForgeIsDown(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	h.deploy("dev", "1.1.0")
	h.forge.Faults().Down(true)
	token := h.token(acmeEnv, "dev")
	sha := query[string](h, `select head from branches`)
	h.tell(token, map[string]any{"revision": sha, "health": "healthy"})
	h.later(30 * time.Minute)
	if n := query[int](h, `select count(*) from promotions where state = 'waiting'`); n != 1 {
		t.Errorf("%d promotions wait", n)
	}
	h.sweep()
	h.forge.Faults().Down(false)
	h.later(10 * time.Minute)
	p := h.staging()
	h.wantStatus(acmeEnv, p.Head.SHA, "ferry/gates", "success", "every gate is open")
	h.forge.Faults().Down(true)
	merged, err := h.forge.Merge(acmeEnv, p.Number, "dora", "merge")
	h.does(err)
	h.later(time.Hour)
	h.forge.Faults().Down(false)
	h.later(10 * time.Minute)
	h.wantStatus(acmeEnv, merged, "ferry/staging", "pending", "1.1.0")
}

// TestAnswersThatNeverCame: the forge did what it was asked and the answer was lost, as when Ferry is killed in between. Nothing is done twice.
func TestAnswersThatNeverCame(t *testing.T) {
	t.Parallel()
	const repos = "/repos/{owner}/{repo}"
	for _, c := range []struct{ method, route string }{
		{"POST", "/git/refs"}, {"POST", "/git/commits"}, {"PATCH", "/git/refs/{ref}"}, {"DELETE", "/git/refs/{ref}"},
		{"POST", "/pulls"}, {"POST", ""}, {"PATCH", "/pulls/{pull_number}"}, {"POST", "/statuses/{sha}"}, {"POST", "/issues"}, {"PATCH", "/issues/{issue_number}"},
		{"POST", "/issues/{issue_number}/comments"}, {"POST", "/issues/comments/{comment_id}/reactions"}, {"PUT", "/pulls/{pull_number}/merge"},
	} {
		t.Run(c.method+" "+strings.ReplaceAll(c.route, "/", "."), func(t *testing.T) {
			t.Parallel()
			h := newHarness(t)
			h.crashes(func() {
				h.forge.Faults().Clear()
				if c.route == "" {
					h.forge.Faults().Fail(sandboxDone(c.method, openingRoute))
					return
				}
				h.byStep()
				h.forge.Faults().Fail(sandboxDone(c.method, repos+c.route))
			})
		})
	}
}

// crashes runs through everything Ferry does, with trouble before each step.
func (h *harness) crashes(trouble func()) {
	step := func(f func()) {
		trouble()
		f()
		for range 4 {
			h.later(2 * time.Minute)
		}
	}
	files := checkoutFiles("    merge: auto\n    unprotected: allow\n")
	files[".ferry.yaml"] = strings.Replace(files[".ferry.yaml"], "apiVersion: ferry/v1\n", "apiVersion: ferry/v1\nmode: release\n", 1)
	step(func() { h.environments(acmeEnv, files) })
	step(func() { h.arrive("1.1.0") })
	first := h.staging()
	step(func() { h.say(first.Number, "dora", "/hold checkout prod wait") })
	step(func() { h.say(first.Number, "dora", "/resume checkout prod") })
	step(func() { h.arrive("1.2.0") })
	if again := h.staging(); again.Number != first.Number || !strings.Contains(again.Title, "1.2.0") {
		h.t.Errorf("#%d became %+v", first.Number, again)
	}
	if got, want := h.file(acmeEnv, "ferry/staging/checkout", checkoutPath("staging")), kustomization("checkout", "1.2.0"); got != want {
		h.t.Errorf("the promotion's file is\n%s", got)
	}
	step(func() { h.merge(acmeEnv, first.Number) })
	step(func() { h.report(acmeEnv, "staging", "healthy") })
	if got := h.file(acmeEnv, "main", checkoutPath("prod")); got != kustomization("checkout", "1.2.0") {
		h.t.Errorf("prod has\n%s", got)
	}
	step(func() { h.report(acmeEnv, "prod", "healthy") })
	step(func() { h.arrive("1.3.0") })
	last := h.staging()
	step(func() { h.deploy("dev", "1.2.0") }) // upstream went back: the promotion is closed
	h.noPulls()
	h.once(first.Number, last.Number)
}

// once fails where Ferry did something twice: pull requests, issues, comments.
func (h *harness) once(numbers ...int) {
	h.t.Helper()
	var pulls []pull
	h.api("/repos/"+acmeEnv+"/pulls?state=all&per_page=100", &pulls)
	if len(pulls) != 3 {
		for _, p := range pulls {
			h.t.Logf("#%d %s %s %s", p.Number, p.Head.Ref, p.State, p.Title)
		}
		h.t.Errorf("%d pull requests, want 3", len(pulls))
	}
	h.board()
	for _, number := range numbers {
		seen := map[string]int{}
		for _, r := range h.remarks(number) {
			if seen[r.Body]++; seen[r.Body] > 1 && r.User.Login == "ferry[bot]" {
				h.t.Errorf("on #%d stands twice: %s", number, r.Body)
			}
		}
	}
	h.later(tidied)
	for _, branch := range []string{"ferry/staging/checkout", "ferry/prod/checkout"} {
		if h.hasBranch(branch) {
			h.t.Errorf("the branch %s is left over", branch)
		}
	}
	var commits []struct {
		Commit struct{ Message string }
	}
	h.api("/repos/"+acmeEnv+"/commits?per_page=100", &commits)
	merges := 0
	for _, c := range commits {
		if strings.HasPrefix(c.Commit.Message, "Merge") || strings.HasPrefix(c.Commit.Message, "Promote checkout to prod") {
			merges++
		}
	}
	if merges != 2 {
		h.t.Errorf("%d merges, want 2", merges)
	}
}
