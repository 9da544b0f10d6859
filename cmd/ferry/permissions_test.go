package main

import (
	"testing"
	"time"
)

// TestNewPermissionsCountAtOnce: a token carries the rights of when it was made, for an hour. Once the owner has accepted others, every replica signs in anew.
func TestNewPermissionsCountAtOnce(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	other := h.second()
	rights := withoutStatuses()
	if err := h.forge.SetPermissions(testAppID, rights); err != nil {
		t.Fatal(err)
	}
	h.settle()
	sha := h.deploy("dev", "1.1.0")
	if s := h.statuses(acmeEnv, sha); len(s) != 0 {
		t.Fatalf("without the right the statuses %v were posted", s)
	}
	// The other replica is refused too, and so keeps a token without the right.
	h.sql(`update wishes set act_at = null`)
	if err := other.work.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	rights["statuses"] = "write"
	if err := h.forge.SetPermissions(testAppID, rights); err != nil {
		t.Fatal(err)
	}
	if err := h.forge.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	due, err := h.svc.store.DueWork(t.Context(), h.clock.Now(), 100)
	if err != nil || len(due.Installations) == 0 {
		t.Fatalf("due is %+v, %v", due, err)
	}
	due.Wishes = nil
	h.svc.work.Do(t.Context(), due) // the one replica reads the installation, the other one acts
	h.clock.advance(time.Second)
	if err := other.work.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.wantStatus(acmeEnv, sha, "ferry/dev", "pending", "1.1.0")
}
