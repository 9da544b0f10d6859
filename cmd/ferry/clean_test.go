package main

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"ferry/forge"
)

// TestWhatOnlyGrowsIsCleaned: after months of promotions the tables hold what Ferry decides from, and events; and cleaning makes Ferry write nothing anew.
func TestWhatOnlyGrowsIsCleaned(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	round := func(i int) {
		h.arrive(fmt.Sprintf("1.%d.0", i))
		h.merge(acmeEnv, h.staging().Number)
		h.report(acmeEnv, "staging", "healthy")
		h.merge(acmeEnv, h.pullOn(acmeEnv, "ferry/prod/checkout").Number)
		h.report(acmeEnv, "prod", "healthy")
		h.commit(acmeEnv, map[string]string{"README.md": fmt.Sprint(i)})
		h.say(h.board().Number, "dora", "/status checkout dev")
		idea := fmt.Sprintf("idea%d", i)
		h.push("dora", idea, map[string]string{"IDEAS.md": idea})
		n, err := h.forge.OpenPull(acmeEnv, "dora", forge.NewPullRequest{HeadBranch: idea, BaseBranch: "main", Title: idea})
		h.does(err)
		h.does(h.forge.ClosePull(acmeEnv, n, "dora"))
		h.later(time.Minute)
	}
	counts := func() map[string]int {
		n := map[string]int{}
		for _, table := range []string{"leases", "units", "wishes", "contributions", "commits", "blobs", "deliveries"} {
			n[table] = query[int](h, `select count(*) from `+table)
		}
		n["bodies"] = query[int](h, `select count(*) from deliveries where body <> ''`)
		return n
	}
	past := func() { h.clock.advance(100 * 24 * time.Hour); h.sweep(); h.sweep() }
	round(1)
	past()
	once := counts()
	for i := 2; i < 5; i++ {
		round(i)
	}
	grown := counts()
	events := query[int](h, `select count(*) from events`)
	h.forge.ResetRequests()
	past()
	if w := h.writes(); len(w) > 1 || len(w) == 1 && w["PATCH /repos/{owner}/{repo}/issues/{issue_number}"] == 0 {
		t.Errorf("the clean-up made Ferry write %v", w)
	}
	if n := query[int](h, `select count(*) from events`); n < events {
		t.Errorf("of %d events %d are left", events, n)
	}
	for table, n := range counts() {
		if n > once[table] || n >= grown[table] {
			t.Errorf("%s: %d rows after one release, %d after four, %d after the clean-up", table, once[table], grown[table], n)
		}
	}
	round(5)
	h.noPulls()
}

// TestDeliveriesAreKeptForDuplicates: a week after it came a delivery's body is gone, its id is not: the same delivery is known, and can't be replayed.
func TestDeliveriesAreKeptForDuplicates(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	h.deploy("dev", "1.1.0")
	d := h.lastDelivery("push")
	h.clock.advance(8 * 24 * time.Hour)
	h.sweep()
	if code, answer := h.hook("push", d.GUID, d.Body, nil); code != http.StatusOK {
		t.Errorf("the same delivery after a week: %d %s, want 200", code, answer)
	}
	if err := h.svc.store.Replay(t.Context(), d.GUID); err == nil {
		t.Error("a delivery without its body was replayed")
	}
}
