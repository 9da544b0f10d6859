package main

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"ferry/forge"
	"ferry/forge/sandbox"
)

// wantWords fails unless the newest status of the context says all words in that state.
func (h *harness) wantWords(repo string, sha forge.SHA, context, state string, words ...string) {
	h.t.Helper()
	for _, w := range words {
		h.wantStatus(repo, sha, context, state, w)
	}
}

// TestABrokenConfigurationKeepsTheLastGoodOne: the commit that breaks .ferry.yaml gets a failed status that says where, and nothing else changes.
func TestABrokenConfigurationKeepsTheLastGoodOne(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, from, to string
		words          []string
	}{
		{"an unknown key", "  - name: prod\n    from: [staging]", "  - name: prod\n    form: [staging]", []string{".ferry.yaml:7:5", "form", "from"}},
		{"a key that is reserved", "  - name: prod\n    from: [staging]", "  - name: prod\n    from: [staging]\n    branch: release", []string{".ferry.yaml:8:5", "branch"}},
		{"no YAML", "environments:", "environments: [", []string{".ferry.yaml:"}},
		{"a circle", "  - name: dev\n", "  - name: dev\n    from: [prod]\n", []string{".ferry.yaml:"}},
		{"a NUL", "  - name: prod\n", "  - name: \"pr\\0od\"\n", []string{".ferry.yaml:6:"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := newCheckout(t, "")
			good := checkoutFiles("")[".ferry.yaml"]
			if !strings.Contains(good, c.from) {
				t.Fatalf("%q is not in\n%s", c.from, good)
			}
			broken := h.commit(acmeEnv, map[string]string{".ferry.yaml": strings.Replace(good, c.from, c.to, 1)})
			h.wantWords(acmeEnv, broken, "ferry/config", "failure", c.words...)
			bump := h.arrive("1.1.0")
			h.wantStatus(acmeEnv, bump, "ferry/dev", "success", "1.1.0") // the last good one is in force
			h.staging()
			if _, ok := h.statuses(acmeEnv, bump)["ferry/config"]; ok {
				t.Error("a commit that did not touch it got its status")
			}
			h.sweep()
			if _, ok := h.statuses(acmeEnv, bump)["ferry/config"]; ok {
				t.Error("the sweep laid the blame on another commit")
			}
			fixed := h.commit(acmeEnv, map[string]string{".ferry.yaml": good})
			h.wantStatus(acmeEnv, fixed, "ferry/config", "success", "in force")
			h.staging()
		})
	}
}

// TestTheCommitThatBrokeIt: of several commits of one push the one that changed .ferry.yaml is named.
func TestTheCommitThatBrokeIt(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	if _, err := h.forge.Commit(acmeEnv, sandbox.Edit{As: "dora", Branch: "topic", Message: "break it", Files: map[string]string{".ferry.yaml": "apiVersion: ferry/v1\nenvironment: []\n"}}); err != nil {
		t.Fatal(err)
	}
	broke := h.head(acmeEnv, "topic")
	if _, err := h.forge.Commit(acmeEnv, sandbox.Edit{As: "dora", Branch: "topic", Message: "more", Files: map[string]string{"README.md": "hello\n"}}); err != nil {
		t.Fatal(err)
	}
	h.pushOnto("main", "topic")
	h.wantStatus(acmeEnv, broke, "ferry/config", "failure", ".ferry.yaml:2:1")
}

// pushOnto moves a branch to where another stands, in one push over git's own protocol.
func (h *harness) pushOnto(branch, from string) {
	h.t.Helper()
	h.patchRef(branch, h.head(acmeEnv, from), false)
	h.settle()
}

// patchRef moves a branch as dora.
func (h *harness) patchRef(branch string, to forge.SHA, force bool) {
	h.t.Helper()
	h.patchRefOf(acmeEnv, branch, to, force)
}

// patchRefOf is patchRef in any repository.
func (h *harness) patchRefOf(repo, branch string, to forge.SHA, force bool) {
	h.t.Helper()
	body := `{"sha":"` + string(to) + `","force":false}`
	if force {
		body = strings.Replace(body, "false", "true", 1)
	}
	req, err := http.NewRequestWithContext(h.t.Context(), http.MethodPatch, h.forgeAt+"/api/v3/repos/"+repo+"/git/refs/heads/"+branch, strings.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+h.forge.AddUser("dora").Token)
	req.Header.Set("Content-Type", "application/json")
	if code, answer := h.send(req); code != http.StatusOK {
		h.t.Fatalf("moving %s: %d %s", branch, code, answer)
	}
}

// TestWithoutTheFileFerryIsOff: removing .ferry.yaml closes what is open; bringing it back goes on.
func TestWithoutTheFileFerryIsOff(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	h.arrive("1.1.0")
	p := h.staging()
	sha, err := h.forge.Commit(acmeEnv, sandbox.Edit{As: "dora", Message: "without Ferry", Delete: []string{".ferry.yaml"}})
	h.does(err)
	h.noPulls()
	if got := h.pull(p.Number); got.State != "closed" || got.Merged {
		t.Errorf("#%d is %s", p.Number, got.State)
	}
	if said := h.remarks(p.Number); len(said) != 1 || !strings.Contains(said[0].Body, "Superseded") {
		t.Errorf("on #%d stands %+v", p.Number, said)
	}
	h.wantStatus(acmeEnv, sha, "ferry/config", "success", "Ferry is off here")
	h.later(10 * time.Minute)
	h.forge.ResetRequests()
	h.deploy("dev", "1.2.0")
	h.report(acmeEnv, "dev", "healthy")
	h.sweep()
	if writes := h.writes(); len(writes) != 0 {
		t.Errorf("Ferry is off and writes: %v", writes)
	}
	h.noPulls()
	h.commit(acmeEnv, map[string]string{".ferry.yaml": checkoutFiles("")[".ferry.yaml"]})
	h.arrive("1.3.0")
	if again := h.staging(); !strings.Contains(again.Title, "1.3.0") {
		t.Errorf("the promotion is %+v", again)
	}
}

// TestAForgeThatHidesTheFile answers 404 or 403 for .ferry.yaml although it stands in the tree: that changes nothing.
func TestAForgeThatHidesTheFile(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusNotFound, http.StatusForbidden} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			t.Parallel()
			h := newCheckout(t, "")
			h.arrive("1.1.0")
			p := h.staging()
			h.forge.ResetRequests()
			h.forge.Faults().Fail(sandbox.Fault{Method: "GET", Route: "/repos/{owner}/{repo}/contents/{path}", Status: status, Times: 20})
			h.commit(acmeEnv, map[string]string{".ferry.yaml": checkoutFiles("")[".ferry.yaml"] + "# a remark\n"})
			h.sweep()
			if got := h.staging(); got.Number != p.Number || got.Head.SHA != p.Head.SHA {
				t.Errorf("the promotion was %+v and is %+v", p, got)
			}
			if h.asked("GET /repos/{owner}/{repo}/contents/{path}") == 0 {
				t.Fatal("nobody asked for the file")
			}
			if page := h.page("/metrics"); !strings.Contains(page, `ferry_jobs_total{kind="observe",result="put_off"}`) {
				t.Error("the metrics do not say that the observation was put off")
			}
			h.forge.Faults().Clear()
			h.later(sweepAfter)
			if problem := query[string](h, `select failure from repositories where name = 'environments'`); problem != "" {
				t.Errorf("still failing: %s", problem)
			}
			if got := h.staging(); got.Number != p.Number {
				t.Errorf("the promotion was %+v and is %+v", p, got)
			}
		})
	}
}

// TestHostileManifests: what a manifest holds may stop its own app, never the repository.
func TestHostileManifests(t *testing.T) {
	t.Parallel()
	files := checkoutFiles("")
	files[".ferry.yaml"] += "  - name: cart\n    images: [ghcr.io/acme/cart]\n    manifests: [\"apps/cart/{env}/kustomization.yaml\"]\n"
	for name, content := range map[string]string{
		"a NUL in a tag":         "kind: Kustomization\nimages:\n  - name: ghcr.io/acme/cart\n    newTag: \"1\\0\"\n",
		"a NUL in the file":      "kind: Kustomization\x00\nimages: []\n",
		"no UTF-8":               "kind: Kustomization\nimages:\n  - name: ghcr.io/acme/cart\n    newTag: \"\xff\xfe\"\n",
		"an alias that blows up": "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c]\ne: [*d,*d,*d,*d,*d,*d,*d]\n",
		"deep":                   strings.Repeat("[", 20000),
		"a long tag":             "kind: Kustomization\nimages:\n  - name: ghcr.io/acme/cart\n    newTag: " + strings.Repeat("x", 100_000) + "\n",
		"a bidi tag":             "kind: Kustomization\nimages:\n  - name: ghcr.io/acme/cart\n    newTag: \"1\u202e2 | @acme/all <img src=x>\"\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t)
			files := map[string]string{"apps/cart/dev/kustomization.yaml": kustomization("cart", "1.0.0"), "apps/cart/staging/kustomization.yaml": kustomization("cart", "1.0.0"), ".ferry.yaml": files[".ferry.yaml"]}
			for path, content := range checkoutFiles("") {
				if path != ".ferry.yaml" {
					files[path] = content
				}
			}
			h.environments(acmeEnv, files)
			h.commit(acmeEnv, map[string]string{"apps/cart/dev/kustomization.yaml": content})
			h.arrive("1.1.0")
			h.staging()
			h.page("/")
			if failure := query[string](h, `select failure from repositories where name = 'environments'`); failure != "" {
				t.Errorf("observing fails: %s", failure)
			}
		})
	}
}
