package main

import (
	"strings"
	"testing"
	"time"
)

// TestWhatLooksWrongIsTold: what only the files can tell of a configuration stands in Ferry's issue and on its page, and goes when it is mended. A push
// of manifests does not look for it.
func TestWhatLooksWrongIsTold(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	good := h.file(acmeEnv, "main", ".ferry.yaml")
	h.later(2 * time.Minute)
	if body := h.board().Body; strings.Contains(body, "looks wrong") {
		t.Fatalf("the issue says\n%s", body)
	}
	odd := good + "  - name: ghost\n    images: [ghcr.io/acme/ghost]\n    manifests: [\"apps/ghost/{env}/kustomization.yaml\"]\n" +
		"  - name: twin\n    images: [ghcr.io/acme/web]\n    manifests: [\"twin/*/{env}.yaml\"]\n" +
		"  - discover: \"nowhere/{app}/{env}.yaml\"\n    images: [\"ghcr.io/acme/{app}\"]\n"
	h.commit(acmeEnv, map[string]string{".ferry.yaml": odd, "twin/a/dev.yaml": kustomization("checkout", "1.0.0")})
	h.later(2 * time.Minute)
	page, body := h.page("/"), h.board().Body
	for _, words := range []string{"ghost", "has no manifest in any environment", "matches no file", "stands in no manifest of twin", ".ferry.yaml:"} {
		if !strings.Contains(body, words) {
			t.Errorf("%q is not in the issue:\n%s", words, body)
		}
		if !strings.Contains(page, words) {
			t.Errorf("%q is not on the page:\n%s", words, page)
		}
	}
	found := query[string](h, `select config_findings::text from repositories where name = 'environments'`)
	h.commit(acmeEnv, map[string]string{"twin/a/dev.yaml": kustomization("web", "1.0.0")})
	if got := query[string](h, `select config_findings::text from repositories where name = 'environments'`); got != found {
		t.Error("a push of a manifest compared the configuration with all files")
	}
	h.sweep()
	h.later(2 * time.Minute)
	if body := h.board().Body; strings.Contains(body, "stands in no manifest of twin") || !strings.Contains(body, "ghost") {
		t.Errorf("after a sweep the issue says\n%s", body)
	}
	h.commit(acmeEnv, map[string]string{".ferry.yaml": good})
	h.later(2 * time.Minute)
	if body := h.board().Body; strings.Contains(body, "looks wrong") {
		t.Errorf("mended, the issue says\n%s", body)
	}
}
