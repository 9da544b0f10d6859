package main

import (
	"strings"
	"testing"
	"time"
)

// notices returns the comments of Ferry's that tell of trouble under the number.
func (h *harness) notices(number int) (list []string) {
	h.t.Helper()
	for _, c := range h.remarks(number) {
		if strings.Contains(c.Body, "<!-- ferry:notice -->") && c.User.Login == "ferry[bot]" {
			list = append(list, c.Body)
		}
	}
	return list
}

// wantNotice fails unless exactly one comment tells of trouble, with these words.
func (h *harness) wantNotice(number int, words string) {
	h.t.Helper()
	if got := h.notices(number); len(got) != 1 || !strings.Contains(got[0], words) {
		h.t.Errorf("#%d is told %q, want one with %q", number, got, words)
	}
}

// TestOneCommentTellsOfTrouble: from a freeze to the agents' reports after the merge, edited in place; the plain promotion before it has none.
func TestOneCommentTellsOfTrouble(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	dora := h.maintainer()
	h.arrive("1.1.0")
	plain := h.staging()
	h.merge(acmeEnv, plain.Number)
	h.report(acmeEnv, "staging", "healthy")
	if got := h.notices(plain.Number); len(got) != 0 {
		t.Fatalf("a plain promotion is told %q", got)
	}
	h.arrive("1.2.0")
	p := h.staging()
	h.later(time.Second)
	h.ask(h.board().Number, dora, "/freeze staging an incident @all")
	h.wantNotice(p.Number, "Frozen: "+dora+" froze staging: an incident @\u200ball (/thaw staging lifts it).")
	h.quiet("nothing new", func() { h.settle() })
	h.ask(h.board().Number, dora, "/thaw staging")
	h.wantNotice(p.Number, "Nothing of that stands in its way any more.")
	h.merge(acmeEnv, p.Number)
	h.report(acmeEnv, "staging", "degraded")
	h.wantNotice(p.Number, "`1.2.0` is degraded in staging since ")
	h.loseQuietly()
	h.report(acmeEnv, "staging", "degraded")
	h.wantNotice(p.Number, "`1.2.0` is degraded in staging")
	h.report(acmeEnv, "staging", "healthy")
	h.wantNotice(p.Number, "All is well again: `1.2.0` runs in staging, converged at ")
	h.quiet("nothing new", func() { h.settle() })
}

// TestSilenceIsTold: nobody reports, and the people of the pull request hear of it.
func TestSilenceIsTold(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	h.arrive("1.1.0")
	p := h.staging()
	h.merge(acmeEnv, p.Number)
	h.later(20 * time.Minute)
	h.wantNotice(p.Number, "Nobody has reported from staging that `1.1.0` runs there")
	h.report(acmeEnv, "staging", "healthy")
	h.wantNotice(p.Number, "All is well again: `1.1.0` runs in staging")
}
