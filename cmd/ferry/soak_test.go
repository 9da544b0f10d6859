package main

import (
	"regexp"
	"strings"
	"testing"
	"time"
)

const soakingStaging = "environments:\n  - name: dev\n  - name: staging\n    from: [dev]\n    soak: 1h\n"

var instantForm = regexp.MustCompile(`done at (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) UTC`)

// soakEnds returns the instant that the gates of the promotion name.
func soakEnds(t *testing.T, h *harness, p pull) time.Time {
	t.Helper()
	got := h.statuses(acmeEnv, p.Head.SHA)["ferry/gates"]
	m := instantForm.FindStringSubmatch(got.Description)
	if got.State != "pending" || m == nil {
		t.Fatalf("ferry/gates is %+v, want pending with an instant", got)
	}
	if !strings.Contains(p.Body, m[0]) {
		t.Errorf("the body names another instant than %q:\n%s", m[0], p.Body)
	}
	at, err := time.Parse("2006-01-02 15:04:05", m[1])
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// until moves the clock to an instant.
func (h *harness) until(at time.Time) { h.t.Helper(); h.later(at.Sub(h.clock.Now())) }

func TestSoakOpensAtItsInstant(t *testing.T) {
	t.Parallel()
	h := newCheckoutWith(t, soakingStaging)
	h.arrive("1.1.0")
	p := h.staging()
	ends := soakEnds(t, h, p)
	h.later(2 * time.Minute) // Ferry's issue is up to date
	h.forge.ResetRequests()
	h.until(ends.Add(-2 * time.Second))
	if w := h.writes(); len(w) != 0 {
		t.Errorf("before the instant Ferry wrote %v", w)
	}
	soakEnds(t, h, h.staging())
	h.until(ends.Add(2 * time.Second))
	h.wantStatus(acmeEnv, p.Head.SHA, "ferry/gates", "success", "every gate is open")
	if now := h.staging(); now.Head.SHA != p.Head.SHA || !strings.Contains(now.Body, "| soak | open |") {
		t.Errorf("after the soak the promotion is %+v", now)
	}
}

func TestDegradationResetsTheSoak(t *testing.T) {
	t.Parallel()
	h := newCheckoutWith(t, soakingStaging)
	h.arrive("1.1.0")
	first := soakEnds(t, h, h.staging())
	h.later(50 * time.Minute)
	h.report(acmeEnv, "dev", "degraded")
	p := h.staging()
	h.wantStatus(acmeEnv, p.Head.SHA, "ferry/gates", "pending", "degraded in dev")
	h.until(first.Add(time.Minute))
	h.wantStatus(acmeEnv, p.Head.SHA, "ferry/gates", "pending", "degraded in dev")
	h.report(acmeEnv, "dev", "healthy")
	again := soakEnds(t, h, h.staging())
	if d := again.Sub(h.clock.Now()); d < 59*time.Minute || d > time.Hour {
		t.Errorf("the soak ends in %s, want an hour from the recovery", d)
	}
	h.until(again.Add(2 * time.Second))
	h.wantStatus(acmeEnv, p.Head.SHA, "ferry/gates", "success", "")
}

// TestSoakedReleaseIsNotReplaced: the newer release waits as "next" until its own soak is done.
func TestSoakedReleaseIsNotReplaced(t *testing.T) {
	t.Parallel()
	h := newCheckoutWith(t, soakingStaging)
	h.arrive("1.1.0")
	h.later(time.Hour + time.Minute)
	soaked := h.staging()
	h.wantStatus(acmeEnv, soaked.Head.SHA, "ferry/gates", "success", "")
	h.arrive("1.2.0")
	p := h.staging()
	if p.Head.SHA != soaked.Head.SHA || !strings.Contains(p.Title, "1.1.0") || !strings.Contains(p.Body, "Next, once its soak is done: `1.2.0`") {
		t.Fatalf("the promotion is %+v", p)
	}
	h.wantStatus(acmeEnv, p.Head.SHA, "ferry/gates", "success", "")
	h.later(time.Hour + time.Minute)
	p = h.staging()
	if p.Number != soaked.Number || !strings.Contains(p.Title, "1.2.0") {
		t.Fatalf("after the second soak the promotion is %+v", p)
	}
	h.wantStatus(acmeEnv, p.Head.SHA, "ferry/gates", "success", "")
}

// TestUnsoakedReleaseIsReplaced: before its soak is done the newer one takes its place, and soaks anew.
func TestUnsoakedReleaseIsReplaced(t *testing.T) {
	t.Parallel()
	h := newCheckoutWith(t, soakingStaging)
	h.arrive("1.1.0")
	first := h.staging()
	h.later(30 * time.Minute)
	h.arrive("1.2.0")
	p := h.staging()
	if p.Number != first.Number || !strings.Contains(p.Title, "1.2.0") {
		t.Fatalf("the promotion is %+v", p)
	}
	if d := soakEnds(t, h, p).Sub(h.clock.Now()); d < 59*time.Minute {
		t.Errorf("the newer release soaks for %s only", d)
	}
}

// TestADegradationRightBeforeAnotherReleaseResetsTheSoak: dev degrades, and gets the next release before Ferry has planned again. What had soaked is
// nothing any more.
func TestADegradationRightBeforeAnotherReleaseResetsTheSoak(t *testing.T) {
	t.Parallel()
	h := newCheckoutWith(t, "environments:\n  - name: dev\n  - name: staging\n    from: [dev]\n    soak: 30m\n")
	h.arrive("1.1.0")
	h.clock.advance(time.Hour) // and nothing looks at that yet
	token := h.token(acmeEnv, "dev")
	for _, health := range []string{"degraded", "progressing"} { // the later one hides the earlier
		if code, body := h.post("/api/v1/reports", token, map[string]any{"revision": h.head(acmeEnv, "main"), "health": health}); code != 202 {
			t.Fatal(code, body)
		}
	}
	h.commitOnly(checkoutPath("dev"), kustomization("checkout", "1.2.0"))
	h.observeAndCommand()
	h.settle()
	h.wantStatus(acmeEnv, h.staging().Head.SHA, "ferry/gates", "pending", "it was not healthy in dev when another release replaced it")
}
