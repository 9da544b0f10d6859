package main

import (
	"html"
	"strings"
	"testing"
	"time"

	"ferry/forge"
)

// TestStatusesThatOthersPostOver: whoever may write posts success over a closed gate; Ferry posts its own anew, once each time, and says so.
func TestStatusesThatOthersPostOver(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	h.arrive("1.1.0")
	p := h.staging()
	h.ask(p.Number, "dora", "/hold the database moves")
	h.posts(acmeEnv, p.Head.SHA, "ferry/gates", forge.Success)
	h.wantStatus(acmeEnv, p.Head.SHA, "ferry/gates", "failure", "the database moves")
	if n := h.eventsOf("overwritten"); n != 1 {
		t.Errorf("%d events", n)
	}
	posted := h.posted(p.Head.SHA, "ferry/gates")
	h.posts(acmeEnv, p.Head.SHA, "ci", forge.Success)
	h.posts(acmeEnv, h.head(acmeEnv, "main"), "ferry/nothing", forge.Success)
	h.sweep()
	if now := h.posted(p.Head.SHA, "ferry/gates"); now != posted {
		t.Errorf("it was posted %d times, then %d", posted, now)
	}
}

// TestTwoThatPostOverEachOther: where another robot posts over each status, Ferry gives up in the end, and says so once.
func TestTwoThatPostOverEachOther(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	h.arrive("1.1.0")
	p := h.staging()
	for range 14 {
		h.posts(acmeEnv, p.Head.SHA, "ferry/gates", forge.Failure)
	}
	if again, left := h.eventsOf("overwritten"), h.eventsOf("given up"); again != 10 || left != 1 {
		t.Errorf("posted anew %d times, given up %d times", again, left)
	}
}

// TestForgedStatusEndsByItself: what Ferry gave up is posted again an hour later, though nothing else moves, and until then every view says who and what to do.
func TestForgedStatusEndsByItself(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	h.arrive("1.1.0")
	p := h.staging()
	h.ask(p.Number, "dora", "/hold the database moves")
	forged := func(n int) {
		for range n {
			h.posts(acmeEnv, p.Head.SHA, "ferry/gates", forge.Success)
		}
	}
	told := func() map[string]string {
		h.later(2 * time.Minute) // the issue is edited at most once a minute
		return map[string]string{"/status": h.ask(p.Number, "dora", "/status"), "the issue": h.board().Body, "the page": html.UnescapeString(h.page("/"))}
	}
	forged(13)
	if now := h.statuses(acmeEnv, p.Head.SHA)["ferry/gates"]; now.State != string(forge.Success) {
		t.Fatalf("Ferry did not give up: %+v", now)
	}
	for where, text := range told() {
		for _, want := range []string{"posts ferry/gates over Ferry's own on ", "choose Ferry's App as the source of the required status"} {
			if !strings.Contains(text, want) {
				t.Errorf("%s does not say %q:\n%s", where, want, text)
			}
		}
	}
	h.later(time.Hour)
	h.wantStatus(acmeEnv, p.Head.SHA, "ferry/gates", "failure", "the database moves")
	for where, text := range told() {
		if strings.Contains(text, "over Ferry's own") {
			t.Errorf("%s says it still:\n%s", where, text)
		}
	}
	again := h.eventsOf("overwritten")
	forged(1)
	h.wantStatus(acmeEnv, p.Head.SHA, "ferry/gates", "failure", "the database moves")
	if n := h.eventsOf("overwritten"); n != again+1 {
		t.Errorf("a new count: %d events, then %d", again, n)
	}
}

// TestLostWordOfAStatus: who posts over a gate is found by a sweep, also where its delivery was lost: under Ferry's pull request, and under one by hand that is
// shut. All heads together cost one request.
func TestLostWordOfAStatus(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	mia := h.maintainer()
	h.arrive("1.1.0")
	own := h.staging().Head.SHA
	_, byHand := h.propose("hand", map[string]string{checkoutPath("staging"): kustomization("checkout", "9.0.0")})
	h.propose("notes", map[string]string{"NOTES.md": "x\n"})
	h.ask(h.board().Number, mia, "/freeze staging the database moves")
	h.later(2 * time.Minute)
	for _, head := range []forge.SHA{own, byHand} {
		h.forge.Faults().Lose("status", 1)
		h.posts(acmeEnv, head, "ferry/gates", forge.Success)
		if now := h.statuses(acmeEnv, head)["ferry/gates"]; now.State != string(forge.Success) {
			t.Fatalf("it was heard: %+v", now)
		}
	}
	for range 2 {
		h.forge.ResetRequests()
		h.sweep()
		for _, head := range []forge.SHA{own, byHand} {
			h.wantStatus(acmeEnv, head, "ferry/gates", "failure", "the database moves")
		}
		if n := h.asked("QUERY /graphql"); n != 1 {
			t.Errorf("a sweep asks %d times", n)
		}
	}
	if n := h.eventsOf("overwritten"); n != 2 {
		t.Errorf("%d events", n)
	}
}

// TestForgedStatusOfHandMade: who posts over the gates of a hand-made pull request again and again is named on Ferry's issue and the page, and /retry there
// does not wait for the hour to end.
func TestForgedStatusOfHandMade(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	mia := h.maintainer()
	_, head := h.propose("hand", map[string]string{checkoutPath("staging"): kustomization("checkout", "9.0.0")})
	h.ask(h.board().Number, mia, "/freeze staging the database moves")
	for range 13 {
		h.posts(acmeEnv, head, "ferry/gates", forge.Success)
	}
	told := func(want bool) {
		t.Helper()
		h.later(2 * time.Minute) // the issue is edited at most once a minute
		for where, text := range map[string]string{"the issue": h.board().Body, "the page": html.UnescapeString(h.page("/"))} {
			if strings.Contains(text, "posts ferry/gates over Ferry's own on ") != want {
				t.Errorf("%s says\n%s", where, text)
			}
		}
	}
	told(true)
	h.wantStatus(acmeEnv, head, "ferry/gates", "success", "")
	h.ask(h.board().Number, "dora", "/retry all")
	h.wantStatus(acmeEnv, head, "ferry/gates", "failure", "the database moves")
	told(false)
}
