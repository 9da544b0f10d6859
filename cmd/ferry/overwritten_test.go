package main

import (
	"testing"

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
