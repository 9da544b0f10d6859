package main

import (
	"strings"
	"testing"
	"time"

	"ferry/forge"
)

func TestTwoClusters(t *testing.T) {
	t.Parallel()
	h := newCheckoutWith(t, "environments:\n  - name: dev\n    clusters: [eu, us]\n  - name: staging\n    from: [dev]\n")
	bump := h.deploy("dev", "1.1.0")
	agent := h.token(acmeEnv, "dev")
	h.wantStatus(acmeEnv, bump, "ferry/dev", "pending", "waiting for the first report")
	h.tell(agent, map[string]any{"cluster": "eu", "revision": bump, "health": "healthy"})
	h.wantStatus(acmeEnv, bump, "ferry/dev", "pending", "us: waiting for the first report")
	h.tell(agent, map[string]any{"revision": bump, "health": "healthy"}) // of a cluster that is not one of them
	h.wantStatus(acmeEnv, bump, "ferry/dev", "pending", "us")
	h.tell(agent, map[string]any{"cluster": "us", "revision": bump, "health": "degraded", "message": "no quota"})
	h.wantStatus(acmeEnv, bump, "ferry/dev", "failure", "us: degraded: no quota")
	h.noPulls()
	h.tell(agent, map[string]any{"cluster": "us", "revision": bump, "health": "healthy"})
	h.wantStatus(acmeEnv, bump, "ferry/dev", "success", "runs in dev")
	h.staging()
}

// TestRevisionsOfReports: which revisions prove that a deployment has arrived.
func TestRevisionsOfReports(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	before := h.head(acmeEnv, "main")
	bump := h.deploy("dev", "1.1.0")
	agent := h.token(acmeEnv, "dev")
	unknown := forge.SHA(strings.Repeat("ab", 20))
	for _, c := range []struct {
		report map[string]any
		words  string
	}{
		{map[string]any{"revision": before, "health": "healthy"}, "older revision " + before.Short()},
		{map[string]any{"revision": unknown, "health": "healthy"}, "unknown on the branch"},
		{map[string]any{"revision": unknown, "health": "healthy", "images": []string{"ghcr.io/acme/checkout:1.0.0"}}, "unknown on the branch"},
		{map[string]any{"revision": bump, "health": "healthy", "images": []string{"ghcr.io/acme/checkout:1.0.0"}}, "not the release"},
		{map[string]any{"revision": bump, "health": "unknown"}, "does not know"},
		{map[string]any{"revision": bump, "health": "progressing", "message": "1 of 3"}, "progressing: 1 of 3"},
	} {
		h.tell(agent, c.report)
		h.wantStatus(acmeEnv, bump, "ferry/dev", "pending", c.words)
		h.noPulls()
	}
	later := h.commit(acmeEnv, map[string]string{"README.md": "another file\n"})
	h.tell(agent, map[string]any{"revision": later, "health": "healthy"})
	h.wantStatus(acmeEnv, bump, "ferry/dev", "success", "runs in dev") // a later revision at which it still stands
	if _, ok := h.statuses(acmeEnv, later)["ferry/dev"]; ok {
		t.Error("a revision that deploys nothing got a status")
	}
	h.staging()

	next := h.deploy("dev", "1.2.0")
	h.tell(agent, map[string]any{"revision": unknown, "health": "healthy", "images": []string{"ghcr.io/acme/checkout:1.2.0"}})
	h.wantStatus(acmeEnv, next, "ferry/dev", "success", "1.2.0") // unknown revision, known images
}

// TestAReportThatComesBeforeItsPush: the agent pulled before Ferry heard of the push.
func TestAReportThatComesBeforeItsPush(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	h.forge.Faults().Lose("push", 1)
	bump := h.deploy("dev", "1.1.0")
	agent := h.token(acmeEnv, "dev")
	h.tell(agent, map[string]any{"revision": bump, "health": "healthy"})
	h.noPulls()
	push := h.lastDelivery("push")
	h.hook("push", push.GUID, push.Body, nil)
	h.settle()
	h.wantStatus(acmeEnv, bump, "ferry/dev", "success", "1.1.0")
	h.staging()
}

// TestSilence: exactly report_timeout after the last word, and not before.
func TestSilence(t *testing.T) {
	t.Parallel()
	for _, spoke := range []bool{false, true} {
		h := newCheckoutWith(t, "environments:\n  - name: dev\n    report_timeout: 10m\n  - name: staging\n    from: [dev]\n")
		bump := h.deploy("dev", "1.1.0")
		if spoke {
			h.later(5 * time.Minute)
			h.tell(h.token(acmeEnv, "dev"), map[string]any{"revision": bump, "health": "progressing"})
		}
		h.later(9*time.Minute + 50*time.Second)
		h.wantStatus(acmeEnv, bump, "ferry/dev", "pending", "1.1.0")
		h.later(15 * time.Second)
		h.wantStatus(acmeEnv, bump, "ferry/dev", "error", "no word from the agent since")
		h.noPulls()
		h.report(acmeEnv, "dev", "healthy")
		h.wantStatus(acmeEnv, bump, "ferry/dev", "success", "1.1.0")
		h.staging()
	}
}

// TestSeveralAppsOneStatus: the worst wins and the text counts.
func TestSeveralAppsOneStatus(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	files := map[string]string{".ferry.yaml": "apiVersion: ferry/v1\nenvironments:\n  - name: dev\n  - name: staging\n    from: [dev]\napps:\n  - discover: \"apps/{app}/{env}/kustomization.yaml\"\n    images: [\"ghcr.io/acme/{app}\"]\n"}
	bump := map[string]string{}
	for _, app := range []string{"cart", "checkout", "payment"} {
		for _, env := range []string{"dev", "staging"} {
			files["apps/"+app+"/"+env+"/kustomization.yaml"] = kustomization(app, "1.0.0")
		}
		bump["apps/"+app+"/dev/kustomization.yaml"] = kustomization(app, "1.1.0")
	}
	h.environments(acmeEnv, files)
	sha := h.commit(acmeEnv, bump)
	agent := h.token(acmeEnv, "dev")
	h.wantStatus(acmeEnv, sha, "ferry/dev", "pending", "0 of 3 apps, waiting for cart, checkout, payment")
	h.tell(agent, map[string]any{"app": "checkout", "revision": sha, "health": "healthy"})
	h.tell(agent, map[string]any{"app": "payment", "revision": sha, "health": "healthy"})
	h.wantStatus(acmeEnv, sha, "ferry/dev", "pending", "2 of 3 apps, waiting for cart")
	h.tell(agent, map[string]any{"app": "cart", "revision": sha, "health": "failed"})
	h.wantStatus(acmeEnv, sha, "ferry/dev", "failure", "2 of 3 apps, waiting for cart")
	h.tell(agent, map[string]any{"app": "cart", "revision": sha, "health": "healthy"})
	h.wantStatus(acmeEnv, sha, "ferry/dev", "success", "3 of 3 apps")
	if open := h.openPulls(acmeEnv); len(open) != 3 {
		t.Errorf("open are %v", open)
	}
}

// TestSupersededBeforeItConverged: each revision ends with a status that is not pending.
func TestSupersededBeforeItConverged(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	first := h.deploy("dev", "1.1.0")
	second := h.deploy("dev", "1.2.0")
	h.wantStatus(acmeEnv, first, "ferry/dev", "error", "superseded by 1.2.0 before it converged")
	h.report(acmeEnv, "dev", "healthy")
	third := h.deploy("dev", "1.3.0")
	h.wantStatus(acmeEnv, second, "ferry/dev", "success", "converged in dev")
	h.wantStatus(acmeEnv, third, "ferry/dev", "pending", "1.3.0")
	h.wantStatus(acmeEnv, first, "ferry/dev", "error", "superseded")
}

// TestFailedBeforeARevision: an agent that cannot even fetch may say so without a revision.
func TestFailedBeforeARevision(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	bump := h.deploy("dev", "1.1.0")
	h.tell(h.token(acmeEnv, "dev"), map[string]any{"health": "failed", "message": "cannot clone"})
	h.wantStatus(acmeEnv, bump, "ferry/dev", "failure", "cannot clone")
}
