package main

import (
	"fmt"
	"slices"
	"testing"
)

// TestKeysOfTheConfiguration carries two apps whose tags stand in one file without their images' names, each at its own key.
func TestKeysOfTheConfiguration(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	values := func(checkout, cart string) string {
		return fmt.Sprintf("checkout:\n  version: %s # ours\ncart:\n  version: %s\n", checkout, cart)
	}
	h.environments(acmeEnv, map[string]string{
		".ferry.yaml": "apiVersion: ferry/v1\nenvironments: [{name: dev}, {name: staging, from: [dev]}]\napps:\n" +
			"  - {name: checkout, images: [ghcr.io/acme/checkout], manifests: [{path: \"values-{env}.yaml\", keys: [checkout.version]}]}\n" +
			"  - {name: cart, images: [ghcr.io/acme/cart], manifests: [{path: \"values-{env}.yaml\", keys: [cart.version]}]}\n",
		"values-dev.yaml": values("1.0.0", "2.0.0"), "values-staging.yaml": values("1.0.0", "2.0.0"),
	})
	h.commit(acmeEnv, map[string]string{"values-dev.yaml": values("1.1.0", "2.0.0")})
	h.report(acmeEnv, "dev", "healthy")
	if got, want := h.changed(h.staging().Number), []string{"-  version: 1.0.0 # ours", "+  version: 1.1.0 # ours"}; !slices.Equal(got, want) {
		t.Errorf("the diff is %q, want %q", got, want)
	}
	if pulls := h.openPulls(acmeEnv); len(pulls) != 1 {
		t.Errorf("open are %v: only checkout has something new", pulls)
	}
}
