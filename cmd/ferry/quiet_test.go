package main

import (
	"errors"
	"regexp"
	"strconv"
	"testing"
	"time"

	"ferry/promotion/postgres"
)

// TestNothingNewChangesNothing is rule 6 over a whole line: replayed deliveries, sweeps and reports that say the same write nothing anywhere, be it a status, a
// deployment, a text or a comment.
func TestNothingNewChangesNothing(t *testing.T) {
	t.Parallel()
	r := newRecorder(t, nil)
	h := r.harness
	h.arrive("1.1.0")
	h.merge(acmeEnv, h.staging().Number)
	h.report(acmeEnv, "staging", "healthy")
	h.say(h.pullOn(acmeEnv, "ferry/prod/checkout").Number, "dora", "/hold because I say so")
	h.later(2 * time.Minute)
	h.report(acmeEnv, "staging", "healthy")
	h.report(acmeEnv, "dev", "healthy")
	r.want("1.1.0 to dev: in_progress success", "1.1.0 to staging: in_progress success, https://checkout.staging.example.com")

	events := len(h.events())
	h.forge.ResetRequests()
	quiet := func(what string) {
		t.Helper()
		if w := h.writes(); len(w) != 0 {
			t.Errorf("%s wrote %v", what, w)
		}
		if n := len(h.events()); n != events {
			t.Errorf("%s made %d events: %+v", what, n-events, h.events()[:n-events])
		}
		h.forge.ResetRequests()
		events = len(h.events())
	}
	for _, d := range h.forge.Deliveries() {
		err := h.svc.store.Replay(t.Context(), d.GUID)
		if unasked := d.Event == "status" || d.Event == "check_run"; unasked && errors.Is(err, postgres.ErrNotFound) {
			continue // nothing waits for a check: it was not stored
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	h.settle()
	quiet("replaying every delivery")
	for _, d := range h.forge.Deliveries() {
		if err := h.forge.Redeliver(d.ID); err != nil {
			t.Fatal(err)
		}
	}
	h.settle()
	quiet("redelivering every delivery")
	h.sweep()
	quiet("a sweep")
	h.report(acmeEnv, "dev", "healthy")
	h.report(acmeEnv, "staging", "healthy")
	quiet("the same reports again")
	h.later(5 * time.Minute)
	quiet("five minutes")
}

// TestASweepReadsNothingAnew: what a sweep reads again and has not changed, GitHub answers with 304, which does not count against its limit. Comments alone are
// asked for anew: since the last look.
func TestASweepReadsNothingAnew(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	h.arrive("1.1.0")
	h.sweep()
	before := h.readsByStatus()
	for range 3 {
		h.sweep()
	}
	unchanged := 0
	for call, n := range h.readsByStatus() {
		more := n - before[call]
		switch {
		case call.status == "304":
			unchanged += more
		case more > 0 && call.route != "/repos/{owner}/{repo}/issues/comments":
			t.Errorf("%s was answered %s %d times", call.route, call.status, more)
		}
	}
	if unchanged < 12 {
		t.Errorf("%d reads were answered 304, in three sweeps", unchanged)
	}
}

type routeStatus struct{ route, status string }

var getMetric = regexp.MustCompile(`(?m)^ferry_forge_requests_total\{method="GET",route="(/repos[^"]*)",status="(\d+)"\} (\d+)$`)

// readsByStatus counts what Ferry has read of repositories, as its metrics say.
func (h *harness) readsByStatus() map[routeStatus]int {
	h.t.Helper()
	out := map[routeStatus]int{}
	for _, m := range getMetric.FindAllStringSubmatch(h.page("/metrics"), -1) {
		n, err := strconv.Atoi(m[3])
		h.does(err)
		out[routeStatus{m[1], m[2]}] = n
	}
	return out
}
