package main

import (
	"testing"
	"time"

	"ferry/forge"
	"ferry/forge/sandbox"
	"ferry/promotion/postgres"
)

// TestAFailureThatNoPlanSaw: a release comes back to dev, fails there and is replaced before anything is planned. What it had soaked before is nothing any more.
func TestAFailureThatNoPlanSaw(t *testing.T) {
	t.Parallel()
	h := newCheckoutWith(t, "environments:\n  - name: dev\n  - name: staging\n    from: [dev]\n    soak: 1h\n")
	soaked := func() bool {
		return query[bool](h, `select bool_or(soaked > 0) from deployments where environment = 'dev' and release -> 0 ->> 'tag' = '1.1.0'`)
	}
	h.arrive("1.1.0")
	h.later(2 * time.Hour)
	h.arrive("1.2.0")
	if !soaked() {
		t.Fatal("1.1.0 has not soaked")
	}
	back := h.deploy("dev", "1.1.0")
	h.clock.advance(time.Minute)
	if code, body := h.post("/api/v1/reports", h.token(acmeEnv, "dev"), map[string]any{"revision": back, "health": "failed"}); code/100 != 2 {
		t.Fatal(code, body)
	}
	h.clock.advance(time.Minute)
	h.doesUnheard(h.commitUnread("dev", "1.3.0"))
	h.step(func(due postgres.Due) error {
		due.Units, due.Wishes = nil, nil
		h.svc.work.Do(t.Context(), due)
		return nil
	})
	h.report(acmeEnv, "dev", "healthy")
	if soaked() {
		t.Error("what 1.1.0 soaked before it failed counts still")
	}
}

// commitUnread lets dora deploy, and the forge tell of it; Ferry has read nothing of that.
func (h *harness) commitUnread(env, tag string) (forge.SHA, error) {
	h.t.Helper()
	sha, err := h.forge.Commit(acmeEnv, sandbox.Edit{As: "dora", Message: tag, Files: map[string]string{checkoutPath(env): kustomization("checkout", tag)}})
	if err == nil {
		err = h.forge.Flush(h.t.Context())
	}
	return sha, err
}
