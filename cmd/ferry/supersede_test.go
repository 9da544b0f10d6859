package main

import (
	"strings"
	"testing"
	"time"
)

// TestQueue: each release goes the whole way, in order, to the second, and a lost database changes nothing of it.
func TestQueue(t *testing.T) {
	t.Parallel()
	h := newCheckoutWith(t, "environments:\n  - name: dev\n  - name: staging\n    from: [dev]\n    supersede: queue\n  - name: prod\n    from: [staging]\n    soak: 1h\n")
	for _, tag := range []string{"1.1.0", "1.2.0", "1.3.0"} {
		h.arrive(tag)
		h.later(time.Minute)
	}
	p := h.staging()
	if !strings.Contains(p.Title, "→ 1.1.0") || !strings.Contains(p.Body, "Next, once this has converged and soaked here: `1.2.0`, `1.3.0`.") {
		t.Errorf("open is %q:\n%s", p.Title, p.Body)
	}
	h.merge(acmeEnv, p.Number)
	h.noPulls()
	h.report(acmeEnv, "staging", "healthy")
	soaks := h.clock.Now()
	h.later(time.Minute)
	if got := h.ask(h.board().Number, "dora", "/status checkout staging"); !strings.Contains(got, "queue is waiting: 1.1.0 comes first, which stands here and has not soaked") || !strings.Contains(got, "Next, once this has converged and soaked here: `1.3.0`.") {
		t.Errorf("/status is answered by %q", got)
	}
	h.loseAndCompare()
	h.report(acmeEnv, "dev", "healthy")
	h.report(acmeEnv, "staging", "healthy")
	h.until(soaks.Add(time.Hour - 5*time.Second))
	if n := len(h.promotions("staging")); n != 0 {
		t.Errorf("%d are open into staging before 1.1.0 has soaked there", n)
	}
	h.until(soaks.Add(time.Hour + time.Second))
	if p := h.staging(); !strings.Contains(p.Title, "1.1.0 → 1.2.0") {
		t.Errorf("open is %q", p.Title)
	}
	if p := h.pullOn(acmeEnv, "ferry/prod/checkout"); !strings.Contains(p.Title, "→ 1.1.0") {
		t.Errorf("open is %q", p.Title)
	}
}

// TestBatch: one pull request at the end of the window, with the newest; then it stays as it is.
func TestBatch(t *testing.T) {
	t.Parallel()
	h := newCheckoutWith(t, "environments:\n  - name: dev\n  - name: staging\n    from: [dev]\n    supersede: batch\n    window: 10m\n")
	h.arrive("1.1.0")
	begins := h.clock.Now()
	h.later(5 * time.Minute)
	h.arrive("1.2.0")
	h.loseAndCompare()
	h.report(acmeEnv, "dev", "healthy")
	h.until(begins.Add(10*time.Minute - 5*time.Second))
	h.noPulls()
	h.until(begins.Add(10*time.Minute + time.Second))
	p := h.staging()
	if !strings.Contains(p.Title, "→ 1.2.0") || !strings.Contains(p.Body, "Supersedes `1.1.0`.") {
		t.Errorf("open is %q:\n%s", p.Title, p.Body)
	}
	h.arrive("1.3.0")
	h.later(time.Hour)
	h.loseAndCompare()
	h.report(acmeEnv, "dev", "healthy")
	h.later(time.Hour)
	if now := h.staging(); now.Head.SHA != p.Head.SHA || now.Title != p.Title || !strings.Contains(now.Body, "Next, once this is merged or closed: `1.3.0`.") {
		t.Errorf("the batch is %q:\n%s", now.Title, now.Body)
	}
	h.merge(acmeEnv, p.Number)
	if now := h.staging(); !strings.Contains(now.Title, "1.2.0 → 1.3.0") {
		t.Errorf("then comes %q", now.Title)
	}
}
