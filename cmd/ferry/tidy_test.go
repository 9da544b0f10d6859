package main

import (
	"testing"
	"time"
)

// TestTheBranchOfAMergedPromotionStaysWhereSomebodyPushed: Ferry removes it only where it stands at what was merged.
func TestTheBranchOfAMergedPromotionStaysWhereSomebodyPushed(t *testing.T) {
	t.Parallel()
	h := newCheckoutWith(t, releasing+"    unprotected: allow\n")
	h.arrive("1.1.0")
	h.noPulls()
	h.push("dora", "ferry/staging/checkout", map[string]string{"README.md": "kept\n"})
	h.report(acmeEnv, "staging", "healthy")
	h.later(tidied)
	if !h.hasBranch("ferry/staging/checkout") {
		t.Error("somebody's work was deleted")
	}
}

// TestTheBranchOfAMergedPromotionGoes: soon after the promotion's end, and after a while where nobody reports that.
func TestTheBranchOfAMergedPromotionGoes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		staging string
		after   time.Duration
	}{
		"merged counts as arrived": {"    converge: merge\n", tidied},
		"nobody reports":           {"", 11 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newCheckoutWith(t, "environments:\n  - name: dev\n  - name: staging\n    from: [dev]\n"+c.staging)
			h.arrive("1.1.0")
			branch := h.staging().Head.Ref
			h.merge(acmeEnv, h.staging().Number)
			if !h.hasBranch(branch) {
				t.Fatal("the branch went at once: it was to cost nothing before the promotion's last status")
			}
			h.later(c.after)
			if h.hasBranch(branch) {
				t.Error("the merged branch still stands")
			}
		})
	}
}

// TestTheBranchOfAMergedPromotionIsUsedAgain: the next release comes before the branch was removed, which then is the next promotion's.
func TestTheBranchOfAMergedPromotionIsUsedAgain(t *testing.T) {
	t.Parallel()
	h := newCheckoutWith(t, "environments:\n  - name: dev\n  - name: staging\n    from: [dev]\n")
	h.arrive("1.1.0")
	h.merge(acmeEnv, h.staging().Number)
	h.arrive("1.2.0")
	next := h.staging()
	h.report(acmeEnv, "staging", "healthy")
	h.later(11 * time.Minute)
	if again := h.staging(); again.Number != next.Number || !h.hasBranch(next.Head.Ref) {
		t.Errorf("#%d became #%d", next.Number, again.Number)
	}
}
