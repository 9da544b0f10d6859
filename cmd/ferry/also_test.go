package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// newMoving is a harness with checkout, of which a label, an annotation with the digest and a copied revision move with its tag.
func newMoving(t *testing.T) *harness {
	t.Helper()
	h := newHarness(t)
	files := checkoutFiles("")
	files[".ferry.yaml"] += `    also:
      - {path: "apps/checkout/{env}/labels.yaml", keys: [labels.version, "labels.env"], value: "{tag}-{env}"}
      - {path: "apps/checkout/{env}/labels.yaml", keys: [chart.revision], copy: true}
`
	for _, env := range []string{"dev", "staging", "prod"} {
		files[labelsPath(env)] = labels("1.0.0-"+env, "r1")
	}
	h.environments(acmeEnv, files)
	return h
}

func labelsPath(env string) string { return "apps/checkout/" + env + "/labels.yaml" }

func labels(version, revision string) string {
	return fmt.Sprintf("# kept\nlabels:\n  version: %s\n  env: %s # beside it\nchart:\n  revision: %s\n  other: 1.0.0\n", version, version, revision)
}

// TestWhatMovesWithARelease: it is in the promotion's own commit, from the release and from upstream, and nothing else is.
func TestWhatMovesWithARelease(t *testing.T) {
	t.Parallel()
	h := newMoving(t)
	h.commit(acmeEnv, map[string]string{checkoutPath("dev"): kustomization("checkout", "1.1.0"), labelsPath("dev"): labels("1.1.0-dev", "r2")})
	h.report(acmeEnv, "dev", "healthy")
	p := h.staging()
	if got, want := h.file(acmeEnv, p.Head.Ref, labelsPath("staging")), labels("1.1.0-staging", "r2"); got != want {
		t.Errorf("the branch has\n%s", got)
	}
	if got := h.changed(p.Number); len(got) != 8 {
		t.Errorf("the diff is %q", got)
	}
	h.loseAndCompare()
	// What is copied changes upstream: so does the promotion, in place.
	h.commit(acmeEnv, map[string]string{labelsPath("dev"): labels("1.1.0-dev", "r3")})
	h.report(acmeEnv, "dev", "healthy")
	if got := h.file(acmeEnv, p.Head.Ref, labelsPath("staging")); got != labels("1.1.0-staging", "r3") || h.staging().Number != p.Number {
		t.Errorf("the branch has\n%s", got)
	}
	h.forge.ResetRequests()
	h.merge(acmeEnv, p.Number)
	h.report(acmeEnv, "staging", "healthy")
	if n := h.ferrysRequests()["GET /repos/{owner}/{repo}/contents/{path}"]; n != 0 {
		t.Errorf("its merge cost %d reads of files", n)
	}
	into := h.pullOn(acmeEnv, "ferry/prod/checkout")
	if got := h.file(acmeEnv, into.Head.Ref, labelsPath("prod")); got != labels("1.1.0-prod", "r3") {
		t.Errorf("into prod the branch has\n%s", got)
	}
}

// TestWhatMovesProposesNothing: a value that stands wrongly by itself is nobody's promotion.
func TestWhatMovesProposesNothing(t *testing.T) {
	t.Parallel()
	h := newMoving(t)
	h.reportAll("dev", "staging", "prod")
	h.commit(acmeEnv, map[string]string{labelsPath("staging"): labels("oops", "r9"), labelsPath("dev"): labels("1.0.0-dev", "r5")})
	h.reportAll("dev", "staging", "prod")
	h.sweep()
	h.noPulls()
}

// TestWhatMovesAndCannot: what refuses to be written refuses the promotion, with its reason; mended, it goes on.
func TestWhatMovesAndCannot(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ content, words string }{
		"a key that is not there": {"labels: {}\n", "labels.yaml:1:"},
		"no YAML":                 {"labels: [\n", "labels.yaml:"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newMoving(t)
			h.commit(acmeEnv, map[string]string{labelsPath("staging"): c.content})
			h.arrive("1.1.0")
			h.noPulls()
			h.later(2 * time.Minute)
			if got := h.ask(h.board().Number, "dora", "/status checkout staging"); !strings.Contains(got, "manifest is waiting") || !strings.Contains(got, c.words) {
				t.Errorf("/status is answered by %s", got)
			}
			h.commit(acmeEnv, map[string]string{labelsPath("staging"): labels("1.0.0-staging", "r1")})
			if got := h.file(acmeEnv, h.staging().Head.Ref, labelsPath("staging")); got != labels("1.1.0-staging", "r1") {
				t.Errorf("the branch has\n%s", got)
			}
		})
	}
}

// TestDigestsAreWritten: with digest: true they come from the upstream file, or from CI, to where none stands.
func TestDigestsAreWritten(t *testing.T) {
	t.Parallel()
	h := newCheckoutWith(t, "environments:\n  - {name: dev, update: commit}\n  - {name: staging, from: [dev], digest: true}\n  - {name: prod, from: [staging]}\n")
	if code, body := h.post("/api/v1/images", h.token(acmeEnv, ""), map[string]any{"image": checkoutImage, "tag": "1.1.0", "digest": digestOf("b")}); code/100 != 2 {
		t.Fatal(code, body)
	}
	h.settle()
	if got := h.file(acmeEnv, "main", checkoutPath("dev")); got != kustomization("checkout", "1.1.0") {
		t.Fatalf("dev has\n%s", got)
	}
	h.report(acmeEnv, "dev", "healthy")
	p := h.staging()
	if got := h.changed(p.Number); !slices.ContainsFunc(got, func(l string) bool { return strings.Contains(l, "digest: "+digestOf("b")) }) {
		t.Errorf("the diff is %q", got)
	}
	h.loseAndCompare()
	h.merge(acmeEnv, p.Number)
	h.report(acmeEnv, "staging", "healthy")
	into := h.pullOn(acmeEnv, "ferry/prod/checkout") // which does not ask for it
	if got := h.file(acmeEnv, into.Head.Ref, checkoutPath("prod")); got != kustomization("checkout", "1.1.0") {
		t.Errorf("prod gets\n%s", got)
	}
	h.commit(acmeEnv, map[string]string{checkoutPath("prod"): pinned(checkoutImage, "1.0.0", digestOf("a"))}) // where one stands it is written
	if got := h.file(acmeEnv, h.pullOn(acmeEnv, "ferry/prod/checkout").Head.Ref, checkoutPath("prod")); got != pinned(checkoutImage, "1.1.0", digestOf("b")) {
		t.Errorf("prod gets\n%s", got)
	}
}

// TestExceptLeavesOut: what discover is told to leave out is no app.
func TestExceptLeavesOut(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	files := map[string]string{".ferry.yaml": "apiVersion: ferry/v1\nenvironments:\n  - name: dev\n  - {name: staging, from: [dev]}\napps:\n" +
		"  - discover: \"apps/{app}/{env}/kustomization.yaml\"\n    images: [\"ghcr.io/acme/{app}\"]\n    except: [\"_*\", cart]\n"}
	bumped := map[string]string{}
	for _, app := range []string{"checkout", "cart", "_base"} {
		for _, env := range []string{"dev", "staging"} {
			files["apps/"+app+"/"+env+"/kustomization.yaml"] = kustomization(app, "1.0.0")
		}
		bumped["apps/"+app+"/dev/kustomization.yaml"] = kustomization(app, "1.1.0")
	}
	h.environments(acmeEnv, files)
	h.commit(acmeEnv, bumped)
	h.report(acmeEnv, "dev", "healthy")
	if open := h.openPulls(acmeEnv); len(open) != 1 || open["ferry/staging/checkout"].Number == 0 {
		t.Errorf("open are %+v", open)
	}
	h.later(2 * time.Minute)
	if body := h.board().Body; strings.Contains(body, "cart") || strings.Contains(body, "_base") {
		t.Errorf("the issue says\n%s", body)
	}
}
