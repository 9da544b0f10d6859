package main

import (
	"errors"
	"testing"
	"time"

	"ferry/promotion/postgres"
)

// TestNothingNewChangesNothing is rule 6: replayed deliveries, sweeps and reports that say the same write nothing anywhere.
func TestNothingNewChangesNothing(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "    soak: 1h\n")
	h.arrive("1.1.0")
	h.merge(acmeEnv, h.staging().Number)
	h.report(acmeEnv, "staging", "healthy")
	h.say(h.pullOn(acmeEnv, "ferry/prod/checkout").Number, "dora", "/hold because I say so")
	h.later(2 * time.Minute)
	h.report(acmeEnv, "staging", "healthy")
	h.report(acmeEnv, "dev", "healthy")

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
