package main

import (
	"fmt"
	"html"
	"strings"
	"testing"
	"time"

	"ferry/forge/github"
	"ferry/forge/sandbox"
)

// TestLimitsLoseNothing: GitHub limits Ferry in the middle of everything, and Ferry stops asking until the limit's end, goes on by itself, and leaves nothing out
// and does nothing twice.
func TestLimitsLoseNothing(t *testing.T) {
	t.Parallel()
	waits := func(h *harness) func() { return func() { h.later(time.Hour + time.Minute) } }
	whole := newCheckout(t, "")
	whole.storyMended(func() {}, waits(whole))
	want := whole.endState()
	for name, limits := range map[string]sandbox.Limits{
		"the hour's requests are used up":      {PerHour: 4},
		"the same, said with 429":              {PerHour: 4, Status: 429},
		"too much is written in a minute":      {WritesPerMinute: 1},
		"the same, of what is read, with 429":  {WritesPerMinute: 1, PerHour: 6, Status: 429},
		"there is nothing left from the start": {PerHour: 1},
		"there are none":                       {Unlimited: true}, // a GitHub Enterprise Server's own default
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newCheckout(t, "")
			h.storyMended(func() { h.forge.SetLimits(limits) }, func() {
				h.forge.SetLimits(sandbox.Limits{})
				waits(h)()
			})
			if got := h.endState(); got != want {
				t.Errorf("the end is\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// TestAnExhaustedBudgetIsLeftAlone: while GitHub's limit lasts Ferry sends nothing at all, says until when, and then goes on.
func TestAnExhaustedBudgetIsLeftAlone(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	h.reportAll("dev")
	h.forge.SetLimits(sandbox.Limits{PerHour: 2})
	end := h.clock.Now().Add(time.Hour)
	h.deploy("dev", "1.1.0")
	h.forge.ResetRequests()
	h.later(30 * time.Minute)
	h.deploy("dev", "1.2.0")
	if made := h.forge.Requests()[h.installation(acmeEnv)]; len(made) > 0 {
		t.Errorf("within the limit were made %v", made)
	}
	_, number, _ := strings.Cut(h.installation(acmeEnv), "/")
	if page := h.page("/metrics"); !strings.Contains(page, fmt.Sprintf("ferry_forge_throttled_until_seconds{installation=%q} ", number)) {
		t.Errorf("the metrics do not say that the installation waits until %s:\n%s", end, page)
	}
	words := "GitHub's rate limit until " + end.Format("2006-01-02 15:04") // to the second nobody knows
	if page := html.UnescapeString(h.page("/")); !strings.Contains(page, words) {
		t.Errorf("the page lacks %q:\n%s", words, page)
	}
	asked := h.say(h.board().Number, "dora", "/status checkout dev")
	h.forge.SetLimits(sandbox.Limits{})
	h.later(31 * time.Minute)
	h.later(time.Minute)
	h.wantStatus(acmeEnv, h.head(acmeEnv, "main"), "ferry/dev", "pending", "1.2.0")
	if answers := h.answersTo(h.board().Number, asked); len(answers) != 1 || !strings.Contains(answers[0], words) {
		t.Errorf("/status was answered with %q, want %q", answers, words)
	}
	if body := h.board().Body; !strings.Contains(body, words) {
		t.Errorf("the issue lacks %q:\n%s", words, body)
	}
	if page := html.UnescapeString(h.page("/")); strings.Contains(page, words) {
		t.Errorf("the page still says %q:\n%s", words, page)
	}
	if answer := h.ask(h.board().Number, "dora", "/status checkout dev"); strings.Contains(answer, words) {
		t.Errorf("what was asked afterwards was answered with %q", answer)
	}
}

// TestContentIsPaced: many apps change at once, and their pull requests are opened no faster than the pace, until all are.
func TestContentIsPaced(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	h.reportAll("dev", "staging", "prod")
	h.repace(github.Pace{PerMinute: 2, PerHour: 20})
	h.arrive("1.1.0")
	h.say(h.board().Number, "dora", "/status checkout staging")
	h.say(h.board().Number, "dora", "/status checkout prod")
	h.forge.ResetRequests()
	for range 10 {
		before := h.contents()
		h.later(time.Minute)
		if made := h.contents() - before; made > 2 {
			t.Errorf("in a minute %d were written", made)
		}
	}
	if h.contents() == 0 {
		t.Error("nothing waited for its turn")
	}
	if h.staging().State != "open" || !strings.Contains(h.remarks(h.board().Number)[len(h.remarks(h.board().Number))-1].Body, "prod") {
		t.Errorf("in the end there stand %+v and %+v", h.staging(), h.remarks(h.board().Number))
	}
}

// contents counts what was written that tells people.
func (h *harness) contents() (n int) {
	for route, times := range h.writes() {
		if strings.Contains(route, "/pulls") || strings.Contains(route, "/issues") {
			n += times
		}
	}
	return n
}

// repace has the Ferry of the harness go on with another pace, as after a restart with other settings.
func (h *harness) repace(pace github.Pace) {
	h.t.Helper()
	s := h.svc.settings
	s.Pace = pace
	forge, err := s.github(nil, h.svc.metrics, h.clock.Now, h.svc.logger)
	h.does(err)
	h.svc.work.Forges["github"] = connection(forge, s, h.clock.Now)
}

// TestReplicasShareALimit: what GitHub told one replica holds the others too, in every repository of the installation, and none is told again.
func TestReplicasShareALimit(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	h.environments("acme/second", checkoutFiles(""))
	second := h.second()
	h.forge.Faults().Fail(sandbox.Fault{Status: 403, RetryAfter: 20 * time.Minute, Method: "GET", Route: "/repos/{owner}/{repo}/git/ref/{ref}"})
	h.commit(acmeEnv, map[string]string{checkoutPath("dev"): kustomization("checkout", "1.1.0")})
	h.forge.ResetRequests()
	sha, err := h.forge.Commit("acme/second", sandbox.Edit{As: "dora", Message: "bump", Files: map[string]string{checkoutPath("dev"): kustomization("checkout", "1.1.0")}})
	h.does(err)
	h.does(h.forge.Flush(t.Context()))
	h.does(second.work.Drain(t.Context()))
	if made := h.forge.Requests()[h.installation(acmeEnv)]; len(made) > 0 {
		t.Errorf("the second made %v", made)
	}
	h.clock.advance(21 * time.Minute)
	h.does(second.work.Drain(t.Context()))
	h.wantStatus("acme/second", sha, "ferry/dev", "pending", "1.1.0")
}

// TestGraphQLsOwnLimit: where GraphQL's requests alone are used up all else goes on, and that is what is said.
func TestGraphQLsOwnLimit(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	h.reportAll("dev")
	h.forge.Faults().Fail(sandbox.Fault{Status: 403, Reset: 30 * time.Minute, Method: "POST", Route: "/graphql"})
	h.arrive("1.1.0")
	h.noPulls()
	if page := html.UnescapeString(h.page("/")); !strings.Contains(page, "GitHub's limit on GraphQL until") || strings.Contains(page, "nothing is read or written") {
		t.Errorf("the page says\n%s", page)
	}
	h.wantStatus(acmeEnv, h.head(acmeEnv, "main"), "ferry/dev", "success", "1.1.0")
	h.later(31 * time.Minute)
	h.staging()
}
