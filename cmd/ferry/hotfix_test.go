package main

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestHotfix(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "    soak: 1h\n")
	mia := h.maintainer()
	h.reportAll("dev", "staging", "prod")
	h.arrive("1.3.0")
	h.merge(acmeEnv, h.staging().Number)
	h.report(acmeEnv, "staging", "healthy")
	promoted := h.prod()
	if got := h.ask(h.board().Number, "dora", "/hotfix prod 1.0.1 it loses orders"); !strings.Contains(got, "it needs maintain permission") {
		t.Errorf("dora is answered %q", got)
	}
	if got := h.ask(h.board().Number, mia, "/hotfix prod 1.0.1 it loses orders"); !strings.Contains(got, "A hotfix of `checkout` in `prod`: `1.0.0` → `1.0.1`.") {
		t.Errorf("the answer is %q", got)
	}
	p := h.prod()
	if p.Title != "Hotfix checkout in prod: 1.0.0 → 1.0.1" || p.Number == promoted.Number || h.pull(promoted.Number).State != "closed" {
		t.Errorf("open is %+v", p)
	}
	h.wantStatus(acmeEnv, p.Head.SHA, "ferry/gates", "success", "")
	h.loseAndCompare()
	h.reportAll("dev", "staging", "prod")
	if again := h.prod(); again.Number != p.Number || again.Head.SHA != p.Head.SHA {
		t.Errorf("open is %+v", again)
	}
	h.merge(acmeEnv, p.Number)
	h.wantInProd("1.0.1")
	h.reportAll("prod")
	stopped := h.prod()
	if !strings.Contains(stopped.Title, "1.0.1 → 1.3.0") {
		t.Errorf("open is %+v", stopped)
	}
	h.wantStatus(acmeEnv, stopped.Head.SHA, "ferry/gates", "failure", "hotfix: 1.0.1 stands here as a hotfix of mia: it loses orders")
	h.loseAndCompare()
	h.reportAll("dev", "staging", "prod")
	h.wantStatus(acmeEnv, stopped.Head.SHA, "ferry/gates", "failure", "1.0.1 stands here as a hotfix of mia")
	if got := h.ask(stopped.Number, mia, "/override hotfix 1.3.0 has it too"); !strings.Contains(got, "hotfix") {
		t.Errorf("the answer is %q", got)
	}
	if got := h.statuses(acmeEnv, stopped.Head.SHA)["ferry/gates"]; strings.Contains(got.Description, "hotfix") {
		t.Errorf("overridden, its gates are %+v", got)
	}
	h.arrive("1.4.0") // first seen after the hotfix
	h.merge(acmeEnv, h.staging().Number)
	h.report(acmeEnv, "staging", "healthy")
	h.later(time.Hour + time.Second)
	last := h.prod()
	h.wantStatus(acmeEnv, last.Head.SHA, "ferry/gates", "success", "")
	if !strings.Contains(last.Title, "1.0.1 → 1.4.0") {
		t.Errorf("open is %+v", last)
	}
}

func TestBackfill(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	mia := h.maintainer()
	h.through("1.1.0")
	h.ask(h.board().Number, mia, "/hotfix checkout prod ghcr.io/acme/checkout:1.1.1 it loses orders")
	h.merge(acmeEnv, h.prod().Number)
	h.noPulls() // it has not converged
	h.reportAll("prod")
	dev, staging := h.pullOn(acmeEnv, "ferry/dev/checkout"), h.staging()
	for env, p := range map[string]pull{"dev": dev, "staging": staging} {
		if p.Title != "Back-fill checkout in "+env+": 1.1.0 → 1.1.1" || !strings.Contains(p.Body, "the hotfix in prod: it loses orders") {
			t.Errorf("open into %s is %s\n%s", env, p.Title, p.Body)
		}
		if !slices.Contains(h.eventKinds(env), "backfill") {
			t.Errorf("the events in %s are %q", env, h.eventKinds(env))
		}
	}
	h.loseAndCompare()
	h.reportAll("dev", "staging", "prod")
	if again := h.staging(); again.Number != staging.Number || again.Head.SHA != staging.Head.SHA {
		t.Errorf("open is %+v", again)
	}
	h.merge(acmeEnv, staging.Number)
	h.merge(acmeEnv, dev.Number)
	h.reportAll("dev", "staging", "prod")
	h.noPulls()
	h.through("1.2.0")
	h.wantInProd("1.2.0")
}

// TestHotfixWhoseDigestIsNotKnown waits until CI tells it, where a digest stands.
func TestHotfixWhoseDigestIsNotKnown(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	mia := h.maintainer()
	digest := "sha256:" + strings.Repeat("a", 64)
	h.commit(acmeEnv, map[string]string{checkoutPath("prod"): kustomization("checkout", "1.0.0") + "    digest: sha256:" + strings.Repeat("1", 64) + "\n"})
	h.ask(h.board().Number, mia, "/hotfix prod 1.0.1 it loses orders")
	h.nothingIntoProd()
	if got := h.ask(h.board().Number, mia, "/status prod"); !strings.Contains(got, "manifest is waiting") || !strings.Contains(got, "digest") {
		t.Errorf("/status is answered by %q", got)
	}
	if code, body := h.post("/api/v1/images", h.token(acmeEnv, ""), map[string]any{"image": "ghcr.io/acme/checkout", "tag": "1.0.1", "digest": digest}); code/100 != 2 {
		t.Fatal(code, body)
	}
	h.settle()
	p := h.prod()
	if got := h.file(acmeEnv, p.Head.Ref, checkoutPath("prod")); !strings.Contains(got, digest) || !strings.Contains(got, "1.0.1") {
		t.Errorf("it brings\n%s", got)
	}
}
