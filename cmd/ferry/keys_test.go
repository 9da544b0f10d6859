package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// newKeyed is a harness with the app shop, whose tag stands apart from its name, in a file for each cluster of an environment.
func newKeyed(t *testing.T) *harness {
	t.Helper()
	h := newHarness(t)
	files := map[string]string{".ferry.yaml": `apiVersion: ferry/v1
environments:
  - name: dev
  - name: prod
    from: [dev]
    clusters: [eu, us]
apps:
  - name: shop
    images: [ghcr.io/acme/shop]
    manifests:
      - {path: "charts/{env}/{cluster}.yaml", keys: ["services.{app}.tag", "perCluster[name={cluster}].tag"]}
`}
	for file, cluster := range map[string]string{"dev/default": "default", "prod/eu": "eu", "prod/us": "us"} {
		files["charts/"+file+".yaml"] = shopValues(cluster, "1.0.0")
	}
	h.environments(acmeEnv, files)
	return h
}

func shopValues(cluster, tag string) string {
	return fmt.Sprintf("# values of %s\nservices:\n  shop:\n    tag: %q # moved by Ferry\n  other:\n    tag: \"1.0.0\"\nperCluster:\n  - name: nowhere\n    tag: \"1.0.0\"\n  - name: %s\n    tag: %q\n", cluster, tag, cluster, tag)
}

// TestKeysInAFileForEachCluster: a promotion changes what the keys lead to in every cluster's file, and has arrived when each cluster says so.
func TestKeysInAFileForEachCluster(t *testing.T) {
	t.Parallel()
	h := newKeyed(t)
	h.commit(acmeEnv, map[string]string{"charts/dev/default.yaml": shopValues("default", "1.1.0")})
	h.report(acmeEnv, "dev", "healthy")
	p := h.pullOn(acmeEnv, "ferry/prod/shop")
	for _, cluster := range []string{"eu", "us"} {
		if got, want := h.file(acmeEnv, p.Head.Ref, "charts/prod/"+cluster+".yaml"), shopValues(cluster, "1.1.0"); got != want {
			t.Errorf("%s has\n%s", cluster, got)
		}
	}
	if len(h.changed(p.Number)) != 8 {
		t.Errorf("the diff is %q", h.changed(p.Number))
	}
	sha := h.merge(acmeEnv, p.Number)
	token := h.token(acmeEnv, "prod")
	for i, cluster := range []string{"eu", "us"} {
		if code, body := h.post("/api/v1/reports", token, map[string]any{"cluster": cluster, "revision": sha, "health": "healthy"}); code/100 != 2 {
			t.Fatal(code, body)
		}
		h.settle()
		h.wantStatus(acmeEnv, sha, "ferry/prod", []string{"pending", "success"}[i], "")
	}
	h.loseAndCompare()
}

// TestClustersThatDisagree: one release of an app in an environment is over the files of all its clusters.
func TestClustersThatDisagree(t *testing.T) {
	t.Parallel()
	h := newKeyed(t)
	half := h.commit(acmeEnv, map[string]string{"charts/prod/eu.yaml": shopValues("eu", "1.0.1")})
	h.wantStatus(acmeEnv, half, "ferry/prod", "error", "mixed")
	h.commit(acmeEnv, map[string]string{"charts/dev/default.yaml": shopValues("default", "1.1.0")})
	h.report(acmeEnv, "dev", "healthy")
	h.merge(acmeEnv, h.pullOn(acmeEnv, "ferry/prod/shop").Number)
	if got := h.file(acmeEnv, "main", "charts/prod/us.yaml"); got != shopValues("us", "1.1.0") {
		t.Errorf("it was not made whole:\n%s", got)
	}
}

// TestAKeyThatLeadsNowhere: the file is told with its reason, and nothing is promoted into it.
func TestAKeyThatLeadsNowhere(t *testing.T) {
	t.Parallel()
	h := newKeyed(t)
	h.commit(acmeEnv, map[string]string{"charts/dev/default.yaml": shopValues("default", "1.1.0"), "charts/prod/us.yaml": "services: {}\n"})
	h.report(acmeEnv, "dev", "healthy")
	h.noPulls()
	h.later(2 * time.Minute)
	if got := h.ask(h.board().Number, "dora", "/status shop prod"); !strings.Contains(got, "charts/prod/us.yaml:") || !strings.Contains(got, "services.shop") {
		t.Errorf("/status is answered by %s", got)
	}
}

// TestAnAppsOwnSettings: what an app says of an environment holds for it there, and for no other.
func TestAnAppsOwnSettings(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	files := map[string]string{".ferry.yaml": `apiVersion: ferry/v1
environments:
  - name: dev
  - {name: staging, from: [dev]}
  - {name: prod, from: [staging]}
apps:
  - discover: "apps/{app}/{env}/kustomization.yaml"
    images: ["ghcr.io/acme/{app}"]
  - name: checkout
    environments:
      staging: {mode: observe, report_timeout: 1h}
      prod: {from: [dev], soak: 2h, converge: merge}
`}
	for _, app := range []string{"checkout", "cart"} {
		for _, env := range []string{"dev", "staging", "prod"} {
			files["apps/"+app+"/"+env+"/kustomization.yaml"] = kustomization(app, "1.0.0")
		}
	}
	h.environments(acmeEnv, files)
	h.commit(acmeEnv, map[string]string{checkoutPath("dev"): kustomization("checkout", "1.1.0"), "apps/cart/dev/kustomization.yaml": kustomization("cart", "1.1.0")})
	h.report(acmeEnv, "dev", "healthy")
	var branches []string
	for _, p := range h.openPulls(acmeEnv) {
		branches = append(branches, p.Head.Ref)
	}
	slices.Sort(branches)
	if want := []string{"ferry/prod/checkout", "ferry/staging/cart"}; !slices.Equal(branches, want) {
		t.Fatalf("open are %q, want %q", branches, want)
	}
	into := h.pullOn(acmeEnv, "ferry/prod/checkout")
	h.wantStatus(acmeEnv, into.Head.SHA, "ferry/gates", "pending", "soak: 2h in dev")
	h.later(2 * time.Hour)
	h.wantStatus(acmeEnv, into.Head.SHA, "ferry/gates", "success", "")
	h.loseAndCompare()
	sha := h.merge(acmeEnv, into.Number)
	h.wantStatus(acmeEnv, sha, "ferry/prod", "success", "checkout 1.1.0") // nobody reports of it there
	if got := h.ask(h.board().Number, "dora", "/promote cart prod"); !strings.Contains(got, "nothing to promote") {
		t.Errorf("asked for cart: %s", got)
	}
}

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
