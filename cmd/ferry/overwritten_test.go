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
