package main

import (
	"context"
	"net/http"
	"testing"
)

// TestReportBeforeItsWebhook: an agent that pulls is often faster than the webhook. What it says of a revision that Ferry does not know yet counts once
// Ferry does, for every app it is about.
func TestReportBeforeItsWebhook(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	files := checkoutFiles("")
	files[".ferry.yaml"] = "apiVersion: ferry/v1\nenvironments:\n  - name: dev\n  - name: staging\n    from: [dev]\napps:\n  - {discover: \"apps/{app}/{env}/kustomization.yaml\", images: [\"ghcr.io/acme/{app}\"]}\n"
	for _, env := range []string{"dev", "staging"} {
		files["apps/cart/"+env+"/kustomization.yaml"] = kustomization("cart", "1.0.0")
	}
	h.environments(acmeEnv, files)
	h.report(acmeEnv, "dev", "healthy")
	first := h.deploy("dev", "1.1.0")
	h.forge.Faults().Lose("push", 1)
	next := h.commitOnly("README.md", "no manifest\n")
	h.tellOnly("dev", string(next)) // before any webhook tells of that revision
	h.settle()
	h.wantStatus(acmeEnv, first, "ferry/dev", "pending", "")
	h.sweep()
	h.wantStatus(acmeEnv, first, "ferry/dev", "success", "")
}

// TestReportWhileItsRevisionIsWrittenDown: a report of a revision comes just when an observation of that revision has looked for such reports, and has
// not written down yet that there is such a revision. Neither may miss the other.
func TestReportWhileItsRevisionIsWrittenDown(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.environments(acmeEnv, checkoutFiles(""))
	h.report(acmeEnv, "dev", "healthy")
	first := h.deploy("dev", "1.1.0")
	next := h.commitOnly("README.md", "no manifest\n")
	if err := h.forge.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	agent := h.token(acmeEnv, "dev")
	tx, err := h.svc.store.Pool().Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) }()
	// An observation marks its deliveries at its end.
	if _, err := tx.Exec(t.Context(), `select from deliveries where processed_at is null for update`); err != nil {
		t.Fatal(err)
	}
	observed, reported := make(chan error, 1), make(chan int, 1)
	go func() { observed <- h.svc.work.Observe(t.Context(), query[int64](h, `select id from repositories`)) }()
	h.waitBlocked()
	go func() {
		code, _ := h.post("/api/v1/reports", agent, map[string]any{"revision": next, "health": "healthy"})
		reported <- code
	}()
	code := 0
	for code == 0 && query[int](h, `select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`) < 2 {
		select {
		case code = <-reported:
		default:
		}
	}
	if code != 0 { // it did not wait, and what it made due is decided before the revision is known
		if err := h.svc.work.Decide(t.Context(), query[int64](h, `select id from repositories`), "app:checkout"); err != nil {
			t.Fatal(err)
		}
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-observed; err != nil {
		t.Fatal(err)
	}
	if code == 0 {
		code = <-reported
	}
	if code != http.StatusAccepted {
		t.Fatalf("the report was answered %d", code)
	}
	h.settle()
	h.wantStatus(acmeEnv, first, "ferry/dev", "success", "")
}
