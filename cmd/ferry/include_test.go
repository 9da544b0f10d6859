package main

import (
	"strings"
	"testing"

	"ferry/forge/sandbox"
)

// newIncluding is a harness with two discovered apps, checkout and cart, whose settings may stand beside them.
func newIncluding(t *testing.T, more map[string]string) *harness {
	t.Helper()
	h := newHarness(t)
	files := map[string]string{".ferry.yaml": "apiVersion: ferry/v1\nenvironments:\n  - name: dev\n  - name: staging\n    from: [dev]\n    soak: 50m\ninclude: \"apps/{app}/ferry.yaml\"\n" +
		"apps:\n  - discover: \"apps/{app}/{env}/kustomization.yaml\"\n    images: [\"ghcr.io/acme/{app}\"]\n"}
	for _, app := range []string{"checkout", "cart"} {
		for _, env := range []string{"dev", "staging"} {
			files["apps/"+app+"/"+env+"/kustomization.yaml"] = kustomization(app, "1.0.0")
		}
	}
	for path, content := range more {
		files[path] = content
	}
	h.environments(acmeEnv, files)
	return h
}

const besideCheckout = "apps/checkout/ferry.yaml"

// TestAnIncludedFileIsInForce: what stands beside an app counts for it, and for no other; a push that touches it is a changed configuration.
func TestAnIncludedFileIsInForce(t *testing.T) {
	t.Parallel()
	h := newIncluding(t, map[string]string{besideCheckout: "soak: 2h\n"})
	gates := func(app string) string {
		t.Helper()
		return h.pullOn(acmeEnv, "ferry/staging/"+app).Body
	}
	h.commit(acmeEnv, map[string]string{checkoutPath("dev"): kustomization("checkout", "1.1.0"), "apps/cart/dev/kustomization.yaml": kustomization("cart", "1.1.0")})
	h.report(acmeEnv, "dev", "healthy")
	if body := gates("checkout"); !strings.Contains(body, "| soak | waiting | 2h in dev") {
		t.Errorf("of checkout:\n%s", body)
	}
	if body := gates("cart"); !strings.Contains(body, "| soak | waiting | 50m in dev") {
		t.Errorf("of cart:\n%s", body)
	}
	changed := h.commit(acmeEnv, map[string]string{besideCheckout: "soak: 3h\n"})
	h.wantStatus(acmeEnv, changed, "ferry/config", "success", "in force")
	if body := gates("checkout"); !strings.Contains(body, "3h in dev") {
		t.Errorf("after the change:\n%s", body)
	}
	added := h.commit(acmeEnv, map[string]string{"apps/cart/ferry.yaml": "mode: observe\n"})
	h.wantStatus(acmeEnv, added, "ferry/config", "success", "in force")
	removed, err := h.forge.Commit(acmeEnv, sandbox.Edit{As: "dora", Message: "as everybody", Delete: []string{besideCheckout}})
	h.does(err)
	h.wantStatus(acmeEnv, removed, "ferry/config", "success", "in force")
	if body := gates("checkout"); !strings.Contains(body, "50m in dev") {
		t.Errorf("after the file went:\n%s", body)
	}
	if got := query[int](h, `select count(*) from included`); got != 1 {
		t.Errorf("%d files are included, want 1", got)
	}
}

// TestABrokenIncludedFile: the commit that brought it gets the status with its line; what was in force stays, and mending the file alone is enough.
func TestABrokenIncludedFile(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ content, words string }{
		"looser":         {"name: checkout\nsoak: 1m\n", besideCheckout + ":2:7: soak: 1m is looser"},
		"an unknown key": {"soke: 1h\n", besideCheckout + ":1:1: unknown key"},
		"too large":      {"# " + strings.Repeat("x", 70_000) + "\n", besideCheckout + ":1:1: the file has"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newIncluding(t, nil)
			broke := h.commit(acmeEnv, map[string]string{besideCheckout: c.content})
			h.wantStatus(acmeEnv, broke, "ferry/config", "failure", c.words)
			bump := h.deploy("dev", "1.1.0")
			h.report(acmeEnv, "dev", "healthy")
			if body := h.pullOn(acmeEnv, "ferry/staging/checkout").Body; !strings.Contains(body, "50m in dev") {
				t.Errorf("what was in force is not:\n%s", body)
			}
			h.sweep()
			if _, told := h.statuses(acmeEnv, bump)["ferry/config"]; told {
				t.Error("a commit that did not touch it got its status")
			}
			mended := h.commit(acmeEnv, map[string]string{besideCheckout: "soak: 1h\n"})
			h.wantStatus(acmeEnv, mended, "ferry/config", "success", "in force")
			if body := h.pullOn(acmeEnv, "ferry/staging/checkout").Body; !strings.Contains(body, "1h in dev") {
				t.Errorf("what was mended is not in force:\n%s", body)
			}
		})
	}
}

// TestAnIncludeThatIsNotInForceYet: include itself came with the mistake, so that nothing in force names the file.
func TestAnIncludeThatIsNotInForceYet(t *testing.T) {
	t.Parallel()
	h := newIncluding(t, nil)
	good := h.file(acmeEnv, "main", ".ferry.yaml")
	both := strings.Replace(good, "include: \"apps/{app}/ferry.yaml\"", "include: [\"apps/{app}/ferry.yaml\", \"teams/*.yaml\"]", 1)
	broke := h.commit(acmeEnv, map[string]string{".ferry.yaml": both, "teams/a.yaml": "name: checkout\nsoke: 1h\n"})
	h.wantStatus(acmeEnv, broke, "ferry/config", "failure", "teams/a.yaml:2:1")
	mended := h.commit(acmeEnv, map[string]string{"teams/a.yaml": "name: checkout\nsoak: 1h\n"})
	h.wantStatus(acmeEnv, mended, "ferry/config", "success", "in force")
}

// TestAPushBesideIncludesCostsNothingMore: a push that touches none of them costs what it costs without include.
func TestAPushBesideIncludesCostsNothingMore(t *testing.T) {
	t.Parallel()
	cost := func(h *harness) int {
		h.later(tidied)
		h.forge.ResetRequests()
		h.deploy("dev", "1.1.0")
		total := 0
		for _, n := range h.ferrysRequests() {
			total += n
		}
		return total
	}
	without, with := cost(newIncluding(t, nil)), cost(newIncluding(t, map[string]string{besideCheckout: "soak: 1h\n", "apps/cart/ferry.yaml": "mode: observe\n"}))
	if without != with || with == 0 {
		t.Errorf("without included files a push costs %d requests, with them %d", without, with)
	}
}

// TestLossKeepsIncludedSettings: they are read again with the configuration.
func TestLossKeepsIncludedSettings(t *testing.T) {
	t.Parallel()
	h := newIncluding(t, map[string]string{besideCheckout: "soak: 2h\n"})
	h.reportAll("dev", "staging")
	changed := h.commit(acmeEnv, map[string]string{besideCheckout: "soak: 3h\n"})
	h.deploy("dev", "1.1.0")
	h.report(acmeEnv, "dev", "healthy")
	h.loseAndCompare()
	h.wantStatus(acmeEnv, changed, "ferry/config", "success", "in force")
	if body := h.pullOn(acmeEnv, "ferry/staging/checkout").Body; !strings.Contains(body, "3h in dev") {
		t.Errorf("after the loss:\n%s", body)
	}
}
