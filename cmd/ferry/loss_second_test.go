package main

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestQueueWithinASecond: the forge tells times to the second. What came and converged within one keeps its order over the loss of the database.
func TestQueueWithinASecond(t *testing.T) {
	t.Parallel()
	for name, tags := range map[string][]string{"versions": {"1.1.0", "1.2.0", "1.3.0"}, "commits": {"main-c", "main-a", "main-b"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newCheckoutWith(t, "environments:\n  - name: dev\n  - name: staging\n    from: [dev]\n    supersede: queue\n  - name: prod\n    from: [staging]\n    supersede: queue\n")
			h.later(time.Minute)
			for _, tag := range tags {
				h.arrive(tag)
			}
			for i, tag := range tags {
				p := h.staging()
				if !strings.Contains(p.Title, "→ "+tag) {
					t.Fatalf("open is %q, want %s", p.Title, tag)
				}
				h.loseAndCompare()
				h.reportAll("dev", "staging", "prod")
				h.merge(acmeEnv, h.staging().Number)
				h.report(acmeEnv, "staging", "healthy")
				h.loseAndCompare()
				h.reportAll("dev", "staging", "prod")
				if p := h.pullOn(acmeEnv, "ferry/prod/checkout"); !strings.Contains(p.Title, "→ "+tags[0]) || i == 2 && !strings.Contains(p.Body, "`"+tags[1]+"`, `"+tags[2]+"`") {
					t.Errorf("open into prod is %q\n%s", p.Title, p.Body)
				}
			}
		})
	}
}

// TestAnnouncedWithinASecond: what CI announced last stands in the first environment, and a lost database does not take it for older.
func TestAnnouncedWithinASecond(t *testing.T) {
	t.Parallel()
	h := newCheckoutWith(t, "environments:\n  - name: dev\n    update: commit\n  - name: staging\n    from: [dev]\n")
	h.later(time.Minute)
	for _, tag := range []string{"main-f", "main-b", "main-e", "main-a", "main-d", "main-c"} {
		if code, body := h.post("/api/v1/images", h.token(acmeEnv, ""), map[string]any{"image": "ghcr.io/acme/checkout", "tag": tag, "commit": fmt.Sprintf("%040x", tag[5])}); code/100 != 2 {
			t.Fatal(code, body)
		}
		h.settle()
	}
	h.loseAndCompare()
	h.report(acmeEnv, "dev", "healthy")
	if got := h.file(acmeEnv, "main", checkoutPath("dev")); got != kustomization("checkout", "main-c") {
		t.Errorf("dev has\n%s", got)
	}
}
