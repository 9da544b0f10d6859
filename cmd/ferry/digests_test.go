package main

import (
	"slices"
	"strings"
	"testing"
)

func digestOf(c string) string { return "sha256:" + strings.Repeat(c, 64) }

// pinned is a manifest with a digest beside the tag.
func pinned(name, tag, digest string) string {
	return "kind: Kustomization\nimages:\n  - name: " + name + "\n    newTag: " + tag + "\n    digest: " + digest + "\n"
}

const checkoutImage = "ghcr.io/acme/checkout"

func TestTagAndDigestMoveAsAPair(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	files := checkoutFiles("")
	for _, env := range []string{"dev", "staging", "prod"} {
		files[checkoutPath(env)] = pinned(checkoutImage, "1.0.0", digestOf("a"))
	}
	h.environments(acmeEnv, files)
	h.commit(acmeEnv, map[string]string{checkoutPath("dev"): pinned(checkoutImage, "1.1.0", digestOf("b"))})
	h.report(acmeEnv, "dev", "healthy")
	p := h.staging()
	want := []string{"-    newTag: 1.0.0", "-    digest: " + digestOf("a"), "+    newTag: 1.1.0", "+    digest: " + digestOf("b")}
	if got := h.changed(p.Number); !slices.Equal(got, want) {
		t.Errorf("the diff is %q", got)
	}
	// The same tag again, built anew: another release.
	h.commit(acmeEnv, map[string]string{checkoutPath("dev"): pinned(checkoutImage, "1.1.0", digestOf("c"))})
	h.report(acmeEnv, "dev", "healthy")
	if got := h.file(acmeEnv, p.Head.Ref, checkoutPath("staging")); got != pinned(checkoutImage, "1.1.0", digestOf("c")) {
		t.Errorf("the branch has\n%s", got)
	}
}

// TestNoDigestUpstream: staging pins a digest, dev has none; a tag beside another image's digest would be a lie.
func TestNoDigestUpstream(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	files := checkoutFiles("")
	files[checkoutPath("staging")] = pinned(checkoutImage, "1.0.0", digestOf("a"))
	h.environments(acmeEnv, files)
	h.arrive("1.1.0")
	h.noPulls()
	if got := h.ask(h.board().Number, "dora", "/status checkout staging"); !strings.Contains(got, "manifest is waiting") || !strings.Contains(got, "digest") {
		t.Errorf("/status is answered by %s", got)
	}
	// CI or a person adds the digest upstream: the same release, now with one.
	h.commit(acmeEnv, map[string]string{checkoutPath("dev"): pinned(checkoutImage, "1.1.0", digestOf("b"))})
	h.report(acmeEnv, "dev", "healthy")
	p := h.staging()
	if got := h.file(acmeEnv, p.Head.Ref, checkoutPath("staging")); got != pinned(checkoutImage, "1.1.0", digestOf("b")) {
		t.Errorf("the branch has\n%s", got)
	}
}

// TestManifestRefusalWhileOpen: the manifest becomes one that cannot be edited safely while its promotion is open.
func TestManifestRefusalWhileOpen(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	h.arrive("1.1.0")
	p := h.staging()
	h.commit(acmeEnv, map[string]string{checkoutPath("staging"): pinned(checkoutImage, "1.0.0", digestOf("a"))})
	h.wantStatus(acmeEnv, p.Head.SHA, "ferry/gates", "pending", "manifest: ")
	if now := h.staging(); now.Head.SHA != p.Head.SHA {
		t.Errorf("the promotion is %+v", now)
	}
}

func TestAnotherRegistryPerEnvironment(t *testing.T) {
	t.Parallel()
	const mirror = "1234.dkr.ecr.eu-west-1.amazonaws.com/checkout"
	h := newHarness(t)
	files := checkoutFiles("")
	files[".ferry.yaml"] = strings.Replace(files[".ferry.yaml"], "images: [ghcr.io/acme/checkout]", "images:\n      - name: ghcr.io/acme/checkout\n        in: {staging: "+mirror+"}", 1)
	files[checkoutPath("dev")] = pinned(checkoutImage, "1.0.0", digestOf("a"))
	files[checkoutPath("staging")] = pinned(mirror, "1.0.0", digestOf("a"))
	h.environments(acmeEnv, files)
	h.commit(acmeEnv, map[string]string{checkoutPath("dev"): pinned(checkoutImage, "1.1.0", digestOf("b"))})
	h.report(acmeEnv, "dev", "healthy")
	p := h.staging()
	if got := h.file(acmeEnv, p.Head.Ref, checkoutPath("staging")); got != pinned(mirror, "1.1.0", digestOf("b")) {
		t.Errorf("the branch has\n%s", got)
	}
	h.merge(acmeEnv, p.Number)
	if code, body := h.post("/api/v1/reports", h.token(acmeEnv, "staging"), map[string]any{"revision": h.head(acmeEnv, "main"), "health": "healthy",
		"images": []string{mirror + ":1.1.0@" + digestOf("b")}}); code != 202 {
		t.Fatalf("report: %d %s", code, body)
	}
	h.settle()
	h.wantStatus(acmeEnv, h.head(acmeEnv, "main"), "ferry/staging", "success", "runs in staging")
}

// TestMixed: two manifests of one app that disagree are promoted from by nobody, and made whole by a promotion into them.
func TestMixed(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	files := checkoutFiles("")
	files[".ferry.yaml"] = strings.Replace(files[".ferry.yaml"], `manifests: [`, `manifests: ["apps/checkout/{env}/worker/kustomization.yaml", `, 1)
	worker := func(env string) string { return "apps/checkout/" + env + "/worker/kustomization.yaml" }
	for _, env := range []string{"dev", "staging", "prod"} {
		files[worker(env)] = kustomization("checkout", "1.0.0")
	}
	h.environments(acmeEnv, files)
	half := h.deploy("dev", "1.1.0")
	h.report(acmeEnv, "dev", "healthy")
	h.noPulls()
	h.wantStatus(acmeEnv, half, "ferry/dev", "error", "mixed")
	if body := h.ask(h.board().Number, "dora", "/status checkout"); !strings.Contains(body, "mixed") {
		t.Errorf("/status is answered by %s", body)
	}
	whole := h.commit(acmeEnv, map[string]string{worker("dev"): kustomization("checkout", "1.1.0")})
	h.report(acmeEnv, "dev", "healthy")
	h.wantStatus(acmeEnv, whole, "ferry/dev", "success", "")
	p := h.staging()
	if len(h.changed(p.Number)) != 4 {
		t.Errorf("the diff is %q", h.changed(p.Number))
	}
	h.commit(acmeEnv, map[string]string{worker("staging"): kustomization("checkout", "1.1.0")})
	p = h.staging()
	if got := h.changed(p.Number); !slices.Equal(got, []string{"-    newTag: 1.0.0", "+    newTag: 1.1.0"}) {
		t.Errorf("into the mixed environment the diff is %q", got)
	}
	h.merge(acmeEnv, p.Number)
	h.report(acmeEnv, "staging", "healthy")
	h.wantStatus(acmeEnv, h.head(acmeEnv, "main"), "ferry/staging", "success", "runs in staging")
}
